#!/usr/bin/env bash
# The task eeg as it stands, on the subject that is made up: the mean area under the ROC curves of the six events on the two series
# that were held out, beside that of logistic regression, and the minutes of processor time (user and system) of the whole training.
# Ends with the counts. CAROUSEL_PROGRAM names the program.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
program=${CAROUSEL_PROGRAM:-build/carousel}
[[ -x $program ]] || { echo "no program at $program"; exit 1; }
unset CAROUSEL_DATA

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
metric() { sed -nE "s/.* $1=([^ ]+).*/\1/p" <<<"$line"; }

TIMEFORMAT='%U %S'
areas=()
for seed in 1 2 3; do
  { time "$program" train eeg --seed "$seed" --quiet --out "$work/$seed" >"$work/out" 2>"$work/err" </dev/null || true; } 2>"$work/time"
  minutes=$(awk '{ printf "%.2f", ($1 + $2) / 60 }' "$work/time")
  line=$(tail -n 1 "$work/out")
  echo "seed $seed, $minutes processor minutes: $line"
  areas+=("$(metric auc)")
  check "seed $seed: within 8 minutes" compare "$minutes" '<=' 8
  check "seed $seed: without memory at most 0.75" compare "$(metric memoryless_auc)" '<=' 0.75
done
check 'the median of auc is at least 0.90' compare "$(median "${areas[@]}")" '>=' 0.90

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
