"""Invented outcomes of cells where several estimators, a damping path among them, were tried."""

import numpy
from replicated import outcome

PATH = {
    "path_0": {"curvature": "hessian", "share": 1e-3, "effective_dimension": 8.0, "negative_eigenvalues": 2},
    "path_1": {"curvature": "gauss_newton", "share": 1e-1, "effective_dimension": 4.0, "negative_eigenvalues": 0},
}
R, M = 24, 3


def tried(seed):
    """A network whose `exact` predicts well, `ekfac` badly and `dot` in no unit."""
    drawn = numpy.random.default_rng(seed).normal(size=(6, R, M))
    truth = drawn[0]
    names = ("exact", "ekfac", "dot", *PATH)
    errors = (0.3, 2.0, 4.0, 0.5, 1.0)
    looks = numpy.arange(R)[:, None] % 2 == numpy.zeros(M, dtype=int)
    return outcome(
        {name: truth + error * drawn[place] for place, (name, error) in enumerate(zip(names, errors, strict=True), 1)},
        truth,
        chosen={"everything": numpy.ones((R, M), dtype=bool), "top": looks},
        facts={
            "damping_path": {
                name: each | {"effective_dimension": each["effective_dimension"] + seed} for name, each in PATH.items()
            },
            "estimates": {
                name: {
                    "unit": "none" if name == "dot" else "nats",
                    "largest_residual": 0.0 if name == "dot" else (1 + seed) * 10.0**-place,
                    "seconds": place + 10.0 * seed**2,
                    "damping": 0.01 * place,
                }
                for place, name in enumerate(names)
            },
        },
    )


def cells():
    """Three networks of one cell, two of another."""
    return {"digits-1": [tried(seed) for seed in (0, 1, 2)], "stopped-2": [tried(seed) for seed in (3, 4)]}
