#!/usr/bin/python3
"""Comparison with PyTorch, in double: its half.

    tests/torch/cases.py write FOLDER     for each case a file FOLDER/NAME.safetensors
    (the program compare-torch reads them, computes the same, compares, and writes its state_dicts to FOLDER/ours)
    tests/torch/cases.py check FOLDER     those state_dicts, read back into PyTorch, give the outputs of the case
    tests/torch/cases.py spoil FOLDER     cases of FOLDER made wrong, in FOLDER/wrong: compare-torch must pass none of them

A case holds tensors by role: `module.*`, the state_dict of a module; `in.*`, its inputs; `project.*`, for each output the
weights w of the loss Σ w∘output; `out.*`, the outputs; `grad.*`, the gradients of the loss by in.* and module.*. What else
there is to know stands in the metadata. The last line is `N passed, N failed`.
"""
import itertools
import os
import sys
import zlib

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

sys.dont_write_bytecode = True  # no folder of Python's in the tree
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors  # noqa: E402  the file beside this one

TOLERANCE = 1e-9  # of the largest entry of a tensor

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def words(**options):
    return {name: str(int(value) if isinstance(value, bool) else value) for name, value in options.items()}


# Modules ------------------------------------------------------------------------------------------------------------------------

CELLS = {"lstm": (nn.LSTM, {}), "gru": (nn.GRU, {}), "rnn-tanh": (nn.RNN, {}), "rnn-relu": (nn.RNN, {"nonlinearity": "relu"})}


