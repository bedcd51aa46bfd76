#!/usr/bin/python3
"""The peer of `carousel train text --preset source`: char-rnn's default model in PyTorch, trained the same way.

    tests/torch/char_rnn.py TEXT [--epochs N] [--seed N]

char-rnn (Karpathy 2015): one-hot characters, 2 LSTM layers of 128, every parameter uniform in +-0.08, forget bias 1 on the
input side only, batch 50, 50 steps, the state carried from batch to batch, gradients summed over time and averaged over the
batch, clamped to +-5, RMSprop (rate 2e-3, alpha 0.95, epsilon 1e-8 outside the root), rate times 0.97 after each epoch from the
tenth on, 95 % of the batches for training and the rest for validation. Prints one line an epoch.
"""
import argparse
import time

import torch

HIDDEN, LAYERS, BATCH, STEPS = 128, 2, 50, 50

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("text")
options.add_argument("--epochs", type=int, default=1)
options.add_argument("--seed", type=int, default=1)
options = options.parse_args()

torch.set_num_threads(1)
torch.manual_seed(options.seed)

characters = open(options.text, encoding="utf-8").read()
symbols = sorted(set(characters))
index = {symbol: i for i, symbol in enumerate(symbols)}
data = torch.tensor([index[c] for c in characters])
data = data[: len(data) // (BATCH * STEPS) * (BATCH * STEPS)]
inputs = data.view(BATCH, -1).split(STEPS, 1)
targets = data.roll(-1).view(BATCH, -1).split(STEPS, 1)
train = int(len(inputs) * 0.95)

lstm = torch.nn.LSTM(len(symbols), HIDDEN, LAYERS)
readout = torch.nn.Linear(HIDDEN, len(symbols))
parameters = [*lstm.parameters(), *readout.parameters()]
with torch.no_grad():
    for parameter in parameters:
        parameter.uniform_(-0.08, 0.08)
    for layer in range(LAYERS):
        getattr(lstm, f"bias_ih_l{layer}")[HIDDEN : 2 * HIDDEN] = 1
one_hot = torch.eye(len(symbols))
squares = [torch.zeros_like(parameter) for parameter in parameters]
rate = 2e-3


def start():
    return torch.zeros(LAYERS, BATCH, HIDDEN), torch.zeros(LAYERS, BATCH, HIDDEN)


def forward(batch, state):
    """Sum over time of the mean over the batch of the negative log-likelihood, and the state after the last step."""
    outputs, state = lstm(one_hot[inputs[batch].t()], state)
    loss = torch.nn.functional.cross_entropy(readout(outputs).view(-1, len(symbols)), targets[batch].t().reshape(-1))
    return loss * STEPS, tuple(s.detach() for s in state)


state = start()
for epoch in range(1, options.epochs + 1):
    began, total = time.process_time(), 0.0
    for batch in range(train):
        for parameter in parameters:
            parameter.grad = None
        loss, state = forward(batch, state)
        loss.backward()
        total += loss.item() / STEPS
        with torch.no_grad():
            for parameter, square in zip(parameters, squares):
                gradient = parameter.grad.clamp_(-5, 5)
                square.mul_(0.95).addcmul_(gradient, gradient, value=0.05)
                parameter.addcdiv_(gradient, square.sqrt().add_(1e-8), value=-rate)
    milliseconds = (time.process_time() - began) / train * 1e3
    if epoch >= 10:
        rate *= 0.97
    with torch.no_grad():
        held, validation = start(), 0.0
        for batch in range(train, len(inputs)):
            loss, held = forward(batch, held)
            validation += loss.item() / STEPS / (len(inputs) - train)
    print(
        f"seed {options.seed} epoch {epoch}: train_loss={total / train:.4f} validation_loss={validation:.4f} "
        f"cpu_ms_per_batch={milliseconds:.1f}",
        flush=True,
    )
