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

headers=(ops/elementwise.hpp ops/reduce.hpp)
before=''
compile() {  # STATEMENTS: the compiler's complaints
  printf '#include <carousel/%s>\n' "${headers[@]}" >"$folder/snippet.cpp"
  printf '%s\n' 'using namespace carousel;' "$before" 'void f(Var<float> a, Var<float> b, Var<double> wide) { (void)a, (void)b, (void)wide;' \
    "$1" '}' >>"$folder/snippet.cpp"
  "$compiler" -std=c++20 -march=native -fsyntax-only -fno-diagnostics-color -I"$build/include" "$folder/snippet.cpp" 2>&1
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

most_lines=1000  # of a compiler's complaints
refuses() {  # MESSAGE STATEMENTS
  local complaints lines
  if complaints=$(compile "$2"); then
    failed=$((failed + 1))
    printf 'compiles: %s\n' "$2"
  elif lines=$(wc -l <<<"$complaints") && ((lines > most_lines)); then
    failed=$((failed + 1))
    printf '%d lines, %d at most: %s\n%s\n' "$lines" "$most_lines" "$2" "$complaints"
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
max_of_two='max of two, element by element, is maximum(a, b); along an axis it is max(x, Axis{0})'
compiles 'Var<float> c = max(a) + max(a, Axis{-1}); Var<double> d = max(wide * 2, Axis{0}); (void)c; (void)d;'
refuses "$max_of_two" 'Var<float> c = max(a, 0.5);'
refuses "$max_of_two" 'Var<float> c = max(a, 0);'
refuses "$max_of_two" 'Var<float> c = max(0, a * b);'
refuses "$max_of_two" 'Var<float> c = max(a, b);'


# Cells and their states: a sentence within twelve lines.
headers=(models/cells/lstm.hpp models/proof/check.hpp models/sequence/runner.hpp)
most_lines=12
cell='State start(Index) const { return {}; } State operator()(Var<float>, State s) const { return s; }'
before="struct Good { using State = Var<float>; $cell };
struct Bare { Var<float> h, c; };
struct Scalarless { Var<float> h, c; auto members() { return std::tie(h, c); } };
struct Memberless { using Scalar = float; Var<float> h, c; };
struct OfBare { using State = Bare; $cell };
struct OfScalarless { using State = Scalarless; $cell };
struct OfMemberless { using State = Memberless; $cell };
struct Nameless { Var<float> start(Index) const { return {}; } Var<float> operator()(Var<float>, Var<float> h) const { return h; } };
struct Startless { using State = Var<float>; State operator()(Var<float>, State s) const { return s; } };
struct WithoutState { using State = Var<float>; State start(Index) const { return {}; } State operator()(Var<float> x) const { return x; } };
template <class T> const T& some();"
compiles 'scan(Good(), a); scan(Good(), a * b, b); (void)step(Good(), a, b); AnyCell<float> any = Good(); Runner<Good> run(Good(), 1);
  scan([](Var<float> x, Var<float> h) { return tanh(x + h); }, a, b); scan(Startless(), a, b); scan(any, a, ScanOptions{});'
mixed='affine: float and double do not mix'
refuses "$mixed" 'Var<float> y = affine(a, wide);'
refuses "$mixed" 'Var<double> y = affine(wide, wide, wide, some<Param<float>>());'
refuses "$mixed" 'Var<float> y = affine(a, b, wide * 2);'
refuses 'affine: an operand is a number' 'Var<float> y = affine(a, b, 1);'
state='a state is a Var<T>, or names its scalar (using Scalar = T;) and lists its Vars, the output first'
for cell in OfBare OfScalarless OfMemberless; do
  refuses "$state" "scan($cell(), a);"
  refuses "$state" "scan($cell(), a, $cell().start(1));"
  refuses "$state" "step($cell(), a, $cell().start(1));"
  refuses "$state" "AnyCell<float> any = $cell();"
done
refuses "$state" 'scan([](Var<float>, Bare s) { return s; }, a, Bare());'
refuses 'a cell names its state (using State = Var<T>;)' 'scan(Nameless(), a);'
start='this cell has no start: give it one (State start(Index batch) const), or scan the state to start from'
refuses "$start" 'scan(Startless(), a);'
refuses "$start" 'scan(Startless(), a, {.reverse = true});'
refuses "$start" 'AnyCell<float> any = Startless();'
refuses "$start" 'Runner<Startless> run(Startless(), 1);'
refuses 'a cell makes of x and its state the next one: State operator()(Var<T> x, State s) const' 'scan(WithoutState(), a);'
refuses 'x is of another scalar, float or double, than the cell' 'scan(Good(), wide);'
refuses 'x is of another scalar, float or double, than the cell' 'step(Good(), wide, a);'
refuses 'this cell is of another scalar, float or double, than what it is to be used with' 'AnyCell<double> any = Good();'
most_lines=30
refuses "$state" 'Runner<OfBare> run(OfBare(), 1);'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
