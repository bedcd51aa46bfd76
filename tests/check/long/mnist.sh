#!/usr/bin/env bash
# MNIST as the program that it repeats: the windows and the test accuracies of all epochs. A minute or two. Ends with the counts.
# CAROUSEL_PROGRAM names the program; CAROUSEL_DATA the folder of data sets, with mnist.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
# shellcheck source=tests/bars.sh
source tests/bars.sh
need_data mnist

train mnist --preset source
check 'source: the first windows' cmp -s <(head -n 3 "$work/out") <(printf '1010 0.1416\n2020 0.1099\n3030 0.1297\n')
check 'source: 297 windows' test "$(grep -cE '^[0-9]+ [01]\.[0-9]{4}$' "$work/out")" = 297
expected=(0.9021 0.9505 0.9678 0.9705 0.9729)
for epoch in 1 2 3 4 5; do
  accuracy=$(sed -nE "s/^epoch $epoch: test_accuracy (.*)/\1/p" "$work/out")
  bar=${expected[epoch - 1]}
  echo "source, epoch $epoch: test_accuracy=$accuracy, the original's $bar"
  check "source, epoch $epoch: within 0.0005 of $bar" near "$accuracy" "$bar" 0.0005
done
finish
