#!/usr/bin/env bash
# Every task has the flags that every training has, or refuses one with the line that its help says: a tiny training of each task with
# all of them at once, whose configuration must say them, and the same bits on one thread and on two.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh
unset CAROUSEL_DATA

flags='cell hidden layers bidirectional dropout optimizer rate schedule clip batch epochs seed threads out patience resume preset quiet'
given=(--cell gru --hidden 4 --layers 2 --dropout 0.25 --optimizer rmsprop --rate 0.001 --schedule cosine --clip 0.5 --batch 4 --epochs 2 --seed 3 --patience 9 --quiet)
said='"cell":"gru" "hidden":"4" "layers":"2" "dropout":"0.25" "update_rule":"rmsprop" "rate":"0.001" "schedule":"cosine" "clip":"0.5" "batch":"4" "epochs":"2" "seed":"3" "patience":"9"'

# What makes a training of a task tiny; and why it refuses --bidirectional, or "both".
declare -A tiny=(
  [text]='--input words.txt --steps 5' [echo]='' [count]='--sequences 8' [sin]='--sequences 8' [series]='--input series.csv --window 6 --horizon 2'
  [curve]='--points 20' [mnist]='--images 16 --validation 8' [copy]='--lists 8 --length 3' [reverse]='--lists 8 --length 3' [sort]='--lists 8 --length 3'
  [add]='--sequences 8' [table]='--window 3 --passes 1' [ocr]='--images 8 --channels 1' [eeg]='--series 3 --seconds 20 --test 1 --steps 20'
)
declare -A ways=(
  [text]='the model would see the character it has to predict' [echo]='each number is answered before the next inputs come'
  [count]='the model would see the digit it has to predict' [sin]='the model would see the point it has to predict' [series]=both
  [curve]='the net reads nothing, and a point is made from those before' [mnist]=both [copy]=both [reverse]=both [sort]=both [add]=both [table]=both
  [ocr]=both [eeg]='events are found while they happen, from what came before'
)
for ((i = 0; i < 300; ++i)); do printf 'the %d th line of a text to learn from\n' "$i"; done >"$work/words.txt"
awk 'BEGIN { print "x"; for (t = 0; t < 80; ++t) print sin(t / 3) + t % 7 }' >"$work/series.csv"

run list
check 'list: every task is tried here' test "$(sed -nE 's/^task  ([a-z]+) .*/\1/p' "$work/out" | sort | xargs)" = "$(printf '%s\n' "${!tiny[@]}" | sort | xargs)"
for task in "${!tiny[@]}"; do
  run train "$task" --help
  for flag in $flags; do check "$task --$flag: in its help" out_matches "^  --$flag( |\$)"; done
  tr -s ' \n' ' ' <"$work/out" >"$work/help"
  read -ra small <<<"${tiny[$task]}"
  both=()
  if [[ ${ways[$task]} == both ]]; then
    both=(--bidirectional)
  else
    check "$task --bidirectional: help says why not" grep -qF -- "--bidirectional not here: ${ways[$task]}" "$work/help"
    expect_error "--bidirectional: not here, ${ways[$task]}: must be left out" train "$task" --bidirectional --out refused
    both=(--bidirectional=no)
  fi
  for threads in 1 2; do
    run train "$task" "${given[@]}" "${small[@]}" "${both[@]}" --threads $threads --out "$task-$threads"
    check "$task, all flags, --threads $threads: ends with 0" test "$code" = 0
    check "$task, all flags, --threads $threads: a result" grep -q "^result: $task " <(last_line)
  done
  tr -d ' \n' <"$work/$task-1/config.json" >"$work/config"
  for words in $said; do check "$task: config.json says $words" grep -qF -- "$words" "$work/config"; done
  [[ ${ways[$task]} == both ]] && check "$task: config.json says that it reads both ways" grep -qF '"bidirectional":"yes"' "$work/config"
  check "$task: the same bits on two threads as on one" same_bits "$task-1/last.safetensors" "$task-2/last.safetensors"
done

# A table that is a series; a line of digits read from the left alone.
expect_error '--bidirectional: a row of a series is answered before the next one comes: must be with --window N' train table --bidirectional --out refused
check 'table --bidirectional without --window: no folder is left' test ! -e "$work/refused"
run train ocr "${given[@]}" --images 8 --channels 1 --bidirectional=no --out one-way
check 'ocr --bidirectional=no: ends with 0' test "$code" = 0
check 'ocr --bidirectional=no: a smaller model' test "$(wc -c <"$work/one-way/best.safetensors")" -lt "$(wc -c <"$work/ocr-1/best.safetensors")"
run eval one-way
check 'ocr --bidirectional=no: eval' grep -q '^result: ocr string_accuracy=' <(last_line)

# Nothing validates echo, count and table: their patience is with the loss.
run train count --optimizer sgd --rate 1e-12 --epochs 40 --patience 1 --sequences 8 --out patient-count
check 'count --patience: ends when the loss gets no better' grep -q '^carousel: ended after epoch [0-9]*: 1 epochs without a better train_loss' "$work/err"

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
