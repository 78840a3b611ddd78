"""Whether a model is at a minimum, judged in no units: by what one more step of Newton's would change."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import row_size
from influencelab.models import derivatives
from influencelab.models.losses.output_code import OutputCode
from influencelab.models.shapes import KN, KP, K, N, P
from influencelab.models.task import Task
from influencelab.training.deadline import out_of_time
from influencelab.training.first_order import FirstOrder
from influencelab.training.separation import unbounded
from influencelab.training.simultaneous_gradients import newton_directions
from influencelab.training.trainer import Trained, Trainer
from influencelab.training.trainers.newton import by_products, convex_descent, descent

# What a step may still change, as a share: Newton's decrement of √J, or of the length of θ in the metric of H; and a
# tenth of the largest change of a point's log-odds, in nats: along a tail, where J only falls, each step makes that 1.
LEFT, LOG_ODDS = 1e-4, 0.1
# Convex objectives take Newton's own steps until one changes no more than this, so many at most.
POLISHED, STEPS = 1e-9, 30
# Where more is left, the trainer is asked for a gradient that many times smaller, so many times.
TIGHTER, ROUNDS = 1e-2, 4
# Parameters up to which the Hessian is formed; conjugate gradients of so many products, or another's, leave a tenth.
DENSE, PRODUCTS, REMAINDER = 1024, 100, 0.1


def train_to_minimum(
    trainer: Trainer, task: Task, data: Dataset, theta: P, weights: N, *, bounded: bool, hessian: Tensor | None = None
) -> Trained:
    """One model, trained until what is left changes nothing; `converged` is False where that was not reached.

    A gradient that is small in absolute terms proves little: features in small units, or a flat tail of the loss, have
    no other. First-order trainers take the steps that they state and no more.

    Args:
        bounded: whether J may have a minimum at all (`unbounded`); if not, nothing counts as converged.
        hessian: of J near there, where it is known.
    """
    trained = trainer.train(task, data, theta[None], weights[None])
    if not bounded or unbounded(task, data, weights, theta=trained.theta[0]):
        return replace(trained, converged=torch.zeros_like(trained.converged))
    # At a kink there is no Hessian; the trainers of such losses have exact conditions of their own.
    if not trained.converged.all() or task.kink is not None:
        return trained
    stated = isinstance(trainer, FirstOrder)
    polished = task.convex and not stated and len(theta) <= DENSE
    judge = partial(polish, hessian=hessian) if polished else unpolished
    for count in range(1 if stated else ROUNDS + 1):
        if count:
            trainer = replace(trainer, tolerance=TIGHTER * trainer.tolerance)
            more = trainer.train(task, data, trained.theta, weights[None])
            # Rounding may keep it from a tolerance that no one asked for.
            converged = more.converged | task.convex & (more.grad_norm <= trained.grad_norm)
            trained = replace(more, steps=trained.steps + more.steps, converged=converged)
        there, _, left = judge(task, data, trained.theta, weights[None])
        if there is not trained.theta:
            norm = derivatives.gradients(task, data, there, weights[None]).norm(dim=-1)
            trained = replace(trained, theta=there, grad_norm=norm)
        if left <= LEFT:
            return trained
        if out_of_time():
            break
    return replace(trained, converged=torch.zeros_like(trained.converged))


def stays(task: Task, data: Dataset, theta: KP, weights: N) -> bool:
    """Whether one more step of Newton's changes neither J nor any outputs to speak of; for one model."""
    return bool(unpolished(task, data, theta, weights[None])[2] <= LEFT)


def unpolished(task: Task, data: Dataset, theta: KP, weights: KN) -> tuple[KP, KP, K]:
    """One model as it is, Newton's next step, and the share that it changes."""
    return theta, *next_steps(task, data, theta, weights)[:2]


def polish(
    task: Task, data: Dataset, theta: KP, weights: KN, *, enough: float = POLISHED, hessian: Tensor | None = None
) -> tuple[KP, KP, K]:
    """Models of a convex task after Newton's own steps, as long as they shrink; the next, and what it changes.

    Args:
        enough: share from which on none is taken.
        hessian: of a place nearby, for one model; it serves as long as its steps are nearly those of the place.
    """
    step, left, hessian = next_steps(task, data, theta, weights, hessian=hessian)
    rows = torch.arange(len(theta), device=theta.device)
    for _ in range(STEPS):
        rows = rows[(enough < left[rows]) & (left[rows] < 1)]
        if not len(rows):
            break
        near = hessian if len(theta) == 1 else None
        there = theta[rows] + step[rows]
        after, less, hessian = next_steps(task, data, there, weights[rows], hessian=near)
        shrunk = less < left[rows]
        rows = rows[shrunk]
        if len(rows):
            # What was given stays as it is.
            theta, step, left = (
                whole.index_copy(0, rows, part[shrunk]) for whole, part in ((theta, there), (step, after), (left, less))
            )
    return theta, step, left


