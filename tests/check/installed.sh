#!/usr/bin/env bash
# A user's view of the installed library: the README's example and its two ops, compiled by one line against an installed copy.
set -euo pipefail
root=$(cd "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
build=${CAROUSEL_BUILD:-$root/build}
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
passed=0
failed=0

# NAME COMMAND...: right when the command succeeds; what it printed is shown when not.
check() {
  local name=$1
  shift
  if "$@" >"$folder/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'failed: %s\n' "$name"
    tail -n 30 "$folder/log"
  fi
}

# Block N of the README's C++.
block() { awk -v n="$1" '/^```cpp$/ { b++; next } /^```$/ { if (b == n) exit; next } b == n && b > 0' "$root/README.md"; }

check 'meson install' env DESTDIR="$folder" meson install -C "$build" --no-rebuild --quiet
pc=$(find "$folder" -name carousel.pc)
check 'the example of the README is tests/installed/main.cpp' diff <(block 1; echo; block 2) "$root/tests/installed/main.cpp"

flags() { PKG_CONFIG_PATH=$(dirname "$pc") pkg-config "--define-variable=prefix=$folder/usr/local" "$@" carousel; }
# The README's one line.
build_with() { bash -c "${CXX:-g++} -O1 $1 $(flags --cflags --libs) -o $2"; }

check 'the example compiles' build_with "$root/tests/installed/main.cpp" "$folder/example"
run_example() {
  (cd "$folder" && ./example) >"$folder/printed" || return 1
  grep -q '^right on [0-9]* of 1000 new sequences$' "$folder/printed" && [ -s "$folder/mgu.safetensors" ]
}
check 'the example proves, learns, saves, loads and answers' run_example
# And of the tour, which uses the library where it was built.
build_here() { bash -c "export PKG_CONFIG_PATH=$build/meson-uninstalled; ${CXX:-g++} -O0 $root/tests/installed/main.cpp \$(pkg-config --cflags --libs carousel) -o $folder/example"; }
check 'the example compiles against the build folder' build_here
check 'and does the same' run_example

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
check "the README's ops compile" build_with "$folder/ops.cpp" "$folder/ops"
check "the README's ops are right" "$folder/ops"

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
