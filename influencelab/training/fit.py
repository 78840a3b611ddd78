"""One model fitted to all training points, with the gradient norm that says how well."""

import functools
import math
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.conversion import numbers_in
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, NoMinimum, NotConverged, NotSolved, require, whole
from influencelab.models import derivatives
from influencelab.models.loss import check_targets
from influencelab.models.measure import Measure
from influencelab.models.measures.loss import Loss
from influencelab.models.shapes import KP, K, N, P
from influencelab.models.task import Task
from influencelab.recipe import Recipe, kind_name
from influencelab.summary import Summarised
from influencelab.threads import by_size
from influencelab.training.deadline import check_seconds, out_of_time, within
from influencelab.training.minimum import stays, train_to_minimum, unfinished
from influencelab.training.origin import Origin
from influencelab.training.separation import no_minimum, unbounded
from influencelab.training.trainer import Memory, Trained, Trainer, check_finite
from influencelab.training.weights import checked_weights

__all__ = ["Fit", "fit", "fit_at"]

# A loss on record that differs from J by more than this share, or units of rounding, was measured at other parameters.
SAME, ROUNDING = 1e-9, 100


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Recipe, Summarised):
    """A trained model and all that is needed to ask what would change without a point.

    What it says of itself is true of its own θ: a copy with other parameters, data or penalty measures anew.

    Attributes:
        task: what was trained.
        data: on what.
        trainer: how.
        seed: of the start.
        start: the parameters training started from.
        theta: the parameters it ended at.
        weights: wᵢ of each training point in the objective; 1/n unless the user gave others.
        grad_norm: ‖∇J(θ)‖, in the loss's unit per unit of parameter; 0 at a minimum.
        loss: J(θ), in the unit of the task's loss, penalty included.
        converged: whether grad_norm ≤ the trainer's tolerance, what one more Newton step would change is nothing in any
            units (`minimum.stays`), and, where the trainer checks it, no curvature is negative. Estimators refuse an
            unconverged fit unless `allow_unconverged=True`.
        steps: how many steps training took.
        memory: state of a first-order trainer after its last step, which a warm start can restore; None for others.
        origin: of a model that was fitted elsewhere; None for one that was trained here.
        measure: what of the model is watched: estimators predict its changes, retrainers find them. The loss of each
            test point, unless `dataclasses.replace(model, measure=…)` asks for another, such as `il.Margin()`.
    """

    task: Task
    data: Dataset
    trainer: Trainer
    seed: int
    start: P
    theta: P
    weights: N
    grad_norm: float
    loss: float
    converged: bool
    steps: int
    memory: Memory | None = None
    origin: Origin | None = None
    measure: Measure = field(default_factory=Loss)

    def __post_init__(self) -> None:
        if self.is_as_measured():
            return
        for name, measured in zip(("loss", "grad_norm", "converged"), measured_at(self), strict=True):
            object.__setattr__(self, name, measured)

    def is_as_measured(self) -> bool:
        """Whether J is what the fit says of itself, so that nobody wrote over its tensors in the meantime."""
        with threads_for(self):
            value = float(derivatives.objectives(self.task, self.data, self.theta[None], self.weights[None])[0])
        return abs(value - self.loss) <= max(SAME, ROUNDING * torch.finfo(self.theta.dtype).eps) * abs(value)

    def summary(self) -> dict[str, str]:
        """What was trained on what, and how well."""
        return {
            "task": f"{type(self.task).__name__}, weight decay {self.weight_decay:g}{self.task.remark(self.data)}",
            "data": f"{self.data.name}, {self.data.n:,} training and {self.data.m:,} test points",
            "trainer": f"{type(self.trainer).__name__}, {self.steps:,} steps",
            "parameters": f"{len(self.theta):,}",
            "‖∇J‖": f"{self.grad_norm:.1e}, {'converged' if self.converged else 'NOT converged'}",
            "J": f"{self.loss:.6g} {self.task.output_loss.unit}",
            **(self.origin.summary() if self.origin else {}),
        }

    def measures(self) -> Float[Tensor, " m"]:
        """L_j(θ): what is watched, the loss of each test point by default, in its unit."""
        return self.measures_at(self.theta[None])[0]

    def measures_at(self, theta: KP) -> Float[Tensor, "k m"]:
        """The same of models with other parameters."""
        return self.measure.values(self.task, self.data, theta)

    def measure_gradients(self) -> Float[Tensor, "m p"]:
        """∇L_j of what is watched."""
        return self.measure.gradients(self.task, self.data, self.theta)

    @property
    def unit(self) -> str:
        """Of what is watched."""
        return self.measure.unit(self.task)

    @property
    def weight_decay(self) -> float:
        """Strength of the penalty."""
        return self.task.weight_decay

    @property
    def convention(self) -> str | None:
        """The removals that the refit of a model fitted elsewhere follows; None for what answers to both."""
        return self.origin.convention if self.origin else None

    def slopes(self, data: Dataset, directions: KP) -> Float[Tensor, "n k"]:
        """∇ℓᵢᵀ d at θ of each training point of `data`, the fit's own or other, for each direction d."""
        return derivatives.point_slopes(self.task, data, self.theta, directions)

    def slope_changes(self, data: Dataset, moves: Float[Tensor, " n *shape"], directions: KP) -> Float[Tensor, "n k"]:
        """The rate at which ∇ℓᵢᵀ d changes when each training point of `data` moves along its row of `moves`."""
        return derivatives.point_slope_changes(self.task, data, self.theta, moves, directions)

    def penalty_slopes(self, directions: KP) -> K:
        """(Pθ)ᵀ d: how fast the penalty's slope along d grows with weight decay."""
        return directions @ (self.theta * self.task.penalised(self.data))

    def accuracy(self) -> tuple[float, float]:
        """Shares of training and of test points whose largest output is their class (NaN for real targets)."""
        if self.data.classes == 0:
            return float("nan"), float("nan")
        parts = ((self.data.x_train, self.data.y_train), (self.data.x_test, self.data.y_test))
        return tuple(float((self.predicted(x) == y).double().mean()) for x, y in parts)  # pyright: ignore[reportReturnType]

    def predicted(self, x: Float[Tensor, " b *shape"]) -> Tensor:
        """The class with the largest output for each point; class 1 of two where the one output is positive."""
        outputs = self.task.outputs(self.theta, x)
        return outputs.argmax(-2) if len(outputs) > 1 else (outputs[0] > 0).long()


