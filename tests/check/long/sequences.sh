#!/usr/bin/env bash
# The tasks sin, series and curve as they stand, and as their sources have them: what is asked of the median of three seeds, and the
# processor time of each training. Then every cell learns the sine. Ends with the counts. CAROUSEL_PROGRAM names the program.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
# shellcheck source=tests/bars.sh
source tests/bars.sh

while read -r name operator bar most arguments; do
  values=()
  for seed in 1 2 3; do
    # shellcheck disable=SC2086
    train $arguments --seed $seed
    check "$arguments, seed $seed: within $most s" compare "$seconds" '<=' "$most"
    values+=("$(metric "$name")")
  done
  check "$arguments: the median of $name is $operator $bar" compare "$(median "${values[@]}")" "$operator" "$bar"
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
  check "sin, $cell: goes on by itself" compare "$(metric closed_loop_rmse)" '<=' 0.05
done
finish
