#!/usr/bin/env bash
# The tasks sin, series and curve as they stand, and as their sources have them: what is asked of the median of three seeds, and the
# processor time (user and system) of each training. Then every cell learns the sine. Ends with the counts.
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
value() { tr ' ' '\n' <<<"$line" | sed -n "s/^$1=//p"; }                               # METRIC: of the result in $line
median() { sort -g | sed -n 2p; }

TIMEFORMAT='%U %S'
train() {  # ARGUMENT...: leaves the result in $line, the seconds of processor time in $seconds
  { time "$program" train "$@" --quiet --out "$work/run" >"$work/out" 2>"$work/err" </dev/null || cat "$work/err"; } 2>"$work/time"
  rm -rf "$work/run"
  seconds=$(awk '{ print $1 + $2 }' "$work/time")
  line=$(tail -n 1 "$work/out")
  echo "$*: $seconds s: $line"
}

while read -r metric operator bar most arguments; do
  values=
  for seed in 1 2 3; do
    # shellcheck disable=SC2086
    train $arguments --seed $seed
    check "$arguments, seed $seed: within $most s" compare "$seconds" '<=' "$most"
    values+=$(value "$metric")$'\n'
  done
  check "$arguments: the median of $metric is $operator $bar" compare "$(printf %s "$values" | median)" "$operator" "$bar"
done <<'BARS'
last_100_loss <= 0.05 30 sin --preset source
closed_loop_rmse <= 0.02 60 sin
closed_loop_rmse_1000 <= 0.02 60 sin
skill > 0.4 60 series
rmse <= 0.01 60 curve
rmse <= 0.05 120 curve --points 960
rmse <= 0.1 120 curve --preset source
BARS

for cell in $("$program" list | awk '$1 == "cell" { print $2 }'); do
  train sin --cell "$cell"
  check "sin, $cell: goes on by itself" compare "$(value closed_loop_rmse)" '<=' 0.05
done

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
