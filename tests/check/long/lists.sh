#!/usr/bin/env bash
# The tasks copy, reverse and sort as they stand, with additive attention: the share of numbers that are right on 2,000 lists that
# were held out, and the minutes of processor time (user and system) of the whole training. Ends with the counts.
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
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

TIMEFORMAT='%U %S'
for bar in 'copy 0.999' 'reverse 0.999' 'sort 0.995'; do
  read -r task least <<<"$bar"
  accuracies=()
  for seed in 1 2 3; do
    { time "$program" train "$task" --attention additive --seed "$seed" --quiet --out "$work/$task-$seed" \
      >"$work/out" 2>"$work/err" </dev/null || true; } 2>"$work/time"
    minutes=$(awk '{ printf "%.2f", ($1 + $2) / 60 }' "$work/time")
    line=$(tail -n 1 "$work/out")
    echo "seed $seed, $minutes processor minutes: $line"
    accuracies+=("$(sed -nE 's/.* token_accuracy=([^ ]+).*/\1/p' <<<"$line")")
    check "$task, seed $seed: within 10 minutes" compare "$minutes" '<=' 10
  done
  check "$task: the median of token_accuracy is at least $least" compare "$(median "${accuracies[@]}")" '>=' "$least"
done

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
