#!/usr/bin/env bash
# The line of a training on a terminal, through a pseudo-terminal of script(1): drawn over, as wide as there is room, gone before any
# other line. CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh
if ! command -v script >/dev/null; then
  echo 'progress: not tried: there is no script(1)'
  printf '0 passed, 0 failed\n'
  exit 0
fi

train="train text --hidden 160 --batch 10 --steps 20 --epochs 2 --clip 5 --input text"
head -c 30000 tasks/text/default.txt >"$work/text"

# Runs a shell's command line on a terminal; what the terminal got is in $work/out, drawn lines of it in $work/drawn.
on_terminal() {  # COLUMNS VARIABLES COMMAND
  code=0
  : >"$work/err"
  (cd "$work" && rm -rf run && SHELL=/bin/sh script -qec "stty cols $1; exec env -u NO_COLOR -u LC_ALL -u LC_CTYPE TERM=xterm LANG=C.UTF-8 $2 $3" /dev/null) \
    </dev/null >"$work/out" 2>/dev/null || code=$?
  grep -aoP '\r\e\[K[^\r\n]+(?=\r\e)' "$work/out" | sed -E 's/^\r\x1b\[K//' >"$work/drawn"
}
widest() { sed -E 's/\x1b\[[0-9;]*m//g' "$work/drawn" | LC_ALL=C.UTF-8 wc -L; }
drawn_matches() { grep -qP -- "$1" "$work/drawn"; }
out_has() { grep -qaF -- "$1" "$work/out"; }
lacks() { ! "$@"; }
# What is drawn is cleared before anything else is said: no line that stays ends with it.
is_clean() { lacks grep -qaP '(^| )loss [0-9]|measuring|validating' <(sed -E 's/.*\x1b\[K//' "$work/out"); }

for columns in 20 40 80 200; do
  on_terminal "$columns" '' "$program $train --out run"
  check "$columns columns: ends well" test "$code" = 0
  check "$columns columns: the line is drawn again and again" test "$(wc -l <"$work/drawn")" -ge 3
  check "$columns columns: it is never as wide as the terminal" test "$(widest)" -lt "$columns"
  check "$columns columns: it shows the loss" drawn_matches 'loss [0-9]'
  check "$columns columns: other lines are whole" is_clean
  check "$columns columns: epochs are told" out_matches '^.*epoch 2/2  train_loss [0-9.]+  validation_loss [0-9.]+ '
done
check '200 columns: all there is to show' drawn_matches '^epoch [12]/2  .*━.*─.*  step +\d+/\d+  loss \d\.\d{4} .*[▁▂▃▄▅▆▇█].*  [0-9.]+ steps/s  \d:\d\d left$'
check '200 columns: with colours' out_has $'\e[36m━'

on_terminal 80 NO_COLOR=1 "$program $train --out run"
check 'NO_COLOR: no colours' lacks out_has $'\e[3'
check 'NO_COLOR: drawn all the same' drawn_matches '━.*loss'
on_terminal 80 NO_COLOR= "$program $train --out run"
check 'NO_COLOR that is empty: colours' out_has $'\e[36m'
for locale in LANG=C LC_ALL=POSIX LC_CTYPE=de_DE.ISO-8859-1; do
  on_terminal 80 $locale "$program $train --out run"
  check "$locale: only ASCII" lacks grep -qaP '[^\x00-\x7f]' "$work/drawn"
  check "$locale: drawn all the same" drawn_matches '[=-]{5}.*  loss [0-9.]+ .*[_.~^-]{3}'
done
on_terminal 80 LC_ALL=en_GB.utf8 "$program $train --out run"
check 'a locale of UTF-8 by its other name' drawn_matches '─'

on_terminal 80 TERM=dumb "$program $train --out run"
check 'a dumb terminal: nothing is drawn over' lacks grep -qaP '\e' "$work/out"
check 'a dumb terminal: epochs are told' out_matches '^epoch 2/2 '
on_terminal 80 '' "$program $train --out run --quiet"
check 'quiet: nothing is drawn' lacks grep -qaP '\e' "$work/out"
check 'quiet: no epochs are told' lacks out_has 'epoch 1/'
run train text --hidden 64 --batch 10 --steps 20 --epochs 2 --clip 5 --input text --out plain
check 'a file: nothing is drawn' lacks grep -qP '[\e\r]' "$work/err"
check 'a file: epochs are told' grep -qE '^epoch 2/2 ' "$work/err"

long="train text --hidden 64 --batch 10 --steps 20 --epochs 100000 --clip 5 --input text --out run"
on_terminal 80 '' "timeout --foreground -s INT 1 $program $long"
check 'Ctrl-C: the line is gone before it is said where it stopped' grep -qaP '\r\e\[Kcarousel: stopped in epoch \d+, saved in run/last\.safetensors; ' "$work/out"
check 'Ctrl-C: other lines are whole' is_clean
# The second Ctrl-C comes while the step of the first one has still to end.
slow="train text --hidden 512 --batch 50 --steps 100 --epochs 99 --out run"
on_terminal 80 '' "sh -c '$program $slow & sleep 3; kill -INT \$!; sleep 0.1; kill -INT \$!; wait \$!'"
check 'Ctrl-C twice: a line had been drawn' drawn_matches ' loss [0-9]'
check 'Ctrl-C twice: ends at once' test "$code" = 130
check 'Ctrl-C twice: nothing is left on the line' is_clean
on_terminal 80 '' "$program eval nowhere"
check 'an error: one whole line' test "$(tr -d '\r' <"$work/out")" = 'carousel: nowhere: there is no such folder or file'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
