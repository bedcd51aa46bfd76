#!/usr/bin/env bash
# Against PyTorch, in double: outputs, gradients, optimiser steps, and state_dicts both ways. See tests/torch/cases.py.
# Prints a line for each case, with its worst difference, and ends with the counts.
set -euo pipefail
# shellcheck source=tasks/setup.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../../tasks/setup.sh"
build=${CAROUSEL_BUILD:-$root/build}

if ! reason=$(/usr/bin/python3 -c 'import torch' 2>&1); then
  echo "passed over: /usr/bin/python3 has no PyTorch: ${reason##*$'\n'}"
  echo '0 passed, 0 failed'
  exit 0
fi
lock_build "$build"
configure "$build"
compile "$build" tests/compare-torch
finish_build

folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
passed=0 failed=0
# A program that ends with its counts; without them it is one failure.
count() {  # COMMAND...
  local status=0
  "$@" | tee "$folder/log" || status=$?
  if [[ $(tail -n 1 "$folder/log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    ((status == 0 || BASH_REMATCH[2] > 0)) && return
  fi
  echo "$1 ended with code $status"
  failed=$((failed + 1))
}
/usr/bin/python3 "$root/tests/torch/cases.py" write "$folder"
count "$build/tests/compare-torch" "$folder"
count /usr/bin/python3 "$root/tests/torch/cases.py" check "$folder"

# The comparison itself: of cases made wrong it passes none.
/usr/bin/python3 "$root/tests/torch/cases.py" spoil "$folder"
wrong=$("$build/tests/compare-torch" "$folder/wrong") || true
if [[ ${wrong##*$'\n'} =~ ^0\ passed,\ [1-9] ]]; then
  passed=$((passed + 1))
else
  printf 'cases made wrong:\n%s\n' "$wrong"
  failed=$((failed + 1))
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
((passed > 0 && failed == 0))
