#!/usr/bin/env bash
# The program from outside: what it prints where, its exit codes, its one-line errors, the runs that must repeat older programs'.
# CAROUSEL_PROGRAM names the program; CAROUSEL_DATA the folder of data sets, whose reference/ is used where it is there.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

is_empty() { [[ ! -s $1 ]]; }

expect_done() {  # NAME ARGUMENT...: code 0
  local name=$1
  shift
  run "$@"
  check "$name: ends with 0" test "$code" = 0
}

# Help and lists

for arguments in --help -h 'train --help' 'train echo --help' 'train count -h' 'eval --help' 'sample --help' 'predict --help' 'report --help' 'gradcheck --help' 'scoreboard --help' 'list --help'; do
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
check 'list: a line for each cell' test "$(grep -cE '^cell  (lstm|lstm-peephole|gru|gru-reset-before|rnn-tanh|rnn-relu) +[^ ]' "$work/out")" = 6
tasks=$(awk '$1 == "task" { printf "%s%s", sep, $2; sep = ", " }' "$work/out")
cells=$(awk '$1 == "cell" { printf "%s%s", sep, $2; sep = ", " }' "$work/out")

# Errors

run --help
expect_error "foo: must be one of $(awk '/^commands$/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { printf "%s%s", sep, $1; sep = ", " }' "$work/out")" foo
expect_error '--foo: no such option; carousel --help lists them' --foo
expect_error "train: which task? $tasks" train
expect_error "train: nosuch: must be one of $tasks" train nosuch
expect_error "train: txet (did you mean text?): must be one of $tasks" train txet
run trian text
check 'a mistyped command: the nearest' grep -q '^carousel: trian (did you mean train?): must be one of train, ' "$work/err"
for words in --help 'train text --help' 'predict --help' 'graph --help' data 'train echo --epoch 3' train eval 'train echo --quiet --epochs 1'; do
  # shellcheck disable=SC2086
  (cd "$work" && CAROUSEL_STARTED_AS=./tasks/run "$program" $words) >"$work/out" 2>"$work/err" </dev/null
  check "started by ./tasks/run: $words says so" test "$(cat "$work/out" "$work/err" | grep -cE '(^|[ (\`])carousel (train|eval|sample|predict|graph|data|list|COMMAND|--)([^a-z]|$)')" = 0
done
run text
check 'a task in place of a command' grep -q '^carousel: text (did you mean train text?): must be one of train, ' "$work/err"
expect_error 'train echo: --epoch: no such option (did you mean --epochs?); carousel train echo --help lists them' train echo --epoch 3
expect_error 'train echo: --epochs: a value must follow' train echo --epochs
expect_error '--epochs 0: must be a whole number of 1 to 1000000000' train echo --epochs 0
expect_error '--epochs many: must be a whole number of 1 to 1000000000' train echo --epochs many
expect_error '--rate -1: must be a number above 0' train echo --rate -1
expect_error '--preset best: must be one of default, source' train echo --preset best
expect_error "--cell lstn (did you mean lstm?): must be one of $cells" train echo --cell lstn
expect_error '--optimizer sdg (did you mean sgd?): must be one of sgd, momentum, rmsprop, adagrad, adadelta, adam, adamw' train count --optimizer sdg
expect_error 'train echo: more: one argument too many' train echo more
huge=4611686018427387904
for task in text echo count; do
  expect_error "--hidden $huge: must be a whole number of 1 to 1048576" train "$task" --hidden $huge
  expect_error "--batch $huge: must be a whole number of 1 to 1048576" train "$task" --batch $huge
done
expect_error '--steps 4294967296: must be a whole number of 1 to 1048576' train text --steps 4294967296
expect_error 'the built-in text: 112453 characters for batches of 1048576 streams of 1048576 steps: must be at least 2199023255552; a smaller --batch or --steps needs fewer' \
  train text --batch 1048576 --steps 1048576
