#!/usr/bin/env bash
# The tasks sin, series and curve from outside: small trainings, each of which must beat what one gets without a net, what they save,
# what can be done with that, tables that cannot be read, each refused in one line.
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
check 'sin, source: the result line' grep -qE '^result: sin last_100_loss=[0-9.e-]+ test_loss=[0-9.e-]+ closed_loop_rmse=[0-9.e-]+ closed_loop_rmse_1000=[0-9.e-]+ half_amplitude_rmse=[0-9.e-]+ \((not better than )?always 0, the mean: closed_loop_rmse 0.7071\)$' <(last_line)
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

# series. What it has to beat is the best forecast without a net: the mean, the last value, drift, moving average, seasonal naive.

small=(--quiet --hidden 16 --window 24 --epochs 6 --rate 0.01)
run train series "${small[@]}" --out series
check 'series: ends with 0' test "$code" = 0
check 'series: the result line' grep -qE '^result: series mse=[0-9.e-]+ mae=[0-9.e-]+( (mean|naive|drift|moving_average|seasonal)_m[sa]e=[0-9.e-]+){10} skill=[0-9.e-]+ skill_min=[0-9.e-]+ skill_max=[0-9.e-]+ coverage=[0-9.]+ \(the seasonal naive: 6\.423\) baseline="seasonal naive" column="load"$' <(last_line)
check 'series: beats the naive forecast' compare "$(value mse)" '<' "$(value naive_mse)"
check 'series: beats the seasonal naive forecast' compare "$(value mse)" '<' "$(value seasonal_mse)"
check 'series: an interval for 80 % holds 75 to 85 % of the rows to test' compare "$(value coverage)" '>' 0.75
check 'series: and not more' compare "$(value coverage)" '<' 0.85
check 'series: the interval is drawn' grep -q '80 % interval' "$work/series/forecast.svg" "$work/series/views.json"
check 'series: what comes is drawn' grep -q 'The forecast of the 12 rows after the last one, 2401 to 2412' "$work/series/report.html"
check 'series: a picture' is_picture series/forecast.svg
check 'series: its forecasts as a table' test "$(head -n 1 "$work/series/forecast.csv")/$(tail -n 1 "$work/series/forecast.csv" | cut -d, -f1,2)" = 'row,step,load,forecast,low,high,mean,naive,drift,moving_average,seasonal_naive/2400,12'
trained=$(last_line)
run eval series
check 'series: eval finds what the training found' test "$(last_line)" = "$trained"
run sample series --length 3
check 'series: sample forecasts beyond the end' test "$(cut -d, -f1 "$work/out" | tr '\n' ' ')" = 'row 2401 2402 2403 '
check 'series: sample gives an interval' test "$(awk -F, 'NR > 1 && $3 < $2 && $2 < $4' "$work/out" | wc -l)" = 3
expect_error '--length 13: the net forecasts 12 rows, and what follows in the other columns is not known: give at most 12' sample series --length 13

