#!/usr/bin/env bash
# Misuse of expressions does not compile, and says why in one line. Each snippet is compiled as it stands and must fail with its
# message; a right one beside them must compile, so that a broken set-up is not taken for a refusal.
set -uo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
build=${CAROUSEL_BUILD:-$root/build}
compiler=${CXX:-c++}

folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
passed=0
failed=0

compile() {  # STATEMENTS: the compiler's complaints
  printf '%s\n' '#include <carousel/ops/elementwise.hpp>' '#include <carousel/ops/reduce.hpp>' 'using namespace carousel;' \
    'void f(Var<float> a, Var<float> b, Var<double> wide) { (void)wide;' "$1" '}' >"$folder/snippet.cpp"
  "$compiler" -std=c++20 -march=native -fsyntax-only -I"$build/include" "$folder/snippet.cpp" 2>&1
}

compiles() {  # STATEMENTS
  local complaints
  if complaints=$(compile "$1"); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'does not compile: %s\n%s\n' "$1" "$complaints"
  fi
}

refuses() {  # MESSAGE STATEMENTS
  local complaints
  if complaints=$(compile "$2"); then
    failed=$((failed + 1))
    printf 'compiles: %s\n' "$2"
  elif [[ $(grep -m 3 -E '(error|note): ' <<<"$complaints") == *"$1"* ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'says something else than "%s": %s\n%s\n' "$1" "$2" "$(head -n 5 <<<"$complaints")"
  fi
}

named='an expression held by auto would be computed again at each use: name it Var<T>'
compiles 'Var<float> e = a + b; Var<float> c = e * e; Var<double> d = where(wide > 0, sin(wide), 2); (void)sum(a * b); (void)c; (void)d;'
refuses "$named" 'auto e = a + b; Var<float> c = e * e;'
refuses "$named" 'auto e = a + b; Var<float> c = e * a;'
refuses "$named" 'auto e = a + b; Var<float> c = 2 - e;'
refuses "$named" 'auto e = a + b; Var<float> c = tanh(e);'
refuses "$named" 'auto e = a + b; Var<float> c = maximum(a, e);'
refuses "$named" 'auto e = a + b; Var<float> c = e;'
refuses "$named" 'auto e = a + b; (void)sum(e);'
refuses 'float and double do not mix in one expression' 'Var<float> c = a * wide;'
refuses 'more than 32 operands in one statement: name a part of it' \
  "Var<float> c = a$(printf ' + a%.0s' {1..32});"
refuses 'deleted function' 'Var<float> c = max(a, 0.5);'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
