#!/usr/bin/env bash
# `carousel predict` of the tasks series and table: answers to files that the training never saw.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

# series: a forecast after the last row of any file with the columns, dates continued.
hours() {  # FIRST_DAY ROWS FILE: a day's wave, in hours of March 2024
  awk -v day="$1" -v rows="$2" 'BEGIN { srand(day); print "when,load,wind"; for (t = 0; t < rows; ++t) printf "2024-03-%02d %02d:00,%.4f,%.4f\n", day + int(t / 24), t % 24, 20 + 5 * sin(t * atan2(0, -1) / 12) + rand(), rand() }' >"$work/$3"
}
hours 1 480 known.csv
hours 25 72 new.csv
run train series --quiet --input known.csv --columns load --hidden 12 --epochs 12 --window 24 --horizon 6 --out load
run predict load --input new.csv
check 'series: the forecast goes on behind the new file, with its dates' test "$(cut -d, -f1 "$work/out" | tr '\n' ' ')" = 'when 2024-03-28 00:00 2024-03-28 01:00 2024-03-28 02:00 2024-03-28 03:00 2024-03-28 04:00 2024-03-28 05:00 '
check 'series: its columns' test "$(head -n 1 "$work/out")" = 'when,load,low,high'
check 'series: it is near what comes, within its interval' awk -F, 'NR > 1 { wanted = 20.5 + 5 * sin((NR - 2) * atan2(0, -1) / 12); if ($2 - wanted > 1.5 || wanted - $2 > 1.5 || $3 > $2 || $4 < $2) bad = 1 } END { exit bad }' "$work/out"
cp "$work/out" "$work/plain"
run predict load --input new.csv --out answers.csv
check 'series: --out holds the same' diff "$work/answers.csv" "$work/plain"
run predict load --input new.csv --format jsonl
check 'series: JSON lines' grep -qE '^\{"when": ?"2024-03-28 00:00", ?"load": ?[0-9.]+, ?"low": ?[0-9.]+, ?"high": ?[0-9.]+\}$' <(head -n 1 "$work/out")
(cd "$work" && "$program" predict load --input - <new.csv) >"$work/piped" 2>"$work/err"
check 'series: standard input' diff "$work/piped" "$work/plain"
run predict load --input new.csv --length 2
check 'series: --length' test "$(wc -l <"$work/out")" = 3
sed 's/,/;/g; s/\./,/g' "$work/new.csv" >"$work/german.csv"
run predict load --input german.csv
check 'series: another way of writing numbers' diff "$work/out" "$work/plain"
run predict load
check 'series: without --input behind the file that it was trained on' test "$(sed -n 2p "$work/out" | cut -d, -f1)" = '2024-03-21 00:00'
head -n 10 "$work/new.csv" >"$work/short.csv"
expect_error 'short.csv: a forecast needs 24 rows without a hole, the window, before it, and there are 9' predict load --input short.csv
sed '60d' "$work/new.csv" >"$work/hole.csv"
expect_error 'hole.csv: a forecast needs 24 rows without a hole, the window, before it, and there are 13' predict load --input hole.csv --quiet
cut -d, -f2 "$work/new.csv" >"$work/undated.csv"
expect_error 'read undated.csv: there is no column "when" of dates: the net reads them' predict load --input undated.csv
run train series --quiet --hidden 4 --epochs 1 --out built-in
printf 'temperature,load\n' >"$work/two.csv"
awk 'BEGIN { for (t = 0; t < 60; ++t) print t % 24 ",5" t }' >>"$work/two.csv"
run predict built-in --input two.csv
check 'series: rows have numbers where there are no dates' test "$(cut -d, -f1 "$work/out" | sed -n '1p;2p' | tr '\n' ' ')" = 'row 61 '

# series: several columns at once.
run train series --quiet --input known.csv --predict load,wind --hidden 8 --epochs 4 --window 24 --horizon 6 --out both
check 'two columns: the result has both' grep -qE '^result: series mse=.* skill=.* mse_wind=[0-9.]+ skill_wind=-?[0-9.e-]+ coverage_wind=0\.[0-9]+ \(not better than the seasonal naive: [0-9.]+\) baseline="[a-z ]+" column="load" baseline_2="(mean of the training part|moving average)" column_2="wind"$' "$work/out"
check 'two columns: of noise it is said that it is not forecast' grep -qE '^carousel: wind: not better than the (mean of the training part|moving average) ' "$work/err"
check 'two columns: a file of forecasts for each' test "$(head -n 1 "$work/both/forecast-2.csv" | cut -d, -f4)" = wind
both=$(last_line)
run eval both
check 'two columns: eval finds what the training found' test "$(last_line)" = "$both"
run predict both --input new.csv
check 'two columns: predict forecasts both, with intervals' test "$(sed -n '1p;2p' "$work/out" | cut -d, -f1,2,5 | tr '\n' ' ' | sed 's/,[0-9.]*,[0-9.]* $//')" = 'when,load,wind 2024-03-28 00:00'
check 'two columns: their names' test "$(head -n 1 "$work/out")" = 'when,load,load_low,load_high,wind,wind_low,wind_high'

