#!/usr/bin/env bash
# The task ocr as it stands, with each head: the share of 2,000 held-out images whose line was read without a fault, and the processor
# time of the whole training. Ends with the counts. CAROUSEL_PROGRAM names the program.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
# shellcheck source=tests/bars.sh
source tests/bars.sh

for head in attention ctc both; do
  train ocr --head "$head" --threads 2
  check "$head: within 40 minutes" compare "$seconds" '<=' 2400
  check "$head: string_accuracy is at least 0.97" compare "$(metric string_accuracy)" '>=' 0.97
  check "$head: character_accuracy is at least 0.99" compare "$(metric character_accuracy)" '>=' 0.99
done
finish
