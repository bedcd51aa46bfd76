#!/usr/bin/env bash
# The task eeg from outside: a small training, on a subject that is made up and on its CSV files, resumed, evaluated; one-line errors.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh
unset CAROUSEL_DATA

metric_is() {  # METRIC TEST: of the last line
  last_line | awk -v name="$1" -v test="$2" '{ for (i = 3; i <= NF; ++i) if (split($i, part, "=") && part[1] == name) { split(test, t, " "); good = t[1] == "above" ? part[2] > t[2] + 0 : part[2] < t[2] + 0 } } END { exit !good }'
}

# It learns what a frame alone does not tell; chance is an area of 0.5.
run train eeg --quiet --epochs 40 --out learned
check 'ends with 0' test "$code" = 0
check 'the result line' grep -qE '^result: eeg auc=[0-9.]+ memoryless_auc=[0-9.]+ validation_auc=[0-9.]+ \(a guess: 0\.5\)$' <(last_line)
check 'learns' metric_is auc 'above 0.65'
check 'which a frame alone does not teach' metric_is memoryless_auc 'below 0.65'
check 'a line for each event' test "$(grep -cE '^(HandStart|FirstDigitTouch|BothStartLoadPhase|LiftOff|Replace|BothReleased) +auc [01]\.[0-9]{4}   of a frame alone [01]\.[0-9]{4}$' "$work/out")" = 6
check 'saves how probable each event is at each row of the series to test' test \
  "$(wc -l <"$work/learned/predictions.csv")/$(sed -n '2p;$p' "$work/learned/predictions.csv" | grep -cE '^subj1_series(7_0|8_99999)(,[01]\.[0-9]{6}){6}$')" = 200001/2

check 'nothing is said of a baseline that it beats' test "$(cat "$work/err" "$work/learned/views.json" | grep -cE 'worse than|a net that sees a frame alone')" = 0
run train eeg --quiet --series 4 --seconds 60 --subsample 10 --hidden 2 --batch 4 --steps 50 --epochs 1 --rate 1e-9 --out unlearned
said=$(grep -c '^carousel: worse than a net that sees a frame alone: try more --epochs' "$work/err")
check 'it is said when a frame alone teaches more' test "$said" = "$(last_line | tr ' ' '\n' | awk -F= '{ v[$1] = $2 } END { print v["auc"] < v["memoryless_auc"] }')"
check 'and in the views' test "$(grep -c 'Here a net that sees a frame alone has more of it' "$work/unlearned/views.json")" = "$said"

# The same from CSV files, resumed, on two threads.
small=(--quiet --series 4 --seconds 60 --subsample 10 --hidden 16 --batch 4 --steps 50)
run train eeg "${small[@]}" --epochs 3 --out made-up
cp "$work/out" "$work/trained"
run eval made-up
check 'eval finds what the training found' test "$(last_line | grep -oE ' auc=[0-9.]+')" = "$(grep -oE ' auc=[0-9.]+' <(tail -n 1 "$work/trained"))"
run train eeg "${small[@]}" --epochs 3 --out written --write-csv csv
check 'of the series that were written it learns the same' same_bits out trained
check 'writes pairs of files' test "$(cd "$work/csv" && echo *)" = "$(for n in 1 2 3 4; do printf 'subj1_series%s_data.csv subj1_series%s_events.csv ' $n $n; done | sed 's/ $//')"
run train eeg "${small[@]}" --epochs 3 --out read --data csv --threads 2
check 'of the series that are read it learns the same, on two threads too' same_bits out trained
check 'and the same predictions' same_bits read/predictions.csv made-up/predictions.csv
constant=("${small[@]}" --schedule constant)
run train eeg "${constant[@]}" --epochs 3 --out straight --dropout 0.3
run train eeg "${constant[@]}" --epochs 1 --out stopped --dropout 0.3
run train eeg --resume stopped --epochs 3 --quiet
check 'a training that is resumed ends with the same bits' same_bits straight/last.safetensors stopped/last.safetensors
code=0
(cd "$work" && exec timeout --preserve-status -s INT 1 "$program" train eeg "${constant[@]}" --epochs 100000 --out broken) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'Ctrl-C: code 130' test "$code" = 130
epochs=$(($(wc -l <"$work/broken/metrics.jsonl") + 1))
run train eeg --resume broken --epochs "$epochs" --quiet
run train eeg "${constant[@]}" --epochs "$epochs" --out unbroken
check 'Ctrl-C amid an epoch: resumed, it ends with the same bits' same_bits broken/last.safetensors unbroken/last.safetensors

