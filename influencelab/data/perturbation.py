"""Perturbations: small changes of training, predicted by a derivative and made true by training again.

Training minimises J(θ) = Σᵢ wᵢ ℓᵢ(θ) + (weight_decay / 2) ‖Pθ‖². A perturbation changes the weights w, the points or
the weight decay. It depends on no model but through `Fitted`.
"""

from abc import abstractmethod
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.recipe import Recipe, default
from influencelab.summary import Summarised


@runtime_checkable
class Fitted(Protocol):
    """A minimum θ of J, and how steep each part of J is there: all that a perturbation asks of a `Fit`."""

    @property
    def data(self) -> Dataset:
        """The training points."""
        ...

    @property
    def theta(self) -> Tensor:
        """θ (p)."""
        ...

    @property
    def weights(self) -> Tensor:
        """w (n)."""
        ...

    @property
    def weight_decay(self) -> float:
        """Strength of the penalty."""
        ...

    @property
    def convention(self) -> str | None:
        """The removals that it alone answers to, `drop` or `renormalise`; None for both."""
        ...

    def slopes(self, data: Dataset, directions: Tensor) -> Tensor:
        """∇ℓᵢᵀ d of each training point of `data`, for each row d of `directions` (n k)."""
        ...

    def slope_changes(self, data: Dataset, moves: Tensor, directions: Tensor) -> Tensor:
        """The rate at which ∇ℓᵢᵀ d changes when each point's features move along its row of `moves` (n k)."""
        ...

    def penalty_slopes(self, directions: Tensor) -> Tensor:
        """(Pθ)ᵀ d (k)."""
        ...


@dataclass(frozen=True, eq=False)
class Experiments:
    """Training problems of k models, each with its own weights and its own weight decay.

    Attributes:
        data: the fit's data, after whose n training points stand e points that some experiment brings in.
        weights: of each model; the points of other experiments weigh nothing.
        weight_decay: of each model.
        removed: the one point whose loss leaves each model, and nothing else with it but a common factor of the
            weights; −1 where more or something else changes.
        places: the training point that each of the e points stands in for.
    """

    data: Dataset
    weights: Float[Tensor, "k q"]
    weight_decay: tuple[float, ...]
    removed: Int[Tensor, " k"]
    places: Int[Tensor, " e"] = field(default_factory=partial(torch.zeros, 0, dtype=torch.int64))


@dataclass(frozen=True, eq=False, repr=False)
class Perturbation(Recipe, Summarised):
    """r experiments, each of which changes what a model is trained on.

    Its effect has one sign and one unit: the rise of a measure (nats, for a loss) once the change is made and the model
    retrained. A positive effect on j of removing point i: i helps j.
    """

    def summary(self) -> dict[str, str]:
        """How many experiments, and of each setting its value, or its size where it has many."""
        found = {"experiments": f"{self.count:,}"}
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            found[name] = " × ".join(map(str, value.shape)) if isinstance(value, Tensor) else str(value)
        return found

    @property
    @default
    def count(self) -> int:
        """r, the number of experiments."""
        return len(self.changed)

    @property
    @abstractmethod
    def changed(self) -> Int[Tensor, " r"]:
        """The one training point that each experiment changes; −1 where it changes several points, or none."""

    @default
    def deed(self, data: Dataset) -> str:
        """What happens to a training point of these data, in one word: `removed`, `moved`, `relabelled`."""
        return "changed"

    @abstractmethod
    def check(self, fit: Fitted) -> None:
        """Refuse a change that makes no sense for this fit.

        Raises:
            InvalidParameter: it was made for other points, or leaves no objective to minimise.
            InvalidData: the points it brings in have impossible features or labels.
        """

    @abstractmethod
    def change_along(self, fit: Fitted, directions: Float[Tensor, "k p"]) -> Float[Tensor, "r k"]:
        """Δ(∇J)ᵀ d, for each row d: how much of the change of ∇J at the fit lies along it, to first order."""

    @abstractmethod
    def experiments(self, fit: Fitted, rows: slice) -> Experiments:
        """The training problems of some of the experiments: take few at a time."""


@dataclass(frozen=True, eq=False, repr=False)
class WeightChange(Perturbation):
    """A perturbation of training weights alone: its effect is Δw times the slopes in each weight."""

    @abstractmethod
    def weigh(self, base: Float[Tensor, " n"], values: Float[Tensor, "n k"]) -> Float[Tensor, "r k"]:
        """Δw @ values, to first order in the points that are named, from the weights `base`."""

    @abstractmethod
    def weights(self, base: Float[Tensor, " n"], rows: slice) -> Float[Tensor, "k n"]:
        """The training weights of some experiments, dense: take few rows at a time."""

    @abstractmethod
    def removed(self, rows: slice) -> Int[Tensor, " k"]:
        """The one point whose weight becomes 0, others keeping their proportions; −1 where there is no such point."""

    def change_along(self, fit: Fitted, directions: Float[Tensor, "k p"]) -> Float[Tensor, "r k"]:
        """Δw times each point's slope."""
        return self.weigh(fit.weights, fit.slopes(fit.data, directions))

    def experiments(self, fit: Fitted, rows: slice) -> Experiments:
        """The fit's own points under other weights."""
        weights = self.weights(fit.weights, rows)
        return Experiments(
            data=fit.data,
            weights=weights,
            weight_decay=(fit.weight_decay,) * len(weights),
            removed=self.removed(rows).to(weights.device),
        )


def check_places(points: Int[Tensor, " t"], rows: Int[Tensor, " t"], *, n: int, count: int) -> None:
    """Refuse positions that are not there."""
    if count < 1:
        raise InvalidParameter("there is no experiment; name at least one point or group to change.")
    for what, given, end in (("points", points, n), ("rows", rows, count)):
        if len(given) and not 0 <= int(given.min()) <= int(given.max()) < end:
            low, high = int(given.min()), int(given.max())
            raise InvalidParameter(f"{what} go from {low} to {high}, expected 0 … {end - 1}.")


def check_made_for(given: int, n: int, *, what: str) -> None:
    """Refuse positions among another number of points."""
    if given != n:
        raise InvalidParameter(
            f"the {what} are made for {given} training points and the fit has {n}; make them with n={n}."
        )
