#!/usr/bin/env bash
# `carousel graph`, and what a training says of itself: --graph, --profile.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 1
# shellcheck source=tests/program.sh
source tests/program.sh

drawn() {  # FILE: Graphviz reads it, and finds nothing to complain about
  command -v dot >/dev/null || return 0
  dot -Tcanon "$work/$1" >"$work/canon" 2>"$work/complaints" && ! [[ -s $work/complaints ]]
}
lacks() { ! "$@"; }
command -v dot >/dev/null || echo 'drawings: not read again: there is no Graphviz'

for cell in $("$program" list | sed -nE 's/^cell +([^ ]+) .*/\1/p'); do
  run graph "$cell" --out "$cell.dot"
  check "graph $cell: code 0" test "$code" = 0
  check "graph $cell: Graphviz reads it" drawn "$cell.dot"
  run graph "$cell" --backward --out "$cell-back.dot"
  check "graph $cell --backward: Graphviz reads it" drawn "$cell-back.dot"
done
run graph lstm
check 'graph lstm: on standard output' cmp -s "$work/out" "$work/lstm.dot"
check 'graph lstm: the statement is its formula' out_matches 'c′ = σ\(f\)∘c \+ σ\(i\)∘tanh\(g\)'
check 'graph lstm: the state goes back' test "$(grep -c 'style=dashed' "$work/out")" = 2

run graph copy --out copy.dot
check 'graph copy: code 0' test "$code" = 0
check 'graph copy: Graphviz reads it' drawn copy.dot
check 'graph copy: layers with their parameters' grep -q 'encoder/' "$work/copy.dot"
run graph text
cp "$work/out" "$work/text.dot"
check 'graph text: Graphviz reads it' drawn text.dot
check 'graph text: the readout and the loss' test "$(grep -cE 'readout/w|cross_entropy: the loss' "$work/out")" = 2
run train text --layers 3 --graph text3.dot
check 'train text --layers 3 --graph: three layers' test "$(grep -oE 'lstm layer [0-9]' "$work/text3.dot" | sort -u | wc -l)" = 3
check 'train text --graph: nothing is trained' test ! -e "$work/runs"

if command -v dot >/dev/null; then
  run graph gru --out gru.svg
  check 'graph gru --out gru.svg: code 0' test "$code" = 0
  check 'graph gru --out gru.svg: a picture' grep -q '^<svg' "$work/gru.svg"
  run graph gru --out gru.png
  check 'graph gru --out gru.png: a picture' grep -qaF $'PNG\r' "$work/gru.png"
  check 'graph gru --out gru.svg: nothing else is left' test "$(find "$work" -name 'gru.svg*' | wc -l)" = 1
fi
mkdir "$work/empty"
run graph gru --out gru.jpg
check 'graph gru --out gru.jpg: one line says what it may be, and nothing is written' test "$code/$(cat "$work/err")/$(find "$work" -name 'gru.jpg*')" = \
  '2/carousel: graph: gru.jpg: must end in .dot, .gv, .svg or .png/'
(cd "$work" && PATH=$work/empty "$program" graph gru --out none.svg) >"$work/out" 2>"$work/err"
code=$?
check 'graph without Graphviz: code 2' test "$code" = 2
check 'graph without Graphviz: a line that names the package' test "$(cat "$work/err")" = 'carousel: graph: none.svg: Graphviz, which draws it, is not there: apt-get install graphviz, or --out FILE.dot'
check 'graph without Graphviz: no file is left' test -z "$(find "$work" -name 'none.svg*')"

run graph lstn
check 'graph of nothing: code 2' test "$code" = 2
check 'graph of nothing: a line with what there is' grep -qE '^carousel: graph: lstn \(did you mean lstm\?\): must be one of lstm, .*, echo, ' "$work/err"
run graph peephol
check 'graph of a part of a name' grep -qF 'carousel: graph: peephol (did you mean lstm-peephole?): must be one of lstm, ' "$work/err"
run graph text --backward
check 'graph text --backward: code 0' test "$code" = 0
cp "$work/out" "$work/text-back.dot"
check 'graph text --backward: Graphviz reads it' drawn text-back.dot
check 'graph text --backward: from the loss to the parameters' test "$(grep -cE 'the loss: δ = 1|dreadout/w = xᵀ·δ|back through lstm layer 0|gradients of one step' "$work/text-back.dot")" = 4
check 'graph text --backward: what gets no gradient is left out' lacks grep -q '>data<' "$work/text-back.dot"
run train echo --backward
check '--backward alone: one line' test "$(cat "$work/err")" = 'carousel: --backward: says what --graph draws: must be with it'
for task in $("$program" list | sed -nE 's/^task +([^ ]+) .*/\1/p'); do
  run graph "$task" --backward --out "$task-back.dot"
  check "graph $task --backward: code 0" test "$code" = 0
  check "graph $task --backward: Graphviz reads it" drawn "$task-back.dot"
done
check 'graph copy --backward: the query gets a sum over time' grep -qF '>dx = δ∘tanh′(x + y)</td></tr><tr><td colspan="1">dy = Σ δ∘tanh′(x + y) over axis 0<' "$work/copy-back.dot"
check 'graph copy --backward: the weights of the states get a sum over features' grep -qF '>dx = Σ δ∘y over axis 2</td></tr><tr><td colspan="1">dy = δ∘x<' "$work/copy-back.dot"
check 'graph count --backward: a start that is learned gets a sum over the batch' grep -qF '>dcell/0/h0 = Σ δ over axis 0<' "$work/count-back.dot"

run train count --epochs 2 --profile --out profiled
check 'train --profile: code 0' test "$code" = 0
check 'train --profile: a table' grep -qE '^op +calls +forward +backward +time +values +gradients$' "$work/err"
check 'train --profile: layers' grep -qE '^layer 0 ' "$work/err"
check 'train --profile: profile.json' grep -q '"name": "gradients of weights"' "$work/profiled/profile.json"
run train count --epochs 2 --out plain
check 'train --profile: the same bits as without' same_bits profiled/last.safetensors plain/last.safetensors

run train count --profile --trace-nonfinite
check 'train --profile --trace-nonfinite: one line' test "$(cat "$work/err")" = 'carousel: --profile: not together with --trace-nonfinite, whose cost it would show'

if command -v gdb >/dev/null && [[ -n ${CAROUSEL_BUILD:-} ]]; then
  printf '%s\n' '#include <carousel/ops/elementwise.hpp>' 'using namespace carousel;' 'void here() {}' \
    'int main() { Tape<float> tape; Var<float> x = tape.variable(full<float>({2, 3}, 1)); Var<float> y = tanh(x) * x; here(); }' >"$work/print.cpp"
  # shellcheck disable=SC2046
  "${CXX:-g++}" -std=c++20 -g -O0 -march=native -w -I"$CAROUSEL_BUILD/include" "$work/print.cpp" -o "$work/print" "$CAROUSEL_BUILD/libcarousel.a" -pthread
  gdb -batch -ex 'break here' -ex run -ex up -ex 'call tape.print()' "$work/print" >"$work/out" 2>"$work/err"
  check 'gdb: call tape.print()' grep -qx '    %1  \[2, 3\] tanh(%0)∘%0' "$work/err"
else
  echo 'tape.print(): not called from a debugger: there is no gdb'
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
