#!/usr/bin/env bash
# The tasks sin, series and curve from outside: small trainings, each of which must beat what one gets without a net, what they save,
# what can be done with that, tables that can not be read, each refused in one line.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

value() { last_line | tr ' ' '\n' | sed -n "s/^$1=//p"; }  # METRIC: of the last line
compare() { awk -v a="$1" -v b="$3" "BEGIN { exit !(a != \"\" && b != \"\" && a + 0 $2 b + 0) }"; }  # A OPERATOR B
is_picture() { [[ $(head -c 5 "$work/$1") == '<svg ' && $(tail -n 1 "$work/$1") == '</svg>' ]]; }

# sin. A net that says 0 has a loss of 30 per sequence, 60 points of a mean square of 1/2, and 0.707 in closed loop.

run train sin --preset source --quiet --out source
check 'sin, source: ends with 0' test "$code" = 0
check 'sin, source: the result line' grep -qE '^result: sin last_100_loss=[0-9.e-]+ test_loss=[0-9.e-]+ closed_loop_rmse=[0-9.e-]+ closed_loop_rmse_1000=[0-9.e-]+ half_amplitude_rmse=[0-9.e-]+$' <(last_line)
check 'sin, source: the mean loss of its last 100 sequences is at most 0.05' compare "$(value last_100_loss)" '<=' 0.05
check 'sin, source: a picture' is_picture source/closed-loop.svg
small=(--quiet --hidden 16 --epochs 4 --sequences 200)
run train sin "${small[@]}" --out sin
check 'sin: learns' compare "$(value test_loss)" '<' 3
check 'sin: goes on by itself' compare "$(value closed_loop_rmse)" '<' 0.35
trained=$(last_line | sed -E 's/last_100_loss=[^ ]+ //')
run eval sin
check 'sin: eval finds what the training found' test "$(last_line)" = "$trained"
run sample sin --length 7
check 'sin: sample goes on for as long as it is asked to' test "$(sed -n 1p "$work/out")/$(wc -l <"$work/out")/$(cut -d, -f1 "$work/out" | tail -n 1)" = 'x,sin,made/8/106'
for options in '--cell gru --layers 2 --dropout 0.1' '--cell rnn-tanh' '--optimizer rmsprop --rate 0.01 --schedule constant --noise 0' '--readout-rate 0.03 --batch 7'; do
  # shellcheck disable=SC2086
  run train sin "${small[@]}" $options --out "sin-${options// /_}"
  check "sin $options: learns" compare "$(value test_loss)" '<' 5
done
run train sin "${small[@]}" --schedule constant --out straight
run train sin "${small[@]}" --schedule constant --epochs 2 --out stopped
run train sin --epochs 4 --quiet --resume stopped
check 'sin: a training that is resumed ends with the same bits' same_bits straight/last.safetensors stopped/last.safetensors

# series. What it has to beat are the naive and the seasonal naive forecast.

small=(--quiet --hidden 16 --window 24 --epochs 6 --rate 0.01)
run train series "${small[@]}" --out series
check 'series: ends with 0' test "$code" = 0
check 'series: the result line' grep -qE '^result: series mse=[0-9.e-]+ mae=[0-9.e-]+ naive_mse=[0-9.e-]+ naive_mae=[0-9.e-]+ seasonal_mse=[0-9.e-]+ seasonal_mae=[0-9.e-]+ skill=[0-9.e-]+ column="load"$' <(last_line)
check 'series: beats the naive forecast' compare "$(value mse)" '<' "$(value naive_mse)"
check 'series: beats the seasonal naive forecast' compare "$(value mse)" '<' "$(value seasonal_mse)"
check 'series: a picture' is_picture series/forecast.svg
check 'series: its forecasts as a table' test "$(head -n 1 "$work/series/forecast.csv")/$(tail -n 1 "$work/series/forecast.csv" | cut -d, -f1,2)" = 'row,step,load,forecast,naive,seasonal_naive/2400,12'
trained=$(last_line)
run eval series
check 'series: eval finds what the training found' test "$(last_line)" = "$trained"
run sample series --length 3
check 'series: sample forecasts beyond the end' test "$(cut -d, -f1 "$work/out" | tr '\n' ' ')" = 'row 2401 2402 2403 '
expect_error '--length 13: must be at most the horizon, 12: what follows in the other columns is not known' sample series --length 13

