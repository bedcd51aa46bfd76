#!/usr/bin/env bash
# char-rnn's text as char-rnn reads it: the losses of `carousel train text`, and beside them those of the same net in PyTorch
# (tests/torch/char_rnn.py). Prints each run's validation loss and milliseconds per batch, and ends with the counts.
# CAROUSEL_PROGRAM names the program; CAROUSEL_DATA the folder of data sets, with text/tinyshakespeare.txt.
#
# One epoch takes a few minutes. The whole comparison, 30 epochs, where the medians must lie nearer to each other:
#
#     CAROUSEL_EPOCHS=30 CAROUSEL_DATA=... bash tests/check/long/char_rnn.sh
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
program=${CAROUSEL_PROGRAM:-build/carousel}
text=${CAROUSEL_DATA:-}/text/tinyshakespeare.txt
epochs=${CAROUSEL_EPOCHS:-1}
seeds=(1 2 3)
bound=0.05
((epochs >= 30)) && bound=0.03

if [[ ! -r $text ]]; then
  echo 'passed over: no text/tinyshakespeare.txt in CAROUSEL_DATA'
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

is_number() { [[ $1 =~ ^[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$ ]]; }
at_most() { is_number "$1" && awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 <= b + 0) }'; }  # A B
near() {  # A B BY
  is_number "$1" && is_number "$2" && awk -v a="$1" -v b="$2" -v by="$3" 'BEGIN { exit !(a - b <= by + 0 && b - a <= by + 0) }'
}
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }
metric() { sed -nE "s/.* $1=([^ ]+).*/\1/p" <<<"$2"; }  # NAME LINE

# Runs a training on one core; leaves its last line in $line, its loss in $loss, and shows them, or why there are none.
run() {  # NAME COMMAND...
  local name=$1 code=0
  shift
  "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  line=$(tail -n 1 "$work/out")
  loss=$(metric validation_loss "$line")
  if ((code)) || ! is_number "$loss"; then
    loss=none
    echo "$name: ended with code $code: $(tail -n 1 "$work/err")"
  else
    echo "$name: validation_loss=$loss $(grep -oE '[a-z_]*ms_per_batch=[^ ]+' <<<"$line")"
  fi
}

train() {  # PRESET SEED
  rm -rf -- "$work/run"
  run "$1, seed $2" "$program" train text --input "$text" --preset "$1" --epochs "$epochs" --seed "$2" --threads 1 --quiet \
    --out "$work/run"
}

ours=() theirs=()
for seed in "${seeds[@]}"; do
  train source "$seed"
  ours+=("$loss")
  check "source, seed $seed: at most 2.18" at_most "$loss" 2.18
done
for seed in "${seeds[@]}"; do
  train default "$seed"
  check "default, seed $seed: at most 2.00" at_most "$loss" 2.00
done

if reason=$(/usr/bin/python3 -c 'import torch' 2>&1); then
  for seed in "${seeds[@]}"; do
    run "PyTorch, seed $seed" /usr/bin/python3 tests/torch/char_rnn.py "$text" --epochs "$epochs" --seed "$seed"
    theirs+=("$loss")
  done
  echo "medians: source $(median "${ours[@]}"), PyTorch $(median "${theirs[@]}")"
  [[ " ${ours[*]} ${theirs[*]} " == *' none '* ]] && ours=(none)
  check "the medians differ by at most $bound" near "$(median "${ours[@]}")" "$(median "${theirs[@]}")" "$bound"
else
  echo "not compared with PyTorch: /usr/bin/python3 has none: ${reason##*$'\n'}"
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((passed > 0 && failed == 0))
