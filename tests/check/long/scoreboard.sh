#!/usr/bin/env bash
# Every task of the scoreboard, with its seeds: fails where a training fails or a metric is worse than its bar. An hour or two.
# CAROUSEL_PROGRAM names the program; CAROUSEL_DATA the folder of data sets. Rows whose data are not there are passed over.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.." || exit 2
program=${CAROUSEL_PROGRAM:-build/carousel}
[[ -x $program ]] || { echo "no program at $program"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
code=0
"$program" scoreboard --check --jobs "$(nproc)" --out "$work/board.md" >"$work/out" </dev/null || code=$?
grep '^| ' "$work/out"
number() { sed -nE "s/^result: scoreboard .*\b$1=([0-9]+).*/\1/p" "$work/out"; }
passed=$(number good)
failed=$(($(number worse) + $(number failed)))
if ((code != 0 && failed == 0)); then
  echo "the scoreboard ended with code $code"
  failed=1
fi
printf '%d passed, %d failed\n' "${passed:-0}" "$failed"
((failed == 0))