# A table of the user's: a season of 8, a column of dates, a column that tells nothing.
awk 'BEGIN { srand(3); print "date,noise,\"the load\""; for (t = 0; t < 400; ++t) printf "2024-%03d,%.4f,%.5f\n", t, rand(), 100 + 10 * sin(t * atan2(0, -1) / 4) + 3 * rand() }' >"$work/load.csv"
head -n 61 "$work/load.csv" >"$work/other.csv"
sed 's/$/\r/; s/,/;/g' "$work/load.csv" >"$work/dos.csv"
tail -n +2 "$work/load.csv" >"$work/headless.csv"
small=(--quiet --hidden 12 --window 16 --horizon 4 --epochs 30 --rate 0.01)
run train series "${small[@]}" --input load.csv --out load
check 'a table: beats both' compare "$(value skill)" '>' 0
trained=$(last_line)
for table in dos.csv headless.csv; do
  run train series "${small[@]}" --input $table --out "$table-run"
  check "a table, $table: the same" test "$(last_line | sed 's/ column=.*//')" = "${trained% column=*}"
done
check 'the result line names the column, by its name' grep -q ' column="the load"$' <<<"$trained"
check 'or by its number' grep -q ' column="3"$' <(last_line)
run train series "${small[@]}" --input load.csv --columns 'the load' --out alone
check 'a table, one column: beats both' compare "$(value skill)" '>' 0
awk 'BEGIN { srand(4); for (t = 0; t < 400; ++t) printf "%.4f\n", 20 + t / 2 + 5 * sin(t * atan2(0, -1) / 6) + rand() }' >"$work/trend.csv"
run train series "${small[@]}" --input trend.csv --out trend
check 'a table, a trend that leaves its range: beats both' compare "$(value skill)" '>' 0.2
check 'and then: nothing is said' test "$(cat "$work/err" "$work/trend/views.json" | grep -cE 'worse than the better|beats the net')" = 0
run train series "${small[@]}" --input load.csv --columns 2,3 --predict 2 --out noise
check 'a table, noise: is not forecast' compare "$(value mse)" '>' 0.05
run train series --quiet --input load.csv --season 8 --window 8 --horizon 8 --hidden 4 --epochs 1 --rate 1e-9 --out unlearned
check 'hardly trained: worse than a baseline' compare "$(value skill)" '<' 0
check 'which is said' grep -q '^carousel: worse than the better naive forecast: try more --epochs' "$work/err"
check 'and in the views' grep -q 'Here the better of the two beats the net: try more --epochs' "$work/unlearned/views.json"
run sample alone --length 10
check 'a table, one column: forecasts go on from forecasts' test "$(wc -l <"$work/out")/$(tail -n 1 "$work/out" | cut -d, -f1)" = 11/410
run eval load --input other.csv
check 'eval --input: all of another table' compare "$(value mse)" '<' "$(value naive_mse)"
run train series "${small[@]}" --input load.csv --window 1 --out last-row
check 'a window of one row: learns' compare "$(value mse)" '<' "$(value naive_mse)"
run train series --quiet --input load.csv --season 8 --epochs 1 --window 8 --horizon 8 --hidden 4 --out eight
check 'a season that is given' compare "$(value seasonal_mse)" '<' "$(value naive_mse)"
run train series "${small[@]}" --schedule constant --input load.csv --out straight-load
run train series "${small[@]}" --schedule constant --epochs 4 --input load.csv --out stopped-load
run train series --epochs 30 --quiet --resume stopped-load
check 'series: a training that is resumed ends with the same bits' same_bits straight-load/last.safetensors stopped-load/last.safetensors

