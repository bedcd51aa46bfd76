#!/usr/bin/env bash
# `predict` from outside: a small training of each task, and what it answers for data that the training never saw: from a file and from
# standard input, as CSV and as JSON lines, into a file. Wrong inputs: one line, code 2. CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

is_empty() { [[ ! -s $1 ]]; }
same() { [[ $1 == "$2" ]] || { printf '  got:  %s\n  want: %s\n' "$1" "$2"; false; }; }
piped() {  # ARGUMENT...: as run, with $work/given on standard input
  code=0
  (cd "$work" && exec "$program" "$@") >"$work/out" 2>"$work/err" <"$work/given" || code=$?
}
# The rows of $work/out without the names of columns; a field in quotes may have line breaks.
rows() { awk 'BEGIN { RS = "\0" } { n = split($0, c, ""); for (i = 1; i <= n; ++i) { if (c[i] == "\"") q = !q; if (c[i] == "\n" && !q) ++r } } END { print r - 1 }' "$work/out"; }
head_is() { [[ $(head -n 1 "$work/out") == "$1" ]]; }
is_json_lines() {  # COUNT: so many objects, a line each
  if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; lines = [json.loads(line) for line in open(sys.argv[1])]; sys.exit(not (len(lines) == int(sys.argv[2]) and all(isinstance(line, dict) for line in lines)))' \
      "$work/out" "$1"
  else
    [[ $(grep -cE '^\{".*\}$' "$work/out") == "$1" ]]
  fi
}

answers_alike() {  # RUN COLUMNS COUNT INPUT ARGUMENT...: the answers to a file, to standard input, in a file and as JSON lines
  local task=$1 columns=$2 count=$3 input=$4
  shift 4
  run predict "$task" --input "$input" "$@"
  check "$task: answers for a file" test "$code/$(<"$work/err")" = 0/
  check "$task: names the columns $columns" head_is "$columns"
  check "$task: has $count answers" test "$(rows)" = "$count"
  cp "$work/out" "$work/answers"
  run predict "$task" --input "$input" --out made.csv --quiet "$@"
  check "$task: --out has the same answers, and says nothing" test "$code/$(<"$work/out")$(<"$work/err")" = 0/
  check "$task: --out has them all" same_bits made.csv answers
  run predict "$task" --input "$input" --out made.jsonl --quiet "$@"
  cp "$work/made.jsonl" "$work/out"
  check "$task: JSON lines, $count of them" is_json_lines "$count"
  [[ -n ${by_stream:=yes} && $by_stream == no ]] && return
  cp "$work/$input" "$work/given"
  piped predict "$task" --input - "$@"
  check "$task: answers the same for standard input" same_bits out answers
}

# Lists: what is made of them is known.
lists=(--quiet --length 4 --longer 6 --range 10 --hidden 24 --embedding 12 --lists 1500 --batch 25 --epochs 4 --rate 0.01)
printf '1 2 3 4\n9,8,0\n\n 6 7 5 1\n' >"$work/lists"
for task in copy reverse sort; do
  run train "$task" "${lists[@]}" --out "$task"
  answers_alike "$task" line,given,made 3 lists
done
run predict copy --input lists
check 'copy: its answers, each with the number of its line' same "$(<"$work/out")" $'line,given,made\n1,1 2 3 4,1 2 3 4\n2,9 8 0,9 8 0\n4,6 7 5 1,6 7 5 1'
run predict sort --input lists --format jsonl
check 'sort: lists are arrays in JSON' out_matches '^\{"line":4,"given":\[6,7,5,1\],"made":\[1,5,6,7\]\}$'

# A list, sum or digit that cannot be, and inputs that are none: what every task says of them.
printf '1\n10\n' >"$work/wrong"
expect_error 'read wrong: line 2: "10": must be a whole number of 0 to 9' predict copy --input wrong --out wrong.csv
check 'of answers that could not be given to all lines, no file is made' test ! -e "$work/wrong.csv"
expect_error 'read nowhere: No such file or directory: must be a readable file' predict copy --input nowhere
expect_error 'read .: Is a directory: must be a readable file' predict copy --input .
: >"$work/empty"
expect_error 'read empty: is empty: must have a list a line' predict copy --input empty
printf '\n \n' >"$work/blank"
expect_error 'read blank: has blank lines only: must have a list a line' predict copy --input blank
expect_error "--input '': the name is empty; give a file, or - for standard input" predict copy --input ''
expect_error "--out '': the name is empty; give a file, or - for standard output" predict copy --input lists --out ''
expect_error '--format xml: must be one of csv, jsonl' predict copy --input lists --format xml
expect_error 'predict: --temperature: the task copy has no use for it, only for --input' predict copy --input lists --temperature 1
expect_error 'write none/made.csv: No such file or directory after 0 bytes: nothing under that name was changed' predict copy --input lists --out none/made.csv
run predict copy
check 'without --input: one line says what it is' test "$code/$(wc -l <"$work/err")/$(grep -c '^carousel: predict: --input is missing. For the task copy it is this: a list' "$work/err")" = 2/1/1

