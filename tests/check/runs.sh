#!/usr/bin/env bash
# Runs from outside: listed, compared, one training at a time in each, and what a full disk leaves of them.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

lacks() { ! "$@"; }
state_is() { grep -qE -- "^$1 .* $2 " "$work/out"; }
small=(--quiet --hidden 8 --sequences 200 --batch 20 --rate 0.01)

expect_error 'runs: there is no such folder' runs
run train add "${small[@]}" --epochs 3 --out runs/first
run train add "${small[@]}" --epochs 4 --cell gru --clip 2 --out runs/second
run train echo --quiet --epochs 3 --rate 1e300 --optimizer sgd --out runs/blown
check 'a loss that explodes is not done' test "$code" = 1
mkdir "$work/runs/foreign" "$work/runs/"$'odd\nname' "$work/runs/pipe"
mkfifo "$work/runs/pipe/config.json"
head -c 100000 /dev/zero | tr '\0' '[' >"$work/runs/foreign/config.json"
run runs
check 'runs: ends with 0' test "$code" = 0
check 'runs: a line for each, and the headings' test "$(wc -l <"$work/out")" = 4
check 'runs: a run that is finished' grep -qE '^runs/first +add +20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{5} +lstm 8 +3/3 +finished +mse [0-9.e-]+, not better than always the mean +0:[0-9]{2} +0:[0-9]{2} +[0-9.]+ kB$' "$work/out"
check 'runs: the newest first' test "$(awk '{ printf "%s ", $1 }' "$work/out")" = 'run runs/blown runs/second runs/first '
check 'runs: one that exploded' state_is runs/blown exploded
check 'runs: what is none is passed over, a line each' test "$(wc -l <"$work/err")/$(grep -c '; passed over$' "$work/err")" = 3/3
run runs runs/first
check 'runs: of one' test "$(wc -l <"$work/out")" = 2
run runs --json
check 'runs: as JSON' grep -qF '{"run":"runs/blown","task":"echo",' "$work/out"
mkdir "$work/none"
run runs none
check 'runs: none' test "$code/$(<"$work/out")/$(<"$work/err")" = '0//carousel: none: no training has saved here'

run compare runs/first runs/second --out losses.svg
check 'compare: ends with 0' test "$code" = 0
check 'compare: options that differ' test "$(sed -n '/^options/,/^last/p' "$work/out" | tr -s ' ' | head -n -1 | tail -n +2 | tr '\n' '|')" = ' --cell lstm gru| --clip 1 2| --epochs 3 4|'
check 'compare: a line for each loss of each' test "$(grep -cE '^  (first|second) +[^ ]{3,4}$' "$work/out")" = 4
check 'compare: a chart' test "$(grep -c 'class="line c[12]".* d="M[0-9. ]*L' "$work/losses.svg")" = 4
many=()
for ((i = 0; i < 200; i++)); do many+=(runs/first runs/second); done
(cd "$work" && { sleep 0.3; exec "$program" compare "${many[@]}" --out early.svg; } 2>/dev/null | true)
check 'compare: a chart too where nobody reads the page to its end' test -s "$work/early.svg"
expect_error 'compare: one run: must be two or more' compare runs/first
expect_error 'runs/foreign/config.json: must be the configuration of a training, with its task' compare runs/first runs/foreign
expect_error '--out x.png: must be a file FILE.svg' compare runs/first runs/second --out x.png