@torch.inference_mode(mode=False)  # autograd on, whatever surrounds the call
def fit(
    task: Task, data: Dataset, trainer: Trainer, *, seed: int = 0, weights: Any = None, seconds: float | None = None
) -> Fit:
    """Train one model on all points.

    Args:
        weights: wᵢ in the objective, a number a training point in any sequence; 1/n each by default. Their sum is the
            total weight of the data against the penalty, so pass `sample_weight / sample_weight.sum()` to keep the
            scale.
        seconds: no step begins later than this (`liblinear` cannot be stopped); the fit is then what was reached, not
            converged, and a NotSolved warning says how far that is.

    Raises:
        WrongType: something else than these was given.
        InvalidParameter: seconds below 0.
        InvalidWeights: negative, not finite, all zero, or of the wrong shape.
        NotFinite: the loss or its gradient is not finite at the start or during training.
    """
    for what, given, kind in (("task", task, Task), ("data", data, Dataset), ("trainer", trainer, Trainer)):
        require(given, kind, what=what)
    check_targets(task.output_loss, data)
    seed = whole(seed, what="seed")
    check_seconds(seconds)
    data = data if task.linear else data.written_out()
    used = checked_weights(weights, data)
    start = task.start(data, seed)
    with by_size(data.n, len(start)):
        first = derivatives.gradients(task, data, start[None], used[None])
        check_finite(
            first.norm(dim=-1),
            what=f"The gradient of {type(task).__name__}",
            when="at the start of training",
            cure="Scale the features, such as Source(scaling='standard'), or start nearer.",
        )
        if endless := unbounded(task, data, used):
            # Before the training, which may take its time.
            warnings.warn(no_minimum(endless), NoMinimum, stacklevel=3)
        with within(seconds):
            trained = train_to_minimum(trainer, task, data, start, used, bounded=not endless)
            if seconds is not None and out_of_time() and not trained.converged.all():
                warnings.warn(unfinished(task, data, used, trained, seconds=seconds), NotSolved, stacklevel=3)
        if not endless and (endless := unbounded(task, data, used, theta=trained.theta[0])):
            warnings.warn(no_minimum(endless), NoMinimum, stacklevel=3)
        check_finite(trained.grad_norm, what="The gradient", when="after training")
        return fit_from(trained, task=task, data=data, trainer=trainer, seed=seed, weights=used)