expect_error '--layers 1001: must be a whole number of 1 to 1000' train text --layers 1001
expect_error '--seed 4294967296: echo draws as numpy does: must be at most 4294967295' train echo --seed 4294967296
expect_error 'train echo: --steps: no such option; carousel train echo --help lists them' train echo --steps 2
expect_error 'train echo: --resume: a value must follow' train echo --resume
expect_error '--resume nowhere: must be the folder of a training' train echo --resume nowhere
expect_error 'eval: RUN is missing; carousel eval --help says more' eval
expect_error 'nowhere: there is no such folder or file' eval nowhere
expect_error 'nowhere: there is no such folder or file' sample nowhere
expect_error "--input '': the name is empty; give a file, or leave it out" eval nowhere --input ''
mkdir "$work/empty"
expect_error '--resume empty: holds no last.safetensors: must be the folder of a training' train echo --resume empty
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
check 'echo: the result line ends it' test "$(last_line)" = 'result: echo loss=2.61076e-06 (always the mean of the four: 0.4275)'
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
check 'echo, tanh: learns' test "$(last_line)" = 'result: echo loss=1.69242e-07 (always the mean of the four: 0.4275)'
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
check 'count: every start is counted on from, where chance is one of nine' out_matches '^result: count starts_right=9 starts=9 loss=0\.1[0-9]* \(a uniform guess: loss 19\.78\)$'
check 'count: a line for each epoch' test "$(grep -c '^epoch [1-7]: loss ' "$work/out")" = 7
check 'count: prints as the original does' test \
  "$(grep -A 1 -xF 'the given start number: 1' "$work/out" | tail -n 1)" = 'the created numbers:    [2, 3, 4, 5, 6, 7, 8, 0]'