run eval made-up --data csv
check 'eval --data: of all series of the folder' grep -qE '^result: eeg auc=0\.[0-9]+ series=4$' <(last_line)
mkdir -p "$work/sets" && ln -s ../csv "$work/sets/eeg"
run eval made-up --data sets
check 'eval --data: a folder of data sets whose folder eeg has them, as in training' grep -qE '^result: eeg auc=0\.[0-9]+ series=4$' <(last_line)
check 'eval --data: saves predictions by the name of the folder' test "$(wc -l <"$work/made-up/predictions-csv.csv")" = 120001
run train eeg --preset source --quiet --series 4 --seconds 60 --epochs 2 --batch 4 --out source
check 'preset source: ends with 0' test "$code" = 0
for cell in gru rnn-tanh lstm-peephole; do
  run train eeg "${small[@]}" --epochs 2 --cell "$cell" --layers 2 --out "$cell"
  check "$cell: ends with 0" test "$code" = 0
done

# Errors
data='csv/subj1_series2_data.csv' events='csv/subj1_series2_events.csv'
train_csv=(train eeg "${small[@]}" --out never --data csv)
spoil() {  # FILE SED MESSAGE
  cp "$work/$1" "$work/kept"
  sed -i "$2" "$work/$1"
  expect_error "$3" "${train_csv[@]}"
  mv "$work/kept" "$work/$1"
}
spoil $data '5s/,[^,]*/,abc/3' "read $data: line 5, column 4 (\"F7\"): \"abc\": must be a number"
spoil $data '7s/,[^,]*//' "read $data: line 7, column 33: the row ends before it: must have 33 fields, as line 1"
spoil $data '1s/^id/time/' "read $data: line 1, column 1: \"time\": must be id"
spoil $data '9s/_7/_8/' "read $data: line 9, column 1 (\"id\"): \"subj1_series2_8\": must be subj1_series2_7"
# shellcheck disable=SC2016
spoil $data '100,$d' "read $events: has 30000 rows: must have 98, as subj1_series2_data.csv"
# shellcheck disable=SC2016
spoil $data '1,$d' "read $data: is empty: must have rows of numbers"
spoil $events '3s/0$/2/' "read $events: line 3, column 7 (\"BothReleased\"): \"2\": must be 0 or 1"
spoil $events '1s/LiftOff/Lift/' "read $events: line 1: \"id,HandStart,FirstDigitTouch,BothStartLoadPhase,Lift,Replace…\": must be id,HandStart,FirstDigitTouch,BothStartLoadPhase,LiftOff,Replace,BothReleased"
# shellcheck disable=SC2016
spoil $events '2,$s/,.*/,0,0,0,0,0,0/' "read csv: HandStart is marked nowhere in subj1_series2: must be somewhere, and not everywhere"
mv "$work/$events" "$work/kept"
expect_error "read $data: there is no subj1_series2_events.csv beside it: must be a pair" "${train_csv[@]}"
mv "$work/kept" "$work/$events"
expect_error 'read csv: has 4 series of subj1: must have at least 5, 1 of them to validate and 3 to test' "${train_csv[@]}" --test 3
expect_error 'read csv: there is no subj2_series*_data.csv' "${train_csv[@]}" --subject 2
expect_error 'streams: 59 windows of 50 frames to train on: must be at least 60, one for each stream of a batch' "${train_csv[@]}" --batch 60
expect_error 'write csv/subj1_series1_data.csv: is there already: must not be, or be elsewhere' train eeg "${small[@]}" --out never --write-csv csv
expect_error '--write-csv new: writes a subject that is made up: must be without --data' train eeg --write-csv new --data csv --out never
expect_error "--write-csv $data/there: Not a directory: must be a folder, or a place for one" train eeg --write-csv $data/there --out never
mkdir "$work/nothing"
expect_error '--data nothing: there is no *_data.csv with its *_events.csv, neither here nor in eeg/' train eeg --data nothing --out never
expect_error '--data nothing: there is no *_data.csv with its *_events.csv, neither here nor in eeg/' eval made-up --data nothing
check 'after an error no folder is left' test ! -e "$work/never"
cut -d, -f1-9 "$work/csv/subj1_series1_data.csv" >"$work/nothing/subj1_series1_data.csv"
cp "$work/csv/subj1_series1_events.csv" "$work/nothing"
expect_error "read nothing: subj1_series1 has the channels Fp1, Fp2, F7, F3, Fz, F4, F8, FC5: must be $(head -n 1 "$work/csv/subj1_series1_data.csv" | cut -d, -f2- | sed 's/,/, /g')" eval made-up --data nothing
mkdir "$work/few"
for n in 1 2 3 4; do
  cut -d, -f1-9 "$work/csv/subj1_series${n}_data.csv" >"$work/few/subj1_series${n}_data.csv"
  cp "$work/csv/subj1_series${n}_events.csv" "$work/few"
done
export CAROUSEL_DATA=nowhere
expect_error '--data nowhere: there is no *_data.csv with its *_events.csv, neither here nor in eeg/' train eeg --data nowhere --out never
expect_error '--data nowhere: there is no *_data.csv with its *_events.csv, neither here nor in eeg/' eval made-up --data nowhere
unset CAROUSEL_DATA
run train eeg "${small[@]}" --epochs 1 --data few --out few-channels
check 'eight channels do as well' test "$code" = 0
run eval few-channels
check 'eval of what was trained on a folder' test "$code" = 0

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
