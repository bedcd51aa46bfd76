#!/usr/bin/env bash
# The task eeg as it stands, on the subject that is made up: the mean area under the ROC curves of the six events on the two series
# that were held out, beside that of logistic regression, and the processor time of the whole training. Ends with the counts.
# CAROUSEL_PROGRAM names the program.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
# shellcheck source=tests/bars.sh
source tests/bars.sh
unset CAROUSEL_DATA

areas=()
for seed in 1 2 3; do
  train eeg --seed "$seed"
  areas+=("$(metric auc)")
  check "seed $seed: within 8 minutes" compare "$seconds" '<=' 480
  check "seed $seed: without memory at most 0.75" compare "$(metric memoryless_auc)" '<=' 0.75
done
check 'the median of auc is at least 0.90' compare "$(median "${areas[@]}")" '>=' 0.90
finish
