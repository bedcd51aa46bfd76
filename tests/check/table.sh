#!/usr/bin/env bash
# The task table from outside: small trainings, weights as text, a sweep, hostile tables.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

value() { last_line | tr ' ' '\n' | sed -n "s/^$1=//p"; }  # METRIC: of the last line
compare() { awk -v a="$1" -v b="$3" "BEGIN { exit !(a != \"\" && b != \"\" && a + 0 $2 b + 0) }"; }  # A OPERATOR B

# A label that is 1 where the row before had a negative x: a net without memory is right about as often as a coin.
awk 'BEGIN { srand(1); print "name\tx\tlabel\tz"; p = 1; for (i = 1; i <= 400; ++i) { x = rand() * 20 - 10; print "r" i "\t" x "\t" (p < 0) "\t" rand(); p = x } }' >"$work/memory.tsv"
small=(--quiet --hidden 8 --epochs 4 --passes 20 --rate 0.02 --input memory.tsv --held-out 0.25)

for window in 0 3; do
  run train table "${small[@]}" --window "$window" --out "window-$window"
  check "window $window: ends with 0" test "$code" = 0
  check "window $window: the result line" grep -qE '^result: table right=[0-9]+ rows=100( (accuracy|majority_accuracy|precision|recall|f1)=[0-9.]+){5} right1to1=[0-9]+ right0to0=[0-9]+ errors0to1=[0-9]+ errors1to0=[0-9]+ \((not better than )?always [01]: accuracy 0\.[0-9]+\)$' <(last_line)
  check "window $window: learns, on rows that it was not shown" at_least right 85
  check "window $window: rows that are held out are not said to be learned" test "$(cat "$work/err" "$work/window-$window/views.json" | grep -c 'rows that it learned from')" = 0
  cp "$work/out" "$work/trained"
  run eval "window-$window"
  check "window $window: eval finds what the training found" same_bits out trained
done

small+=(--window 0)

# Rows are told apart where there is no label, counted where there is.
head -n 4 "$work/memory.tsv" | cut -f 1,2,4 >"$work/unlabelled.tsv"
run eval window-0 --input unlabelled.tsv
check 'eval: a class for each row' test "$(grep -cP '^r[1-3]\t[01]\t0\.[0-9]{4}$' "$work/out")" = 3
check 'eval: how many there were' out_matches '^result: table rows=3 ones=[0-3]$'
run eval window-0 --input memory.tsv
check 'eval: counts' out_matches '^result: table right=[0-9]+ rows=400 accuracy='

# Weights as text
run train table "${small[@]}" --out straight --export weights
check 'weights: 12 files' test "$(find "$work/weights" -name '*.txt' | wc -l)" = 12
check 'weights: a line for each unit, of columns and units' test "$(awk -F '\t' '{ print NF }' "$work/weights/weightsG.txt" | sort | uniq -c | xargs)" = '8 10'
run eval straight
cp "$work/out" "$work/straight.out"
run train table "${small[@]}" --seed 9 --import weights --as-imported --out imported
check 'weights: imported, they count as they did, without a training' same_bits out straight.out
run runs imported
check 'weights: a run of imported ones is none that was interrupted' out_matches '^imported +table .* - +imported +right [0-9.]+ '
run eval imported --input unlabelled.tsv
cp "$work/out" "$work/imported.out"
run eval straight --input unlabelled.tsv
check 'weights: imported, they class what is given as they did' same_bits out imported.out
cp -r "$work/weights" "$work/again"
run train table "${small[@]}" --epochs 1 --passes 1 --rate 1e-30 --seed 9 --import again --export again --out same-folder
check 'weights: what is imported is not written over before it is read' diff -r "$work/weights" "$work/again"
expect_error '--as-imported makes a run of what --import reads: give it with --import, and without --export' train table --as-imported
expect_error '--import gives a training its start: it cannot be combined with --resume' train table --resume straight --epochs 5 --import weights
printf '1 2 x\n' >"$work/weights/biasF.txt"
expect_error 'read weights/biasF.txt: line 1, column 5: x: must be a number' train table --import weights --hidden 8 --input memory.tsv
expect_error 'weights as text: of 1 layer of gru: must be one layer of lstm or lstm-linear' train table --cell gru --export weights

