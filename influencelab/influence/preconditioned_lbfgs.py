"""Models that chord steps cannot reach: quasi-Newton steps, then Newton's, preconditioned by the fit's curvature."""

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.influence.chord_newton import ConvergenceTest
from influencelab.influence.curvature import Curvature
from influencelab.models import derivatives
from influencelab.recipe import Recipe
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import HESSIANS

# Models of at most so many parameters get their own dense curvature; it is cheaper than many products.
DENSE = 512
# Conjugate gradients may leave this share of ∇J, and of a random force, measured in the fit's metric …
LEFT = 1e-6
# … within this many products.
PRODUCTS = 300
# A direction that bends less than this share of what it does at the fit may as well go on falling for ever.
FLAT = 1e-5
# Of the random forces.
SEED = 0
# Steps of Newton after the quasi-Newton ones: one, if it shows that nothing was missing.
ROUNDS = 3


def minimise_from_fit(
    curvature: Curvature, weights: Float[Tensor, "k n"], goal: ConvergenceTest, *, passes: int
) -> tuple[Float[Tensor, "k p"], Float[Tensor, "k p"], Bool[Tensor, " k"]]:
    """Where models go from the fit, ∇J there, and which are at a minimum from which Newton's step moves no test loss.

    Those that arrive where nothing holds them, at a saddle or on a plain, are back at the fit; where the penalty leaves
    out a direction, so are all that are at no minimum.

    Args:
        passes: of L-BFGS at most.
    """
    fit = curvature.fit
    theta = lbfgs_stage(curvature, weights, passes=passes, tolerance=goal.tolerance)
    gradient = derivatives.gradients(fit.task, fit.data, theta, weights)
    change = derivatives.measures(fit.task, fit.data, theta) - fit.measures()
    met = torch.zeros_like(weights[:, 0]).bool()
    rest = (gradient.norm(dim=-1) <= goal.tolerance).nonzero().squeeze(1)
    for _ in range(ROUNDS):
        if not len(rest):
            break
        settling = newton_check(curvature, theta[rest], gradient[rest], weights[rest])
        there = theta[rest] + settling.step
        pull = derivatives.gradients(fit.task, fit.data, there, weights[rest])
        nearer = settling.is_minimum & (pull.norm(dim=-1) <= goal.tolerance)
        theta[rest[~settling.is_minimum]] = fit.theta
        rest, there, pull = rest[nearer], there[nearer], pull[nearer]
        moved = derivatives.measures(fit.task, fit.data, there) - fit.measures()
        stays = ((moved - change[rest]).abs() <= goal.allowed(moved)).all(1)
        theta[rest], gradient[rest], change[rest] = there, pull, moved
        met[rest] = stays & goal.met(pull, moved)
        rest = rest[~met[rest]]
    if not (fit.task.weight_decay > 0 and fit.task.penalised(fit.data).all()):
        # The plain may have no end, and from far out on it a single step leads to where rounding passes for a minimum.
        theta[~met] = fit.theta
    return theta, gradient, met


def lbfgs_stage(
    curvature: Curvature, weights: Float[Tensor, "k n"], *, passes: int, tolerance: float
) -> Float[Tensor, "k p"]:
    """Where L-BFGS takes each model from the fit, whose curvature is its first guess; converged or not.

    Each model learns how its own curvature differs from the fit's, and a line search keeps J going down, so that most
    removals that chord steps overshoot need a few tens of gradients. Nothing here asks whether the end is a minimum:
    where two units of a network agree, gradients alone never part them.
    """
    fit = curvature.fit
    trainer = LBFGS(max_steps=passes, tolerance=tolerance)
    start = fit.theta.repeat(len(weights), 1)
    return trainer.train_with(partial(precondition, curvature), fit.task, fit.data, start, weights).theta


@dataclass(frozen=True, eq=False)
class NewtonCheck(Recipe):
    """What Newton's step would do to each model.

    Attributes:
        step: −H⁻¹ ∇J, with H the model's own curvature.
        firm: whether every direction bends up by at least the share FLAT of what it does at the fit. Where this is not
            read off the dense curvature, a random force is answered too: the way there leads through all directions.
    """

    step: Float[Tensor, "k p"]
    is_minimum: Bool[Tensor, " k"]


