# shellcheck shell=bash
# What tasks/run and tests/run share: find and install packages, configure, compile. Sourced, never run.
# Everything it says goes to standard error, so that standard output carries results only.

root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")

say() { printf 'carousel: %s\n' "$*" >&2; }

# Debian package -> what shows that it is there (where dpkg does not know) and what it is for.
declare -A package_probe=(
  [g++]='tool g++' [meson]='tool meson' [ninja-build]='tool ninja' [pkg-config]='tool pkg-config'
  [libxtensor-dev]='module xtensor' [libxtensor-blas-dev]='header xtensor-blas/xlinalg.hpp'
  [libopenblas-dev]='module openblas' [nlohmann-json3-dev]='module nlohmann_json' [libcli11-dev]='module CLI11'
  [libfmt-dev]='module fmt' [zlib1g-dev]='module zlib' [libpng-dev]='module libpng' [libfreetype-dev]='module freetype2'
  [fonts-dejavu-core]='file /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf' [libjs-chart.js]='file /usr/share/javascript/chart.js/chart.min.js'
  [doctest-dev]='header doctest/doctest.h' [libdnnl-dev]='header dnnl.h'
  [libtorch-dev]='header torch/version.h' [clang]='tool clang++' [clang-tidy]='tool clang-tidy'
  [clang-format]='tool clang-format' [python3-torch]='python torch' [chromium]='tool chromium' [nodejs]='tool node' [npm]='tool npm' [curl]='tool curl' [protobuf-compiler]='tool protoc'
  [cmake]='tool cmake' [git]='tool git' [debootstrap]='tool debootstrap'
  [strace]='tool strace' [qemu-user]='tool qemu-x86_64' [g++-aarch64-linux-gnu]='tool aarch64-linux-gnu-g++'
)
declare -A package_purpose=(
  [g++]='compiler' [meson]='build' [ninja-build]='build' [pkg-config]='build' [libxtensor-dev]='arrays'
  [libxtensor-blas-dev]='matrix products' [libopenblas-dev]='matrix products'
  [nlohmann-json3-dev]='files' [libcli11-dev]='command line' [libfmt-dev]='text' [zlib1g-dev]='gzipped files' [libpng-dev]='pictures'
  [libfreetype-dev]='drawing of digits' [fonts-dejavu-core]='digits to draw' [libjs-chart.js]='curves of reports' [doctest-dev]='tests'
  [libdnnl-dev]='benchmark peer' [libtorch-dev]='benchmark peer' [clang]='second compiler, sanitizers'
  [clang-tidy]='lint' [clang-format]='lint' [python3-torch]='comparison with PyTorch' [chromium]='looks at reports'
  [nodejs]='drives it' [npm]='fetches its driver' [curl]='data sets' [protobuf-compiler]='reads event files'
  [cmake]='users of the library' [git]='wraps of Meson, clones' [debootstrap]='Debian 13 in a folder'
  [strace]='counts threads' [qemu-user]='other processors' [g++-aarch64-linux-gnu]='compiler for 64-bit ARM'
)
# shellcheck disable=SC2034  # read by the scripts that source this file
program_packages=(g++ meson ninja-build pkg-config libxtensor-dev libxtensor-blas-dev libopenblas-dev
                  nlohmann-json3-dev libcli11-dev libfmt-dev zlib1g-dev libpng-dev libfreetype-dev fonts-dejavu-core libjs-chart.js)

installed_by_dpkg() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed* ]]; }

has_package() {  # PACKAGE
  local kind what
  read -r kind what <<<"${package_probe[$1]:-none}"
  [[ $kind == tool ]] && { command -v "$what" >/dev/null; return; }
  installed_by_dpkg "$1" && return
  case $kind in
    file) [[ -e $what ]] ;;
    module) pkg-config --exists "$what" 2>/dev/null ;;
    header) printf '#include <%s>\n' "$what" | "${CXX:-g++}" -std=c++20 -E -x c++ - >/dev/null 2>&1 ;;
    python) /usr/bin/python3 -c "import $what" >/dev/null 2>&1 ;;
    *) false ;;
  esac
}

list_with_purpose() {  # PACKAGE...
  local package list=
  for package in "$@"; do list+="${list:+, }$package${package_purpose[$package]:+ (${package_purpose[$package]})}"; done
  printf '%s' "$list"
}

# Sets `become` to what makes a command run as root; fails, with the reason said, where nothing can.
become_root() {  # PACKAGE...
  become=()
  ((EUID == 0)) && return
  if ! command -v sudo >/dev/null; then
    say "not root, and no sudo here; as root: apt-get install -y $*"
    return 2
  fi
  become=(sudo)
  sudo -n true 2>/dev/null && return
  [[ -t 0 && -t 2 ]] && { say "sudo asks for your password"; return; }
  say "sudo wants a password and there is no terminal to ask on; as root: apt-get install -y $*"
  return 2
}

apt_get() {  # LOG ARGUMENT...
  local log=$1
  shift
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get -y -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1
}

install_packages() {  # PACKAGE...
  local log become
  become_root "$@" || return
  log=$(mktemp)
  say "installing with apt-get: $(list_with_purpose "$@")"
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || apt_get "$log" update || true
  if ! apt_get "$log" --no-install-recommends install "$@"; then
    : >"$log"
    apt_get "$log" update || true
    if ! apt_get "$log" --no-install-recommends install "$@"; then
      grep -E '^(E:|W: Failed|Err:)' "$log" | tail -n 5 >&2 || true
      say "apt-get could not install: $* (its whole output: $log)"
      return 2
    fi
  fi
  rm -f "$log"
}

