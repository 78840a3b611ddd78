"""The gate: whether coefficients are a minimum on the data handed in, and the few steps that bring them to its end."""

import warnings
from dataclasses import replace

import numpy
import torch
from torch import Tensor

from influencelab.adapters.kinks import subgradient
from influencelab.adapters.pattern import Pattern
from influencelab.adapters.reading import Reading, Smooth
from influencelab.adapters.smoothing import smoothed
from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import row_size
from influencelab.errors import NotConverged, SmoothedLoss
from influencelab.models import derivatives
from influencelab.models.machines import machines
from influencelab.models.shapes import N, P
from influencelab.models.task import Task
from influencelab.threads import by_size
from influencelab.training.fit import Fit, fit_from
from influencelab.training.minimum import hessian_of, newton_step, train_to_minimum
from influencelab.training.minimum import polish as polished
from influencelab.training.origin import Origin
from influencelab.training.separation import no_minimum, unbounded
from influencelab.training.trainers.newton import Newton

# What an estimator's own rule for stopping may be exceeded by: honest fits stay within 1, one flipped label of 569
# exceeds it 18 times.
RULE = 2.0
# Share from which on Newton's steps with one Hessian go no further: less than a trainer asks for.
ENOUGH = 1e-12
# Newton's decrement, as a share of √J, up to which slopes at kinks balance: those of honest fits do to rounding,
# which left 6e-10, while one flipped label of 250 leaves 0.01.
BALANCED = 1e-4


def admitted(reading: Reading, data: Dataset, weights: N, *, name: str, polish: bool, held: tuple[str, ...]) -> Fit:
    """The minimum that the coefficients stand at, to the last digit, if they do.

    Raises:
        NotConverged: they do not, and `polish` is False; or there is no minimum.
    """
    task, theta = reading.task, torch.from_numpy(reading.theta.copy())
    with by_size(data.n, len(theta)):
        if reading.smooth:
            return bent(reading, reading.smooth, data, weights, name=name, polish=polish, held=held)
        if endless := unbounded(task, data, weights, theta=theta):
            raise NotConverged(no_minimum(endless))
        decrement, near, there, hessian = judged(reading, data, theta, weights)
        if not near and not polish:
            beyond = reading.pattern.excess(theta, weights)[2] if reading.pattern else 0.0
            raise NotConverged(refused(name, decrement, share=reading.share, causes=reading.causes, beyond=beyond))
        trainer = Newton()
        trained = train_to_minimum(trainer, task, data, there, weights, bounded=True, hessian=hessian)
        fit = fit_from(trained, task=task, data=data, trainer=trainer, weights=weights)
        if not fit.converged:
            raise NotConverged(lost(name, fit))
        moved = largest_move(task, data, theta, fit.theta)
        if before := reading.pattern:
            fit, after = before.settled(fit, theta, name=name)
            moved = before.largest_move(theta, after, fit.theta)
            held = (*held, after.described(fit, reading.convention, before=before))
    return replace(fit, origin=Origin(name, reading.convention, decrement, moved, held, reading.noise))


def bent(
    reading: Reading, smooth: Smooth, data: Dataset, weights: N, *, name: str, polish: bool, held: tuple[str, ...]
) -> Fit:
    """The minimum of the smooth loss in place of one with a kink, where the coefficients are one of the true loss."""
    theta, decrement = torch.from_numpy(reading.theta.copy()), 0.0
    both = (machines(task, data, theta, weights) for task in (reading.task, smooth.at(smooth.widest)))
    for place, (machine, wide) in enumerate(zip(*both, strict=True)):
        slopes = None if smooth.slopes is None else smooth.slopes[place][machine.rows]
        decrement = max(decrement, subgradient(machine, wide.task, off=smooth.off, total=smooth.total, slopes=slopes))
    if not decrement <= BALANCED and not polish:
        raise NotConverged(refused(name, decrement, share=BALANCED, causes=reading.causes))
    fit = smoothed(reading, smooth, data, weights)
    if not fit.converged:
        raise NotConverged(lost(name, fit))
    warnings.warn(
        f"The loss of {name} has a kink. This is the model of a smooth one, with a bend of width "
        f"{fit.task.output_loss.width:.2g}: its numbers are those of its own refits, and of the true loss's only "
        "roughly. Take LogisticRegression, or the squared loss, for exact ones.",
        SmoothedLoss,
        stacklevel=5,
    )
    moved = largest_move(fit.task, data, theta, fit.theta)
    return replace(fit, origin=Origin(name, reading.convention, decrement, moved, held))