# Noise has no skill, nor has a random walk; a sine in noise has.
awk 'BEGIN { srand(1); print "y"; for (t = 0; t < 4000; ++t) printf "%.6f\n", sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand()) }' >"$work/white.csv"
awk 'BEGIN { y = 0; print "y" } NR > 1 { y += $1; printf "%.6f\n", y }' "$work/white.csv" >"$work/walk.csv"
awk 'BEGIN { print "y" } NR > 1 { printf "%.6f\n", 10 * sin(6.283185307 * NR / 20.5) + $1 / 3 }' "$work/white.csv" >"$work/sine.csv"
fast=(--quiet --hidden 16 --epochs 6)
run train series "${fast[@]}" --input white.csv --out white
check 'white noise: skill at most 0.02' compare "$(value skill)" '<=' 0.02
check 'white noise: against the last value it would be 0.4 or more' compare "$(value mse)" '<' "$(awk -v a="$(value naive_mse)" 'BEGIN { print a * 0.6 }')"
check 'white noise: which is said, with the baseline' grep -qE '^carousel: not better than the (mean of the training part|moving average) \(skill ' "$work/err"
check 'white noise: the result line and the badge say it' grep -qE '\(not better than the (mean of the training part|moving average): [0-9.]+\)' <(last_line)
check 'white noise: and in the report' grep -qE 'The net is not better than the (mean of the training part|moving average) ' "$work/white/report.html"
check 'white noise: no season was found, so none is a baseline' test -z "$(value seasonal_mse)"
check 'white noise: the interval covers 75 to 85 %' compare "$(value coverage)" '>' 0.75
check 'white noise: and not more' compare "$(value coverage)" '<' 0.85
run train series "${fast[@]}" --input walk.csv --out walk
check 'a random walk: skill at most 0.02' compare "$(value skill)" '<=' 0.02
check 'a random walk: the last value is the best baseline' grep -q 'baseline="last value"' <(last_line)
run train series --hidden 16 --epochs 6 --input sine.csv --out sine
check 'a sine in noise: skill above 0.5' compare "$(value skill)" '>' 0.5
check 'a sine in noise: in each part of the backtest' compare "$(value skill_min)" '>' 0.5
check 'a sine in noise: the backtest is printed' grep -qE '^carousel: backtest: skill against the seasonal naive in 5 consecutive parts of the rows to test:( 0\.[0-9]+){5}; mean 0\.[0-9]+ ± [0-9.]+$' "$work/err"
check 'a sine in noise: nothing is said against it' test "$(grep -c 'not better' "$work/err")" = 0
check 'a sine in noise: the interval covers 75 to 85 %' compare "$(value coverage)" '>' 0.75
check 'a sine in noise: and not more' compare "$(value coverage)" '<' 0.85

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
check 'and then: nothing is said' test "$(cat "$work/err" "$work/trend/views.json" | grep -c 'not better than')" = 0
run train series "${small[@]}" --input load.csv --columns 2,3 --predict 2 --out noise
check 'a table, noise: is not forecast' compare "$(value mse)" '>' 0.05
run train series --quiet --input load.csv --season 8 --window 8 --horizon 8 --hidden 4 --epochs 1 --rate 1e-9 --out unlearned
check 'hardly trained: worse than a baseline' compare "$(value skill)" '<' 0
check 'which is said' grep -q '^carousel: not better than the seasonal naive (skill -[0-9.]*): try more --epochs' "$work/err"
check 'and in the views' grep -q 'The net is not better than the seasonal naive (skill -[0-9.]*): try more --epochs' "$work/unlearned/views.json"
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
expect_error '--decimal and --thousands say how a file is written: give --input too' eval alone-thousands --decimal .

