"""A linear task under an absolute penalty whose weights keep their signs: the smooth piece where its minimum lies."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.penalty import Penalty
from influencelab.models.shapes import Theta
from influencelab.models.task import LinearTask

SQUARES = SquaredError()


@dataclass(frozen=True)
class SignedLinear(LinearTask):
    """J(θ; w) = Σᵢ wᵢ ℓᵢ(θ) + (weight_decay / 2) ‖Pθ‖² + l1 Σₐ signsₐ θₐ, which is l1 ‖θ‖₁ while signs stay.

    scikit-learn's `Lasso(alpha)` is this task with `l1=alpha` on the features whose coefficients are not 0.

    Attributes:
        loss: of the output.
        l1: strength of the absolute penalty.
        signs: +1 or −1 of each parameter, and 0 of one that it does not act on; empty for none at all.
        constant: the feature that an intercept multiplies.
    """

    loss: OutputLoss = SQUARES
    l1: float = 0.0
    signs: tuple[int, ...] = ()
    constant: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.l1 < float("inf") and set(self.signs) <= {-1, 0, 1}):
            raise InvalidParameter(
                f"l1 is {self.l1} and signs are {self.signs}; expected l1 ≥ 0 and signs of −1, 0 and 1."
            )

    @property
    def output_loss(self) -> OutputLoss:
        """The loss it was given."""
        return self.loss

    @property
    def plain(self) -> bool:
        """Only without signs."""
        return not (self.l1 and any(self.signs))

    @property
    def intercept_feature(self) -> float:
        """The constant that it was given."""
        return self.constant

    def penalty(self, data: Dataset, like: Theta) -> Penalty:
        """Weight decay, and a slope of l1 along each sign."""
        stiffness = self.weight_decay * self.penalised(data).to(like)
        if self.plain:
            return Penalty(stiffness)
        signs = torch.tensor(self.signs, dtype=like.dtype, device=like.device)
        if signs.shape != stiffness.shape:
            raise InvalidParameter(f"There are {len(signs)} signs and {len(stiffness)} parameters; give one for each.")
        return Penalty(stiffness, -self.l1 * signs)