# Standard input is answered line by line as it comes; who reads the answers may go, and a full disk is no success.
mkfifo "$work/questions" "$work/replies"
(cd "$work" && exec "$program" predict sort --input - <questions >replies 2>err) &
asked=$!
exec 5>"$work/questions" 6<"$work/replies"
printf '3 1 2 0\n' >&5
read -r -t 60 names <&6
read -r -t 60 answer <&6
check 'a stream: a line is answered before the next one comes' same "$names $answer" 'line,given,made 1,3 1 2 0,0 1 2 3'
exec 6<&-
(printf '3 1 2 0\n%.0s' {1..9} >&5) 2>"$work/written"  # it may have ended already: that ends the one who writes, not this script
exec 5>&-
code=0
wait "$asked" || code=$?
check 'a stream whose reader has gone: code 130, in silence' test "$code/$(<"$work/err")" = 130/
if [[ -w /dev/full ]]; then
  code=0
  (cd "$work" && exec "$program" predict copy --input lists) >/dev/full 2>"$work/err" || code=$?
  check 'answers on a full disk: code 2' test "$code/$(wc -l <"$work/err")" = 2/1
fi

# Text goes on from each line; one that is always the same goes on as it must.
for _ in {1..200}; do printf 'abcdefghij'; done >"$work/text"
run train text --input text --quiet --hidden 16 --batch 4 --steps 20 --epochs 20 --rate 0.02 --out text-run
printf 'abcde\n\nabcdefghij\n' >"$work/primes"
answers_alike text-run line,prime,text 3 primes --length 12
run predict text-run --input primes --length 12 --argmax
check 'text: goes on from where a line ends' test "$(sed -n '2p;4p' "$work/out")" = $'1,abcde,fghijabcdefg\n3,abcdefghij,abcdefghijab'
run sample text-run --prime abcde --length 12 --seed 7
cp "$work/out" "$work/sampled"
run predict text-run --input primes --length 12 --seed 7
check 'text: a line is what sample makes of it' same "$(sed -n 2p "$work/out")" "1,abcde,$(sed 's/^abcde//' "$work/sampled")"
printf 'abc\nabz\n' >"$work/primes"
expect_error 'read primes: line 2: character "z" is not among the 10 that the model knows' predict text-run --input primes --out wrong.csv
expect_error '--temperature 0: must be a number above 0; for always the likeliest: --argmax' predict text-run --input primes --temperature 0

# Digits to count on from, numbers to add up, waves, a curve.
run train count --quiet --out count
printf '7\n0\n' >"$work/digits"
answers_alike count line,start,made 2 digits
run predict count --input digits --length 3
check 'count: counts on from each digit' same "$(<"$work/out")" $'line,start,made\n1,7,8 0 1\n2,0,1 2 3'
for wrong in 9 '1 2' 1.5 -1; do
  printf '%s\n' "$wrong" >"$work/wrong"
  expect_error "read wrong: line 1: \"$wrong\": must be a digit of 0 to 8" predict count --input wrong