def run_recurrent(module, x, h=None, c=None, lengths=None):
    """Outputs of all steps, and the state after each example's last one; beyond its length an example's outputs are 0."""
    state = h if c is None else (h, c)
    if lengths is None:
        outputs, state = module(x, state)
    else:
        outputs, state = module(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
        outputs, _ = pad_packed_sequence(outputs, total_length=len(x))
    return {"outputs": outputs, **dict(zip("hc", state if isinstance(state, tuple) else (state,)))}


def recurrent(cell, layers, bidirectional, ragged, start, bias=True, sizes=(7, 5, 3, 4)):
    """A case of a recurrent module. sizes: steps, batch, features, hidden"""
    steps, batch, features, hidden = sizes
    kind, options = CELLS[cell]
    inputs = {"x": torch.randn(steps, batch, features)}
    if start:
        for member in "hc" if cell == "lstm" else "h":
            inputs[member] = torch.randn(layers * (2 if bidirectional else 1), batch, hidden)
    if ragged:
        inputs["lengths"] = torch.randint(1, steps + 1, (batch,))
        inputs["lengths"][batch // 2] = steps  # PyTorch wants one of full length
    return (
        kind(features, hidden, layers, bias=bias, bidirectional=bidirectional, **options),
        inputs,
        run_recurrent,
        words(kind="recurrent", cell=cell, layers=layers, bidirectional=bidirectional, hidden=hidden, bias=bias),
    )


def linear(bias, *shape):
    return nn.Linear(shape[-1], 4, bias=bias), {"x": torch.randn(shape)}, lambda f, x: {"y": f(x)}, words(kind="linear", bias=bias)


def embedding():
    ids = torch.tensor([[3, 0, 3], [5, 6, 3]])
    return nn.Embedding(7, 4), {"ids": ids}, lambda f, ids: {"y": f(ids)}, words(kind="embedding")


def layer_norm(eps, *shape):
    module = nn.LayerNorm(shape[-1], eps=eps)
    nn.init.uniform_(module.weight, 0.5, 2)
    nn.init.normal_(module.bias)
    return module, {"x": 3 * torch.randn(shape) + 1}, lambda f, x: {"y": f(x)}, words(kind="layer_norm", epsilon=eps)


def conv2d(shape, out, kernel, stride=1, padding=0, bias=True):
    """shape: batch, channels, height, width"""
    module = nn.Conv2d(shape[1], out, kernel, stride, padding, bias=bias)
    return module, {"x": torch.randn(shape)}, lambda f, x: {"y": f(x)}, words(kind="conv2d", stride=stride, padding=padding, bias=bias)


def max_pool2d(shape, size, stride=None):
    """shape: batch, channels, height, width"""
    module = nn.MaxPool2d(size, stride)
    return module, {"x": torch.randn(shape)}, lambda f, x: {"y": f(x)}, words(kind="max_pool2d", size=size, stride=stride or 0)


def cross_entropy(shape, ignored=None, masked=False, smoothing=0.0):
    """The mean over the positions that count. shape: positions…, classes"""
    classes = shape[-1]
    inputs = {"logits": 4 * torch.randn(shape), "labels": torch.randint(classes, shape[:-1])}
    if ignored is not None:
        inputs["labels"].view(-1)[::3] = ignored
    mask = torch.rand(shape[:-1]) if masked else None
    if masked:
        inputs["mask"] = mask

    def run(_, logits, labels, mask=None):
        flat = {"input": logits.reshape(-1, classes), "target": labels.reshape(-1), "label_smoothing": smoothing}
        if ignored is not None:
            flat["ignore_index"] = ignored
        if mask is None:
            return {"loss": functional.cross_entropy(**flat)}
        mask = mask.reshape(-1).detach()
        return {"loss": (functional.cross_entropy(**flat, reduction="none") * mask).sum() / mask.sum()}

    ignore = {} if ignored is None else {"ignore": ignored}
    return nn.Module(), inputs, run, words(kind="cross_entropy", smoothing=smoothing, **ignore)


def ctc(steps, classes, blank, *texts):
    """The mean over the examples, of ragged steps. texts: the labels of each"""
    inputs = {
        "logits": 2 * torch.randn(steps, len(texts), classes),
        "lengths": torch.tensor([steps - i for i in range(len(texts))]),
        "labels": torch.tensor([label for text in texts for label in text]),
        "counts": torch.tensor([len(text) for text in texts]),
    }

    def run(_, logits, lengths, labels, counts):
        log_probabilities = functional.log_softmax(logits, -1)
        return {"loss": functional.ctc_loss(log_probabilities, labels, lengths, counts, blank, reduction="sum") / len(texts)}

    return nn.Module(), inputs, run, words(kind="ctc", blank=blank)


def attention(form, units=0, lengths=None):
    """Contexts and weights of two queries, of forms written with primitives. units: of the net of the additive forms"""
    steps, batch, hidden = 6, 4, 5
    features = hidden if form == "dot" else 3
    inputs = {"states": torch.randn(steps, batch, hidden), "first": torch.randn(batch, features), "second": torch.randn(batch, features)}
    if form in ("additive", "rectified"):
        inputs.update(wq=torch.randn(features, units), wk=torch.randn(hidden, units), v=torch.randn(units, 1))
    if form == "multiplicative":
        inputs["w"] = torch.randn(hidden, features)
    if lengths:
        inputs["lengths"] = torch.tensor(lengths)

    def run(_, states, first, second, lengths=None, wq=None, wk=None, v=None, w=None):
        outputs = {}
        for name, query in (("first", first), ("second", second)):
            if v is not None:
                bend = torch.tanh if form == "additive" else torch.relu
                scores = torch.einsum("tbu,u->tb", bend(query @ wq + states @ wk), v.squeeze(1))
            else:
                keys = states if w is None else states @ w
                scores = torch.einsum("tbf,bf->tb", keys, query)
            if lengths is not None:
                scores = scores.masked_fill(torch.arange(steps).unsqueeze(1) >= lengths, -float("inf"))
            weights = functional.softmax(scores, 0)
            outputs.update({name + ".context": torch.einsum("tb,tbh->bh", weights, states), name + ".weights": weights})
        return outputs

    return nn.Module(), inputs, run, words(kind="attention", form=form)


def modules():
    """Name and making of each case of a module."""
    flags = (False, True)
    for cell, layers, bidirectional, ragged, start in itertools.product(CELLS, (1, 2), flags, flags, flags):
        name = f"{cell}-{layers}" + "-bidirectional" * bidirectional + "-ragged" * ragged + "-start" * start
        yield name, recurrent, (cell, layers, bidirectional, ragged, start)
    for cell in CELLS:
        yield f"{cell}-large", recurrent, (cell, 2, True, True, True, True, (41, 18, 19, 33))
        yield f"{cell}-one", recurrent, (cell, 2, True, False, True, True, (1, 1, 1, 1))
        yield f"{cell}-no-bias", recurrent, (cell, 2, True, True, False, False)
    yield "linear", linear, (True, 6, 5)
    yield "linear-sequence", linear, (True, 3, 2, 5)
    yield "linear-no-bias", linear, (False, 6, 5)
    yield "embedding", embedding, ()
    yield "layer-norm", layer_norm, (1e-5, 5, 7)
    yield "layer-norm-sequence", layer_norm, (1e-3, 4, 3, 33)
    yield "conv2d", conv2d, ((2, 3, 7, 6), 4, (3, 2))
    yield "conv2d-padded", conv2d, ((2, 3, 7, 6), 5, (3, 3), 1, 2)
    yield "conv2d-strided", conv2d, ((3, 2, 9, 8), 4, (3, 2), 2, 1)
    yield "conv2d-large", conv2d, ((4, 7, 17, 15), 18, (5, 3), 3, 2)
    yield "conv2d-no-bias", conv2d, ((1, 1, 5, 5), 3, (5, 1), 1, 1, False)
    yield "max-pool2d", max_pool2d, ((2, 3, 8, 7), 2)
    yield "max-pool2d-overlapping", max_pool2d, ((2, 3, 8, 7), 3, 2)
    yield "cross-entropy", cross_entropy, ((6, 5),)
    yield "cross-entropy-sequence", cross_entropy, ((7, 3, 33),)
    yield "cross-entropy-ignored", cross_entropy, ((4, 3, 5), 2)
    yield "cross-entropy-padded", cross_entropy, ((4, 3, 5), -100)
    yield "cross-entropy-smoothed", cross_entropy, ((4, 3, 5), None, False, 0.1)
    yield "cross-entropy-smoothed-ignored", cross_entropy, ((4, 3, 5), 1, False, 0.3)
    yield "cross-entropy-masked", cross_entropy, ((4, 3, 5), None, True)
    for form, units in (("additive", 7), ("rectified", 7), ("multiplicative", 0), ("dot", 0)):
        yield f"attention-{form}", attention, (form, units)
        yield f"attention-{form}-ragged", attention, (form, units, [6, 1, 4, 3])
    yield "ctc", ctc, (8, 5, 0, [1, 2, 3])
    yield "ctc-ragged", ctc, (12, 6, 5, [1, 1, 0], [4], [], [2, 2, 2, 2], [0, 1, 2, 3, 4])
    yield "ctc-long", ctc, (120, 11, 10, [i % 7 for i in range(60)], [3] * 50)


def make_module(name, make, arguments):
    torch.manual_seed(zlib.crc32(name.encode()))
    return make(*arguments)


def prefixed(role, tensors):
    return {f"{role}.{name}": tensor for name, tensor in tensors.items()}


def write_module(folder, name, make, arguments):
    module, inputs, run, metadata = make_module(name, make, arguments)
    leaves = {n: t.requires_grad_() for n, t in inputs.items() if t.is_floating_point() and n != "mask"}
    outputs = run(module, **inputs)
    project = {n: torch.randn_like(output) for n, output in outputs.items()}
    sum((project[n] * output).sum() for n, output in outputs.items()).backward()
    gradients = {n: t.grad for n, t in leaves.items()}
    gradients.update({f"module.{n}": p.grad for n, p in module.named_parameters()})
    tensors = {**prefixed("module", module.state_dict()), **prefixed("in", inputs), **prefixed("project", project)}
    tensors.update({**prefixed("out", outputs), **prefixed("grad", gradients)})
    safetensors.write(os.path.join(folder, name + ".safetensors"), tensors, metadata)


def worst_difference(a, b):
    """The largest |a − b| by the largest |b|."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf")
    worst = (a - b).abs().max().item()
    return worst / b.abs().max().item() if worst else 0.0


def check_module(folder, name, make, arguments):
    """The worst difference between the outputs of a case and those of a module with our state_dict."""
    module, inputs, run, _ = make_module(name, make, arguments)
    for parameter in module.parameters():
        nn.init.constant_(parameter, float("nan"))
    ours, metadata = safetensors.read(os.path.join(folder, "ours", name + ".safetensors"))
    if metadata != {"format": "pt"}:
        raise safetensors.BadFile(f"metadata {metadata}")
    module.load_state_dict(ours, strict=True)
    case, _ = safetensors.read(os.path.join(folder, name + ".safetensors"))
    with torch.no_grad():
        outputs = run(module, **inputs)
    return max(worst_difference(output, case["out." + n]) for n, output in outputs.items())


# Optimisers ---------------------------------------------------------------------------------------------------------------------

STEPS = 12
OPTIMIZERS = {
    "adam": (torch.optim.Adam, {"rate": 0.01}, {"rate": 0.1, "beta1": 0.7, "beta2": 0.9, "epsilon": 0.03, "weight_decay": 0.2}),
    "adamw": (torch.optim.AdamW, {"rate": 0.01}, {"rate": 0.1, "beta1": 0.7, "beta2": 0.9, "epsilon": 0.03, "weight_decay": 0.2}),
    "rmsprop": (
        torch.optim.RMSprop,
        {"rate": 0.01},
        {"rate": 0.1, "alpha": 0.9, "epsilon": 0.03, "weight_decay": 0.2, "momentum": 0.6},
    ),
    "adagrad": (
        torch.optim.Adagrad,
        {"rate": 0.01},
        {"rate": 0.1, "rate_decay": 0.2, "initial": 0.3, "epsilon": 0.03, "weight_decay": 0.2},
    ),
    "adadelta": (torch.optim.Adadelta, {"rate": 1.0}, {"rate": 0.5, "rho": 0.8, "epsilon": 0.03, "weight_decay": 0.2}),
    "sgd": (torch.optim.SGD, {"rate": 0.01}, {"rate": 0.1, "momentum": 0.8, "weight_decay": 0.2}),
    "sgd-nesterov": (torch.optim.SGD, {"rate": 0.01}, {"rate": 0.1, "momentum": 0.8, "weight_decay": 0.2, "nesterov": True}),
}
THEIRS = {"rate": "lr", "epsilon": "eps", "rate_decay": "lr_decay", "initial": "initial_accumulator_value"}


def optimizer(kind, parameters, options):
    named = {THEIRS.get(name, name): value for name, value in options.items() if not name.startswith("beta")}
    if "beta1" in options:
        named["betas"] = options["beta1"], options["beta2"]
    return kind(parameters, **named)


def write_optimizer(folder, name, kind, options):
    """first.P, gradient.K.P and out.K.P: a parameter P at first, its gradient in step K, its value after that.
    One element of each gradient is always 0."""
    torch.manual_seed(zlib.crc32(name.encode()))
    parameters = {"a": torch.randn(3, 7), "b": torch.randn(5)}
    tensors = {f"first.{n}": p.clone() for n, p in parameters.items()}
    steps = optimizer(kind, parameters.values(), options)
    for step in range(1, STEPS + 1):
        for n, p in parameters.items():
            p.grad = torch.randn_like(p) * 10.0 ** torch.randint(-2, 2, p.shape)
            p.grad.view(-1)[2] = 0
            tensors[f"gradient.{step}.{n}"] = p.grad.clone()
        steps.step()
        tensors.update({f"out.{step}.{n}": p.clone() for n, p in parameters.items()})
    metadata = words(kind="optimizer", optimizer=name.split("-")[0], steps=STEPS, **options)
    safetensors.write(os.path.join(folder, name + ".safetensors"), tensors, metadata)


# A whole training ---------------------------------------------------------------------------------------------------------------


class Reader(nn.Module):
    def __init__(self, symbols, features, hidden):
        super().__init__()
        self.embed = nn.Embedding(symbols, features)
        self.rnn = nn.LSTM(features, hidden, 2)
        self.readout = nn.Linear(hidden, symbols)
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("bias_hh"):  # of the two biases, carousel has one
                nn.init.zeros_(parameter).requires_grad_(False)

    def forward(self, ids, state):
        outputs, state = self.rnn(self.embed(ids), state)
        return self.readout(outputs), tuple(member.detach() for member in state)


def write_training(folder, name):
    """Stateful training of embedding, two LSTM layers and readout, gradients clipped by value: loss and state of each step."""
    torch.manual_seed(zlib.crc32(name.encode()))
    symbols, hidden, steps, batch, limit = 9, 6, 11, 4, 0.02
    options = {"rate": 0.02, "weight_decay": 0.1}
    model = Reader(symbols, 5, hidden)
    adamw = optimizer(torch.optim.AdamW, [p for p in model.parameters() if p.requires_grad], options)
    tensors = prefixed("module", {n: t.clone() for n, t in model.state_dict().items()})
    state = (torch.zeros(2, batch, hidden), torch.zeros(2, batch, hidden))
    for step in range(1, STEPS + 1):
        ids = torch.randint(symbols, (steps + 1, batch))
        logits, state = model(ids[:-1], state)
        loss = functional.cross_entropy(logits.reshape(-1, symbols), ids[1:].reshape(-1))
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), limit)
        adamw.step()
        tensors.update({f"in.{step}": ids, f"out.loss.{step}": loss.detach(), f"out.c.{step}": state[1]})
    tensors.update(prefixed("out.after", model.state_dict()))
    metadata = words(kind="training", steps=STEPS, symbols=symbols, features=5, hidden=hidden, limit=limit, **options)
    safetensors.write(os.path.join(folder, name + ".safetensors"), tensors, metadata)


# --------------------------------------------------------------------------------------------------------------------------------


def write(folder):
    count = 0
    for name, make, arguments in modules():
        write_module(folder, name, make, arguments)
        count += 1
    for name, (kind, plain, full) in OPTIMIZERS.items():
        write_optimizer(folder, name, kind, plain)
        write_optimizer(folder, name + "-options", kind, full)
        count += 2
    write_training(folder, "training")
    print(f"{count + 1} cases written")


def check(folder):
    passed, worst = 0, (0.0, "")
    failures = []
    for name, make, arguments in modules():
        if make in (cross_entropy, ctc, attention):
            continue
        try:
            difference = check_module(folder, name, make, arguments)
        except Exception as error:  # whatever a file may have wrong
            failures.append(f"{name}: {type(error).__name__}: {error}")
            continue
        worst = max(worst, (difference, name))
        if difference <= TOLERANCE:
            passed += 1
        else:
            failures.append(f"{name}: outputs differ by {difference:.1e}")
    print(*failures, sep="\n", end="\n" if failures else "")
    print(f"our state_dicts in PyTorch: worst difference {worst[0]:.1e}, {worst[1]}")
    print(f"{passed} passed, {len(failures)} failed")
    return passed > 0 and not failures


def exchange(tensor, a, b, blocks):
    """A tensor with two of its blocks of rows exchanged."""
    order = list(range(blocks))
    order[a], order[b] = b, a
    return torch.cat([tensor.chunk(blocks)[i] for i in order])


def nudge(tensor):
    """A tensor with its smallest element moved by twice the tolerance."""
    moved = tensor.clone()
    moved.view(-1)[tensor.abs().argmin()] += 2 * TOLERANCE * tensor.abs().max()
    return moved


def spoil(folder):
    wrong = os.path.join(folder, "wrong")
    os.mkdir(wrong)

    def write_wrong(name, of, change):
        tensors, metadata = safetensors.read(os.path.join(folder, of + ".safetensors"))
        change(tensors)
        safetensors.write(os.path.join(wrong, name + ".safetensors"), tensors, metadata)

    def change(name, function, *arguments):
        return lambda tensors: tensors.update({name: function(tensors[name], *arguments)})

    bidirectional = "lstm-2-bidirectional-ragged-start"
    for name in ("out.outputs", "out.c", "grad.x", "grad.h", "grad.module.weight_hh_l1_reverse", "grad.module.bias_hh_l0"):
        write_wrong("nudged-" + name, bidirectional, change(name, nudge))
    write_wrong("input-and-forget-gate-exchanged", "lstm-1", change("module.weight_hh_l0", exchange, 0, 1, 4))
    write_wrong("reset-and-update-gate-exchanged", "gru-1", change("module.weight_ih_l0", exchange, 0, 1, 3))
    write_wrong("nudged-attention", "attention-additive-ragged", change("grad.wk", nudge))
    write_wrong("a-step-longer-to-look-at", "attention-dot-ragged", change("in.lengths", lambda lengths: lengths.clamp(min=2)))
    write_wrong("a-step-longer", bidirectional, change("in.lengths", lambda lengths: lengths.clamp(min=2)))
    write_wrong("a-gradient-more", "lstm-1", lambda tensors: tensors.update({"grad.module.weight_hr_l0": torch.ones(1)}))
    write_wrong("an-output-more", "linear", lambda tensors: tensors.update({"out.z": torch.ones(1)}))
    write_wrong("not-a-number", "layer-norm", change("out.y", lambda y: y * float("nan")))
    write_wrong("a-step-of-adam", "adam", change(f"out.{STEPS}.b", nudge))
    write_wrong("a-parameter-after-training", "training", change("out.after.rnn.weight_ih_l1", nudge))


if __name__ == "__main__":
    commands = {"write": write, "check": check, "spoil": spoil}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(1 if commands[sys.argv[1]](sys.argv[2]) is False else 0)
