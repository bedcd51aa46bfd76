#!/usr/bin/env bash
# MNIST as the program that it repeats: the windows and the test accuracies of all epochs. A minute or two.
# CAROUSEL_PROGRAM names the program; CAROUSEL_DATA the folder of data sets, with mnist.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.." || exit 2
program=${CAROUSEL_PROGRAM:-build/carousel}
if [[ ! -d ${CAROUSEL_DATA:-}/mnist ]]; then
  echo 'passed over: no mnist in CAROUSEL_DATA'
  echo '0 passed, 0 failed'
  exit 0
fi
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
within() { [[ $1 =~ ^[0-9.]+$ ]] && awk -v a="$1" -v lo="$2" -v hi="$3" 'BEGIN { exit !(a >= lo - 1e-9 && a <= hi + 1e-9) }'; }  # A LOW HIGH

"$program" train mnist --preset source --quiet --out "$work/source" >"$work/out" || echo "source: ended with code $?"
check 'source: the first windows' cmp -s <(head -n 3 "$work/out") <(printf '1010 0.1416\n2020 0.1099\n3030 0.1297\n')
check 'source: 297 windows' test "$(grep -cE '^[0-9]+ [01]\.[0-9]{4}$' "$work/out")" = 297
expected=(0.9021 0.9505 0.9678 0.9705 0.9729)
for epoch in 1 2 3 4 5; do
  accuracy=$(sed -nE "s/^epoch $epoch: test_accuracy (.*)/\1/p" "$work/out")
  bar=${expected[epoch - 1]}
  echo "source, epoch $epoch: test_accuracy=$accuracy, the original's $bar"
  check "source, epoch $epoch: within 0.0005 of $bar" within "$accuracy" "$(awk -v b="$bar" 'BEGIN { print b - 0.0005 }')" \
    "$(awk -v b="$bar" 'BEGIN { print b + 0.0005 }')"
done

printf '%d passed, %d failed\n' "$passed" "$failed"
((passed > 0 && failed == 0))