# How numbers are written is decided by all of a file: here 9,4 tells that 1.000 is a thousand.
german() { awk -v thousands="$1" 'BEGIN { print "v;temp"; for (t = 0; t < 24; ++t) { v = 940 + 10 * t; if (v >= 1000 && thousands != "") v = int(v / 1000) thousands sprintf("%03d", v % 1000); printf "%s;9,%d\n", v, t % 10 } }'; }
german '' >"$work/plain.csv"
german . >"$work/points.csv"
sed 's/;.*//; 1s/$/;n/; 2,$s/$/;1/' "$work/points.csv" | awk -F';' 'NR > 1 { $2 = NR } { print $1 ";" $2 }' >"$work/alone.csv"
tiny=(--quiet --predict v --epochs 1 --hidden 2 --window 2 --horizon 1)
run train series "${tiny[@]}" --input plain.csv --out plain
check 'thousands without a mark' test "$(value naive_mse)" = 100
plain=$(last_line)
run train series "${tiny[@]}" --input points.csv --out points
check 'thousands with points: the same' test "$(last_line)" = "$plain"
expect_error 'read alone.csv: line 8, column 1 ("v"): "1.000": must be told whether it is 1 or 1000, by --decimal . or --thousands .' train series "${tiny[@]}" --input alone.csv --out never
run train series "${tiny[@]}" --input alone.csv --thousands . --columns v --out alone-thousands
check 'thousands that are told: the same' test "$(value naive_mse)" = 100
run train series "${tiny[@]}" --input alone.csv --decimal . --columns v --out alone-decimal
check 'decimals that are told: another' test "$code/$(value naive_mse)" != 0/100
expect_error 'read points.csv: line 8, column 1 ("v"): "1.000": must be a number as --decimal and --thousands say' eval alone-thousands --input points.csv --decimal , --thousands none
run eval alone-thousands --input points.csv --thousands auto
check 'eval: may be told too' test "$code/$(value naive_mse)" = 0/100
expect_error '--decimal, --thousands: are of a file: --input must be given too' eval alone-thousands --decimal .

# A first row of numbers is data, which is said.
{ echo 2019,2020; cut -d, -f2,3 "$work/headless.csv"; } >"$work/years.csv"
run train series --epochs 1 --hidden 2 --window 16 --horizon 4 --input years.csv --out years
check 'a first row of numbers: is data, which is said' grep -qx 'carousel: line 1 of years.csv is taken for a row, not for names of columns: --header yes or no tells' "$work/err"
run train series --epochs 1 --hidden 2 --window 16 --horizon 4 --input years.csv --header yes --out named
check 'and names where that is told' grep -q ' column="2020"$' <(last_line)
printf 'sep=;\n' | cat - "$work/points.csv" >"$work/excel.csv"
run train series "${tiny[@]}" --input excel.csv --out excel
check 'the first line of Excel: the same' test "$(last_line)" = "$plain"

