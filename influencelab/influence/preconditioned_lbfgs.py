"""Fallback for leave-one-out models on which chord Newton does not contract.

L-BFGS preconditioned by the fit's curvature takes each model near a minimum; a Newton step with the model's own
curvature certifies it.
"""

from functools import partial

import torch
from jaxtyping import Bool
from torch import Tensor

from influencelab.influence.chord_newton import ConvergenceTest
from influencelab.influence.curvature import Curvature
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP
from influencelab.training.simultaneous_gradients import simultaneous_conjugate_gradients
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import HESSIANS

# Models of at most so many parameters get their own dense curvature; it is cheaper than many products.
DENSE = 512
# Conjugate gradients may leave this share of ∇J, and of a random probe, measured in the fit's metric …
LEFT = 1e-6
# … within this many products.
PRODUCTS = 300
# Below this share of the fit's curvature along a direction, a model may as well go on falling along it for ever.
FLAT = 1e-5
# Of the random probes.
SEED = 0
# Newton steps after L-BFGS: one, if it shows that nothing was missing.
ROUNDS = 3


def minimise_from_fit(
    curvature: Curvature, weights: KN, test: ConvergenceTest, *, passes: int
) -> tuple[KP, KP, Bool[Tensor, " k"]]:
    """θ of each model, ∇J there, and which are at a minimum from which Newton's step changes no test loss.

    Those that end at a saddle or on a plain are put back at the fit; where some direction has no penalty, so are all
    that are at no minimum. L-BFGS takes so many passes at most.
    """
    fit, trainer = curvature.fit, LBFGS(max_steps=passes, tolerance=test.tolerance)
    # Each model learns by how much its own curvature differs from the fit's, and a line search keeps J going down, so
    # that most removals that chord steps overshoot need a few tens of gradients. This is no test of a minimum: where
    # two units of a network agree, gradients alone never part them.
    start = fit.theta.repeat(len(weights), 1)
    theta = trainer.train(fit.task, fit.data, start, weights, guess=partial(precondition, curvature)).theta
    gradient = derivatives.gradients(fit.task, fit.data, theta, weights)
    change = fit.measures_at(theta) - fit.measures()
    passed = torch.zeros_like(weights[:, 0]).bool()
    rest = (gradient.norm(dim=-1) <= test.tolerance).nonzero().squeeze(1)
    for _ in range(ROUNDS):
        if not len(rest):
            break
        step, is_minimum = newton_check(curvature, theta[rest], gradient[rest], weights[rest])
        there = theta[rest] + step
        slope = derivatives.gradients(fit.task, fit.data, there, weights[rest])
        nearer = is_minimum & (slope.norm(dim=-1) <= test.tolerance)
        theta[rest[~is_minimum]] = fit.theta
        rest, there, slope = rest[nearer], there[nearer], slope[nearer]
        moved = fit.measures_at(there) - fit.measures()
        stays = ((moved - change[rest]).abs() <= test.allowed(moved)).all(1)
        theta[rest], gradient[rest], change[rest] = there, slope, moved
        passed[rest] = stays & test.passed(slope, moved)
        rest = rest[~passed[rest]]
    if not (fit.task.weight_decay > 0 and fit.task.penalised(fit.data).all()):
        # The plain may have no end, and from far out on it a single step leads to where rounding passes for a minimum.
        theta[~passed] = fit.theta
    return theta, gradient, passed


def newton_check(curvature: Curvature, theta: KP, gradient: KP, weights: KN) -> tuple[KP, Bool[Tensor, " k"]]:
    """Newton's step −H⁻¹ ∇J of each model, with H its own curvature, and whether the model is at a minimum.

    At a minimum every direction has at least the share FLAT of the fit's curvature. For larger models H is not formed:
    a random probe is solved for beside the step by conjugate gradients, as its solution involves all directions.
    """
    factor, fit = curvature.cholesky(), curvature.fit
    if factor is not None and len(factor) <= DENSE:
        return dense_newton_check(curvature, theta, gradient, weights)
    at, ours = theta.repeat(2, 1), weights.repeat(2, 1)
    step, positive = simultaneous_conjugate_gradients(
        lambda rows, vectors: derivatives.model_products(fit.task, fit.data, at[rows], ours[rows], vectors),
        torch.cat([-gradient, random_probes(curvature, len(theta))]),
        precondition=partial(precondition, curvature),
        tolerance=LEFT,
        max_iterations=PRODUCTS,
        flat=FLAT,
    )
    return step[: len(theta)], positive[: len(theta)] & positive[len(theta) :]


def dense_newton_check(curvature: Curvature, theta: KP, gradient: KP, weights: KN) -> tuple[KP, Bool[Tensor, " k"]]:
    """The same for small models: at a minimum H − FLAT C is positive definite."""
    fit, step, is_minimum = curvature.fit, torch.zeros_like(theta), torch.zeros_like(theta[:, 0]).bool()
    least = FLAT * curvature.dense()
    for rows in torch.arange(len(theta), device=theta.device).split(max(1, HESSIANS // theta.shape[1] ** 2)):
        hessian = derivatives.hessians(fit.task, fit.data, theta[rows], weights[rows])
        is_minimum[rows] = torch.linalg.cholesky_ex(hessian - least).info == 0
        solved = torch.linalg.solve_ex(hessian, -gradient[rows, :, None]).result.squeeze(-1)
        step[rows] = solved.where(is_minimum[rows, None], 0.0)
    return step, is_minimum


def precondition(curvature: Curvature, vectors: KP) -> KP:
    """|C|⁺ times each row: at a fit that is no minimum, negative curvature counts by its size."""
    if curvature.cholesky() is not None:
        return curvature.inverse_products(vectors.T).T
    spectrum = curvature.spectrum()
    size = (spectrum.values + curvature.damping).abs()
    inverse = torch.where(spectrum.null(curvature.damping), 0.0, 1 / size)
    return (vectors @ spectrum.vectors * inverse) @ spectrum.vectors.T


def random_probes(curvature: Curvature, count: int) -> KP:
    """Random right-hand sides of covariance |C|: equally strong along every direction, in the metric of |C|⁺."""
    theta = curvature.fit.theta
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randn(count, len(theta), generator=generator, dtype=torch.float64).to(theta)
    factor = curvature.cholesky()
    if factor is not None:
        return drawn @ factor.T
    spectrum = curvature.spectrum()
    size = (spectrum.values + curvature.damping).abs().where(~spectrum.null(curvature.damping), 0.0)
    return drawn * size.sqrt() @ spectrum.vectors.T
