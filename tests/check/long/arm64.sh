#!/usr/bin/env bash
# The library for 64-bit ARM: compiled by Debian's cross compiler, its tests run under qemu-user. Packages of that machine are unpacked
# into a folder; the system's own are left alone.
set -euo pipefail
# shellcheck source=tests/support/checks.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../support/checks.sh"
build=$root/build-arm64

for tool in aarch64-linux-gnu-g++ qemu-aarch64 apt-get dpkg; do
  command -v "$tool" >/dev/null || { echo "passed over: no $tool (Debian: g++-aarch64-linux-gnu, qemu-user)"; finish; }
done

# Headers that are the same for every machine, and what pkg-config says of them.
mkdir -p "$folder/include" "$folder/pkgconfig"
for name in doctest nlohmann xflens xtensor xtensor-blas xtl; do
  [[ -d /usr/include/$name ]] || { echo "passed over: no /usr/include/$name"; finish; }
  ln -s "/usr/include/$name" "$folder/include/$name"
done
for name in nlohmann_json xtensor xtl; do
  sed "s|^prefix=.*|prefix=$folder|; s|^includedir=.*|includedir=$folder/include|" \
    "$(pkg-config --variable=pcfiledir "$name")/$name.pc" >"$folder/pkgconfig/$name.pc"
done

# OpenBLAS, which the tests of products compare with, from this system's archive.
archive=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State=$folder/apt" -o "Dir::State::status=$folder/status"
         -o "Dir::Cache=$folder/apt" -o "APT::Sandbox::User=$(id -un)")
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
: >"$folder/status"
apt_get() { (cd "$folder" && apt-get -qq "${archive[@]}" "$@") >"$folder/log" 2>&1; }
apt_get update || true  # other archives than Debian's may have no arm64
if apt_get download libopenblas0-pthread libgfortran5; then
  for package in "$folder"/*.deb; do dpkg -x "$package" "$folder/system"; done
else
  tail -n 3 "$folder/log"
  echo 'passed over: no arm64 packages of OpenBLAS from this archive'
  finish
fi
libraries=$folder/system/usr/lib/aarch64-linux-gnu
libraries=$libraries:$libraries/openblas-pthread

# shellcheck source=tasks/setup.sh
source "$root/tasks/setup.sh"
export PKG_CONFIG_LIBDIR=$folder/pkgconfig
unset CXX CXXFLAGS CAROUSEL_LONG
lock_build "$build"
rm -f "$build/build.ninja"  # the headers were elsewhere
programs=(tests/test-lib tests/test-ops tests/test-models)
if configure "$build" --cross-file "$root/tests/arm64.ini" -Dwerror=true && compile "$build" "${programs[@]}"; then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
  finish
fi
for program in "${programs[@]}"; do
  start=$SECONDS status=0 ok='' bad=''
  qemu-aarch64 -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$libraries" "$build/$program" >"$folder/log" 2>&1 || status=$?
  read -r ok bad < <(sed -nE 's/^\[doctest\] test cases: *[0-9]+ *\| *([0-9]+) passed *\| *([0-9]+) failed.*/\1 \2/p' "$folder/log") || true
  if [[ -z $ok ]]; then
    ok=0 bad=1
  elif ((status && bad == 0)); then
    bad=1
  fi
  ((status == 0)) || tail -n 60 "$folder/log"
  printf '%s: %d passed, %d failed, %d s\n' "$program" "$ok" "$bad" $((SECONDS - start))
  passed=$((passed + ok))
  failed=$((failed + bad))
done
finish
