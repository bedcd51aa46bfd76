#!/usr/bin/env bash
# The task mnist from outside: on drawn digits, and, where CAROUSEL_DATA has MNIST, the first lines of the program that it repeats.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh
data=${CAROUSEL_DATA:-}
unset CAROUSEL_DATA

err_matches() { grep -qE -- "$1" "$work/err"; }
metric() { sed -nE "s/^result: mnist .*\b$1=([^ ]+).*/\1/p" "$work/out"; }
at_least() { [[ $1 =~ ^[0-9.]+$ ]] && awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 >= b + 0) }'; }  # A B

# Without data: drawn digits, ten of them, so that chance is right in one of ten.

small=(train mnist --images 2000 --validation 500 --hidden 32 --batch 32 --epochs 4)
run "${small[@]}" --out run
check 'drawn digits: ends with 0' test "$code" = 0
check 'drawn digits: one line says that they are' test "$(grep -c 'no MNIST.*on digits that the program draws' "$work/err")" = 1
check 'drawn digits: says how the images are divided' err_matches '1500 images to train on, 500 to validate, 2000 to test'
check 'drawn digits: a line for each epoch' test "$(grep -c '^epoch [1-4]/4  train_loss .* validation_accuracy 0\.' "$work/err")" = 4
check 'drawn digits: learned, far above the 0.1 of chance' at_least "$(metric test_accuracy)" 0.5
check 'drawn digits: standard output has the result only' test "$(wc -l <"$work/out")" = 1
check 'drawn digits: the confusion counts every test image' test \
  "$(awk 'NR > 1 { for (i = 2; i <= NF; ++i) all += $i } END { print NR, all }' "$work/run/confusion.txt")" = '11 2000'
check 'drawn digits: the confusion is shown too' test "$(grep -cFx -f "$work/run/confusion.txt" "$work/err")" = 11
accuracy=$(metric test_accuracy)
run eval run
check 'eval: the same test accuracy' test "$(metric test_accuracy)" = "$accuracy"
run "${small[@]}" --out again --quiet
check 'drawn digits: the same seed gives the same result' test "$(metric test_accuracy)" = "$accuracy"
check 'drawn digits: quiet' test "$(grep -cE '^(epoch|digit)' "$work/err")" = 0

expect_error '--data nowhere: there is no train-images-idx3-ubyte, with or without .gz, neither here nor in mnist/' \
  train mnist --data nowhere
mkdir "$work/broken"
printf 'not gzip' >"$work/broken/train-images-idx3-ubyte.gz"
expect_error 'read broken: train-labels-idx1-ubyte is not there: must be, or with .idx for -idx in its name, or .gz behind it' train mnist --data broken
for name in train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do : >"$work/broken/$name"; done
expect_error 'read broken/train-images-idx3-ubyte.gz: does not begin as gzip does: must be gzip by its name' \
  train mnist --data broken
: >"$work/broken/train-images-idx3-ubyte"
expect_error 'read broken/train-images-idx3-ubyte: ends after 0 bytes: must have a header of 16' train mnist --data broken

# The program that it repeats: lstm_batch_mnist_train.py of fmscole/lstm.

if [[ -r $data/mnist/train-images-idx3-ubyte.gz || -r $data/mnist/train-images-idx3-ubyte ]]; then
  run train mnist --preset source --data "$data" --images 3030 --epochs 1 --out source
  check 'preset source: prints the first windows of the original' cmp -s <(head -n 3 "$work/out") \
    <(printf '1010 0.1416\n2020 0.1099\n3030 0.1297\n')
  check 'preset source: tests after the epoch' out_matches '^epoch 1: test_accuracy 0\.[0-9]{4}$'
  run eval source --data "$data/mnist"
  check 'eval: a folder of MNIST itself' out_matches '^result: mnist test_accuracy=0\.'
  # shellcheck disable=SC2016  # the words, not the value
  expect_error 'source/last.safetensors: learned from MNIST, which is not there: --data DIR or $CAROUSEL_DATA must name its folder' \
    eval source
else
  echo 'passed over: no mnist in CAROUSEL_DATA, the lines of the original are not compared'
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