done
small=(--quiet --hidden 16 --sequences 2000 --batch 20 --rate 0.01 --epochs 3)
run train add "${small[@]}" --out sum
run train add "${small[@]}" --problem adding --steps 6 --out adding
printf '0.5 0.5 0.25 0.1 0.9\n\n1,0.25, 0.25 0.5 0.5\n' >"$work/numbers"
answers_alike sum line,numbers,sum 2 numbers
sums=$(tail -n +2 "$work/answers" | awk -F, '{ printf "%.3g ", $NF }')
run eval sum --input numbers
check 'add: adds up as eval does' same "$sums" "$(sed -n 's/.*made: //p' "$work/out" | awk '{ printf "%.3g ", $1 }')"
printf '0.5* 0.25 0.1 0.25*\n' >"$work/numbers"
answers_alike adding line,numbers,sum 1 numbers
printf '0.5 x\n' >"$work/wrong"
expect_error 'read wrong: line 1: column 5: "x": must be a number' predict sum --input wrong
run train sin --quiet --hidden 8 --sequences 50 --epochs 2 --out sin
awk 'BEGIN { for (n = 0; n < 3; ++n) for (t = 0; t < 120; ++t) printf "%.5f%s", sin(0.13 * t + n), t < 119 ? " " : "\n" }' >"$work/waves"
answers_alike sin line,read,made 3 waves --length 5
check 'sin: five numbers for each wave' test "$(grep -cE '^[123],120(,| )(-?[0-9.e-]+ ?){5}$' "$work/answers")" = 3
printf '1 2 3\n' >"$work/wrong"
expect_error "read wrong: line 1: has 3 numbers. The net needs 100 or more on a line; paste -sd' ' FILE makes one line of many" predict sin --input wrong
run train curve --quiet --hidden 8 --points 50 --epochs 2 --out curve
run predict curve --length 7
check 'curve: its points, without an input' test "$code/$(rows)/$(head -n 1 "$work/out")" = 0/7/point,made
expect_error 'predict: --input: the task curve has no use for it, only for --length' predict curve --input lists
run train echo --quiet --epochs 2 --out echo
run predict echo --input lists
check 'echo: says in one line why not' test "$code/$(wc -l <"$work/err")/$(grep -c '^carousel: echo/last.safetensors: saved by the task echo, which has no predict: ' "$work/err")" = 2/1/1

# Pictures of digits of one's own: a bar and a ring, on light and dark, in all kinds of PNG; an IDX file; a folder; names on standard input.
if command -v python3 >/dev/null; then
  mkdir "$work/digits-of-mine" "$work/none"
  python3 - "$work" <<'PYTHON'
import struct, sys, zlib
work = sys.argv[1]
def chunk(kind, data): return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def png(name, width, height, depth, colour, pixel, extra=b''):
    rows = b''.join(b'\0' + b''.join(pixel(x, y) for x in range(width)) for y in range(height))
    with open(f'{work}/{name}', 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)) + extra + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
def bar(x, y): return 60 <= x < 75 and 20 <= y < 140
def ring(x, y): return 0.55 < ((x - 70) / 45) ** 2 + ((y - 80) / 62) ** 2 < 1.15
for name, ink in ('1-bar', bar), ('0-ring', ring):
    png(f'digits-of-mine/{name}-grey.png', 150, 160, 8, 0, lambda x, y: bytes([30 if ink(x, y) else 220]))
    png(f'digits-of-mine/{name}-dark.png', 150, 160, 8, 0, lambda x, y: bytes([240 if ink(x, y) else 15]))
    png(f'digits-of-mine/{name}-16-bit.png', 150, 160, 16, 0, lambda x, y: struct.pack('>H', 5000 if ink(x, y) else 60000))
    png(f'digits-of-mine/{name}-colour.png', 150, 160, 8, 2, lambda x, y: bytes([20, 20, 160] if ink(x, y) else [250, 250, 230]))
    png(f'digits-of-mine/{name}-alpha.png', 150, 160, 8, 6, lambda x, y: bytes([0, 0, 0, 255 if ink(x, y) else 0]))
    png(f'digits-of-mine/{name}-palette.png', 150, 160, 8, 3, lambda x, y: bytes([1 if ink(x, y) else 0]), chunk(b'PLTE', bytes([255, 255, 255, 0, 0, 0])))