# Dates: the forecast goes on with them; gaps and empty cells are holes that no window runs across.
awk 'BEGIN { srand(7); print "when;load"; for (t = 0; t < 600; ++t) printf "2024-%02d-%02d %02d:00;%.4f\n", 3 + int(t / 720), 1 + int(t / 24) % 30, t % 24, 20 + 5 * sin((t % 24) * atan2(0, -1) / 12) + rand() }' >"$work/hours.csv"
dated=(--hidden 8 --epochs 2 --window 12 --horizon 3)
run train series "${dated[@]}" --input hours.csv --out hours
check 'dates: are said, with their step and the calendar' grep -qx 'carousel: dates by when: 2024-03-01 00:00 to 2024-03-25 23:00, a row for each 1 hour; the net reads hour, weekday, month too' "$work/err"
run sample hours
check 'dates: the forecast goes on with them' test "$(cut -d, -f1 "$work/out" | tr '\n' ' ')" = 'when 2024-03-26 00:00 2024-03-26 01:00 2024-03-26 02:00 '
hours=$(last_line)
sed '100,105d' "$work/hours.csv" >"$work/gap.csv"
run train series "${dated[@]}" --input gap.csv --out gap
check 'a gap: is said' grep -qx 'carousel: 1 gap in when, whose steps are of 1 hour: the first from 2024-03-05 01:00 to 2024-03-05 08:00; no window runs across it' "$work/err"
check 'a gap: windows are missing around it' test "$(sed -n 's/.*"train": *\([0-9]*\).*/\1/p' "$work/gap/config.json" | head -n 1)" = "$((594 * 70 / 100 - 12 - 3 + 1 - 14))"
sed '200s/;.*/;/; 201s/;.*/;NA/' "$work/hours.csv" >"$work/empty.csv"
expect_error 'read empty.csv: line 200, column 2 ("load"): the cell is empty: give --missing fill or --missing skip, or fill it, or name other --columns' train series --input empty.csv --out never
run train series "${dated[@]}" --input empty.csv --missing fill --out filled
check '--missing fill: is said' grep -qx 'carousel: --missing fill: empty cells have the value before: 2 of load; no forecast is learned from or measured on a value that was filled in' "$work/err"
run train series "${dated[@]}" --input empty.csv --missing skip --out skipped
check '--missing skip: is said' grep -qx 'carousel: --missing skip: 2 rows of 600 with empty cells are left out; no window runs across the holes' "$work/err"
run eval skipped
check '--missing skip: eval does as the training did' test "$code" = 0
{ head -n 1 "$work/hours.csv"; tail -n +2 "$work/hours.csv" | tac; } >"$work/backwards.csv"
run train series "${dated[@]}" --input backwards.csv --out backwards
check 'rows in another order: are sorted, which is said' grep -qx 'carousel: the rows of backwards.csv were not in the order of when: they are sorted by it' "$work/err"
run sample backwards
check 'rows in another order: the same forecast' test "$(last_line)" = "$hours"
awk 'BEGIN { print "when,y"; for (t = 0; t < 12; ++t) printf "%02d/%02d/2024,%d\n", 1 + t, 1 + t % 2, t * t % 7 }' >"$work/either.csv"
expect_error 'read either.csv: line 4, column 1 ("when"): "03/01/2024" has two meanings: give --date-order day-first or --date-order month-first, or --date none' train series --input either.csv --out never
run train series --quiet --hidden 2 --epochs 1 --window 2 --horizon 1 --input either.csv --date-order month-first --out first
check 'dates of two meanings: are read as told' test "$code" = 0

# A first row of numbers is data, which is said.
{ echo 2019,2020; cut -d, -f2,3 "$work/headless.csv"; } >"$work/years.csv"
run train series --epochs 1 --hidden 2 --window 16 --horizon 4 --input years.csv --out years
check 'a first row of numbers: is data, which is said' grep -qx 'carousel: line 1 of years.csv is taken for a row, not for names of columns: --header yes or no tells' "$work/err"
run train series --epochs 1 --hidden 2 --window 16 --horizon 4 --input years.csv --header yes --out named
check 'and names where that is told' grep -q ' column="2020"$' <(last_line)
printf 'sep=;\n' | cat - "$work/points.csv" >"$work/excel.csv"
run train series "${tiny[@]}" --input excel.csv --out excel
check 'the first line of Excel: the same' test "$(last_line)" = "$plain"