# Resumed where nothing is left.
sums() { (cd "$work/runs/first" && find . -type f | sort | xargs cksum); }
sums >"$work/before"
run train add "${small[@]}" --epochs 3 --resume runs/first
check 'a run that is done: code 0' test "$code" = 0
check 'a run that is done: one line says so, and what to do' test "$(<"$work/err")" = 'carousel: runs/first: its 3 epochs are done: nothing is left to train; for more: carousel train add --resume runs/first --epochs 6'
check 'a run that is done: its result is said again' test "$(wc -l <"$work/out")/$(grep -c '^result: add mse=' "$work/out")" = 1/1
check 'a run that is done: nothing is written' test "$(sums)" = "$(<"$work/before")"
run train add --quiet --resume runs/first --profile
check 'a run that is done: no step to profile' grep -qF ': nothing is left to train, and --profile has no step to measure; for more: carousel train add ' "$work/err"
run train add --quiet --resume runs/first --trace-nonfinite
check 'a run that is done: no step to trace' grep -qF ': nothing is left to train, and --trace-nonfinite has no step to look at; for more: ' "$work/err"
rm "$work/runs/first/report.html"
run train add --quiet --resume runs/first --profile
check 'a run that is done, without its report: it is made again' test -s "$work/runs/first/report.html"
check 'a run that is done, without its report: no step to profile' grep -qx 'carousel: --profile has no step to measure' "$work/err"
run train add --quiet --resume runs/first --epochs 4
check 'a run that is done: with more epochs it goes on' test "$(grep -c '"epoch":' "$work/runs/first/metrics.jsonl")" = 4
run train add "${small[@]}" --epochs 3 --out runs/first-again
rm -r "$work/runs/first"
mv "$work/runs/first-again" "$work/runs/first"
run train echo --quiet --patience 1 --rate 1e-30 --epochs 9 --out patience
run train echo --quiet --resume patience
check 'a run that ended early: nothing is left, and what to do' grep -qE '^carousel: patience: it ended after epoch [2-8], by --patience: nothing is left to train; for more: carousel train echo --resume patience --patience 0$' "$work/err"
run train echo --quiet --resume patience --patience 0
check 'a run that ended early: it goes on without patience' test "$(grep -c '"epoch":' "$work/patience/metrics.jsonl")" = 9

# What a report tells of this machine, and what a text training leaves to read.
mkdir "$work/secret"
seq 2000 >"$work/secret/my numbers.txt"
run train text --quiet --hidden 8 --batch 4 --steps 10 --epochs 1 --input "$work/secret/my numbers.txt" --out paths
check 'a report names the file, not where it lies' lacks grep -qE "secret|${work##*/}" "$work/paths/report.html"
check 'a report names the file' grep -qF "train text --epochs 1 --input 'my numbers.txt' --hidden 8" "$work/paths/report.html"
check 'config.json knows where it lies' grep -qF "$work/secret/my numbers.txt" "$work/paths/config.json"
check 'the text of a training: at what temperature' grep -q '^carousel: what it writes at temperature 0.7 ' "$work/err"
check 'samples.txt: by temperature' test "$(grep -cE '^temperature (0\.3|0\.7|1|1\.3)$' "$work/paths/samples.txt")" = 4
run train copy --quiet --hidden 8 --lists 100 --epochs 1 --out lists
check 'samples.txt: lists' grep -qE '^given +made +right$' "$work/lists/samples.txt"
run compare paths lists
check 'compare: where samples are' test "$(tail -n 3 "$work/out" | tr '\n' '|')" = 'what they made|  paths/samples.txt|  lists/samples.txt|'
run train text --quiet --resume paths --epochs 2 --profile
check 'a training that goes on names a new profile, and no samples of before' grep -qx 'carousel: saved in paths with profile.json; try: carousel sample paths' "$work/err"
run train text --quiet --resume paths --epochs 3
check 'a training that goes on names no profile of before' grep -qx 'carousel: saved in paths; try: carousel sample paths' "$work/err"

# The epochs that are done, of those that last.safetensors has.
epochs_of() { (cd "$work" && "$program" train echo --quiet --resume "$1" --epochs 1 2>&1 | sed -nE 's/.*: ([0-9]+) are done: .*/\1/p'); }