# A sweep
run train table "${small[@]}" --sweep 4 --out sweep
check 'sweep: a line for each, best first, by rows that are not those held out' test "$(grep -cE '^[1-4],[1-4],[0-9]+,[0-9.e-]+,[2-5],[0-9]+,75,' "$work/out")" = 4
cp "$work/out" "$work/swept"
run train table "${small[@]}" --sweep 4 --threads 2 --out sweep-2
check 'sweep: the same on two threads' same_bits out swept
check 'sweep: kept in the run' same_bits sweep/sweep.csv sweep-2/sweep.csv
IFS=, read -r _ _ hidden rate seed right _ < <(sed -n 2p "$work/sweep/sweep.csv")
head -n 301 "$work/memory.tsv" >"$work/known.tsv"
run train table "${small[@]}" --input known.tsv --hidden "$hidden" --rate "$rate" --seed "$seed" --out best
check 'sweep: the best, trained alone on the same rows, is as good' out_matches "^result: table right=$right rows=75 "
sed '302,$ { s/\t0\t\([^\t]*\)$/\t1\t\1/ }' "$work/memory.tsv" >"$work/forged.tsv"
run train table "${small[@]}" --input forged.tsv --sweep 4 --out sweep-3
check 'sweep: what is held out has no say' same_bits sweep/sweep.csv sweep-3/sweep.csv
check 'sweep: the held-out rows of that table are others' differ memory.tsv forged.tsv

# Without a file, the prime table; always saying 0 is right in 30 of 44.
run train table --quiet --epochs 8 --hidden 16 --rate 0.02 --out prime
check 'primes: learns' at_least right 38
check 'primes: all rows are counted' out_matches ' rows=44 '
check 'primes: it is said that it learned from those' grep -q '^carousel: the counts are of the rows that it learned from: try --held-out 0\.2, ' "$work/err"
check 'primes: and in the views' grep -q 'Here the counts are of the rows that it learned from: try --held-out 0\.2, ' "$work/prime/views.json"
run train table --quiet --preset source --seed 3 --out relived
check 'primes, preset source: as many right as the original has' at_least right 43

# A training that is resumed ends as the one that was not stopped, and asks for the same table.
run train table "${small[@]}" --epochs 2 --out twice
run train table "${small[@]}" --epochs 1 --out stopped
run train table --epochs 2 --resume stopped --quiet
check 'a training that is resumed ends with the same bits' same_bits twice/last.safetensors stopped/last.safetensors
head -n 300 "$work/memory.tsv" >"$work/other.tsv"
expect_error 'stopped/last.safetensors: saved for other data than 299 rows of 2 columns: must be the same to go on' train table --epochs 3 --resume stopped --input other.tsv --quiet

# Moments of today: they differ by less than floats of their size do.
moments() { awk -v from="$1" 'BEGIN { srand(2); print "time\tlabel"; for (i = 0; i < 200; ++i) { t = (i * 77) % 200; printf "%d\t%d\n", from + t, (t > 99) } }' >"$work/$2"; }
moments 0 shifted.tsv
moments 1700000000 unix.tsv
for table in shifted unix; do
  run train table --quiet --hidden 4 --epochs 8 --passes 20 --rate 0.05 --held-out 0 --input $table.tsv --export $table-text --out $table
  check "moments, $table: all are told apart" at_least right 199
  cp "$work/out" "$work/$table.out"
done
check 'moments of today are told apart as those near 0' same_bits unix.out shifted.out
run train table --quiet --hidden 4 --held-out 0 --input unix.tsv --import unix-text --as-imported --out unix-imported
check 'and so they are by weights as text' same_bits out unix.out
run eval unix
check 'and by eval' same_bits out unix.out
sed 's/\t/;/; 2,$s/^/ +/; s/$/\r/' "$work/unix.tsv" >"$work/signs.csv"
run eval unix --input signs.csv
check 'signs, blanks, semicolons: the same' test "$(last_line)" = "$(tail -n 1 "$work/unix.out")"

