#!/usr/bin/env bash
# The program from outside: what it prints where, its exit codes, its one-line errors, the runs that must repeat older programs'.
# CAROUSEL_PROGRAM names the program; CAROUSEL_DATA the folder of data sets, whose reference/ is used where it is there.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
program=${CAROUSEL_PROGRAM:-build/carousel}
[[ -x $program ]] || { echo "no program at $program"; exit 1; }
program=$(readlink -f -- "$program")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passed=0
failed=0
check() {  # NAME COMMAND...: right when the command succeeds
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$name"
    printf '  code %s\n' "${code:-}"
    sed 's/^/  stdout: /' "$work/out" | head -n 5
    sed 's/^/  stderr: /' "$work/err" | head -n 5
  fi
}

run() {  # ARGUMENT...: leaves the output in $work/out and $work/err, the exit code in $code
  code=0
  (cd "$work" && exec "$program" "$@") >"$work/out" 2>"$work/err" </dev/null || code=$?
}

last_line() { tail -n 1 "$work/out"; }
out_matches() { grep -qE -- "$1" "$work/out"; }
is_empty() { [[ ! -s $1 ]]; }

expect_error() {  # MESSAGE ARGUMENT...: one line on standard error, nothing on standard output, code 2
  local message=$1
  shift
  run "$@"
  check "carousel $*: $message" test "$code/$(<"$work/err")/$(<"$work/out")" = "2/carousel: $message/"
}

expect_done() {  # NAME ARGUMENT...: code 0
  local name=$1
  shift
  run "$@"
  check "$name: ends with 0" test "$code" = 0
}

# Help and lists

for arguments in --help -h 'train --help' 'train echo --help' 'train count -h' 'eval --help' 'sample --help' 'gradcheck --help' 'list --help'; do
  # shellcheck disable=SC2086
  expect_done "$arguments" $arguments
  check "$arguments: shows how it is called" out_matches '^usage: carousel'
  check "$arguments: is silent on standard error" is_empty "$work/err"
  check "$arguments: fits on a page of 100 columns" test "$(awk '{ print length }' "$work/out" | sort -n | tail -n 1)" -le 100
done
run train echo --help
check 'help shows an example' out_matches '^example: carousel train echo --preset source$'
check 'help shows defaults, those of the other preset too' out_matches '--rate R +learning rate \([0-9.]+; source: 0\.1\)$'
run --version
check 'the version' out_matches '^carousel [0-9]+\.[0-9]+\.[0-9]+$'

expect_done list list
check 'list: a line for each task' test "$(grep -c '^task  [a-z0-9-]* ' "$work/out")" -ge 2
check 'list: a line for each cell' test "$(awk '$1 == "cell" { printf "%s ", $2 }' "$work/out")" = \
  'lstm lstm-linear lstm-1997 lstm-peephole lstm-coupled gru gru-reset-before rnn-tanh rnn-relu '
tasks=$(awk '$1 == "task" { printf "%s%s", sep, $2; sep = ", " }' "$work/out")
cells=$(awk '$1 == "cell" { printf "%s%s", sep, $2; sep = ", " }' "$work/out")

# Errors

expect_error 'foo: must be one of train, eval, sample, gradcheck, list' foo
expect_error '--foo: no such option; carousel --help lists them' --foo
expect_error "train: which task? $tasks" train
expect_error "train: nosuch: must be one of $tasks" train nosuch
expect_error 'train echo: --epoch: no such option (did you mean --epochs?); carousel train echo --help lists them' train echo --epoch 3
expect_error 'train echo: --epochs: a value must follow' train echo --epochs
expect_error '--epochs 0: must be a whole number of 1 or more' train echo --epochs 0
expect_error '--epochs many: must be a whole number of 1 or more' train echo --epochs many
expect_error '--rate -1: must be a number above 0' train echo --rate -1
expect_error '--preset best: must be one of default, source' train echo --preset best
expect_error "--cell lstn: must be one of $cells" train echo --cell lstn
expect_error '--optimizer sdg: must be one of sgd, momentum, rmsprop, adagrad, adadelta, adam, adamw' train count --optimizer sdg
expect_error 'train echo: more: one argument too many' train echo more
expect_error '--resume: goes on from what lies in --out DIR: that must be given too' train echo --resume
expect_error 'eval: RUN is missing; carousel eval --help says more' eval
expect_error 'nowhere: there is no such folder or file' eval nowhere
expect_error 'nowhere: there is no such folder or file' sample nowhere
mkdir "$work/empty"
expect_error 'empty: holds no best.safetensors and no last.safetensors: must be a folder that a training saved in, or a file of it' eval empty
expect_error "gradcheck: nosuch: must be one of $cells" gradcheck nosuch
printf 'not a checkpoint' >"$work/bad.safetensors"
run eval bad.safetensors
check 'a file that is none is refused in one line' test "$code/$(wc -l <"$work/err")" = 2/1
: >"$work/file"
expect_error '--out file/x: Not a directory: must be a folder, or a place for one' train echo --out file/x

# A result that can not be written is not a success.
if [[ -w /dev/full ]]; then
  code=0
  "$program" list >/dev/full 2>"$work/err" || code=$?
  check 'standard output is full: code 2' test "$code" = 2
fi

# echo: the original's run, digit for digit

