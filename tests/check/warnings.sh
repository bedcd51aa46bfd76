#!/usr/bin/env bash
# Warnings of trainings that go wrong, each once and with something to try; none of one that goes well. CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

warns() { test "$(grep -c '^carousel: warning: ' "$work/err")" = 1 && grep -qE -- "^carousel: warning: $1" "$work/err"; }
is_kept() { test "$(wc -l <"$work/$1/warnings.jsonl")" = 1 && grep -qE "^\{\"step\":[0-9]+,\"kind\":\"$2\",\"text\":\".*\"\}$" "$work/$1/warnings.jsonl"; }
lacks() { ! "$@"; }
head -c 3000 tasks/text/default.txt >"$work/tiny"
text=(train text --quiet --input tiny --batch 2 --steps 20)

run "${text[@]}" --hidden 64 --epochs 3 --out well
check 'a training that goes well: no warning' lacks grep -q warning "$work/err"
check 'a training that goes well: no file of them' test ! -e "$work/well/warnings.jsonl"

run train add --quiet --out sums
check 'examples that are new in each epoch are not learned by heart' lacks grep -q warning "$work/err"

run "${text[@]}" --hidden 128 --epochs 40 --out by-heart
check 'learned by heart' warns 'the validation was best in epoch [0-9]+, .*; try --patience 3, which ends it then, or --dropout 0\.2, '
check 'learned by heart: it is kept' is_kept by-heart overfitting
run "${text[@]}" --hidden 128 --epochs 42 --resume by-heart
check 'learned by heart, resumed: it is not said again' lacks grep -q warning "$work/err"

run "${text[@]}" --hidden 16 --epochs 3 --rate 1e-9 --schedule constant --out still
check 'a rate that is too small' warns 'the loss has not moved in [0-9]+ steps, .*: a step moves the parameters by [0-9e-]+ of what they are: try --rate 1e-08$'
check 'a rate that is too small: it is kept' is_kept still 'loss not moving'

run "${text[@]}" --hidden 32 --epochs 8 --rate 10 --schedule constant --out shut
check 'a rate that is too large: gates are shut' grep -qE '^carousel: warning: [0-9]+ % of the gates of a layer are fully open or shut over a sample and let no gradient through: try --rate 1$' "$work/err"

run train add --quiet --hidden 16 --sequences 10000 --batch 20 --epochs 1 --clip 0.0001 --out bounded
check 'a bound that is too small' grep -qE '^carousel: warning: --clip 0\.0001 cuts more than 99 % off the gradient in nearly every step, ' "$work/err"

run train echo --quiet --cell rnn-relu --rate 50 --out blown
check 'an exploded loss: code 1' test "$code" = 1
check 'an exploded loss: what to try' grep -qE '^carousel: warning: the loss exploded in epoch [0-9]+, step [0-9]+: try --rate 0\.1(, or --clip 1)?$' "$work/err"
check 'an exploded loss: it is kept' grep -q '"kind":"exploded loss"' "$work/blown/warnings.jsonl"

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
