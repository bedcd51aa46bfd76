#!/usr/bin/env bash
# The task ocr as it stands, with each head: the share of 2,000 held-out images whose line was read without a fault, and the minutes
# of processor time (user and system) of the whole training. Ends with the counts.
# CAROUSEL_PROGRAM names the program.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
program=${CAROUSEL_PROGRAM:-build/carousel}
[[ -x $program ]] || { echo "no program at $program"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
passed=0 failed=0
check() {  # WHAT COMMAND...: right when the command succeeds
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
  fi
}
compare() { awk -v a="$1" -v b="$3" "BEGIN { exit !(a != \"\" && a + 0 $2 b + 0) }"; }  # A OPERATOR B
metric() { sed -nE "s/.* $1=([^ ]+).*/\1/p" <<<"$line"; }

TIMEFORMAT='%U %S'
for head in attention ctc both; do
  { time "$program" train ocr --head "$head" --threads 2 --quiet --out "$work/$head" >"$work/out" 2>"$work/err" </dev/null || true; } \
    2>"$work/time"
  minutes=$(awk '{ printf "%.2f", ($1 + $2) / 60 }' "$work/time")
  line=$(tail -n 1 "$work/out")
  echo "head $head, $minutes processor minutes: $line"
  check "$head: within 40 minutes" compare "$minutes" '<=' 40
  check "$head: string_accuracy is at least 0.97" compare "$(metric string_accuracy)" '>=' 0.97
  check "$head: character_accuracy is at least 0.99" compare "$(metric character_accuracy)" '>=' 0.99
done

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
