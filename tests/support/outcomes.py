"""Outcomes made by hand, and tables of values with known effects of seeds and test points."""

from collections.abc import Mapping

import numpy
import torch
from scipy import stats

from influencelab.experiments.outcome import Outcome
from influencelab.statistics.measurement import Measurement


def outcome(predicted, actual, *, trusted=None, converged=None, chosen=None, train_ids=None, test_ids=None, facts=None):
    """One outcome; a bare table is that of the estimator `exact`, the target `warm`, the selection `everything`."""
    predicted, actual = by_name(predicted, "exact"), by_name(actual, "warm")
    r, m = next(iter(actual.values())).shape
    everything = torch.ones(r, m, dtype=torch.bool)
    converged, trusted = (
        {target: torch.ones(r, dtype=torch.bool) if rows is None else torch.as_tensor(rows) for target in actual}
        for rows in (converged, trusted)
    )
    return Outcome(
        predicted=predicted,
        chosen={"everything": everything} if chosen is None else by_name(chosen, "everything"),
        actual=actual,
        trusted=trusted,
        converged=converged,
        control={target: torch.zeros(m, dtype=torch.float64) for target in actual},
        train_ids=torch.arange(r) if train_ids is None else torch.as_tensor(train_ids),
        train_labels=torch.zeros(r, dtype=torch.int64),
        test_ids=torch.arange(m) if test_ids is None else torch.as_tensor(test_ids),
        test_labels=torch.zeros(m, dtype=torch.int64),
        facts={"classes": 3, "single": True, "estimates": {name: {"unit": "nats"} for name in predicted}}
        | (facts or {}),
    )


def by_name(table, name):
    """Tensors by name; a bare table gets this one."""
    tables = table if isinstance(table, Mapping) else {name: table}
    return {each: torch.tensor(numpy.array(values)) for each, values in tables.items()}


def network(seed, *, r=9, m=3, minimum=True, failed=(), moved=(), grad=1e-9, own=None, constant=False, accuracy=None):
    """An invented network: random predictions and truths, retrained models that failed or left for another basin.

    Args:
        own: the test point that the selection `highest_loss` looks at; by default all of them.
        constant: whether it predicts the same of every point, so that no correlation is defined.
        accuracy: the share of its training points that it gets right.
    """
    generator = numpy.random.default_rng(seed)
    drawn = generator.normal(size=(5, r, m))
    rows = numpy.arange(r)
    converged = ~numpy.isin(rows, failed)
    trusted = converged & ~numpy.isin(rows, moved)
    truth = {"converged": int(converged.sum()), "trusted": int(trusted.sum())}
    everything = numpy.ones((r, m), dtype=bool)
    return outcome(
        {"exact": drawn[0] * (not constant), "corrected": drawn[1], "theirs": drawn[2]},
        {"warm": drawn[0] + drawn[3], "cold": drawn[4]},
        converged=converged,
        trusted=trusted,
        chosen={
            "everything": everything,
            "highest_loss": everything if own is None else everything & (numpy.arange(m) == own),
        },
        facts={
            "fit_converged": minimum,
            "fit_grad_norm": grad,
            "fit_loss": 0.1 + 0.01 * seed,
            "train_accuracy": 0.9 + 0.01 * seed if accuracy is None else accuracy,
            "smallest_curvature": 1e-4 * (1 + seed),
            "largest_curvature": 2.0 + seed,
            "targets": {"warm": truth, "cold": truth},
        },
    )


def spearman(held, *, estimator="exact", target="warm", rows=None):
    """ρ of each test point by SciPy, of these rows."""
    rows = numpy.arange(len(held.train_ids)) if rows is None else numpy.asarray(rows)
    one, other = held.predicted[estimator].numpy()[rows], held.actual[target].numpy()[rows]
    return numpy.array([stats.spearmanr(one[:, j], other[:, j])[0] for j in range(one.shape[1])])


def resampled(value, low, high, *, count=4):
    """A number with the ends of its interval, as if it had been drawn anew."""
    return Measurement(value, low, high, count, "made by hand")


def table(generator, s, m, *, seed=0.0, test=0.0, rest=0.0, mean=0.0, tests=None):
    """Values with normal effects of these standard deviations about a mean."""
    of_tests = generator.normal(size=m) * test if tests is None else tests
    return mean + generator.normal(size=(s, 1)) * seed + of_tests + generator.normal(size=(s, m)) * rest


# Cells where several estimators, a damping path among them, were tried.
PATH = {
    "path_0": {"curvature": "hessian", "share": 1e-3, "effective_dimension": 8.0, "negative_eigenvalues": 2},
    "path_1": {"curvature": "gauss_newton", "share": 1e-1, "effective_dimension": 4.0, "negative_eigenvalues": 0},
}
R, M = 24, 3


def tried(seed, *, target="warm", selection="everything"):
    """A network whose `exact` predicts well, `ekfac` and `gradient_dot` badly, the last in no unit.

    Args:
        target: the name of its only truth.
        selection: the name of the one that takes all pairs; `top` takes every other removal.
    """
    drawn = numpy.random.default_rng(seed).normal(size=(7, R, M))
    truth = drawn[0]
    names = ("exact", "exact_damped", "ekfac", "gradient_dot", *PATH)
    errors = (0.3, 0.4, 2.0, 4.0, 0.5, 1.0)
    looks = numpy.arange(R)[:, None] % 2 == numpy.zeros(M, dtype=int)
    return outcome(
        {name: truth + error * drawn[place] for place, (name, error) in enumerate(zip(names, errors, strict=True), 1)},
        {target: truth},
        chosen={selection: numpy.ones((R, M), dtype=bool), "top": looks},
        facts={
            "damping_path": {
                name: each | {"effective_dimension": each["effective_dimension"] + seed} for name, each in PATH.items()
            },
            "estimates": {
                name: {
                    "unit": "none" if name == "gradient_dot" else "nats",
                    "largest_residual": 0.0 if name == "gradient_dot" else (1 + seed) * 10.0**-place,
                    "seconds": place + 10.0 * seed**2,
                    "damping": 0.01 * place,
                }
                for place, name in enumerate(names)
            },
        },
    )


def cells():
    """Three networks at a minimum, and two that stopped early, by fit and depth."""
    early = {"target": "cold", "selection": "random_points"}
    return {
        ("digits", 1): [tried(seed) for seed in (0, 1, 2)],
        ("stopped", 2): [tried(seed, **early) for seed in (3, 4)],
    }
