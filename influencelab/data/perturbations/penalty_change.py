"""Weight decay a little stronger or weaker: the influence of a hyperparameter."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.conversion import numbers_in
from influencelab.data.perturbation import Experiments, Fitted, Perturbation
from influencelab.errors import InvalidParameter, WrongType
from influencelab.recipe import settle


@dataclass(frozen=True, eq=False, repr=False)
class PenaltyChange(Perturbation):
    """Experiment t trains with weight decay weight_decay + changes[t]; ∇J changes by changes[t] · Pθ.

    Attributes:
        changes: what is added to the weight decay, negative for less of it.
    """

    changes: tuple[float, ...]

    def __post_init__(self) -> None:
        changes = numbers_in(self.changes, what="changes")
        if changes.dim() != 1:
            raise WrongType(f"changes is {self.changes!r}, expected a row of numbers, such as (0.01,).")
        settle(self, changes=tuple(changes.double().tolist()))
        if not self.changes or not all(math.isfinite(change) for change in self.changes):
            raise InvalidParameter(f"changes are {self.changes}, expected finite numbers, at least one.")

    @property
    def changed(self) -> Int[Tensor, " r"]:
        """No point changes."""
        return torch.full((len(self.changes),), -1)

    def check(self, fit: Fitted) -> None:
        """Refuse a change that leaves a negative weight decay."""
        if fit.weight_decay + min(self.changes) < 0:
            raise InvalidParameter(
                f"a change of {min(self.changes):g} leaves a negative weight decay; the fit has {fit.weight_decay:g}, "
                f"so give changes of at least {-fit.weight_decay:g}."
            )

    def change_along(self, fit: Fitted, directions: Float[Tensor, "k p"]) -> Float[Tensor, "r k"]:
        """Each change times (Pθ)ᵀ d."""
        return fit.theta.new_tensor(self.changes)[:, None] * fit.penalty_slopes(directions)

    def experiments(self, fit: Fitted, rows: slice) -> Experiments:
        """The fit's own points and weights under another weight decay."""
        changes = self.changes[rows]
        weights = fit.weights.repeat(len(changes), 1)
        return Experiments(
            data=fit.data,
            weights=weights,
            weight_decay=tuple(fit.weight_decay + change for change in changes),
            removed=torch.full((len(changes),), -1, device=weights.device),
        )