def newton_check(
    curvature: Curvature, theta: Float[Tensor, "k p"], gradient: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> NewtonCheck:
    """Newton's step of each model, by its dense curvature or, for larger models, by conjugate gradients."""
    factor = curvature.cholesky()
    if factor is not None and len(factor) <= DENSE:
        return dense_newton_check(curvature, theta, gradient, weights)
    wanted = torch.cat([-gradient, random_probes(curvature, len(theta))])
    step, firm = conjugate_gradients(curvature, theta.repeat(2, 1), weights.repeat(2, 1), wanted)
    return NewtonCheck(step[: len(theta)], firm[: len(theta)] & firm[len(theta) :])


def dense_newton_check(
    curvature: Curvature, theta: Float[Tensor, "k p"], gradient: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> NewtonCheck:
    """The same for small models: H − FLAT C is positive definite, or the model is not firm."""
    fit, step, firm = curvature.fit, torch.zeros_like(theta), torch.zeros_like(theta[:, 0]).bool()
    least = FLAT * curvature.dense()
    for rows in torch.arange(len(theta), device=theta.device).split(max(1, HESSIANS // theta.shape[1] ** 2)):
        hessian = derivatives.hessians(fit.task, fit.data, theta[rows], weights[rows])
        firm[rows] = torch.linalg.cholesky_ex(hessian - least).info == 0
        solved = torch.linalg.solve_ex(hessian, -gradient[rows, :, None]).result.squeeze(-1)
        step[rows] = solved.where(firm[rows, None], 0.0)
    return NewtonCheck(step, firm)


def conjugate_gradients(
    curvature: Curvature,
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    wanted: Float[Tensor, "k p"],
) -> tuple[Float[Tensor, "k p"], Bool[Tensor, " k"]]:
    """H⁻¹ wanted for each model's own H, and whether it was found without meeting a flat direction."""
    fit = curvature.fit
    found, firm = torch.zeros_like(wanted), (wanted == 0).all(-1)
    active, remainder = (~firm).nonzero().squeeze(1), wanted[~firm]
    way = precondition(curvature, remainder)
    # What the fit's curvature makes of the way, kept up by the same recursion: the measure of what counts as flat.
    metric, size = remainder, torch.linalg.vecdot(remainder, way)
    end = LEFT**2 * size
    for _ in range(PRODUCTS):
        if not len(active):
            break
        bent = derivatives.model_products(fit.task, fit.data, theta[active], weights[active], way)
        bend = torch.linalg.vecdot(way, bent)
        length = size / bend
        found[active] += length[:, None] * way
        remainder = remainder - length[:, None] * bent
        eased = precondition(curvature, remainder)
        before, size = size, torch.linalg.vecdot(remainder, eased)
        up = bend > FLAT * torch.linalg.vecdot(way, metric)
        firm[active] = up & (size <= end)
        share = (size / before)[:, None]
        way, metric = eased + share * way, remainder + share * metric
        on = up & (size > end)
        active, way, metric, remainder, size, end = (each[on] for each in (active, way, metric, remainder, size, end))
    return found, firm


def precondition(curvature: Curvature, vectors: Float[Tensor, "k p"]) -> Float[Tensor, "k p"]:
    """|C|⁺ times each row: at a fit that is no minimum, what bends down counts as if it bent up."""
    if curvature.cholesky() is not None:
        return curvature.inverse_products(vectors.T).T
    spectrum = curvature.spectrum()
    size = (spectrum.values + curvature.damping).abs()
    inverse = torch.where(spectrum.null(curvature.damping), 0.0, 1 / size)
    return (vectors @ spectrum.vectors * inverse) @ spectrum.vectors.T


def random_probes(curvature: Curvature, count: int) -> Float[Tensor, "k p"]:
    """Random forces of covariance |C|: as strong along every direction, by the measure of `guess`."""
    theta = curvature.fit.theta
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randn(count, len(theta), generator=generator, dtype=torch.float64).to(theta)
    factor = curvature.cholesky()
    if factor is not None:
        return drawn @ factor.T
    spectrum = curvature.spectrum()
    size = (spectrum.values + curvature.damping).abs().where(~spectrum.null(curvature.damping), 0.0)
    return drawn * size.sqrt() @ spectrum.vectors.T