# Independent rows, which those of a file are unless something else is said: the label is whether x + y > 0, in noise.
rows() {  # ROWS SEED FILE
  awk -v rows="$1" -v seed="$2" 'BEGIN { srand(seed); print "id,x,y,label"; for (i = 1; i <= rows; ++i) { x = rand() * 2 - 1; y = rand() * 2 - 1; print "r" i "," x "," y "," (x + y + (rand() - 0.5) / 2 > 0) } }' >"$work/$3"
}
rows 600 11 rows.csv
rows 300 12 new.csv
{ head -n 1 "$work/rows.csv"; tail -n +2 "$work/rows.csv" | sort -t, -k4,4 -s; } >"$work/sorted.csv"
{ head -n 1 "$work/new.csv"; tail -n +2 "$work/new.csv" | tac; } >"$work/reversed.csv"
for table in rows sorted; do
  run train table --input $table.csv --name id --out $table-run
  check "independent rows, $table: is said, with the rows to test" grep -qx "carousel: $table.csv: rows are independent (--series if they are in the order of time); 120 of 600 rows, drawn from each class by --seed 1, are kept for testing" "$work/err"
  check "independent rows, $table: columns are standardised, which is said" grep -qx 'carousel: standardised to mean 0 and deviation 1 of the rows to train on: x, y' "$work/err"
  check "independent rows, $table: the test is no better than noise lets it be" compare "$(value accuracy)" '<' 0.97
  check "independent rows, $table: learns" compare "$(value accuracy)" '>' 0.85
  tested=$(value accuracy)
  check "independent rows, $table: of the rows to test both labels are there" compare "$(value majority_accuracy)" '<' 0.7
  cp "$work/out" "$work/trained"
  run eval $table-run
  check "independent rows, $table: eval finds what the training found" test "$(last_line)" = "$(tail -n 1 "$work/trained")"
  run eval $table-run --input new.csv
  check "independent rows, $table: new rows are answered as well as those of the test" compare "$(value accuracy)" '>' "$(awk -v a="$tested" 'BEGIN { print a - 0.06 }')"
  sort "$work/out" | grep ^r >"$work/answers"
  run eval $table-run --input reversed.csv
  check "independent rows, $table: the same rows in another order get the same answers" diff <(sort "$work/out" | grep ^r) "$work/answers"
done
check 'a file sorted by label: is noticed' grep -q '^carousel: the rows are sorted by label: the rows to test are drawn from all of them, so this does no harm$' <("$program" train table --input "$work/sorted.csv" --name id --epochs 1 --passes 1 --out "$work/noticed" 2>&1)
run train table --input sorted.csv --name id --series --epochs 1 --out by-time
check 'a file sorted by label, as a series: is warned of' grep -q '^carousel: the rows are sorted by label: as a time series their order gives the label away' "$work/err"
check 'a series: the last rows are tested, which is said' grep -qx 'carousel: sorted.csv: the rows are one time series; the last 120 of 600 rows are kept for testing' "$work/err"

# Labels that nothing tells: not better than the majority class, in words.
awk 'BEGIN { srand(5); print "x,label"; for (i = 1; i <= 500; ++i) print rand() "," (rand() < 0.3 ? "yes" : "no") }' >"$work/random.csv"
run train table --quiet --input random.csv --out random
check 'random labels: not better than always saying no, in words' grep -qx 'carousel: not better than always saying no' "$work/err"
check 'random labels: the result line has the baseline' grep -q ' majority_accuracy=0\.[67][0-9]* .* (not better than always no: accuracy 0\.[67][0-9]*)$' <(last_line)
check 'random labels: and the report' grep -q 'The net is not better than always saying no' "$work/random/report.html"

