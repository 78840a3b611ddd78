"""Retraining: models trained again under each experiment of a perturbation, many at once."""

import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.perturbation import Perturbation
from influencelab.errors import InvalidParameter, require
from influencelab.influence.door import require_fit
from influencelab.influence.rounding import check_effects
from influencelab.models import derivatives
from influencelab.models.shapes import KN, K
from influencelab.recipe import Progress, Recipe, kind_name
from influencelab.summary import Summarised
from influencelab.training.deadline import check_seconds
from influencelab.training.fit import Fit, threads_for

__all__ = ["Retrained", "Retrainer"]

# Numbers that one batch of models may hold, and models of one where time is limited.
BATCH, LIMITED = 2**24, 16


@dataclass(frozen=True, eq=False, repr=False)
class Retrained(Recipe, Summarised):
    """Changes of the test losses, or of what else the fit watches, that retraining really brought about.

    Attributes:
        retrainer: the recipe.
        fit: the model that was there before.
        perturbation: the experiments.
        values: values[r, j] is the rise, in its own unit, of the loss of test point j after experiment r, minus that
            of the control, in which nothing was changed. Positive for a removal: the removed points helped j.
        control: the rise of each test loss in that control; 0 where the fit was a minimum.
        grad_norm: ‖∇J‖ of each retrained model over its own weights.
        converged: whether it passed the retrainer's test of convergence.
        same_basin: whether it is the minimum that the fit's minimum becomes, where the retrainer checks it: no
            barrier on the straight line between them, and a step of the predicted size. Always true for convex tasks.
        steps: of the retrainer's own kind that each took.
        seconds: wall-clock time.
    """

    retrainer: "Retrainer"
    fit: Fit
    perturbation: Perturbation
    values: Float[Tensor, "r m"]
    control: Float[Tensor, " m"]
    grad_norm: Float[Tensor, " r"]
    converged: Bool[Tensor, " r"]
    same_basin: Bool[Tensor, " r"]
    steps: Int[Tensor, " r"]
    seconds: float

    @property
    def trusted(self) -> Bool[Tensor, " r"]:
        """Mask of the experiments that count as truth: converged, and in the fit's own basin."""
        return self.converged & self.same_basin

    def summary(self) -> dict[str, str]:
        """Whose truth, of how many experiments, and how many of them count."""
        late = int(self.values.isnan().any(1).sum())
        return {
            "retrainer": kind_name(self.retrainer),
            "data": self.fit.data.name,
            "experiments": f"{len(self.values):,} ({kind_name(self.perturbation)})",
            "test points": f"{self.values.shape[1]:,}",
            "count as truth": f"{int(self.trusted.sum()):,}",
            **({"unfinished": f"{late:,}, for want of time"} if late else {}),
            "largest ‖∇J‖": f"{float(self.grad_norm.nan_to_num().max()):.1e}",
            "seconds": f"{self.seconds:.2f}",
        }


@dataclass(frozen=True, eq=False)
class Problem:
    """Models of one batch that train on the same points with the same weight decay, each with its own weights.

    Attributes:
        fit: the fit, seen on these points; new ones weigh nothing in it, so that it is the same minimum of the same J.
        weight_decay: what the models train with; perhaps not the fit's.
        weights: of each model.
        removed: the one point that each model does without; −1 where none, several or something else is changed.
        models: 0 for the control, in which nothing is changed, and 1 + the number of the experiment for the others.
        places: the training points that the new ones, which come last, stand in for.
    """

    fit: Fit
    weight_decay: float
    weights: KN
    removed: Int[Tensor, " k"]
    models: Int[Tensor, " k"]
    places: Int[Tensor, " e"]


@dataclass(frozen=True, eq=False)
class Part:
    """Some models of one batch, with their numbers; the control is number 0."""

    models: Int[Tensor, " k"]
    change: Float[Tensor, "k m"]
    grad_norm: K
    converged: Bool[Tensor, " k"]
    same_basin: Bool[Tensor, " k"]
    steps: Int[Tensor, " k"]