# Tables that cannot be read.
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
refused 'read bad.csv: line 3, column 2 ("b"): the cell is empty: give --missing fill or --missing skip, or fill it, or name other --columns' 'a,b\n1,2\n3,\n'
refused 'read bad.csv: line 3, column 1 ("a"): "three": must be a number, or name other --columns' 'a,b\n1,2\nthree,4\n'
refused 'read bad.csv: line 3, column 1: "NA" is not a number: give --missing fill or --missing skip, or write a number, or name other --columns' '1,2\r\n2,3\r\nNA,4\r\n'
refused 'read bad.csv: line 3, column 2: the row ends before it: must have 2 fields, as line 1' 'a,b\n1,2\n3\n'
refused 'read bad.csv: line 2, column 3: one field too many: must have 2 fields, as line 1' 'a,b\n1,2,3\n'
refused 'read bad.csv: line 2, column 1: a quote begins and does not end: must be closed' 'a,b\n"1,2\n3,4\n'
refused 'read bad.csv: no column holds numbers: must be rows of numbers' 'a,b\nx,y\n'
refused 'read bad.csv: no column holds numbers; the nearest is line 2, column 2 ("b"): "12 €": must be digits, with a sign, marks and an exponent at most, and no unit' 'a,b\nx,12 €\n'
refused 'read bad.csv: line 2, column 2 ("v"): "10,134": must be told whether it is 10.134 or 10134, by --decimal , or --thousands ,' 't,v\n0,"10,134"\n'
refused 'bad.csv: 2 rows: must be at least 86 for a window of 48 and a horizon of 12, 70 of 100 to train on, 15 to validate, 15 to test' 'a\n1\n2\n'
constant=$(for ((t = 0; t < 100; ++t)); do printf '%s,5\\n' "$t"; done)
refused 'read bad.csv: lines 2 to 71, column "b": is always 5: must change in the part to train on, or be left out of --columns' "a,b\n$constant"
refused 'read bad.csv: line 2, column 2 ("load"): the cell is empty: give --missing fill or --missing skip, or fill it, or name other --columns' 't,load\n0,\n1,12.084\n2,13.161\n' --quiet
refused 'read bad.csv: line 3, column 1 ("v"): "1.000": must be told whether it is 1 or 1000, by --decimal . or --thousands .' 'v;w\n990;1\n1.000;2\n'
refused 'read bad.csv: line 3, column 1 ("v"): "1,5": must be written as line 2, column 1: "1.5"; --decimal and --thousands tell what is a number' 'v;w\n1.5;1\n1,5;2\n'
refused 'read bad.csv: line 1, column 1: "NaN" is not a number: give --missing fill or --missing skip, or write a number, or name other --columns' 'NaN\n1\n2\n'
refused '--columns c: bad.csv has no such column: must be one of "a", "b", or a number of 1 to 2' 'a,b\n1,2\n' --columns c
refused '--predict a: is not among --columns: name it there too' 'a,b\n1,2\n' --columns b --predict a
refused '--season 80: there are 70 rows to train on: give at most as many' "a,b\n$constant" --columns a --season 80
expect_error '--columns and --predict name columns of a file: give --input too' train series --columns 1
run train series --input nothing.csv
check 'a table that is not there: one line' test "$code/$(wc -l <"$work/err")" = 2/1
head -n 10 "$work/load.csv" >"$work/short.csv"
expect_error 'short.csv: 9 rows: must be at least 20 for a window of 16 and a horizon of 4' eval load --input short.csv
printf 'x,y\n1,2\n' >"$work/strange.csv"
expect_error 'read strange.csv: there is no column "noise": the model reads "noise", "the load"' eval load --input strange.csv
echo '2024-400,0.5,100' >>"$work/load.csv"
expect_error "load/best.safetensors: trained on $(readlink -f "$work")/load.csv, which has changed since then: put the old file back, or give another with --input" eval load
run train series --quiet --epochs 10 --resume straight-load
check 'a training on a table that has changed is not resumed' test "$code/$(wc -l <"$work/err")" = 2/1

# curve. What is always the mean has an error of 0.594.

small=(--quiet --hidden 16 --points 100 --epochs 5)
run train curve "${small[@]}" --out curve
check 'curve: ends with 0' test "$code" = 0
check 'curve: the result line' grep -qE '^result: curve rmse=[0-9.e-]+ rmse_960=[0-9.e-]+ \((not better than )?always 0, the mean: 0\.[0-9]+\)$' <(last_line)
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