# table: a label with its probability to each new row, ids and other columns kept.
rows() {  # ROWS SEED FILE
  awk -v rows="$1" -v seed="$2" 'BEGIN { srand(seed); print "id,x,y,label"; for (i = 1; i <= rows; ++i) { x = rand() * 2 - 1; y = rand() * 2 - 1; print "r" i "," x "," y "," (x + y > 0 ? "yes" : "no") } }' >"$work/$3"
}
rows 500 1 rows.csv
rows 200 2 fresh.csv
run train table --quiet --input rows.csv --name id --out rows
awk -F, '{ print "note " NR "," $2 "," $1 "," $3 }' "$work/fresh.csv" | sed '1s/note 1/note/' >"$work/unlabelled.csv"
run predict rows --input unlabelled.csv
check 'table: the columns of the file, the label, its probability, and those of all' test "$(head -n 1 "$work/out")" = 'note,x,id,y,predicted,probability,p_no,p_yes'
check 'table: an answer to each row' test "$(wc -l <"$work/out")" = 201
check 'table: right for at least 190 of 200 rows that it never saw' test "$(paste -d, <(cut -d, -f4 "$work/fresh.csv") <(cut -d, -f5 "$work/out") | awk -F, 'NR > 1 && $1 == $2' | wc -l)" -ge 190
check 'table: ids and other columns are kept' diff <(cut -d, -f1-4 "$work/out") "$work/unlabelled.csv"
check 'table: probabilities sum up to 1, and the label has the larger one' awk -F, 'NR > 1 && (($7 + $8 - 1) ^ 2 > 1e-8 || $6 < 0.5 || ($5 == "yes") != ($8 > 0.5)) { bad = 1 } END { exit bad }' "$work/out"
cp "$work/out" "$work/plain"
run predict rows --input fresh.csv
check 'table: labels that stand there change nothing' diff <(cut -d, -f5-8 "$work/out") <(cut -d, -f5-8 "$work/plain")
{ head -n 1 "$work/unlabelled.csv"; tail -n +2 "$work/unlabelled.csv" | tac; } >"$work/reversed.csv"
run predict rows --input reversed.csv
check 'table: the same rows in another order get the same answers' diff <(sort "$work/out") <(sort "$work/plain")
tr , '\t' <"$work/unlabelled.csv" >"$work/unlabelled.tsv"
run predict rows --input unlabelled.tsv
check 'table: TSV' diff "$work/out" "$work/plain"
(cd "$work" && "$program" predict rows --input - <unlabelled.csv) >"$work/piped" 2>"$work/err"
check 'table: standard input' diff "$work/piped" "$work/plain"
run predict rows --input unlabelled.csv --format jsonl
check 'table: JSON lines' grep -qE '^\{"note": ?"note 2".*"predicted": ?"(yes|no)", ?"probability": ?[0-9.]+, ?"p_no": ?[0-9.e-]+, ?"p_yes": ?[0-9.e-]+\}$' <(head -n 1 "$work/out")
cut -d, -f1,2 "$work/fresh.csv" >"$work/narrow.csv"
expect_error 'read narrow.csv: line 1: no column is called y: the model reads x, y' predict rows --input narrow.csv
sed '3s/,[^,]*,/,,/' "$work/unlabelled.csv" >"$work/empty.csv"
expect_error 'read empty.csv: line 3, column 2 ("x"): the cell is empty: give --missing fill or --missing skip, or fill it' predict rows --input empty.csv
run train table --quiet --input rows.csv --name id --missing skip --epochs 1 --out skips
run predict skips --input empty.csv
check 'table: a row with an empty cell is left without an answer where the run skips such rows' test "$(sed -n 3p "$work/out" | cut -d, -f5-)/$(wc -l <"$work/out")" = ',,,/201'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
