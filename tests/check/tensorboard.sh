#!/usr/bin/env bash
# Event files of --tensorboard from outside: their records are cut apart here, and decoded by protoc where it is installed.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh
unset CAROUSEL_DATA

event_files() { find "$work/$1" -name 'events.out.tfevents.*' | sort; }

# The payloads of a file's records, a file each: FILE FOLDER. A record is a length of 8 bytes, 4 of check sum, the payload, 4 more.
cut_records() {
  local size at=0 length n=0
  mkdir -p "$2"
  size=$(stat -c %s "$1")
  while ((at < size)); do
    length=$(od -A n -t u8 -j "$at" -N 8 "$1" | tr -d ' ')
    ((at + 16 + length <= size)) || { echo "a record that is cut, at byte $at"; return 1; }
    tail -c +$((at + 13)) "$1" | head -c "$length" >"$2/$(printf %05d "$n")"
    at=$((at + 16 + length)) n=$((n + 1))
  done
}

small=(train copy --lists 200 --epochs 2 --hidden 8 --quiet)
run "${small[@]}" --out plain
check 'without --tensorboard there is no event file' test "$code/$(event_files plain)" = 0/
run "${small[@]}" --out run --tensorboard
check '--tensorboard: ends with 0' test "$code" = 0
check '--tensorboard: one event file' test "$(event_files run | wc -l)" = 1
check '--tensorboard: the result is the same' same_bits plain/last.safetensors run/last.safetensors
check '--tensorboard: records are whole' cut_records "$(event_files run)" "$work/records"

run train echo --epochs 20 --out echo --tensorboard --quiet
run train echo --epochs 30 --resume echo --quiet
check 'resumed: goes on with event files, without being told again' test "$code/$(event_files echo | wc -l)" = 0/2
check 'resumed: records are whole' cut_records "$(event_files echo | tail -n 1)" "$work/resumed"

# A disk with room for the run but not for its events.
(ulimit -f 8; run train echo --epochs 20 --quiet --out full --tensorboard; exit "$code")
code=$?
check 'full disk: ends with 2' test "$code" = 2
check 'full disk: one line says so' test "$(grep -c '^carousel: write .*: must have room on its disk$' "$work/err")" = 1

if command -v protoc >/dev/null; then
  for folder in records resumed; do
    for record in "$work/$folder"/*; do
      protoc --decode_raw <"$record" >>"$work/$folder.txt" || echo "not a message: $record" >>"$work/$folder.bad"
    done
    check "protoc reads every record of $folder" test ! -e "$work/$folder.bad"
  done
  has() { grep -qF -- "$1" "$work/records.txt"; }
  check 'protoc: the version' has '3: "brain.Event:2"'
  for name in step/loss step/rate step/gradient_norm epoch/train_loss configuration parameters/ gradient_norm/ update_ratio/ result/ views/; do
    check "protoc: $name" grep -qE "^    1: \"$name" "$work/records.txt"
  done
  check 'protoc: texts name their plugin' has '1: "text"'
  check 'protoc: a training that goes on starts at its next step' test "$(protoc --decode_raw <"$work/resumed/00001" | tr -s ' \n' ' ' | sed 's/^1: [^ ]* //')" = \
    "2: $(sed -n 's/.*"epoch":20,"step":\([0-9]*\),.*/\1/p' "$work/echo/metrics.jsonl" | awk '{ print $1 + 1 }') 7 { 1: 1 } "
else
  echo 'passed over: protoc is not installed (protobuf-compiler), the messages are read by test-tasks only'
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
