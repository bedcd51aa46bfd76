#!/usr/bin/env bash
# The report of every task, from a short training, opened in a browser without a screen: see tests/browser/report.js. The runs and their
# screenshots stay in build/reports, or the folder that CAROUSEL_REPORTS names. Needs chromium, node and npm; the driver of the browser,
# playwright-core, comes from npm into the build folder, or from the folder that NODE_PATH names.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

build=$(readlink -f -- "${CAROUSEL_BUILD:-build}")
reports=${CAROUSEL_REPORTS:-$build/reports}
for tool in chromium node npm; do
  command -v "$tool" >/dev/null || { echo "no $tool here"; exit 1; }
done
export NODE_PATH=${NODE_PATH:-$build/browser/node_modules}
if [[ ! -d $NODE_PATH/playwright-core ]]; then
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$build/browser" playwright-core@1 >"$work/npm" 2>&1 ||
    { tail -n 5 "$work/npm"; echo "npm could not install playwright-core"; exit 1; }
fi

# Short trainings: what they show matters here, not how well they learn.
declare -A short=(
  [text]='--epochs 2 --hidden 48' [echo]='' [count]='--epochs 20' [sin]='--epochs 8' [series]='--epochs 4' [curve]='--epochs 30'
  [mnist]='--images 3000 --validation 500 --epochs 2 --hidden 64' [copy]='--epochs 1 --hidden 64' [reverse]='--epochs 1 --hidden 64 --attention multiplicative'
  [sort]='--epochs 2 --hidden 64 --bidirectional' [add]='--epochs 2' [table]='--epochs 20' [ocr]='--epochs 1' [eeg]='--epochs 1'
)
look() {  # NAME: opens the report of that run
  local good bad
  read -r good bad < <(node tests/browser/report.js "$(command -v chromium)" "$reports/$1/report.html" "$reports/$1" 2>&1 |
    tee -a "$work/said" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p')
  passed=$((passed + ${good:-0}))
  failed=$((failed + ${bad:-1}))
}

: >"$work/said"
for task in $("$program" list | awk '$1 == "task" { print $2 }'); do
  rm -rf "${reports:?}/$task"
  # shellcheck disable=SC2086
  run train "$task" ${short[$task]---epochs 1} --quiet --out "$reports/$task"
  check "$task: trains" test "$code" = 0
  check "$task: has a report below 3 MB" test "$(stat -c %s "$reports/$task/report.html")" -lt 3000000
  look "$task"
done

# Other cells have other gates; two layers, both directions; and without Chart.js.
rm -rf "$reports/gru-of-two-layers"
run train sort --epochs 1 --hidden 32 --cell gru --layers 2 --bidirectional --quiet --out "$reports/gru-of-two-layers"
check 'gru: trains' test "$code" = 0
look gru-of-two-layers
rm -rf "$reports/svg"
cp -r "$reports/sin" "$reports/svg"
CAROUSEL_CHART_JS=/nowhere run report "$reports/svg"
look svg

grep FAILED "$work/said"
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
