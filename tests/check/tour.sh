#!/usr/bin/env bash
# The README's tour, each of its commands as it stands there, and the pictures that the trainings leave.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

mapfile -t commands < <(sed -nE '/^## A tour/,/^## A cell/ s|^    \./tasks/run ([^#]*[^# ]) *#?.*$|\1|p' README.md)
check 'the README has a tour' test "${#commands[@]}" -ge 6
for command in "${commands[@]}"; do
  read -ra words <<<"$command"
  run "${words[@]}"
  check "carousel $command: ends with 0" test "$code" = 0
  [[ $command == *runs/lstm* && $command == train* ]] && check 'the LSTM learns' awk '{ split($3, mse, "="); exit !(mse[2] < 0.1) }' <(last_line)
  [[ $command == *runs/rnn* && $command == train* ]] && check 'the simple network does not' awk '{ split($3, mse, "="); exit !(mse[2] > 0.15) }' <(last_line)
done
is_png() { [[ $(head -c 8 "$1" | od -An -tx1 | tr -d ' ') == 89504e470d0a1a0a ]]; }
for picture in "$work"/runs/reverse/pictures/*-where-it-looked.png "$work"/runs/lstm/pictures/*-gates-over-a-sample.png "$work"/runs/lstm/pictures/*-gradient-through-time.png; do
  check "the run keeps ${picture##*/}" is_png "$picture"
done
for run in reverse lstm rnn; do
  mapfile -t numbers < <(cd "$work/runs/$run/pictures" && printf '%s\n' *.png | cut -d - -f 1)
  check "the pictures of $run are numbered without gaps" test "${numbers[*]}" = "$(seq -f %02g -s ' ' "${#numbers[@]}")"
done
for picture in tasks/pictures/*.png; do
  check "$picture: is in the README" grep -qF "($picture)" README.md
  check "$picture: is small" test "$(wc -c <"$picture")" -lt 60000
done

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