png('flat.png', 40, 40, 8, 0, lambda x, y: b'\x80')
whole = open(f'{work}/digits-of-mine/1-bar-grey.png', 'rb').read()
open(f'{work}/part.png', 'wb').write(whole[:150])
open(f'{work}/photo.jpg', 'wb').write(b'\xff\xd8\xff\xe0\0\x10JFIF')
open(f'{work}/huge.png', 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 60000, 60000, 8, 0, 0, 0, 0)) + chunk(b'IDAT', b''))
images = b''.join(bytes([255 * ink(5 * x, 5.7 * y) for y in range(28) for x in range(28)]) for ink in (bar, ring, bar))
open(f'{work}/mine-idx3-ubyte', 'wb').write(struct.pack('>BBBBIII', 0, 0, 8, 3, 3, 28, 28) + images)
PYTHON
  run train mnist --quiet --images 4000 --validation 500 --hidden 48 --batch 32 --epochs 5 --out mnist
  by_stream=no
  answers_alike mnist file,image,digit,probability,remark 12 digits-of-mine
  check 'mnist: bars and rings, whatever the kind of PNG' test "$(awk -F, 'NR > 1 && $3 == substr($1, 16, 1)' "$work/answers" | wc -l)" = 12
  answers_alike mnist file,image,digit,probability,remark 3 mine-idx3-ubyte
  check 'mnist: the images of an IDX file have numbers' test "$(cut -d, -f1-3 <(tail -n +2 "$work/answers") | tr '\n' ' ')" = 'mine-idx3-ubyte,0,1 mine-idx3-ubyte,1,0 mine-idx3-ubyte,2,1 '
  by_stream=yes
  (cd "$work" && ls digits-of-mine/*.png) >"$work/given"
  piped predict mnist --input -
  cp "$work/out" "$work/named"
  run predict mnist --input digits-of-mine
  check 'mnist: names on standard input give the same' same_bits out named
  run predict mnist --input digits-of-mine --threshold 1
  check 'mnist: below --threshold an answer is unsure' test "$(grep -c ',unsure$' "$work/out")" -ge 11
  run predict mnist --input digits-of-mine --threshold 0
  check 'mnist: nothing is below 0' test "$(grep -c ',unsure$' "$work/out")" = 0
  for file in best last; do
    check "mnist: $file.safetensors says what was measured on validation images" grep -qa '"unsure_below":"0\.[0-9]*"' "$work/mnist/$file.safetensors"
  done
  expect_error 'read flat.png: is of a single colour: there is no digit in it' predict mnist --input flat.png
  expect_error 'read photo.jpg: is a JPEG file, and only PNG is read; ImageMagick makes one: convert photo.jpg NEW.png' predict mnist --input photo.jpg
  expect_error 'read huge.png: is of 60000 x 60000 pixels: must be at most 67108864' predict mnist --input huge.png
  expect_error 'read lists: does not begin as a PNG does: must be one' predict mnist --input lists
  expect_error 'read none: has no *.png: must have at least one' predict mnist --input none
  run predict mnist --input part.png
  check 'mnist: a PNG that ends too early: one line' test "$code/$(grep -c '^carousel: read part.png: .*: must be a whole PNG$' "$work/err")/$(wc -l <"$work/err")" = 2/1/1

  # Lines of digits. Here what counts is that the answers are those of eval.
  run train ocr --quiet --jitter 0 --hidden 12 --channels 4 --batch 16 --head ctc --images 320 --epochs 1 --out ocr
  mkdir "$work/lines"
  cp "$work"/ocr/examples/*.png "$work/lines"
  by_stream=no
  answers_alike ocr file,digits,probability,remark 8 lines
  by_stream=yes
  found=$(sed -n 2p "$work/answers" | cut -d, -f2)
  run eval ocr --input "$(sed -n 2p "$work/answers" | cut -d, -f1)"
  check 'ocr: reads as eval does' same "${found:-no digits}" "$(head -n 1 "$work/out")"
  expect_error 'read photo.jpg: is a JPEG file, and only PNG is read; ImageMagick makes one: convert photo.jpg NEW.png' predict ocr --input photo.jpg
fi

# A recording of which nobody knows the events.
run train eeg --quiet --series 4 --seconds 40 --subsample 10 --hidden 8 --batch 4 --steps 50 --epochs 1 --write-csv recordings --out eeg
sed 's/^subj1_series4_/night 1 /' "$work/recordings/subj1_series4_data.csv" | head -n 1006 >"$work/night.csv"
answers_alike eeg id,rows,event,HandStart,FirstDigitTouch,BothStartLoadPhase,LiftOff,Replace,BothReleased 101 night.csv
check 'eeg: ids of its own are kept, a row for each stretch' test "$(sed -n '2p;$p' "$work/answers" | cut -d, -f1,2 | tr '\n' ' ')" = 'night 1 0,10 night 1 1000,5 '
run predict eeg --input recordings/subj1_series4_data.csv
from_file=$(sed -n '2,50p' "$work/out" | cut -d, -f4-)
run eval eeg
check 'eeg: as probable as eval says' test "$(awk -F, 'NR > 1 { printf "%.4f\n", $2 }' <<<"x"$'\n'"$(grep '^subj1_series4_' "$work/eeg/predictions.csv" | awk 'NR % 10 == 1' | head -n 49)")" = \
  "$(awk -F, '{ printf "%.4f\n", $1 }' <<<"$from_file")"
run predict eeg --input recordings --threshold 0
check 'eeg: all recordings of a folder' test "$code/$(rows)" = 0/8000
sed 's/,Oz,/,Fz2,/' "$work/night.csv" >"$work/wrong.csv"
run predict eeg --input wrong.csv
check 'eeg: other channels: one line' test "$code/$(wc -l <"$work/err")/$(grep -c '^carousel: read wrong.csv: has the channels .*: must be Fp1, ' "$work/err")" = 2/1/1
expect_error 'read digits: line 1, column 1: "7": must be id' predict eeg --input digits

expect_error 'nowhere: there is no such folder or file' predict nowhere --input lists
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