# Tables that can not be read.
table() { printf %b "$2" >"$work/$1"; }  # NAME TEXT
refused() {  # MESSAGE TEXT ARGUMENT...: training on the text is refused with the message
  local message=$1
  table bad.csv "$2"
  shift 2
  expect_error "$message" train series --input bad.csv --out bad "$@"
  check "$message: leaves no folder" test ! -e "$work/bad"
}
refused 'read bad.csv: is empty: must have rows of numbers' ''
refused 'read bad.csv: has a header and no rows: must have rows of numbers' 'a,b\n'
refused 'read bad.csv: line 3, column 2 ("b"): nothing stands there: must be a number, or --columns must name others' 'a,b\n1,2\n3,\n'
refused 'read bad.csv: line 3, column 1 ("a"): "three": must be a number, or --columns must name others' 'a,b\n1,2\nthree,4\n'
refused 'read bad.csv: line 3, column 1: "NA": must be a number, or --columns must name others' '1,2\r\n2,3\r\nNA,4\r\n'
refused 'read bad.csv: line 3, column 2: the row ends before it: must have 2 fields, as line 1' 'a,b\n1,2\n3\n'
refused 'read bad.csv: line 2, column 3: one field too many: must have 2 fields, as line 1' 'a,b\n1,2,3\n'
refused 'read bad.csv: line 2, column 1: a quote begins and does not end: must be closed' 'a,b\n"1,2\n3,4\n'
refused 'read bad.csv: no column holds numbers: must be rows of numbers' 'a,b\nx,y\n'
refused 'read bad.csv: no column holds numbers; the nearest is line 2, column 2 ("b"): "12 €": must be digits, with a sign, marks and an exponent at most, and no unit' 'a,b\nx,12 €\n'
refused 'read bad.csv: line 2, column 2 ("v"): "10,134": must be told whether it is 10.134 or 10134, by --decimal , or --thousands ,' 't,v\n0,"10,134"\n'
refused 'bad.csv: 2 rows: must be at least 86 for a window of 48 and a horizon of 12, 70 of 100 to train on, 15 to validate, 15 to test' 'a\n1\n2\n'
constant=$(for ((t = 0; t < 100; ++t)); do printf '%s,5\\n' "$t"; done)
refused 'read bad.csv: lines 2 to 71, column "b": is always 5: must change in the part to train on, or be left out of --columns' "a,b\n$constant"
refused 'read bad.csv: line 2, column 2 ("load"): nothing stands there: must be a number, or --columns must name others' 't,load\n0,\n1,12.084\n2,13.161\n' --quiet
refused 'read bad.csv: line 3, column 1 ("v"): "1.000": must be told whether it is 1 or 1000, by --decimal . or --thousands .' 'v;w\n990;1\n1.000;2\n'
refused 'read bad.csv: line 3, column 1 ("v"): "1,5": must be written as line 2, column 1: "1.5"; --decimal and --thousands tell what is a number' 'v;w\n1.5;1\n1,5;2\n'
refused 'read bad.csv: line 1, column 1: "NaN": must be a number, or --columns must name others' 'NaN\n1\n2\n'
refused '--columns c: bad.csv has no such column: must be one of "a", "b", or a number of 1 to 2' 'a,b\n1,2\n' --columns c
refused '--predict a: is not among --columns: must be one of them' 'a,b\n1,2\n' --columns b --predict a
refused '--season 80: must be at most 70, the rows to train on' "a,b\n$constant" --columns a --season 80
expect_error '--columns, --predict: are of a file: --input must be given too' train series --columns 1
run train series --input nothing.csv
check 'a table that is not there: one line' test "$code/$(wc -l <"$work/err")" = 2/1
head -n 10 "$work/load.csv" >"$work/short.csv"
expect_error 'short.csv: 9 rows: must be at least 20 for a window of 16 and a horizon of 4' eval load --input short.csv
printf 'x,y\n1,2\n' >"$work/strange.csv"
expect_error 'read strange.csv: has no column "noise" of its own: must have those that the model reads, "noise", "the load"' eval load --input strange.csv
echo '2024-400,0.5,100' >>"$work/load.csv"
expect_error "load/best.safetensors: trained on $(readlink -f "$work")/load.csv, which has changed since then: must be as it was, or --input FILE gives another" eval load
run train series --quiet --epochs 10 --resume straight-load
check 'a training on a table that has changed is not resumed' test "$code/$(wc -l <"$work/err")" = 2/1

# curve. What is always the mean has an error of 0.594.

small=(--quiet --hidden 16 --points 100 --epochs 5)
run train curve "${small[@]}" --out curve
check 'curve: ends with 0' test "$code" = 0
check 'curve: the result line' grep -qE '^result: curve rmse=[0-9.e-]+ rmse_960=[0-9.e-]+$' <(last_line)
check 'curve: learns' compare "$(value rmse)" '<' 0.1
check 'curve: a picture' is_picture curve/curve.svg
trained=$(last_line)
run eval curve
check 'curve: eval finds what the training found' test "$(last_line)" = "$trained"
run sample curve --length 5
check 'curve: sample draws it' test "$(head -n 1 "$work/out")/$(wc -l <"$work/out")" = point,curve,made/6
run train curve "${small[@]}" --cell gru --layers 2 --out gru
check 'curve, two layers of gru: learns' compare "$(value rmse)" '<' 0.2
run train curve --preset source --quiet --epochs 2 --out momentum
check 'curve, source: descends' compare "$(value rmse)" '<' 0.594
run train curve "${small[@]}" --schedule constant --out straight-curve
run train curve "${small[@]}" --schedule constant --epochs 2 --out stopped-curve
run train curve --epochs 5 --quiet --resume stopped-curve
check 'curve: a training that is resumed ends with the same bits' same_bits straight-curve/last.safetensors stopped-curve/last.safetensors

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
