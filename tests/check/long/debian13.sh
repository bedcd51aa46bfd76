#!/usr/bin/env bash
# The tree as a new user of Debian 13 meets it: a root folder of that release, made by debootstrap, and in it, from a clone of HEAD,
# `./tasks/run list` and `./tests/run`, with g++ and then with clang. All tests that run there are counted here.
# CAROUSEL_DEBIAN13 names a folder that keeps the root folder for the next time; without it, it is made anew and removed.
set -uo pipefail
# shellcheck source=tasks/setup.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../../tasks/setup.sh"
# shellcheck source=tests/support/checks.sh
source "$root/tests/support/checks.sh"

pass_over() {
  echo "passed over: Debian 13: $1"
  finish
}

((EUID == 0)) || pass_over 'a root folder can be entered by root only'
command -v debootstrap >/dev/null || pass_over 'no debootstrap here'
[[ $(git -C "$root" rev-parse --show-cdup 2>&1) == '' ]] || pass_over 'this tree is not the top of a git repository'
unshare --mount --pid --fork true 2>/dev/null || pass_over 'this machine allows no mounts of its own'
archive=$(apt-get indextargets --format "\$(REPO_URI)" 'Origin: Debian' 'Label: Debian' 'Created-By: Packages' 2>/dev/null | sed -n 1p)
[[ $archive == http:* ]] || pass_over 'apt knows no archive of Debian that is read by http'

trap 'exit 130' INT TERM
home=${CAROUSEL_DEBIAN13:-$folder}/debian13
mkdir -p "$home" || pass_over "cannot write in $home"
free=$(df --output=avail -BG "$home" | tail -n 1 | tr -dc 0-9)
((free >= 8)) || pass_over "it needs 8 GB of disk, $home has $free"

if [[ ! -e $home/made ]]; then
  rm -rf --one-file-system -- "$home/root"
  unshare --mount debootstrap --variant=minbase trixie "$home/root" "$archive" >"$folder/log" 2>&1 ||
    pass_over "debootstrap could not make it from $archive: $(tail -n 1 "$folder/log")"
  echo force-unsafe-io >"$home/root/etc/dpkg/dpkg.cfg.d/fast"  # a crash may cost this folder
  touch "$home/made"
fi

# COMMAND... in the root folder. Its mounts and processes are its own, and end with it.
inside() {
  # shellcheck disable=SC2016  # for the shell in there
  unshare --mount --pid --fork --kill-child bash -c \
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && chroot "$0" "$@"; exit' "$home/root" \
    /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} "$@" </dev/null
}

lists_tasks() { inside "CXX=$1" /carousel/tasks/run list >"$folder/listed" && grep -q '^task  text ' "$folder/listed"; }
no_warning() { [[ -s $home/root/carousel/build/compile.log ]] && ! grep 'warning:' "$home/root/carousel/build/compile.log"; }

for compiler in g++ clang++; do
  rm -rf -- "$home/root/carousel"
  check "a clone for $compiler" git clone -q --no-hardlinks "$root" "$home/root/carousel"
  [[ $compiler == clang++ ]] && check 'clang is installed' inside apt-get install -y --no-install-recommends clang
  check "$compiler: ./tasks/run list" lists_tasks "$compiler"
  check "$compiler: the program compiles without a warning" no_warning
  inside "CXX=$compiler" /carousel/tests/run 2>"$folder/said" | tee "$folder/tested"
  if [[ $(tail -n 1 "$folder/tested") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
  else
    failed=$((failed + 1))
    echo "FAILED: $compiler: ./tests/run ends without counts"
    tail -n 100 "$folder/said"
  fi
  check "$compiler: the tests compile without a warning" no_warning
  check "$compiler is the compiler that was used" grep -q "\"command\": \"$compiler " "$home/root/carousel/build/compile_commands.json"
done
rm -rf -- "$home/root/carousel"
finish