@dataclass(frozen=True)
class Retrainer(Recipe):
    """A recipe for the truth: what it starts from, what it minimises, and when it stops."""

    @torch.inference_mode(mode=False)  # autograd on, whatever surrounds the call
    def retrain(
        self, fit: Fit, perturbation: Perturbation, *, progress: Progress | None = None, seconds: float | None = None
    ) -> Retrained:
        """Train one model an experiment, each minus the control of its own batch, in which nothing is changed.

        Args:
            progress: called as (experiments done, experiments in all) after each batch.
            seconds: no batch begins later than this; what is not done by then is NaN, and counts as not converged.

        Raises:
            WrongType, InvalidParameter: the perturbation does not suit the fit, or `seconds` is no time.
            NotFinite: a model diverged.
            NullSpaceMass: of a convex task, where a test loss has a slope along which nothing curves J.
        """
        require_fit(fit)
        require(perturbation, Perturbation, what="perturbation")
        check_seconds(seconds)
        started = time.perf_counter()
        perturbation.check(fit)
        models, numbers = self.batch_limits(fit)
        size, parts = max(1, min(models, BATCH // numbers, models if seconds is None else LIMITED)), []
        with threads_for(fit, columns=min(size, perturbation.count)):
            train = self.batch_trainer(fit, perturbation)
            for first in range(0, perturbation.count, size):
                if seconds is not None and parts and time.perf_counter() - started > seconds:
                    parts.append(not_begun(parts[-1], count=perturbation.count - first))
                    break
                rows = slice(first, min(first + size, perturbation.count))
                parts.append(joined([train(problem) for problem in problems(fit, perturbation, rows)]))
                if progress is not None:
                    progress(rows.stop, perturbation.count)
            values = torch.cat([part.change[1:] - part.change[:1] for part in parts])
            check_effects(fit, values[torch.cat([part.converged[1:] for part in parts])])
        return Retrained(
            retrainer=self,
            fit=fit,
            perturbation=perturbation,
            values=values,
            control=torch.stack([part.change[0] for part in parts]).mean(0),
            grad_norm=torch.cat([part.grad_norm[1:] for part in parts]),
            converged=torch.cat([part.converged[1:] & part.converged[0] for part in parts]),
            same_basin=torch.cat([part.same_basin[1:] for part in parts]),
            steps=torch.cat([part.steps[1:] for part in parts]),
            seconds=time.perf_counter() - started,
        )

    @abstractmethod
    def batch_limits(self, fit: Fit) -> tuple[int, int]:
        """The largest number of models in one batch, and the numbers that one model holds in memory."""

    @abstractmethod
    def batch_trainer(self, fit: Fit, perturbation: Perturbation) -> Callable[[Problem], Part]:
        """The function that trains the models of one problem."""


def not_begun(part: Part, *, count: int) -> Part:
    """So many experiments that time did not reach, and a control."""
    blank = Part(
        **{name: tensor[:1].repeat(count + 1, *[1] * (tensor.dim() - 1)) for name, tensor in vars(part).items()}
    )
    change = torch.cat([part.change[:1], torch.full_like(blank.change[1:], torch.nan)])
    none, never = torch.full_like(blank.grad_norm, torch.nan), torch.zeros_like(blank.converged)
    return replace(blank, change=change, grad_norm=none, converged=never, steps=torch.zeros_like(blank.steps))


def problems(fit: Fit, perturbation: Perturbation, rows: slice) -> list[Problem]:
    """The control and some of the experiments; one problem only, unless weight decay changes."""
    found = perturbation.experiments(fit, rows)
    decays = (fit.weight_decay, *found.weight_decay)
    base = torch.nn.functional.pad(fit.weights, (0, len(found.places)))
    weights = torch.cat([base[None], found.weights])
    removed = torch.cat([torch.full_like(found.removed[:1], -1), found.removed])
    numbers = torch.arange(rows.start, rows.stop + 1, device=weights.device)
    numbers[0] = 0
    seen = fit if found.data is fit.data else replace(fit, data=found.data, weights=base)
    posed, several = [], sorted(set(decays))
    for decay in several:
        # The weights of all models are not copied once more where they are those of one problem.
        mine = slice(None)
        if len(several) > 1:
            mine = torch.tensor([each == decay for each in decays], device=weights.device)
        posed.append(Problem(seen, decay, weights[mine], removed[mine], numbers[mine], found.places))
    return posed


def in_place(problem: Problem) -> list[Problem]:
    """The same models with every new point where the old one stood: one problem for each, unless there is none.

    Raises InvalidParameter where an old point keeps some of its weight.
    """
    count = len(problem.places)
    if not count:
        return [problem]
    data, n, posed = problem.fit.data, problem.fit.data.n - count, []
    for row, weights in enumerate(problem.weights):
        mine = weights[n:].nonzero()[:, 0]
        places, weight = problem.places[mine], weights[:n].clone()
        if weight[places].any():
            raise InvalidParameter(
                "this retraining draws batches, in which a point is either the old or the new one: replace it whole "
                "(share=1), or retrain with 'second_order' or full batches."
            )
        weight[places] = weights[n + mine]
        parts = {"x_train": data.x_train[:n].clone(), "y_train": data.y_train[:n].clone()}
        for name, part in parts.items():
            part[places] = getattr(data, name)[n + mine]
        here = replace(data, **parts, train_ids=data.train_ids[:n])
        fit = replace(problem.fit, data=here, weights=problem.fit.weights[:n])
        one = slice(row, row + 1)
        alone = {"removed": problem.removed[one], "models": problem.models[one], "places": problem.places[:0]}
        posed.append(replace(problem, fit=fit, weights=weight[None], **alone))
    return posed


def joined(parts: list[Part]) -> Part:
    """One part of several, the models in the order of their numbers."""
    order = torch.cat([part.models for part in parts]).argsort()
    whole = {field.name: torch.cat([getattr(part, field.name) for part in parts])[order] for field in fields(Part)}
    return Part(**whole)


def penalised_by(fit: Fit, weight_decay: float) -> Fit:
    """The fit's θ seen under another weight decay; `converged` is of its own, whose minimum it is."""
    if weight_decay == fit.weight_decay:
        return fit
    task = replace(fit.task, weight_decay=weight_decay)
    value, gradient = derivatives.objectives_and_gradients(task, fit.data, fit.theta[None], fit.weights[None])
    return replace(fit, task=task, loss=float(value), grad_norm=float(gradient.norm()))