for cell in ${cells//, / }; do
  run train count --cell "$cell" --out "count-$cell"
  check "count, $cell: every start is counted on from" out_matches '^result: count starts_right=9 starts=9 '
  [[ $cell == gru ]] && last_line >"$work/counted"
done

# Saved models

run eval count-gru
check 'eval: a saved counter counts' out_matches '^result: count starts_right=9 starts=9 '
run sample count-gru --prime 7 --length 4
check 'sample: a saved counter goes on from what it is given' cmp -s "$work/out" <(printf 'the given start number: 7\nthe created numbers:    [8, 0, 1, 2]\n')
expect_error '--prime 9: must be a whole number of 0 or more and below 9' sample count-gru --prime 9
expect_error 'eval: --input: the task count has no use for it' eval count-gru --input x
expect_error 'sample: --temperature: the task count has no use for it, only for --length, --prime, --argmax' sample count-gru --temperature 2
run train echo --out echo --epochs 60
tail -n 1 "$work/out" >"$work/result"
run eval echo/last.safetensors
check 'eval: a saved echo is loaded' out_matches '^result: echo loss='
expect_error 'echo/last.safetensors: saved by the task echo, which has no sample' sample echo
run train echo --epochs 100 --out whole
cp "$work/out" "$work/all"
run train echo --epochs 100 --resume echo
check 'a training that is resumed ends as the one that was not stopped' test "$(last_line)" = "$(tail -n 1 "$work/all")"
check 'a training that is resumed goes on where it stopped' test "$(head -n 1 "$work/out")" = "$(sed -n 61p "$work/all")"
expect_done 'a training that is done is resumed' train echo --resume echo
check 'a training that is done has its result still' test "$(<"$work/out")" = "$(tail -n 1 "$work/all")"
run train count --cell gru --resume count-gru
check 'a counter that is done has its result still' test "$(last_line)" = "$(<"$work/counted")"
expect_error '--rate 0.1: the training in echo has 0.003: must be the same to go on, or left out' train echo --rate 0.1 --resume echo
expect_error '--readout first: the training in echo has linear: must be the same to go on, or left out' train echo --readout first --resume echo
expect_error '--out echo: holds a training already: must be another folder, or --resume echo goes on with it' train echo --out echo
expect_error 'eval: --threads: the task echo has no use for it' eval echo --threads 2
expect_error 'echo/last.safetensors: saved with task echo, this is count: must be the same to go on' train count --resume echo

# A net that was spoilt, and files that hold none

cp -r "$work/count-gru" "$work/spoilt"
net=$work/spoilt/last.safetensors
header=$(od -An -tu8 -N8 "$net")
parameter=$(tail -c +9 "$net" | head -c "$header" | grep -oE '"[a-z0-9]+/[^"]+":\{[^}]*"data_offsets":\[[0-9]+' | tail -n 1 | grep -oE '[0-9]+$')
printf '\377\377\377\377\377\377\377\377' | dd of="$net" bs=1 seek=$((8 + header + parameter)) conv=notrunc 2>/dev/null
for command in eval sample; do
  run "$command" spoilt/last.safetensors
  check "$command: a net with a NaN is refused" test "$code/$(<"$work/out")/$(grep -cE '^carousel: load: file has nan in [a-z0-9/]+ at \[[0-9, ]+\]: must be finite; such a net was spoilt while it was trained or saved \(spoilt/last.safetensors\)$' "$work/err")" = 2//1
done
printf '<!DOCTYPE html>\n<html>' >"$work/page.safetensors"
expect_error 'read page.safetensors: a page of HTML: must be safetensors; download the file that the page is about (on Hugging Face /resolve/ in place of /blob/)' eval page.safetensors
expect_error '--temperature 0: must be a number above 0; for always the likeliest: --argmax' sample count-gru --temperature 0

# Ctrl-C

code=0
(cd "$work" && exec timeout --preserve-status -s INT 1 "$program" train echo --epochs 100000000 --out stopped) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'Ctrl-C: code 130' test "$code" = 130
check 'Ctrl-C: says how to go on' grep -qE '^carousel: stopped in epoch [0-9]+, saved in stopped/last.safetensors; to go on: carousel train echo --resume stopped$' "$work/err"
check 'Ctrl-C: no result line' test "$(grep -c '^result:' "$work/out")" = 0
run eval stopped/last.safetensors
check 'Ctrl-C: what it saved can be used' out_matches '^result: echo loss='
(cd "$work" && exec timeout --foreground -s INT 1 "$program" train echo --epochs 100000000 --quiet --out "it's a run") >"$work/out" 2>"$work/err" </dev/null
words=()
eval "words=($(sed -n 's/.*to go on: carousel //p' "$work/err"))"
expect_error "--epochs 1: $(grep -oE 'stopped in epoch [0-9]+' "$work/err" | awk '{ print $4 - 1 }') are done: must be as many, or more" "${words[@]}" --epochs 1
run "${words[@]}" --epochs "$(sed -nE 's/.*: ([0-9]+) are done: .*/\1/p' "$work/err")"
check 'Ctrl-C: what it says goes on, from a folder with blanks in its name' test "$code/$(cut -d' ' -f1,2 <(last_line))" = '0/result: echo'

# A file that may not become as large as it must

code=0
(ulimit -f 8 && cd "$work" && exec "$program" train echo --hidden 100 --epochs 1 --quiet --out limited) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'a limit of file sizes: one line, code 2' test "$code/$(wc -l <"$work/err")" = 2/1
check 'a limit of file sizes: says so' grep -q '^carousel: write limited/last.safetensors: File too large' "$work/err"
check 'a limit of file sizes: leaves no half file' test "$(find "$work/limited" -name '*.safetensors*')" = ''

stop_when() {  # SIGNAL PATTERN ARGUMENT...: runs the program and ends it by the signal once a line of its output matches
  local signal=$1 pattern=$2 job
  shift 2
  : >"$work/out"
  : >"$work/err"
  (cd "$work" && exec "$program" "$@") >"$work/out" 2>"$work/err" </dev/null &
  job=$!
  until grep -qsE -- "$pattern" "$work/out" "$work/err" || ! kill -0 $job 2>/dev/null; do sleep 0.01; done
  kill -s "$signal" $job 2>/dev/null
  code=0
  wait $job || code=$?
}
stop_when TERM '^cell ' gradcheck
check 'SIGTERM ends gradcheck at once: code 130' test "$code/$(grep -c '^result:' "$work/out")" = 130/0

if command -v script >/dev/null; then
  script -qec "cd '$work' && exec '$program' train count --epochs 1000000 --out hung-up" /dev/null </dev/null >"$work/out" 2>&1 &
  until grep -qs '"epoch":2' "$work/hung-up/metrics.jsonl" || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
  kill -KILL $!
  wait $! 2>/dev/null
  for _ in {1..500}; do [[ -e $work/hung-up/report.html ]] && break; sleep 0.02; done
  check 'a terminal that is closed: saved, with a report' test "$(grep -c '"ended":"interrupted"' "$work/hung-up/metrics.jsonl")/$(grep -c '</html>' "$work/hung-up/report.html")" = 1/1
fi
(cd "$work" && "$program" train count --epochs 1000000 --out unread 2>"$work/err" </dev/null; echo $? >"$work/code") | head -n 1 >"$work/out"
check 'nobody reads the results: code 130, saved' test "$(<"$work/code")/$(grep -c 'saved in unread/last.safetensors; to go on: ' "$work/err")" = 130/1
(cd "$work" && "$program" train add --quiet --hidden 8 --sequences 200 --epochs 2 --out unread-result 2>"$work/err" </dev/null; echo $? >"$work/code") | :
check 'nobody reads the result: code 130, and it is saved' test "$(<"$work/code")/$(grep -c '"result":' "$work/unread-result/metrics.jsonl")" = 130/1
code=0
(cd "$work" && exec "$program" train count --epochs 1 --out unwritten) >/dev/full 2>"$work/err" </dev/null || code=$?
check 'no room for the results: code 2, one line' test "$code/$(grep -c 'standard output: could not be written: must have room' "$work/err")" = 2/1

# text

head -n 700 tasks/text/default.txt >"$work/text"
small=(--hidden 16 --input text)
field() { sed -nE "s/.* $1=([^ ]+).*/\1/p" <<<"$2"; }  # NAME RESULT: one of its numbers
run train text "${small[@]}" --epochs 3 --out read
trained=$(last_line)
characters=$(grep -oE '[0-9]+ different' "$work/err" | grep -oE '[0-9]+')
check 'text: the result line' grep -qE '^result: text validation_loss=[0-9.]+ train_loss=[0-9.]+ bits_per_character=[0-9.]+ ms_per_batch=[0-9.]+ \(guessing by the frequency of characters: [0-9.]+\)$' <<<"$trained"
check 'text: a line for each epoch, and none empty' test \
  "$(grep -cE '^epoch [1-3]/3  train_loss [0-9.]+  validation_loss [0-9.]+  [0-9.]+ ms/batch$' "$work/err")/$(grep -c '^$' "$work/err")" = 3/0
check 'text: learns: below the loss of chance, ln of the number of characters, by half a nat' \
  below validation_loss "$(awk -v n="$characters" 'BEGIN { print log(n) - 0.5 }')"
run train text "${small[@]}" --epochs 3 --out again --threads 2
check 'text: the same numbers again, on two threads too' cmp -s "$work/read/last.safetensors" "$work/again/last.safetensors"
run eval read/last.safetensors
check 'eval: measures what the training did, of the last model' test "$(field validation_loss "$(last_line)")" = "$(field validation_loss "$trained")"
run eval read
check 'eval: and of the best' test "$(field validation_loss "$(last_line)")" = "$(field validation_loss "$trained")"
head -n 20 "$work/text" >"$work/part"
run eval read --input part
check 'eval --input: of a whole file' out_matches '^result: text loss=[0-9.]+ bits_per_character=[0-9.]+ perplexity=[0-9.]+$'
expect_error 'eval: --threads: the task text has no use for it, only for --input' eval read --threads 2
for _ in {1..100}; do cat "$work/text"; done >"$work/long"
code=0
(cd "$work" && exec timeout --preserve-status -s INT 0.5 "$program" eval read --input long) >"$work/out" 2>"$work/err" </dev/null || code=$?
check 'Ctrl-C ends eval at once: code 130' test "$code/$(<"$work/out")$(<"$work/err")" = 130/

run sample read --length 100 --seed 5
cp "$work/out" "$work/before"
check 'sample: as many characters as were asked for' test "$(wc -m <"$work/out")" = 101
run sample read --length 100 --seed 5
check 'sample: the same seed, the same text' cmp -s "$work/out" "$work/before"
run sample read --length 100 --seed 6
check 'sample: another seed, another text' test "$(cmp -s "$work/out" "$work/before"; echo $?)" = 1
run sample read --length 100 --seed 6 --temperature 1e-4
cp "$work/out" "$work/before"
run sample read --length 100 --seed 5 --argmax
check 'sample: the coldest is the likeliest' cmp -s "$work/out" "$work/before"
run sample read --length 10 --prime 'the '
check 'sample: goes on from the prime text' test "$(wc -m <"$work/out")/$(head -c 4 "$work/out")" = '15/the '
expect_error "read the prime text: line 1: character \"€\" is not among the $characters that the model knows" sample read --prime 'a€'

# A text that can not be learnt from

few='for batches of 16 streams of 50 steps: must be at least 1600; a smaller --batch or --steps needs fewer'
printf 'ab' >"$work/tiny"
: >"$work/nothing"
printf 'one\ntwo \377\n' >"$work/wrong"
expect_error "tiny: 2 characters $few" train text --input tiny
expect_error "nothing: 0 characters $few" train text --input nothing
expect_error 'read nothing: has 0 characters: must be at least 2' eval read --input nothing
expect_error 'read wrong: line 2, byte 8: "\xff": must be UTF-8; iconv -f LATIN1 -t UTF-8 makes it so, if that is what it is' train text --input wrong
expect_error 'read nowhere: No such file or directory: must be a readable file' train text --input nowhere
expect_error '--out read: holds a training already: must be another folder, or --resume read goes on with it' train text --out read
if [[ $(id -u) != 0 ]]; then
  cp "$work/text" "$work/secret"
  chmod 000 "$work/secret"
  expect_error 'read secret: Permission denied: must be a readable file' train text --input secret
else
  echo 'a file that may not be read: not tried, root may read all'
fi

# Stopped and gone on with

run train text "${small[@]}" --epochs 20 --batch 4 --out whole-text
stop_when INT '^epoch 1/' train text "${small[@]}" --epochs 20 --batch 4 --out parted
check 'text, Ctrl-C: code 130' test "$code" = 130
check 'text, Ctrl-C: says how to go on' grep -qE '^carousel: stopped in epoch [0-9]+, saved in parted/last.safetensors; to go on: ' "$work/err"
mv "$work/text" "$work/kept"
gone='put it back as it was, or give another text with --input'
expect_error "parted/best.safetensors: trained on $work/text, which is gone: $gone" eval parted
sed 's/e/a/2' "$work/kept" >"$work/text"
expect_error "parted/best.safetensors: trained on $work/text, which has changed since then: $gone" eval parted
expect_error "parted/last.safetensors: saved for other data than text: must be the same to go on" train text --resume parted
mv "$work/kept" "$work/text"
expect_error '--dropout 0.5: the training in parted has 0: must be the same to go on, or left out' train text --dropout 0.5 --resume parted
expect_done 'text, resumed' train text --resume parted
check 'text, resumed: ends as the training that was not stopped, bit for bit' cmp -s "$work/parted/last.safetensors" "$work/whole-text/last.safetensors"
result=$(last_line)
expect_done 'text that is done, resumed' train text --resume parted
check 'text that is done, resumed: its result' test "$(last_line)" = "$result"

if command -v script >/dev/null; then
  # On a terminal of 40 columns, at steps of several milliseconds: what is shown first comes after a few of them.
  run train text --hidden 128 --input text --epochs 1 --out wide
  script -qec "stty cols 40; cd '$work' && TERM=xterm '$program' train text --hidden 128 --input text --resume wide --epochs 3" /dev/null </dev/null 2>/dev/null | tr '\r' '\n' >"$work/out"
  first_loss_shown_is_above() { sed -nE 's/^.*epoch .* loss ([0-9.]+) .*/\1/p' "$work/out" | awk -v limit="$1" 'NR == 1 { loss = $1 } END { exit !(loss > limit) }'; }
  check 'text, on a narrow terminal: lines of epochs are whole' out_matches 'epoch 3/3  train_loss [0-9.]+  validation_loss [0-9.]+  [0-9.]+ ms/batch$'
  check 'text, resumed: the loss that is shown begins with its own' first_loss_shown_is_above 1.5
else
  echo 'text: not tried on a terminal: there is no script(1)'
fi

# An exploded loss

explodes() {  # TASK ARGUMENT...
  local task=$1 saved
  shift
  run train "$task" "$@" --out "exploded-$task"
  check "$task, an exploded loss: code 1" test "$code" = 1
  check "$task, an exploded loss: one line says so" grep -qE '^carousel: fit: .*: ended, with the parameters before that step$' "$work/err"
  said=$(grep '^carousel: fit: ' "$work/err")
  saved=$(sed -n 's/^carousel: the model as it was before that: //p' "$work/err")
  check "$task, an exploded loss: the model before it is saved" test -s "$work/$saved"
  expect_done "$task, an exploded loss: that model can be used" eval "$saved"
}
explodes count --optimizer sgd --rate 1e30
explodes text "${small[@]}" --steps 200 --optimizer sgd --rate 100 --clip 0 --epochs 20
run eval exploded-text
check 'text, an exploded loss: the best model stays' below validation_loss 5
run train text --resume exploded-text
check 'text, an exploded loss: goes on from there, to the same end' test "$code/$(grep '^carousel: fit: ' "$work/err")" = "1/$said"
run train count --optimizer sgd --rate 1e38 --clip 0 --out traced
command=$(sed -n 's/^carousel: where it began: carousel //p' "$work/err")
check 'an exploded loss: a command to see where it began' test "$command" = 'train count --resume traced --trace-nonfinite'
# shellcheck disable=SC2086
run $command
check 'an exploded loss, traced: code 1' test "$code" = 1
check 'an exploded loss, traced: the op, layer and step' grep -qE '^forward, layer 0, step [0-9]+: .* is (nan|inf|-inf) at \[' "$work/err"
check 'an exploded loss, traced: what it was made of' grep -qE '^  .* is (at most )?[^ ]+ at \[' "$work/err"

# A full disk, of our own

mkdir "$work/full"
if unshare -rm mount -t tmpfs none "$work/full" 2>/dev/null; then
  # It holds the checkpoints of the first epoch, and not a second `last` beside them.
  # shellcheck disable=SC2016
  unshare -rm sh -c 'cd "$0" && mount -t tmpfs -o size=200k none full && "$@"; echo "code $?"; ls full; "$1" eval full/last.safetensors' \
    "$work" "$program" train text --hidden 16 --input text --epochs 3 --out full >"$work/out" 2>"$work/err" </dev/null
  check 'a full disk: one line says so' grep -qxE 'carousel: write full/last.safetensors: No space left on device after [0-9]+ of [0-9]+ bytes: nothing under that name was changed' "$work/err"
  check 'a full disk: code 2' out_matches '^code 2$'
  check 'a full disk: no half a file stays' test "$(grep -c 'safetensors' "$work/out")/$(grep -c tmp "$work/out")" = 2/0
  check 'a full disk: the model of the epoch before can be used' out_matches '^result: text validation_loss='
else
  echo 'a full disk: not tried: a file system of our own may not be mounted'
fi

# The scoreboard

run scoreboard --tasks count,sorted --out board.md
check 'scoreboard: a task that is not there' grep -qE '^carousel: --tasks sorted \(did you mean sort\?\): must be one of text, echo, count, ' "$work/err"
run scoreboard --tasks count --out nowhere/x.md
check 'scoreboard: a file that can not be written is refused before the work' test \
  "$code/$(<"$work/out")/$(grep -c '^carousel: write nowhere/x.md: No such file or directory' "$work/err")" = 2//1
expect_done 'scoreboard' scoreboard --tasks count --out board.md --check --jobs 2
check 'scoreboard: the result line' out_matches '^result: scoreboard good=3 worse=0 failed=0 missing=0$'
check 'scoreboard: a row for each metric, with its bar, seeds, minutes and commit' test \
  "$(grep -cE '^\| count \| [^|]* \| (starts_right|loss) \| [0-9.]+ \| (≥|≤) [0-9.]+ \| [^|]* \| 1, 2, 3 \| [0-9.]+ \| [^|]+ \|$' "$work/board.md")" = 3
check 'scoreboard: the other tasks are not run' grep -qE '^\| sort \| .* \| not run \| ' "$work/board.md"
run scoreboard --tasks mnist --out board.md --data nowhere
check 'scoreboard: a data set that is missing is no failure, and what was there stays' test \
  "$code/$(grep -cE '^\| mnist .* no data: mnist ' "$work/board.md")/$(grep -cE '^\| count .* [0-9.]+ \| ≥ 9 ' "$work/board.md")" = 0/2/2

# Gradient checks

run explain
check 'explain: a line for each cell, and for layers' test "$(grep -cE '^(lstm|lstm-1997|gru|rnn-tanh|attention-additive|ctc) +[^ ]' "$work/out")" = 6
run explain peephole --in 3 --hidden 5
check 'explain: equations, shapes, paper, code and parameters' test \
  "$code/$(grep -cE "^lstm-peephole  \(models/cells/lstm.hpp\)|^    c' = σ\(f \+ pf∘c\)∘c|^    wx: \[in, 4 hidden\]|Gers & Schmidhuber 2000|^    LstmState<T> LstmPeephole<T>::operator\(\)|^    0/wx +\[3, 20\] +60\$|^    total +195\$" "$work/out")" = 0/7
expect_error "explain: lstn (did you mean lstm?): must be one of $(cd "$work" && "$program" explain | sed '/^$/q' | grep . | cut -d' ' -f1 | paste -sd, | sed 's/,/, /g'), or a term; carousel explain lists them" explain lstn
run explain 'Constant-Error Carousel'
check 'explain: a term of the field' test "$code/$(head -n 1 "$work/out")" = '0/constant error carousel'
expect_error 'train echo: --lr: no such option (here it is --rate); carousel train echo --help lists them' train echo --lr 1
run gradcheck lstm
check 'gradcheck lstm: passes' test "$code" = 0
for name in wx wh b xs 'start 0' 'start 1'; do
  check "gradcheck lstm: a line for $name" out_matches "^$name "
done
check 'gradcheck lstm: the result line' out_matches '^result: gradcheck checks=[0-9]+ worst_relative_error=[0-9.e-]+$'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