# Two at once in one folder.
(cd "$work" && exec "$program" train echo --quiet --epochs 1000000000 --out runs/busy) >/dev/null 2>&1 </dev/null &
busy=$!
for ((i = 0; i < 100; i++)); do [[ -s $work/runs/busy/last.safetensors ]] && break; sleep 0.1; done
run runs
check 'runs: one that runs' state_is runs/busy running
run report runs/busy
check 'report: one that runs' grep -qF '"running":true' "$work/runs/busy/report.html"
expect_error '--out runs/busy: another training runs there: must be another folder, or wait for its end' train echo --quiet --out runs/busy
expect_error '--out runs/busy: another training runs there: must be another folder, or wait for its end' train echo --quiet --resume runs/busy
kill -KILL "$busy"
wait "$busy" 2>/dev/null
run runs
check 'runs: one that was killed' state_is runs/busy interrupted
expect_error "--epochs 1: $(epochs_of runs/busy) are done: must be as many, or more" train echo --quiet --resume runs/busy --epochs 1
touch "$work/runs/busy/"{last.safetensors.12-3.tmp,notes.txt}
run train echo --quiet --resume runs/busy --epochs "$(epochs_of runs/busy)"
check 'one that was killed goes on' test "$code" = 0
check 'what it left unfinished is gone, what is not of it is not' test "$(cd "$work/runs/busy" && ls -d *.tmp notes.txt 2>/dev/null)/$(grep -c notes "$work/err")" = notes.txt/0
(cd "$work" && mkdir at-once && cd at-once && for i in 1 2 3; do "$program" train echo --quiet --epochs 1 & done; wait) >"$work/out" 2>"$work/err" </dev/null
check 'three that begin in one second have folders of their own' test "$(ls "$work/at-once/runs" | wc -l)/$(grep -c ^result "$work/out")" = 3/3

# The folder of a training that runs gives way to another training's.
(cd "$work" && exec "$program" train add "${small[@]}" --epochs 100000000 --out runs/raced) >"$work/raced.out" 2>"$work/raced.err" </dev/null &
raced=$!
for ((i = 0; i < 100; i++)); do [[ -s $work/runs/raced/best.safetensors ]] && break; sleep 0.1; done
mv "$work/runs/raced" "$work/runs/moved"
run train add "${small[@]}" --epochs 3 --out runs/raced
check 'another training in its place: done' test "$code" = 0
code=0
wait "$raced" || code=$?
check 'the training that lost its folder: code 2, no result' test "$code/$(<"$work/raced.out")" = 2/
check 'the training that lost its folder: one line' grep -qxE 'carousel: (write|read) runs/raced/[a-z.]+: runs/raced was removed or moved, and is not the folder any more that was opened: must stay while it is in use; nothing was changed there' "$work/raced.err"
check 'the training that lost its folder: nothing else' test "$(wc -l <"$work/raced.err")" = 1
for name in best last; do
  check "another training in its place: its $name is as if it had been alone" same_bits "runs/raced/$name.safetensors" "runs/first/$name.safetensors"
done
check 'another training in its place: its lines are its own' test "$(grep -c '"epoch":' "$work/runs/raced/metrics.jsonl")" = 3
run eval runs/moved
check 'the training that lost its folder: what it had saved by then is whole' test "$code/$(grep -c '^result: add ' "$work/out")" = 0/1

# No room for the first `last`, in which the optimiser is too, and room for a `best`.
room=$(($(stat -c %s "$work/runs/first/best.safetensors" "$work/runs/first/last.safetensors" | paste -sd+) ))
code=0
(ulimit -f $((room / 2048)) && cd "$work" && exec "$program" train add "${small[@]}" --epochs 3 --out runs/cramped) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'no room for the first checkpoint: code 2, one line' test "$code/$(grep -c '^carousel: write runs/cramped/last.safetensors: File too large' "$work/err")/$(wc -l <"$work/err")" = 2/1/1
run train add "${small[@]}" --epochs 3 --out runs/cramped
check 'no room for the first checkpoint: with room it begins anew' test "$code" = 0

# What is closed takes no number of a file of the run.
code=0
(cd "$work" && exec "$program" train add "${small[@]}" --epochs 3 --out runs/closed) <&- >&- 2>&- || code=$?
check 'standard input, output and error are closed: code 0' test "$code" = 0
check 'standard input, output and error are closed: only lines in the files of lines' lacks grep -vqhE '^\{.*\}$' "$work/runs/closed/metrics.jsonl" "$work/runs/closed/steps.jsonl"
check 'standard input, output and error are closed: the checkpoint is as ever' same_bits runs/closed/last.safetensors runs/first/last.safetensors

