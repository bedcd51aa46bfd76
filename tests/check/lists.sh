#!/usr/bin/env bash
# The tasks copy, reverse and sort from outside: small trainings, what they save, what can be done with that, their one-line errors.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

small=(--quiet --length 4 --longer 6 --range 10 --hidden 24 --embedding 12 --lists 1500 --batch 25 --epochs 4 --rate 0.01)

# Each task learns; chance is one of ten numbers.
for task in copy reverse sort; do
  run train "$task" "${small[@]}" --out "$task"
  check "$task: ends with 0" test "$code" = 0
  check "$task: the result line" grep -qE "^result: $task token_accuracy=[0-9.]+ string_accuracy=[0-9.]+ longer_token_accuracy=[0-9.]+ longer_string_accuracy=[0-9.]+ \((not better than )?a uniform guess: 0\.[0-9]+\)$" <(last_line)
  check "$task: learns" at_least token_accuracy 0.9
  check "$task: shows a list of four and one of six" test "$(grep -cE "^$task: ([0-9] ){4}->( [0-9]){4}$|^$task: ([0-9] ){6}->( [0-9]){6}$" "$work/out")" = 2
  check "$task: saves the weights of attention, a row for each number made" test \
    "$(wc -l <"$work/$task/attention.csv")/$(head -n 1 "$work/$task/attention.csv" | grep -cE '^made(,[0-9]){4}$')/$(tail -n +2 "$work/$task/attention.csv" | grep -cE '^[0-9](,[01]\.[0-9]{6}){4}$')" = 5/1/4
  check "$task: and of a longer list" test "$(wc -l <"$work/$task/attention-longer.csv")" = 7
  cp "$work/out" "$work/trained"
  run eval "$task"
  check "$task: eval finds what the training found" same_bits out trained
done

run train sort "${small[@]}" --out none --attention none
check 'without attention: ends with 0' test "$code" = 0
check 'without attention: no weights are saved' test ! -e "$work/none/attention.csv"
for options in '--attention multiplicative' '--teacher-forcing off' '--cell gru --bidirectional' '--layers 2 --dropout 0.1' \
  '--preset source --batch 10 --epochs 10' '--schedule constant --optimizer rmsprop --rate 0.003 --clip 0'; do
  # shellcheck disable=SC2086
  run train reverse "${small[@]}" --epochs 8 $options --out "options-${options// /_}"
  check "reverse $options: learns" at_least token_accuracy 0.9
done

# As strings, 10 comes before 2.
run train sort --quiet --length 3 --longer 3 --range 20 --hidden 24 --embedding 12 --lists 3000 --batch 25 --epochs 6 --rate 0.01 --as-strings --out strings
check 'as strings: learns' at_least token_accuracy 0.9
expect_error 'train copy: --as-strings: no such option; carousel train copy --help lists them' train copy --as-strings

# What was saved can be used.
printf '1 2 3\n4,5\n\n 6 7 8 9 0\n' >"$work/lists"
run eval copy --input lists
check 'eval --input: reads lists of any lengths' out_matches '^result: copy token_accuracy=[0-9.]+ string_accuracy=[0-9.]+ lists=3$'
printf '1 2\n3 10\n' >"$work/wrong"
expect_error 'read wrong: line 2: "10": must be a whole number of 0 to 9' eval copy --input wrong
run sample copy --prime '3 1 4'
check 'sample: shows the list' out_matches '^given:  3 1 4$'
check 'sample: a row of weights for each number' test "$(grep -cE '^ +[0-9]( +[01]\.[0-9]{2}){3}$' "$work/out")" = 3
expect_error '--prime: "12": must be a whole number of 0 to 9' sample copy --prime '3 12'
expect_error '--prime: must have at least one number' sample copy --prime ' '
expect_error 'lists: 11 distinct numbers of 0 to 9: must be 1 to 10 of them' sample copy --length 11

# A seed decides all, at any number of threads; a training that is resumed ends as the one that was not stopped.
run train reverse "${small[@]}" --out again --threads 2
check 'the same seed gives the same bits, on two threads too' same_bits reverse/last.safetensors again/last.safetensors
run train reverse "${small[@]}" --out other --seed 2
check 'another seed gives others' differ reverse/last.safetensors other/last.safetensors
constant=("${small[@]}" --schedule constant --epochs)
run train reverse "${constant[@]}" 2 --out straight --bidirectional
run train reverse "${constant[@]}" 1 --out stopped --bidirectional
run train reverse --epochs 2 --resume stopped
check 'a training that is resumed ends with the same bits' same_bits straight/last.safetensors stopped/last.safetensors
expect_error '--bidirectional yes: the training in reverse has no: must be the same to go on, or left out' train reverse --resume reverse --bidirectional

# Errors
run train copy "${small[@]}" --epochs 1 --length 6 --range 8 --longer 0 --out narrow
check 'longer lists have at most as many numbers as there are' test "$(head -n 1 "$work/narrow/attention-longer.csv" | tr -cd , | wc -c)" = 8
expect_error 'lists: 12 distinct numbers of 0 to 9: must be 1 to 10 of them' train copy --length 12 --range 10
expect_error 'lists: 12 distinct numbers of 0 to 9: must be 1 to 10 of them' train copy --length 5 --longer 12 --range 10
expect_error 'lists: there are 380 of 2 distinct numbers of 0 to 19: must be at least 5000, half of them to train on' train sort --length 2
expect_error '--attention some: must be one of none, additive, multiplicative' train sort --attention some
expect_error '--teacher-forcing yes: must be one of on, off' train sort --teacher-forcing yes

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