def next_steps(
    task: Task, data: Dataset, theta: KP, weights: KN, *, hessian: Tensor | None = None
) -> tuple[KP, K, Tensor | None]:
    """Newton's next step of each model, the share of J, θ or a point's odds that it changes, and the Hessians it took.

    Those of several models are formed.

    Args:
        hessian: of a place near one model: it is taken where one product says that little of ∇J is left by its step.
    """
    value, gradient = derivatives.objectives_and_gradients(task, data, theta, weights)
    used = hessian_of(task, data, theta, weights) if hessian is None else hessian
    step = newton_step(task, data, theta, weights, gradient, hessian=used)
    vectors = torch.stack([theta, step], 1)
    if hessian is None and used is not None:
        curved = vectors @ used
    else:
        curved = derivatives.products(task, data, theta[0], weights[0], vectors[0])[None]
    if hessian is not None:
        units = hessian[0].diagonal().clamp_min(torch.finfo(theta.dtype).tiny).rsqrt()
        if not (units * (curved[0, 1] + gradient[0])).norm() <= REMAINDER * (units * gradient[0]).norm():
            return next_steps(task, data, theta, weights)
    size, moved = torch.linalg.vecdot(vectors, curved).clamp_min(0).sqrt().unbind(1)
    scale = size.maximum(value.abs().sqrt())
    left = (moved / scale).where(scale > 0, (moved > 0).to(moved))
    if data.classes:
        left = left.maximum(LOG_ODDS * largest_changes(task, data, theta, step))
    return step, left, used


def hessian_of(task: Task, data: Dataset, theta: KP, weights: KN) -> Tensor | None:
    """That of J for each model; None where it is too large to be formed."""
    if by_products(task, theta) or theta.shape[1] > DENSE:
        return None
    return derivatives.hessians(task, data, theta, weights)


def largest_changes(task: Task, data: Dataset, theta: KP, step: KP) -> K:
    """The largest change of an output of any training or test point, against the mean of its outputs.

    Of machines that share no softmax each output counts alone.
    """
    worst, alone = torch.zeros_like(step[:, 0]), isinstance(task.output_loss, OutputCode)
    for x in (data.x_train, data.x_test):
        for rows in derivatives.chunks(len(x), width=row_size(x, dense=step.numel())):
            each = zip(theta, step, strict=True) if not task.linear else [(theta[0], step)]
            change = torch.cat([task.output_slopes(at, x[rows], move.view(-1, step.shape[1])) for at, move in each])
            change = change if alone or change.shape[1] == 1 else change - change.mean(1, keepdim=True)
            worst = worst.maximum(change.abs().amax((1, 2)))
    return worst


def newton_step(task: Task, data: Dataset, theta: KP, weights: KN, gradient: KP, *, hessian: Tensor | None) -> KP:
    """−H⁻¹ ∇J of each model by its Hessian; of one where that is None nearly, by conjugate gradients."""
    if hessian is not None:
        # It scales what it is given.
        return (convex_descent if task.convex else descent)(hessian.clone(), gradient, tolerance=0.0)[0]
    if by_products(task, theta):
        return newton_directions(task, data, theta, weights, gradient, remainder=REMAINDER)[0]
    step, left, norm = torch.zeros_like(gradient), -gradient, float(gradient.norm())
    direction = left
    for _ in range(PRODUCTS):
        product = derivatives.products(task, data, theta[0], weights[0], direction)
        curvature, size = float((direction * product).sum()), float(left.square().sum())
        if not curvature > 0:
            break
        step, left = step + size / curvature * direction, left - size / curvature * product
        if left.norm() <= REMAINDER * norm:
            break
        direction = left + float(left.square().sum()) / size * direction
    return step


def unfinished(task: Task, data: Dataset, weights: N, trained: Trained, *, seconds: float) -> str:
    """The sentence that says how far training came in its time, and the next step."""
    decrement = ""
    if task.convex and task.kink is None and trained.theta.shape[1] <= DENSE:
        left = float(next_steps(task, data, trained.theta, weights[None])[1])
        decrement = f", from where one more step of Newton's would change {left:.1e} of J, θ or a point's odds"
    return (
        f"Training ended after {seconds:g} seconds and {trained.steps:,} steps at ‖∇J‖ = "
        f"{float(trained.grad_norm[0]):.1e}{decrement}: this fit is no minimum. Give it more seconds."
    )