# Installs what is missing of the packages named, with one apt-get install. Sets `packages_changed` when it installed any.
need_packages() {  # PACKAGE...
  local package missing=()
  for package in "$@"; do has_package "$package" || missing+=("$package"); done
  ((${#missing[@]})) || return 0
  if ! command -v apt-get >/dev/null; then
    say "missing, by their Debian names: $(list_with_purpose "${missing[@]}")"
    say "there is no apt-get here: install them with this system's package manager, then run this again"
    return 2
  fi
  install_packages "${missing[@]}" || return
  packages_changed=1
}

# One run at a time in a build folder; the lock falls with finish_build or with the process.
lock_build() {  # FOLDER
  if ! mkdir -p "$1" 2>/dev/null || [[ ! -w $1 ]]; then
    say "cannot write in $1"
    return 2
  fi
  command -v flock >/dev/null || return 0
  exec 9>"$1/.lock"
  flock -n 9 || { say "waiting for another run in ${1##*/}"; flock 9; }
}
finish_build() { exec 9>&-; }

# A folder counts as configured when Meson came to its end and for this very place: a tree that was moved starts again.
is_configured() {  # FOLDER
  [[ -s $1/build.ninja && -s $1/meson-private/coredata.dat && -s $1/meson-private/build.dat &&
     $(readlink "$1/include/carousel/lib") == "$root/lib" ]]
}

# What a compiler makes of -march=native here: its version, the extensions that it may use, and the model that it knows.
native_processor() {  # COMPILER, which stands in the first line
  echo "$1"
  # shellcheck disable=SC2086  # "ccache g++" is two words
  $1 -dumpfullversion -dumpversion 2>/dev/null
  # shellcheck disable=SC2086  # "ccache g++" is two words
  $1 -march=native -dM -E -x c++ /dev/null 2>/dev/null | sed -nE 's/^#define (__[A-Za-z0-9_]+__) 1$/\1/p' | sort
}

is_native() { grep -qs -e ' -march=native' "$1/meson-private/carousel.pc"; }  # FOLDER

# Whether what was compiled in a folder is for this processor and compiler: a home folder may be shared, a virtual machine moved. A
# folder that was configured for a processor by name stays so.
is_for_this_processor() {  # FOLDER
  [[ ! -e $1/processor ]] || ! is_native "$1" || [[ $(native_processor "$(head -n 1 "$1/processor")") == "$(<"$1/processor")" ]]
}

record_processor() {  # FOLDER
  [[ ! -e $1/processor ]] && is_native "$1" || return 0
  native_processor "${CXX:-g++}" >"$1/processor" || rm -f "$1/processor"
}

configure() {  # FOLDER [MESON OPTION...]
  local build=$1 log=$1/setup.log
  shift
  is_for_this_processor "$build" || { say "${build##*/}/ was made for another processor or by another compiler: making it anew"; rm -f "$build/build.ninja"; }
  if is_configured "$build"; then
    [[ -n ${packages_changed:-} ]] || { record_processor "$build"; return 0; }
    set -- --reconfigure "$@"
  else
    say "configuring ${build##*/}/"
    rm -rf "$build"/meson-private "$build"/meson-info "$build"/meson-logs "$build"/build.ninja "$build"/.ninja_log "$build"/.ninja_deps "$build"/processor
  fi
  if ! meson setup "$@" "$build" "$root" >"$log" 2>&1; then
    grep -E 'ERROR|error:' "$log" | tail -n 5 >&2 || tail -n 5 "$log" >&2
    say "could not configure (the whole output: $log)"
    return 2
  fi
  record_processor "$build"
}

# As many compilers as cores, and at most one for each GiB of memory: a file of templates takes up to that.
compile_jobs() {
  local cores memory
  cores=$(nproc 2>/dev/null || echo 1)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null || true)
  [[ -n $memory ]] && ((memory < cores)) && cores=$((memory > 0 ? memory : 1))
  echo "$cores"
}

show_progress() {  # LOG: copies standard input to it; a counter on a terminal, a line in a minute elsewhere
  local line shown= next=0
  : >"$1"
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$1"
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*) && ${BASH_REMATCH[3]} != Regenerating* ]] || continue
    if [[ -t 2 ]]; then
      printf '\r\033[Kcarousel: compiling %s of %s (minutes, the first time)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" >&2
    elif [[ -z $shown ]]; then
      say "compiling: ${BASH_REMATCH[2]} steps; the first time takes minutes"
      next=$((SECONDS + 60))
    elif ((SECONDS >= next)); then
      say "compiling: ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]} steps are done"
      next=$((SECONDS + 60))
    fi
    shown=1
  done
  [[ -t 2 && -n $shown ]] && printf '\r\033[K' >&2
  return 0
}

compile() {  # FOLDER TARGET...
  local build=$1 log=$1/compile.log status
  shift
  set +o pipefail
  NINJA_STATUS='[%f/%t] ' ninja -C "$build" -j "$(compile_jobs)" "$@" 2>&1 | show_progress "$log"
  status=${PIPESTATUS[0]}
  set -o pipefail
  ((status == 0)) && return
  awk '/^\[[0-9]+\/[0-9]+\]|^ninja: (Entering|build stopped)/ { next }
       /^FAILED: / { print; command = 1; next }
       command { command = 0; next }
       { print }' "$log" | head -n 60 >&2 || true
  say "could not compile (the whole output: $log)"
  return 2
}