# Signals that come together, while the step that runs takes long.
long=(train text --quiet --hidden 512 --batch 64 --steps 200 --epochs 9)
for signals in 'HUP TERM' 'TERM TERM' 'TERM INT HUP TERM'; do
  rm -rf "$work/runs/told"
  (cd "$work" && exec "$program" "${long[@]}" --out runs/told) >"$work/out" 2>"$work/err" </dev/null &
  told=$!
  for ((i = 0; i < 200; i++)); do [[ -s $work/runs/told/config.json ]] && break; sleep 0.05; done
  for signal in $signals; do kill -s "$signal" "$told"; sleep 0.003; done
  code=0
  wait "$told" || code=$?
  check "$signals together: saved, code 130" test "$code/$(grep -c '"ended":"interrupted"' "$work/runs/told/metrics.jsonl")" = 130/1
done

# No room: files may have 8 kB, the checkpoints have less, the metrics of 300 epochs more.
code=0
(ulimit -f 8 && cd "$work" && exec "$program" train echo --quiet --hidden 1 --epochs 300 --out runs/full) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'no room: code 2' test "$code" = 2
check 'no room: one line' grep -qxE 'carousel: write runs/full/(steps|metrics)\.jsonl: File too large: must have room on its disk' "$work/err"
check 'no room: every line that is there is whole' lacks grep -vqhE '^\{.*\}$' "$work/runs/full/metrics.jsonl" "$work/runs/full/steps.jsonl"
check 'no room: nothing half is left' test "$(find "$work/runs/full" -name '*.tmp' | wc -l)" = 0
run runs runs/full
check 'no room: the run can be read' state_is runs/full interrupted
run train echo --quiet --resume runs/full
cp "$work/out" "$work/resumed"
check 'no room: with room it goes on' test "$code" = 0
run train echo --quiet --hidden 1 --epochs 300 --out runs/whole
check 'no room: to the end that it would have had' test "$(tail -n 1 "$work/resumed")" = "$(last_line)"

# No room for the report alone: with this script in it a megabyte, files may have half of one.
head -c 1000000 /dev/zero | tr '\0' ' ' >"$work/big.js"
shows_epochs() { grep -qF "[\"--epochs\",\"$1\"]" "$work/runs/shown/report.html"; }
run train add "${small[@]}" --epochs 1 --out runs/shown
check 'no room for a report: one from before' shows_epochs 1
code=0
(ulimit -f 500 && cd "$work" && CAROUSEL_CHART_JS=big.js exec "$program" train add --quiet --resume runs/shown --epochs 2) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'no room for a report: it is said, and the training is done' test "$code/$(grep -c '^carousel: no report: write runs/shown/report\.html: ' "$work/err")" = 0/1
check 'no room for a report: none of before is left' test ! -e "$work/runs/shown/report.html"
run train add --quiet --resume runs/shown
check 'no room for a report: with room it is made, of all epochs' shows_epochs 2
check 'a training that went on with other options: its page names both commands' \
  grep -qE '"commands":\["carousel train add [^"]*--epochs 1[^"]*","carousel train add [^"]*--epochs 2[^"]*"\]' "$work/runs/shown/report.html"
rm "$work/runs/shown/report.html"
run report runs/shown
check 'a report that is gone: carousel report makes it' shows_epochs 2

# No pictures where a file is in their way.
mkdir "$work/runs/blind"
touch "$work/runs/blind/pictures"
run train echo --quiet --epochs 2 --out runs/blind
check 'no pictures: it is said, and there is a report' test "$code/$(tail -n 2 "$work/err")" = '0/carousel: not everything is drawn: write runs/blind/pictures: Not a directory
carousel: report: runs/blind/report.html'
check 'no pictures: the report is there' test -s "$work/runs/blind/report.html"

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