def fit_from(
    trained: Trained, *, task: Task, data: Dataset, trainer: Trainer, seed: int = 0, weights: Tensor | None = None
) -> Fit:
    """The fit of one trained model; nothing is trained here, so that stored parameters become a fit again."""
    used = checked_weights(weights, data)
    return Fit(
        task=task,
        data=data,
        trainer=trainer,
        seed=seed,
        start=task.start(data, seed),
        theta=trained.theta[0],
        weights=used,
        grad_norm=float(trained.grad_norm[0]),
        loss=float(derivatives.objectives(task, data, trained.theta, used[None])[0]),
        converged=bool(trained.converged[0]),
        steps=trained.steps,
        memory=trained.memory,
    )


def fit_at(task: Task, data: Dataset, theta: Any, *, trainer: Trainer, weights: Tensor | None = None) -> Fit:
    """The fit that given parameters are, measured where they are; nothing is trained.

    Args:
        trainer: whose tolerance decides whether they are a minimum.

    Raises:
        WrongType, InvalidWeights: as for `fit`.
        InvalidParameter: theta has another shape than the task's parameters.
    """
    for what, given, kind in (("task", task, Task), ("data", data, Dataset), ("trainer", trainer, Trainer)):
        require(given, kind, what=what)
    check_targets(task.output_loss, data)
    theta = numbers_in(theta, what="theta").to(data.x_train)
    if theta.shape != (count := task.start(data, 0).shape):
        raise InvalidParameter(f"theta is {tuple(theta.shape)}, expected {tuple(count)}: the task's own parameters.")
    never = torch.zeros(1, device=data.x_train.device)
    unmeasured = Trained(theta=theta[None], grad_norm=never, converged=never.bool(), steps=0)
    return replace(fit_from(unmeasured, task=task, data=data, trainer=trainer, weights=weights), loss=math.nan)


def measured_at(fitted: Fit) -> tuple[float, float, bool]:
    """J, ‖∇J‖ and whether θ is a minimum, for the parameters, data and objective that the fit has now."""
    task, data, theta, weights = fitted.task, fitted.data, fitted.theta[None], fitted.weights[None]
    values, gradients = derivatives.objectives_and_gradients(task, data, theta, weights)
    norm = float(gradients.norm())
    small = norm <= fitted.trainer.tolerance_of(task, data, weights)
    return float(values), norm, small and (task.kink is not None or stays(task, data, theta, fitted.weights))


def threads_for(fitted: Fit, *, columns: int = 1) -> AbstractContextManager[None]:
    """As many threads as work on so many models, test points or directions of this fit deserves."""
    return by_size(fitted.data.n, len(fitted.theta), columns=columns)


def door(method: Callable[..., Any]) -> Callable[..., Any]:
    """A public method of what has a fit: threads by the size of its work, and autograd on, whatever surrounds it."""

    @functools.wraps(method)
    @torch.inference_mode(mode=False)
    def entered(self: Any, *given: Any, **named: Any) -> Any:
        with threads_for(self.fit):
            return method(self, *given, **named)

    return entered


def require_converged(fitted: Fit, *, allow_unconverged: bool) -> None:
    """Refuse a fit that is not a minimum, by NotConverged, unless the protocol asks for it."""
    if fitted.converged or allow_unconverged:
        return
    if endless := unbounded(fitted.task, fitted.data, fitted.weights, theta=fitted.theta):
        raise NotConverged(no_minimum(endless))
    tolerance = fitted.trainer.tolerance_of(fitted.task, fitted.data, fitted.weights[None])
    near = "small, but at a saddle or on a tail: its curvature is negative or next to none somewhere"
    where = near if fitted.grad_norm <= tolerance else f"above {tolerance:.1e}"
    raise NotConverged(
        f"The fit stopped at ‖∇J‖ = {fitted.grad_norm:.1e}, {where}; influence is defined at a minimum. "
        f"{towards_minimum(fitted)}, or pass allow_unconverged=True to study what an unconverged fit does."
    )


def towards_minimum(fitted: Fit) -> str:
    """What would bring a fit that is no minimum nearer to one: more steps, other numbers, another trainer."""
    most = getattr(fitted.trainer, "max_steps", None)
    if kind_name(fitted.trainer) != "newton":
        return "Train longer, follow with the 'newton' trainer"
    if fitted.theta.dtype != torch.float64:
        kind = str(fitted.theta.dtype).removeprefix("torch.")
        return f"'newton' came as far as {kind} goes: give features in float64, such as x.double() or x.astype(float)"
    if most is not None and fitted.steps >= most:
        return f"Train longer, with more than max_steps={most}; where 'newton' stands still, scale the features"
    return "'newton' came as far as rounding lets it: scale the features, such as by scaling='standard'"
