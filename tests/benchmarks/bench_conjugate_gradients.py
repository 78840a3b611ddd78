"""Block conjugate gradients against simultaneous ones, on the systems that the estimator of that name solves.

One curvature, a gradient of each test point for a right-hand side, Jacobi scaling and a relative residual of 1e-8 for
both. The simultaneous iteration treats every right-hand side alone, and shares only the batched product.
"""

from functools import partial

import torch
from measure import main, once

import influencelab as il
from influencelab.influence.conjugate_gradients import block_conjugate_gradient
from influencelab.influence.curvature import Curvature
from influencelab.models import derivatives
from influencelab.training.simultaneous_gradients import simultaneous_conjugate_gradients

TOLERANCE, POINTS, TESTS = 1e-8, 300, 50


def system(task, damping: float):
    """Gauss-Newton curvature and test gradients of a fit on handwritten digits, stopped early."""
    data = il.Digits(train_size=POINTS, test_size=TESTS).load()
    made = il.fit(task, data, il.LBFGS(max_steps=60))
    curvature = Curvature(made, kind="gauss_newton", damping=damping)
    vectors = derivatives.measure_gradients(made.task, made.data, made.theta)
    diagonal = curvature.diagonal()
    return curvature, vectors, diagonal.where(diagonal > 1e-12 * diagonal.max(), 1.0)


def solve(kind: str, task, damping: float) -> dict[str, float]:
    """Seconds, products with the whole block, and the worst relative residual."""
    curvature, vectors, diagonal = system(task, damping)
    widths: list[int] = []

    def multiply(block: torch.Tensor) -> torch.Tensor:
        widths.append(block.shape[1])
        return curvature @ block

    def block() -> torch.Tensor:
        return block_conjugate_gradient(
            multiply, vectors.T, diagonal=diagonal, tolerance=TOLERANCE, max_iterations=3000
        ).values.T

    def simultaneous() -> torch.Tensor:
        return simultaneous_conjugate_gradients(
            lambda _, rows: multiply(rows.T).T,
            vectors,
            precondition=lambda rows: rows / diagonal,
            tolerance=TOLERANCE,
            max_iterations=3000,
        )[0]

    run = block if kind == "block" else simultaneous
    found: list[torch.Tensor] = []
    seconds = once(lambda: found.append(run()))
    products = sum(widths) / len(vectors)
    residual = ((curvature @ found[0].T).T - vectors).norm(dim=1) / vectors.norm(dim=1)
    return {
        "seconds": seconds,
        "products": products,
        "worst_residual": float(residual.max()),
        "parameters": float(vectors.shape[1]),
    }


if __name__ == "__main__":
    systems = {
        "logistic": (il.Logistic(1e-3), 0.0),
        "network": (il.MLP(1e-3, depth=1, width=16), 1e-3),
        "network, more damping": (il.MLP(1e-3, depth=1, width=16), 1e-1),
    }
    cases = {
        f"{name}: {kind}": partial(solve, kind, *of)
        for name, of in systems.items()
        for kind in ("simultaneous", "block")
    }
    main(cases, ratios=tuple((f"{name}: simultaneous", f"{name}: block") for name in systems))
