"""Whether a module stands at a minimum of its objective: judged, brought to its end, or taken as it stands."""

import math
from dataclasses import replace

import torch

from influencelab.adapters.gate import largest_move, stationarity
from influencelab.adapters.reading import ITERATED
from influencelab.data.dataset import Dataset
from influencelab.errors import NotConverged
from influencelab.models import derivatives
from influencelab.models.shapes import N
from influencelab.models.task import Task
from influencelab.threads import by_size
from influencelab.training.fit import Fit, fit_at, fit_from
from influencelab.training.minimum import DENSE, PRODUCTS, REMAINDER, train_to_minimum
from influencelab.training.origin import Origin
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton

# Parameters up to which Hessians are formed to come to a minimum; for more, L-BFGS does it.
FORMED = 3000
AS_IT_STANDS = "the parameters as they stand, at no minimum"


def admitted(
    task: Task, data: Dataset, weights: N, *, name: str, convention: str, polish: bool, allow_unconverged: bool
) -> Fit:
    """The fit of a task whose start is a user's own parameters.

    They count as a minimum where Newton's decrement is at most 2e-3 of √J, and are then brought to its last digit. Up
    to 1024 parameters the decrement is that of the Hessian; beyond, no matrix is formed: it is that of the Gauss-Newton
    curvature, by conjugate gradients from products, which comes from below as they go on.

    Raises:
        NotConverged: they are no minimum, or none was reached, and `allow_unconverged` is False.
    """
    theta = task.start(data, 0)
    trainer = Newton() if len(theta) <= FORMED else LBFGS()
    with by_size(data.n, len(theta)):
        decrement = share_left(task, data, weights, enough=math.inf if polish else ITERATED)
        near = decrement <= ITERATED
        if not (near or polish or allow_unconverged):
            raise NotConverged(refused(name, decrement))
        if near or polish:
            trained = train_to_minimum(trainer, task, data, theta, weights, bounded=True)
            fit = fit_from(trained, task=task, data=data, trainer=trainer, weights=weights)
            if fit.converged:
                moved = largest_move(task, data, theta, fit.theta)
                return replace(fit, origin=Origin(name, convention, decrement, moved))
            if not allow_unconverged:
                raise NotConverged(lost(name, fit))
        fit = fit_at(task, data, theta, trainer=trainer, weights=weights)
    return replace(fit, origin=Origin(name, convention, decrement, 0.0, (AS_IT_STANDS,)))


def share_left(task: Task, data: Dataset, weights: N, *, enough: float) -> float:
    """Newton's decrement as a share of √J; more than `enough` of it is not measured to its end."""
    theta = task.start(data, 0)
    if len(theta) <= DENSE:
        return stationarity(task, data, theta, weights)[0]
    value, gradient = derivatives.objectives_and_gradients(task, data, theta[None], weights[None])
    if not (value.isfinite().all() and gradient.isfinite().all()):
        return float("inf")
    size = max(float(value[0].abs()), torch.finfo(theta.dtype).tiny)
    return (gauss_newton_fall(task, data, weights, gradient, enough=enough**2 * size) / size) ** 0.5


def gauss_newton_fall(task: Task, data: Dataset, weights: N, gradient: torch.Tensor, *, enough: float) -> float:
    """∇Jᵀ G⁻¹ ∇J, with G the Gauss-Newton curvature, from below; infinite where ∇J has a part that G does not bend.

    It is no longer followed where it is more than `enough`.
    """
    theta = task.start(data, 0)
    left, direction, fall, norm = gradient, gradient, 0.0, float(gradient.norm())
    for _ in range(PRODUCTS):
        size = float(left.square().sum())
        if not size > 0:
            break
        product = derivatives.products(task, data, theta, weights, direction, kind="gauss_newton")
        curvature = float((direction * product).sum())
        if not curvature > 0:
            return float("inf")
        length = size / curvature
        fall, left = fall + length * size, left - length * product
        if left.norm() <= REMAINDER * norm or fall > enough:
            break
        direction = left + float(left.square().sum()) / size * direction
    return fall


def refused(name: str, decrement: float) -> str:
    """The sentence about parameters that are no minimum."""
    return (
        f"The parameters of {name} are no minimum of this objective on this data: Newton's decrement is "
        f"{decrement:.1e} of √J, or more, expected at most {ITERATED:.0e}. Either weight_decay, loss or data are not "
        "those of the training, or it stopped before: pass polish=True, which trains on from here to the minimum, or "
        "allow_unconverged=True, which takes the parameters as they stand (estimators then ask for it too, and for "
        "damping)."
    )


def lost(name: str, fit: Fit) -> str:
    """The sentence about a minimum that was not reached."""
    cure = f"The {fit.task.kink} has a kink, where minima lie: take tanh or GELU, or add" if fit.task.kink else "Add"
    return (
        f"From the parameters of {name}, training on came to ‖∇J‖ = {fit.grad_norm:.1e} and to no minimum: where that "
        f"is small, to a saddle or a tail. {cure} "
        "weight decay, without which a network may have none; or pass allow_unconverged=True to take the parameters as "
        "they stand."
    )