# Words, names of labels, three classes, columns to ignore, empty cells, TSV and CSV.
awk 'BEGIN { srand(9); print "key,city,size,note,kind"; split("Oslo Rome Bern", c, " "); split("cold warm high", k, " "); for (i = 1; i <= 400; ++i) { n = 1 + int(rand() * 3); print i "," c[n] "," rand() ",n" i "," (rand() < 0.05 ? "warm" : k[n]) } }' >"$work/kinds.csv"
run train table --input kinds.csv --label kind --ignore key,note --epochs 4 --out kinds
check 'three classes: learns' compare "$(value accuracy)" '>' 0.85
check 'three classes: accuracy, majority, precision, recall and F1' grep -qE '^result: table right=[0-9]+ rows=80( (accuracy|majority_accuracy|precision|recall|f1)=0\.[0-9]+){5} \(always warm: accuracy 0\.4\)$' <(last_line)
check 'a column of words: is said to be one-hot' grep -q 'size, city (words, one-hot: 3)$' "$work/err"
kinds=$(last_line)
run eval kinds
check 'three classes: eval finds what the training found' test "$(last_line)" = "$kinds"
tr , '\t' <"$work/kinds.csv" >"$work/kinds.tsv"
run train table --quiet --input kinds.tsv --label kind --ignore key,note --epochs 4 --out kinds-tsv
check 'TSV: the same as CSV' test "$(last_line)" = "$kinds"
expect_error 'read kinds.csv: column 4 ("note") has more than 100 different words in 400 rows: leave it out by --ignore note, or by --name, if it names the rows' train table --quiet --input kinds.csv --label kind --out never
printf 'city,size\nOslo,0.5\nParis,0.5\n' >"$work/paris.csv"
run eval kinds --input paris.csv
check 'a word that was not there in the training: is counted' grep -q '^carousel: city: 1 row has a word that the training did not have (the first is "Paris"): it counts as none of the known ones$' "$work/err"
check 'and answered' grep -qP '^2\t(cold|warm|high)\t0\.[0-9]{4}$' "$work/out"
awk -F, 'NR % 50 == 2 { $3 = "" } { print $1 "," $2 "," $3 "," $4 "," $5 }' "$work/kinds.csv" >"$work/holes.csv"
expect_error 'read holes.csv: line 2, column 3 ("size"): the cell is empty: give --missing fill or --missing skip, or fill it' train table --input holes.csv --label kind --ignore key,note --quiet
for missing in fill skip; do
  run train table --input holes.csv --label kind --ignore key,note --missing $missing --epochs 4 --out holes-$missing
  check "--missing $missing: learns" compare "$(value accuracy)" '>' 0.8
  check "--missing $missing: is said" grep -qE '^carousel: --missing (fill: empty cells count as the mean of the rows to train on: 8 of size|skip: 8 of 400 rows with empty cells are left out)$' "$work/err"
done
run train table --quiet --input random.csv --class-weights balanced --epochs 2 --out balanced
check '--class-weights balanced: the rare class is said' test "$(value recall)" != 0

# Hostile tables
hostile() {  # TEXT MESSAGE
  printf '%b' "$1" >"$work/hostile.tsv"
  expect_error "read hostile.tsv: $2" train table --input hostile.tsv
}
hostile '' 'is empty: must have rows of numbers'
hostile 'a\tlabel\n' 'has a header and no rows: must have rows of numbers'
hostile 'a\tlabel\n1\t0\n1\t0\t5\n' 'line 3, column 3: one field too many: must have 2 fields, as line 1'
hostile 'a\tlabel\n1\t0\nx7\t1\n' 'line 3, column 1 ("a"): "x7": must be a number'
hostile 'a\tlabel\n1\t2\n' 'all rows to train on have the label 2: there must be two labels to tell apart'
hostile 'a\tlabel\n1\t0\n\t1\n' 'line 3, column 1 ("a"): the cell is empty: give --missing fill or --missing skip, or fill it'
hostile 'v\tlabel\n990\t0\n1.000\t1\n' 'line 3, column 1 ("v"): "1.000": must be told whether it is 1 or 1000, by --decimal . or --thousands .'
hostile 'a\tb\n1\t0\n' 'line 1: no column is called label: --label must name one of a, b'
hostile 'a\ta\n1\t0\n' 'line 1: two columns are called "a": their names must differ'
cp "$work/memory.tsv" "$work/changing.tsv"
run train table "${small[@]}" --input changing.tsv --epochs 1 --passes 1 --out changed
head -n 300 "$work/memory.tsv" >"$work/changing.tsv"
run eval changed
check 'eval: a table that has changed since the training is not taken for it' test "$code/$(sed "s|$(readlink -f "$work")|.|g" "$work/err")" = '2/carousel: changed/last.safetensors: trained on ./changing.tsv, which has changed since then: put the old file back, or give another with --input'
printf 'x\tlabel\n1\t0\n' >"$work/narrow.tsv"
expect_error 'read narrow.tsv: line 1: no column is called z: the model reads x, z' eval window-0 --input narrow.tsv
expect_error '--held-out 1: must be a number of 0 or more and below 1' train table --held-out 1
expect_error '--held-out 0.001: of 400 rows that is none: must be 0, or at least one of them' train table --input memory.tsv --held-out 0.001
expect_error '--sweep trains each net to the end: it cannot be combined with --patience' train table --sweep 2 --patience 3
expect_error '--sweep trains each net from its own start: it cannot be combined with --import or --export' train table --sweep 2 --export weights
expect_error '--sweep trains each net at a constant rate: it cannot be combined with --schedule or --warm-up' train table --sweep 2 --schedule cosine

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
