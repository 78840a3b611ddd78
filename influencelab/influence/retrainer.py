"""Retraining: models trained again under each experiment of a perturbation, many at once."""

import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.perturbation import Perturbation
from influencelab.models.shapes import K
from influencelab.recipe import Progress, Recipe
from influencelab.training.fit import Fit

__all__ = ["Retrained", "Retrainer"]

# Numbers that one batch of models may hold.
BATCH = 2**24


@dataclass(frozen=True, eq=False)
class Retrained(Recipe):
    """Changes of the test losses that retraining really brought about.

    Attributes:
        retrainer: the recipe.
        fit: the model that was there before.
        perturbation: the experiments.
        values: values[r, j] is the rise, in nats, of the loss of test point j after experiment r, minus the rise of the
            control, in which nothing was changed. Positive for a removal: the removed points helped j.
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


@dataclass(frozen=True, eq=False)
class Part:
    """One batch of models; the first is the control, in which nothing is changed."""

    change: Float[Tensor, "k m"]
    grad_norm: K
    converged: Bool[Tensor, " k"]
    same_basin: Bool[Tensor, " k"]
    steps: Int[Tensor, " k"]


@dataclass(frozen=True)
class Retrainer(Recipe):
    """A recipe for the truth: what it starts from, what it minimises, and when it stops."""

    def retrain(self, fit: Fit, perturbation: Perturbation, *, progress: Progress | None = None) -> Retrained:
        """Train one model an experiment, each minus the control of its own batch, in which nothing is changed.

        Args:
            progress: called as (experiments done, experiments in all) after each batch.

        Raises:
            InvalidParameter: the perturbation does not suit the fit.
            NotFinite: a model diverged.
        """
        started = time.perf_counter()
        perturbation.check(fit)
        (models, numbers), train, parts = self.batch_limits(fit), self.batch_trainer(fit, perturbation), []
        size = max(1, min(models, BATCH // numbers))
        for first in range(0, perturbation.count, size):
            rows = slice(first, min(first + size, perturbation.count))
            parts.append(train(rows))
            if progress is not None:
                progress(rows.stop, perturbation.count)
        return Retrained(
            retrainer=self,
            fit=fit,
            perturbation=perturbation,
            values=torch.cat([part.change[1:] - part.change[:1] for part in parts]),
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
    def batch_trainer(self, fit: Fit, perturbation: Perturbation) -> Callable[[slice], Part]:
        """The function that trains one batch: the control and these experiments."""