def judged(reading: Reading, data: Dataset, theta: P, weights: N) -> tuple[float, bool, P, Tensor | None]:
    """The largest decrement of all machines, whether each counts as at its minimum, and where to go on from.

    That is after Newton's next steps, by one Hessian of all parameters, where it was formed.
    """
    if reading.pattern:
        return *judged_in_all(reading, reading.pattern, theta, weights), theta, None
    largest, near, there, hessian = 0.0, True, theta, None
    for place, machine in enumerate(machines(reading.task, data, theta, weights)):
        hessian = hessian_of(machine.task, machine.data, machine.theta[None], machine.weights[None])
        at = machine.theta, machine.weights
        decrement, slope = stationarity(machine.task, machine.data, *at, hessian=hessian)
        own = reading.slope[place] if isinstance(reading.slope, tuple) else reading.slope
        largest, near = max(largest, decrement), near and bool(decrement <= reading.share or slope <= RULE * own)
        smooth = machine.task.convex and machine.task.kink is None
        if near and smooth and hessian is not None and len(machine.theta) == len(theta):
            at = machine.task, machine.data, theta[None], machine.weights[None]
            there = polished(*at, hessian=hessian, enough=ENOUGH)[0][0]
    return largest, near, there, None if there is theta else hessian


def judged_in_all(reading: Reading, pattern: Pattern, theta: P, weights: N) -> tuple[float, bool]:
    """The decrement in all coefficients under an absolute penalty, and whether they count as at their minimum."""
    after, there, fallen = pattern.snapped(theta, weights)
    task, data = after.whole.piece(after.signs)
    decrement, slope = stationarity(task, data, there, weights)
    fall, over, _ = after.excess(there, weights)
    size = float(derivatives.objectives(task, data, there[None], weights[None])[0])
    decrement = (decrement**2 + (fall + 2 * max(fallen, 0.0)) / size) ** 0.5
    calm = 2 * fallen <= reading.share**2 * size
    near = decrement <= reading.share or (calm and max(slope, over) <= RULE * max(numpy.ravel(reading.slope)))
    return decrement, bool(near)


def lost(name: str, fit: Fit) -> str:
    """The sentence about a minimum that was not reached."""
    cure = f"Its {fit.task.kink} has kinks, where minima lie: take 'tanh'" if fit.task.kink else "Scale the features"
    return (
        f"From the coefficients of {name}, 'newton' came to ‖∇J‖ = {fit.grad_norm:.1e} and to no minimum. "
        f"{cure}, or add a penalty."
    )


def stationarity(
    task: Task, data: Dataset, theta: P, weights: N, *, hessian: Tensor | None = None
) -> tuple[float, float]:
    """Newton's decrement as a share of √J, which no unit of features or targets changes; and the largest |∂J/∂θ|.

    The decrement squared is twice what J would fall by at its next step; infinite where J has no curvature along ∇J.
    """
    value, gradient = derivatives.objectives_and_gradients(task, data, theta[None], weights[None])
    largest = float(gradient.abs().max())
    if not (value.isfinite().all() and gradient.isfinite().all()):
        return float("inf"), float("inf")
    hessian = hessian_of(task, data, theta[None], weights[None]) if hessian is None else hessian
    step = newton_step(task, data, theta[None], weights[None], gradient, hessian=hessian)
    fall, size = -float((gradient * step).sum()), float(value[0].abs())
    # Where every loss is 0 to rounding, so is everything that is left.
    share = (max(fall, 0.0) / max(size, torch.finfo(theta.dtype).tiny)) ** 0.5
    return share, largest


def refused(name: str, decrement: float, *, share: float, causes: str, beyond: float = 0.0) -> str:
    """The sentence about coefficients that are no minimum on this data."""
    zero = f", and one of 0 has a slope {beyond:.1%} beyond its penalty" if beyond else ""
    return (
        f"The coefficients of {name} are no minimum on this data: Newton's decrement is {decrement:.1e} of √J, "
        f"expected at most {share:.0e}{zero}. Likely {causes}. Or pass polish=True, which trains on from here, by "
        "Newton's method, to the minimum on this data."
    )


def largest_move(task: Task, data: Dataset, before: P, after: P) -> float:
    """The largest change of an output of a training or test point."""
    both = torch.stack([before, after])
    parts = ((data.x_train, rows) for rows in derivatives.chunks(data.n, width=row_size(data.x_train)))
    moves = [task.outputs(both, x[rows]) for x, rows in (*parts, (data.x_test, slice(None)))]
    return max(float((each[1] - each[0]).abs().max()) for each in moves)
