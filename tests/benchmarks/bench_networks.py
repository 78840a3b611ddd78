"""Warm leave-one-out retraining of every Iris flower for 4 networks a depth: 520 models, each at its own minimum.

Beside it the published protocol, 7,500 full-batch steps of gradient descent from the fit: as a plain loop over models
with torch's own optimiser, and as our own batched program. Both are extrapolated in proportion from the steps that are
measured, and neither of them converges. Everything is timed in parts, of which the fastest counts: what else the
machine does then flatters nobody.
"""

from functools import partial

import torch
from measure import main, once

import influencelab as il
from influencelab.training.trainers.sequential import Sequential

DEPTHS, WIDTH, WEIGHT_DECAY, SEEDS = (1, 4, 8), 5, 5e-3, 4
PUBLISHED = 7500  # full-batch steps (Basu et al. 2021)
PARTS = 4
LOOP_STEPS = 75  # of the loop that are measured, in each part
BATCHED_STEPS = 25  # of our own batched program that are measured, in each part
RATE = 1e-2  # the time of a step does not depend on it


def fits(depth: int) -> list:
    """The networks, made beforehand."""
    data = il.Iris(scaling="standard", train_size=130, test_size=20).load()
    task = il.MLP(weight_decay=WEIGHT_DECAY, depth=depth, width=WIDTH)
    made = [il.fit(task, data, Sequential(), seed=seed) for seed in range(SEEDS)]
    assert all(each.converged for each in made)
    return made


def ours(depth: int) -> dict[str, float]:
    """All removals of all fits, to the minimum; what is computed once a fit is computed again."""
    made, found = fits(depth), []
    il.SecondOrder().retrain(made[0], il.leave_one_out(130, rows=torch.arange(8)))
    seconds = []
    for _ in range(PARTS):
        fresh = [il.Fit(**vars(each)) for each in made]
        found.clear()
        seconds.append(
            once(
                lambda fresh=fresh: found.extend(
                    il.SecondOrder().retrain(each, il.leave_one_out(130)) for each in fresh
                )
            )
        )
    return {
        "seconds": min(seconds),
        "converged": sum(float(each.converged.double().sum()) for each in found),
        "same_basin": sum(float(each.trusted.double().sum()) for each in found),
        "worst_gradient": max(float(each.grad_norm.max()) for each in found),
    }


def batched(depth: int) -> dict[str, float]:
    """The published number of steps by our own gradient descent, all removals of a fit at once."""
    made, removals = fits(depth), il.leave_one_out(130)
    trainer = il.GradientDescent(steps=BATCHED_STEPS, learning_rate=RATE)

    def run(count: int) -> None:
        for each in made[:count]:
            weights = removals.weights(each.weights, slice(0, 130))
            trainer.train(each.task, each.data, each.theta.repeat(130, 1), weights)

    run(1)
    seconds = min(once(lambda: run(SEEDS)) for _ in range(PARTS))
    return {"seconds": seconds * PUBLISHED / BATCHED_STEPS, "measured_steps": PARTS * BATCHED_STEPS}


def loop(depth: int) -> dict[str, float]:
    """The published number of steps by torch.optim.SGD, one model after another."""
    made = fits(depth)
    descend(made[0], removed=0, depth=depth, steps=30)
    seconds = min(
        once(lambda model=model: descend(made[model], removed=model, depth=depth, steps=LOOP_STEPS))
        for model in range(PARTS)
    )
    return {"seconds": seconds * PUBLISHED / LOOP_STEPS * 130 * SEEDS, "measured_steps": PARTS * LOOP_STEPS}


def descend(fitted, *, removed: int, depth: int, steps: int) -> None:
    """One model without one flower, as anybody would write it."""
    kept = torch.arange(130) != removed
    x, y = fitted.data.x_train[kept], fitted.data.y_train[kept]
    layers, size = [], 4
    for _ in range(depth):
        layers += [torch.nn.Linear(size, WIDTH), torch.nn.Tanh()]
        size = WIDTH
    network = torch.nn.Sequential(*layers, torch.nn.Linear(size, 3)).double()
    with torch.no_grad():
        used = 0
        for layer in network[::2]:
            rows, columns = layer.weight.shape
            matrix = fitted.theta[used : used + rows * (columns + 1)].view(rows, -1)
            layer.weight.copy_(matrix[:, :-1])
            layer.bias.copy_(matrix[:, -1])
            used += matrix.numel()
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()


if __name__ == "__main__":
    cases, ratios = {}, []
    for depth in DEPTHS:
        names = [f"depth {depth}: {what}" for what in ("a loop over models", "batched, same steps", "to the minimum")]
        cases |= {name: partial(run, depth) for name, run in zip(names, (loop, batched, ours), strict=True)}
        ratios += [(names[0], names[2]), (names[1], names[2])]
    main(cases, ratios=tuple(ratios))
