"""Training 64 leave-one-out copies of a 64-32-32-10 network on digits: all at once, and by torch.optim in a loop.

The loop is plain PyTorch: an `nn.Module`, `torch.optim.SGD`, batches by indexing. Its seconds are those of 3 models
times 64 / 3; both sides are run five times, and the median counts. Reading the data counts on neither side. Both remove
the same points from the same batches, so that where they end can be compared.
"""

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy
import torch
from measure import main, once
from torch import nn

import influencelab as il

N, BATCH, MODELS, LOOPED, REPEATS = 1500, 100, 64, 3, 5
RATE, MOMENTUM, DECAY = 0.05, 0.9, 1e-3
STEPS = {"batches of 100": 900, "full batch": 300}
TYPES = (torch.float32, torch.float64)


def problem(dtype: torch.dtype):
    """The network, digits, one start, and the weights of 64 removals."""
    data = il.Digits(scaling="unit", train_size=N, test_size=100).load()
    data = replace(data, x_train=data.x_train.to(dtype), x_test=data.x_test.to(dtype))
    task = il.MLP(weight_decay=DECAY, depth=2, width=32)
    weights = torch.full((MODELS, N), 1 / N, dtype=dtype)
    weights.fill_diagonal_(0)
    return task, data, task.start(data, 0), weights


def trainer(batches: str):
    """The library's recipe."""
    if batches == "full batch":
        return il.GradientDescent(learning_rate=RATE, momentum=MOMENTUM, steps=STEPS[batches])
    return il.SGD(learning_rate=RATE, momentum=MOMENTUM, batch_size=BATCH, steps=STEPS[batches], seed=0)


def orders(batches: str):
    """The points of each step, drawn as the library draws them."""
    if batches == "full batch":
        return itertools.repeat(torch.arange(N), STEPS[batches])
    drawn = (numpy.random.default_rng([0, epoch]).permutation(N) for epoch in itertools.count())
    split = itertools.chain.from_iterable(torch.from_numpy(order).split(BATCH) for order in drawn)
    return itertools.islice(split, STEPS[batches])


def looped(batches: str, task: il.MLP, data: il.Dataset, start: torch.Tensor, removed: int) -> nn.Module:
    """One model without one point, by plain PyTorch."""
    x, y, dtype = data.x_train.flatten(1), data.y_train, start.dtype
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10)).to(dtype)
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    pieces = start.split([rows * columns for rows, columns in task.shapes(data)])
    for layer, piece in zip(layers, pieces, strict=True):
        matrix = piece.view(len(layer.bias), -1)
        nn.init.zeros_(layer.weight).data.add_(matrix[:, :-1])
        nn.init.zeros_(layer.bias).data.add_(matrix[:, -1])
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    for rows in orders(batches):
        kept = rows[rows != removed]
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(x[kept]), y[kept], reduction="sum") / len(rows)
        loss.backward()
        optimiser.step()
    return model


def flat(model: nn.Module) -> torch.Tensor:
    """θ as the library lays it out."""
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    return torch.cat([torch.cat([one.weight.data, one.bias.data[:, None]], 1).flatten() for one in layers])


def ours(batches: str, dtype: torch.dtype) -> dict[str, float]:
    """All 64 models at once; `difference` is that of the first model's θ from the loop's, as a share of its norm."""
    task, data, start, weights = problem(dtype)
    replace(trainer(batches), steps=3).train(task, data, start.repeat(MODELS, 1), weights)
    found = []
    spent = both(lambda: found.append(trainer(batches).train(task, data, start.repeat(MODELS, 1), weights)))
    right = flat(looped(batches, task, data, start, 0))
    return spent | {"difference": float((found[0].theta[0] - right).norm() / right.norm())}


def by_loop(batches: str, dtype: torch.dtype) -> dict[str, float]:
    """Three models one after another, and what 64 would take."""
    task, data, start, _ = problem(dtype)
    looped(batches, task, data, start, 0)
    spent = both(lambda: [looped(batches, task, data, start, removed) for removed in range(LOOPED)])
    return {name: seconds * MODELS / LOOPED for name, seconds in spent.items()} | {"measured_models": LOOPED}


def both(work: Callable[[], object]) -> dict[str, float]:
    """Median seconds by the clock and of all processors: only the latter means something on a busy machine."""
    runs = []
    for _ in range(REPEATS):
        started = time.process_time()
        seconds = once(work)
        runs.append((seconds, time.process_time() - started))
    return dict(zip(("seconds", "cpu_seconds"), map(statistics.median, zip(*runs, strict=True)), strict=True))


if __name__ == "__main__":
    pairs = [(batches, dtype, f"{batches}, {str(dtype)[6:]}") for batches in STEPS for dtype in TYPES]
    main(
        {f"{name}: a loop": partial(by_loop, batches, dtype) for batches, dtype, name in pairs}
        | {f"{name}: ours": partial(ours, batches, dtype) for batches, dtype, name in pairs},
        ratios=tuple((f"{name}: a loop", f"{name}: ours") for _, _, name in pairs),
    )