expect_done 'echo' train echo --preset source
check 'echo: the result line ends it' test "$(last_line)" = 'result: echo loss=2.61076e-06'
check 'echo: 100 lines and the result' test "$(wc -l <"$work/out")" = 101
reference=${CAROUSEL_DATA:-}/reference/echo-100-iterations.txt
if [[ -r $reference ]]; then
  check 'echo: the lines of the original' cmp -s <(head -n 100 "$work/out") "$reference"
else
  echo "echo: not compared with the original: no reference/echo-100-iterations.txt in CAROUSEL_DATA"
fi
check 'echo: its first line' grep -qxF 'iter  0: y_pred = [ 0.04135,  0.06930,  0.11699,  0.16562], loss: 7.535e-01' "$work/out"
check 'echo: its last line' grep -qxF 'iter 99: y_pred = [-0.50033,  0.20106,  0.09912, -0.49923], loss: 2.611e-06' "$work/out"
run train echo --preset source --cell lstm
check 'echo, tanh: starts from the same numbers' grep -qxF 'iter  0: y_pred = [ 0.04127,  0.06923,  0.11705,  0.16441], loss: 7.518e-01' "$work/out"
check 'echo, tanh: learns' test "$(last_line)" = 'result: echo loss=1.69242e-07'
below() { awk -v name="$1" -v limit="$2" 'END { for (i = 3; i <= NF; ++i) if (split($i, part, "=") && part[1] == name) exit !(part[2] + 0 < limit) }' "$work/out"; }
for cell in ${cells//, / }; do
  run train echo --cell "$cell"
  check "echo, $cell: learns from a random start" below loss 1e-3
done
run train echo --batch 4
check 'echo: learns four sequences at once' below loss 5e-2
cp "$work/out" "$work/before"
run train echo --batch 4
check 'echo: the same seed gives the same lines' cmp -s "$work/out" "$work/before"
run train echo --batch 4 --seed 2
check 'echo: another seed gives others' test "$(last_line)" != "$(tail -n 1 "$work/before")"

# count

expect_done 'count' train count --preset source
check 'count: every start is counted on from' out_matches '^result: count starts_right=9 starts=9 loss=0\.1[0-9]*$'
check 'count: a line for each epoch' test "$(grep -c '^epoch [1-7]: loss ' "$work/out")" = 7
check 'count: prints as the original does' test \
  "$(grep -A 1 -xF 'the given start number: 1' "$work/out" | tail -n 1)" = 'the created numbers:    [2, 3, 4, 5, 6, 7, 8, 0]'
for cell in ${cells//, / }; do
  run train count --cell "$cell" --out "count-$cell"
  check "count, $cell: every start is counted on from" out_matches '^result: count starts_right=9 starts=9 '
done

# Saved models

run eval count-gru
check 'eval: a saved counter counts' out_matches '^result: count starts_right=9 starts=9 '
run sample count-gru --prime 7 --length 4
check 'sample: a saved counter goes on from what it is given' cmp -s "$work/out" <(printf 'the given start number: 7\nthe created numbers:    [8, 0, 1, 2]\n')
expect_error '--prime 9: must be a whole number of 0 or more and below 9' sample count-gru --prime 9
expect_error '--input x: count makes its own sequences, it reads no file' eval count-gru --input x
run train echo --out echo --epochs 60
tail -n 1 "$work/out" >"$work/result"
run eval echo/last.safetensors
check 'eval: a saved echo is loaded' out_matches '^result: echo loss='
expect_error 'echo/best.safetensors: saved by the task echo, which has no sample' sample echo
run train echo --epochs 100 --out whole
cp "$work/out" "$work/all"
run train echo --epochs 100 --out echo --resume
check 'a training that is resumed ends as the one that was not stopped' test "$(last_line)" = "$(tail -n 1 "$work/all")"
check 'a training that is resumed goes on where it stopped' test "$(head -n 1 "$work/out")" = "$(sed -n 61p "$work/all")"
expect_error 'echo/last.safetensors: saved with task echo, this is count: must be the same to go on' train count --out echo --resume

# Ctrl-C

code=0
(cd "$work" && exec timeout --preserve-status -s INT 1 "$program" train echo --epochs 100000000 --out stopped) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'Ctrl-C: code 130' test "$code" = 130
check 'Ctrl-C: says how to go on' grep -qE '^carousel: stopped in epoch [0-9]+, saved in stopped/last.safetensors; to go on: the same command with --out stopped --resume$' "$work/err"
check 'Ctrl-C: no result line' test "$(grep -c '^result:' "$work/out")" = 0
run eval stopped/last.safetensors
check 'Ctrl-C: what it saved can be used' out_matches '^result: echo loss='

# An exploded loss

run train count --optimizer sgd --rate 1e30 --out exploded
check 'an exploded loss: code 1' test "$code" = 1
check 'an exploded loss: one line says so' grep -qE '^carousel: fit: ' "$work/err"

# Gradient checks

run gradcheck lstm
check 'gradcheck lstm: passes' test "$code" = 0
for name in wx wh b xs 'start 0' 'start 1'; do
  check "gradcheck lstm: a line for $name" out_matches "^$name "
done
check 'gradcheck lstm: the result line' out_matches '^result: gradcheck checks=[0-9]+ worst_relative_error=[0-9.e-]+$'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
