#!/usr/bin/env bash
# The task add from outside: small trainings, what can be done with what they save, their one-line errors.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

at_most() { last_line | awk -v name="$1" -v limit="$2" '{ for (i = 3; i <= NF; ++i) if (split($i, part, "=") && part[1] == name) good = part[2] <= limit + 0 } END { exit !good }'; }

small=(--quiet --hidden 16 --sequences 2000 --batch 20 --rate 0.01 --epochs 3)

# Sums of 5 to 15 numbers; who always says their mean has an error of 10 / 12 + 10 / 4 = 3.3.
run train add "${small[@]}" --out sum
check 'sum: ends with 0' test "$code" = 0
check 'sum: the result line' grep -qE '^result: add mse=[0-9.e-]+ baseline_mse=3\.[0-9]+ error_of_15_halves=[0-9.e-]+ error_of_20_halves=[0-9.e-]+ \((not better than )?always the mean: 3\.[0-9]+\)$' <(last_line)
check 'sum: learns' at_most mse 0.2
check 'sum: a line of metrics for each epoch' test "$(grep -c validation_mse "$work/sum/metrics.jsonl")" = 3
cp "$work/out" "$work/trained"
run eval sum
check 'sum: eval finds what the training found' same_bits out trained

# The adding problem; who always says 1 has an error of 1 / 6.
run train add "${small[@]}" --problem adding --steps 10 --out adding
check 'adding: learns' at_most mse 0.05
check 'adding: the result line' grep -qE '^result: add mse=[0-9.e-]+ baseline_mse=0\.1[67][0-9]* \((not better than )?always the mean: 0\.1[67][0-9]*\)$' <(last_line)
for options in '--cell gru --chrono=no' '--layers 2 --dropout 0.1' '--preset source --rate 0.02 --epochs 5'; do
  # shellcheck disable=SC2086
  run train add "${small[@]}" $options --out "options-${options// /_}"
  check "add $options: learns" at_most mse 1
done

# What was saved can be used.
printf '0.5 0.5\n\n1,0.25,0.25,0.5,0.5\n' >"$work/numbers"
run eval sum --input numbers
check 'eval --input: a line for each' test "$(grep -cE '^0\.5 0\.5 = 1, made: |^1 0\.25 0\.25 0\.5 0\.5 = 2\.5, made: ' "$work/out")" = 2
check 'eval --input: its result' out_matches '^result: add mse=[0-9.e-]+ sequences=2$'
printf '1 2\n3 x\n' >"$work/wrong"
expect_error 'read wrong: line 2: column 3: "x": must be a number' eval sum --input wrong
run sample sum --prime '0.25 0.5'
check 'sample: adds up what it is given' out_matches '^0\.25 0\.5 = 0\.75, made: [0-9.e-]+$'
run sample sum --length 3 --seed 4
check 'sample: draws as many as it is told' out_matches '^(0\.[0-9]+ ){3}= '
run sample adding --prime '0.5* 0.25 0.25*'
check 'sample: adds up what is marked' out_matches '^0\.5\* 0\.25 0\.25\* = 0\.75, made: '
expect_error '--prime: column 1: "two": must be a number, with a star if it counts' sample adding --prime two
expect_error '--prime: must have at least one number' sample sum --prime ' '

# A seed decides all, at any number of threads; a training that is resumed ends as the one that was not stopped.
run train add "${small[@]}" --out again --threads 2
check 'the same seed gives the same bits, on two threads too' same_bits sum/last.safetensors again/last.safetensors
run train add "${small[@]}" --out other --seed 2
check 'another seed gives others' differ sum/last.safetensors other/last.safetensors
run train add "${small[@]}" --schedule constant --problem adding --steps 8 --epochs 2 --out straight
run train add "${small[@]}" --schedule constant --problem adding --steps 8 --epochs 1 --out stopped
run train add --epochs 2 --resume stopped --quiet
check 'a training that is resumed ends with the same bits' same_bits straight/last.safetensors stopped/last.safetensors

# Errors
expect_error '--problem some: must be one of sum, adding' train add --problem some
expect_error '--steps 1: must be a whole number of 2 to 1048576' train add --problem adding --steps 1
expect_error 'add: 9 to 8 numbers: must be at least 1, and no fewer at most than at least' train add --shortest 9 --longest 8

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
