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
# shellcheck source=tests/bars.sh
source tests/bars.sh
need_data text/tinyshakespeare.txt
text=$CAROUSEL_DATA/text/tinyshakespeare.txt
epochs=${CAROUSEL_EPOCHS:-1}
seeds=(1 2 3)
bound=0.05
((epochs >= 30)) && bound=0.03

ours=() theirs=()
for seed in "${seeds[@]}"; do
  train text --input "$text" --preset source --epochs "$epochs" --seed "$seed" --threads 1
  ours+=("$(metric validation_loss)")
  check "source, seed $seed: at most 2.18" compare "$(metric validation_loss)" '<=' 2.18
done
for seed in "${seeds[@]}"; do
  train text --input "$text" --epochs "$epochs" --seed "$seed" --threads 1
  check "default, seed $seed: at most 2.00" compare "$(metric validation_loss)" '<=' 2.00
done

if reason=$(/usr/bin/python3 -c 'import torch' 2>&1); then
  for seed in "${seeds[@]}"; do
    line=$(/usr/bin/python3 tests/torch/char_rnn.py "$text" --epochs "$epochs" --seed "$seed" | tail -n 1) || line="ended with code $?"
    echo "PyTorch, seed $seed: $line"
    theirs+=("$(metric validation_loss)")
    check "PyTorch, seed $seed: trains" is_number "$(metric validation_loss)"
  done
  echo "medians: source $(median "${ours[@]}"), PyTorch $(median "${theirs[@]}")"
  check "the medians differ by at most $bound" near "$(median "${ours[@]}")" "$(median "${theirs[@]}")" "$bound"
else
  echo "not compared with PyTorch: /usr/bin/python3 has none: ${reason##*$'\n'}"
fi

finish
