"""Unrolled differentiation: the exact derivative of the end of a training run in the weight of each point."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.models import derivatives
from influencelab.training.first_order import FirstOrder, Rows, gradients_of
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class Unrolled(Estimator):
    """∂L_j/∂wᵢ through every step of training, backwards (Ilyas & Engstrom 2025, arXiv 2504.16430).

    It predicts running the same training again from the same start, with the same batches and point i a little
    lighter: the first-order prediction of `Rerun(start="cold")`. It needs no minimum, so `allow_unconverged` has no
    part in it. The run is repeated and every √steps-th state kept, so that memory grows with √steps only. `residual`
    is how far the repeated run ended from the fit, ‖θ′ − θ‖ / ‖θ‖: 0 where it went the same way.

    The training must be deterministic and smooth: `gradient_descent`, `sgd` or `adam`, on `tanh` or `softplus` or on a
    linear model.
    """

    def estimate(self, fit: Fit) -> Estimate:
        """Run training again, then follow all m test losses back through it at once.

        Raises:
            InvalidParameter: the fit's training is not deterministic, first-order and smooth.
        """
        started = time.perf_counter()
        trainer = smooth_trainer(fit)
        checkpoints = forward_pass(fit, trainer)
        end = checkpoints[-1].theta[0]
        gradients = fit.measure.gradients(fit.task, fit.data, end)
        slopes = gradients.new_zeros(fit.data.n, len(gradients))
        cotangents = (gradients, *(torch.zeros_like(gradients) for _ in range(trainer.n_buffers)))
        for checkpoint, following in reversed(list(pairwise(checkpoints))):
            records = list(replay(fit, trainer, checkpoint, stop=following.step))
            for record in reversed(records):
                cotangents = backward(fit, trainer, record, cotangents, slopes=slopes)
        gap = float((end - fit.theta).norm() / max(float(fit.theta.norm()), torch.finfo(end.dtype).tiny))
        return estimate_of(
            self,
            fit,
            -fit.weights[:, None] * slopes,
            slopes=slopes,
            residual=torch.full_like(gradients[:, 0], gap),
            started=started,
        )


@dataclass(frozen=True, eq=False)
class State:
    """State of the run before a step: its number, the parameters and the running means."""

    step: int
    theta: Float[Tensor, "1 p"]
    buffers: tuple[Float[Tensor, "1 p"], ...]


@dataclass(frozen=True, eq=False)
class StepRecord:
    """One step: the state it finds, the points of its batch, and the gradient of J over them."""

    state: State
    rows: Rows
    gradient: Float[Tensor, "1 p"]

    def after(self, trainer: FirstOrder) -> State:
        """The state after the step."""
        now, theta = self.state, self.state.theta.clone()
        buffers = trainer.update(theta, now.buffers, self.gradient.clone(), now.step)
        return State(now.step + 1, theta, buffers)


def smooth_trainer(fit: Fit) -> FirstOrder:
    """The fit's trainer, if its run has a derivative; an InvalidParameter says what has, where it has none."""
    if not isinstance(fit.trainer, FirstOrder):
        raise InvalidParameter(
            f"'unrolled' follows a stated number of first-order steps; the fit is by {type(fit.trainer).__name__}. "
            "Fit with gradient_descent, sgd or adam, or use an estimator for minima, such as 'exact'."
        )
    # At a kink the end of training has no derivative in the weights.
    if fit.task.kink or not fit.task.plain:
        raise InvalidParameter(
            f"'unrolled' needs a plain task without kinks; this is {type(fit.task).__name__} with "
            f"{fit.task.kink or 'a proximal penalty'}. Use a smooth activation, such as tanh or softplus, or a linear "
            "task."
        )
    return fit.trainer


def forward_pass(fit: Fit, trainer: FirstOrder) -> list[State]:
    """The run from its start: every √steps-th state, and its end."""
    every = max(1, math.isqrt(trainer.steps))
    now = State(0, fit.start[None], trainer.blank(fit.start[None]).buffers)
    checkpoints = [now]
    while now.step < trainer.steps:
        *_, last = replay(fit, trainer, now, stop=min(now.step + every, trainer.steps))
        now = last.after(trainer)
        checkpoints.append(now)
    return checkpoints


def replay(fit: Fit, trainer: FirstOrder, start: State, *, stop: int) -> Iterator[StepRecord]:
    """The records of some steps, taken again."""
    gradients = gradients_of(fit.task, fit.data, fit.weights[None])
    models = torch.zeros(1, dtype=torch.int64, device=fit.theta.device)
    now = start
    for rows in trainer.batches.rows(fit.data.n, range(start.step, stop), models=models):
        record = StepRecord(now, rows, gradients(now.theta)(rows))
        yield record
        now = record.after(trainer)


def backward(
    fit: Fit, trainer: FirstOrder, now: StepRecord, cotangents: tuple[Tensor, ...], *, slopes: Float[Tensor, "n m"]
) -> tuple[Tensor, ...]:
    """Slopes of the m test losses in θ and the running means before a step, given those after it.

    Their slopes in the weights of the step's points are added to `slopes`.
    """
    found = (now.state.theta, *now.state.buffers, now.gradient)
    before = [part.expand_as(cotangents[0]).clone().requires_grad_() for part in found]
    theta, gradient = before[0].clone(), before[-1].clone()
    buffers = trainer.update(theta, tuple(before[1:-1]), gradient, now.state.step)
    direct, *kept, along = torch.autograd.grad((theta, *buffers), before, cotangents, materialize_grads=True)
    return direct + through_gradient(fit, now, along, slopes=slopes), *kept


def through_gradient(
    fit: Fit, now: StepRecord, along: Float[Tensor, "m p"], *, slopes: Float[Tensor, "n m"]
) -> Float[Tensor, "m p"]:
    """H v for each v in `along`, with H the batch's Hessian; and vᵀ∇ℓᵢ, for each of its points, added to `slopes`."""
    total, of_losses = derivatives.penalty_gradient(fit.task, fit.data, along), fit.task.derivatives(fit.data)
    if now.rows is None:
        chunks, scale = of_losses.chunks(len(along)), 1.0
    else:
        chunks, scale = [now.rows.flatten()], fit.data.n / now.rows.shape[-1]
    for rows in chunks:
        products, each = of_losses.products_and_slopes(now.state.theta[0], fit.weights, along, rows)
        total = total + scale * products
        slopes[rows] += scale * each.T
    return total
