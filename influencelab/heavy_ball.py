"""The step of gradient descent with momentum, for the full batch and for small ones."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.first_order import FirstOrder, Parts


@dataclass(frozen=True)
class HeavyBall(FirstOrder):
    """v ← momentum v + ∇J, θ ← θ − learning_rate v, from v = 0.

    Attributes:
        momentum: the share of the last v that is kept.
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.momentum < 1:
            raise InvalidParameter(f"momentum is {self.momentum}, expected 0 ≤ momentum < 1.")

    @property
    def slots(self) -> int:
        """v."""
        return 1

    def update(
        self, theta: Float[Tensor, "*k p"], parts: Parts, gradient: Float[Tensor, "*k p"], step: int
    ) -> tuple[Float[Tensor, "*k p"], Parts]:
        """One step along −v."""
        velocity = torch.add(gradient, parts[0], alpha=self.momentum)
        return torch.add(theta, velocity, alpha=-self.rate(step)), (velocity,)
