#!/usr/bin/env bash
# A user's view of the library by pkg-config: installed to a prefix of the user's own, without root, the README's example and its two
# ops are compiled by one line; the example also against the folder where the library was built.
set -euo pipefail
# shellcheck source=tests/support/checks.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../support/checks.sh"

# Block N of the README's C++.
block() { awk -v n="$1" '/^```cpp$/ { b++; next } /^```$/ { if (b == n) exit; next } b == n && b > 0' "$root/README.md"; }
check 'the example of the README is tests/installed/main.cpp' diff <(block 1; echo; block 2) "$root/tests/installed/main.cpp"

# The README's way to install; --long compiles the library, otherwise the one that is there takes its place.
prefix=$folder/prefix
library=$folder/build-library
check 'meson setup with a prefix' meson setup --prefix "$prefix" "$library" "$root"
if [[ -n ${CAROUSEL_LONG:-} ]]; then
  check 'meson configure' meson configure -Doptimization=g "$library"
  check 'the library alone compiles' ninja -C "$library" libcarousel.a
else
  cp "$build/libcarousel.a" "$library"
fi
check 'meson install' meson install -C "$library" --no-rebuild --tags devel
empty() { [[ -z $1 ]] || { printf '%s\n' "$1"; false; }; }
check 'it writes in the prefix alone' empty "$(grep -v -e '^#' -e "^$prefix\(/\|\$\)" "$library/meson-logs/install-log.txt")"
check 'it installs headers, not sources' empty "$(find "$prefix" -type f -not -name '*.hpp' -not -path "$prefix/lib/*")"

pkg_config_path=$(dirname "$(find "$prefix" -name carousel.pc)")
# The README's one line.
build_with() { bash -c "export PKG_CONFIG_PATH=$1; ${CXX:-g++} -Og $2 \$(pkg-config --cflags --libs carousel) -o $3"; }
check 'the example compiles' build_with "$pkg_config_path" "$root/tests/installed/main.cpp" "$folder/example"
check 'the example proves, learns, saves, loads and answers' run_example "$folder/example"
# And that of the tour, which uses the library where it was built.
check 'the example compiles against the build folder' build_with "$build/meson-uninstalled" "$root/tests/installed/main.cpp" "$folder/example"
check 'and does the same' run_example "$folder/example"
# Its statements and those of the library must be for the same registers.
other_does_not_link() {
  ! bash -c "export PKG_CONFIG_PATH=$pkg_config_path; ${CXX:-g++} -O0 $root/tests/installed/main.cpp \
    \$(pkg-config --cflags --libs carousel | sed 's/-march=[^ ]*/-march=x86-64/') -o $folder/other" >"$folder/said" 2>&1 &&
    grep -q library_is_for_16_bytes "$folder/said"
}
if "${CXX:-g++}" -march=native -dM -E -x c++ /dev/null 2>/dev/null | grep '__AVX__' >/dev/null; then
  check 'a program for other registers than those of the library does not link' other_does_not_link
else
  echo 'passed over: a program for other registers: this processor has only one kind'
fi
check 'carousel.pc asks for nothing that only sources of the library want' empty "$(grep json "$pkg_config_path/carousel.pc")"

{
  printf '#include <carousel/carousel.hpp>\n#include <numeric>\nusing namespace carousel;\n'
  block 3 | grep -v '^Var<float> z'
  block 4
  cat <<'CPP'
int main() {
  Random random(1);
  const Tensor<double> x = init::normal<double>(0, 1)({2, 3}, random);
  const auto proof = gradcheck([](std::span<const Var<double>> v) { return cumulative_sum(Var<double>(softsign(v[0]) * v[0])); }, {{"x", x}});
  std::puts(proof.worst().describe().c_str());
  Tape<double> tape;
  const Var<double> y = cumulative_sum(tape.constant(tensor<double>({3}, {1, 2, 4})));
  const Var<double> s = softsign(tape.constant(tensor<double>({2}, {1, -3})));
  return proof.passed && y.value()(2) == 7 && s.value()(0) == 0.5 && s.value()(1) == -0.75 ? 0 : 1;
}
CPP
} >"$folder/ops.cpp"
check "the README's ops compile" build_with "$pkg_config_path" "$folder/ops.cpp" "$folder/ops"
check "the README's ops are right" "$folder/ops"
finish
