"""Gradient descent with momentum, for the full batch and for small ones."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.training.first_order import Buffers, FirstOrder


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
    def n_buffers(self) -> int:
        """One: v."""
        return 1

    def update(
        self, theta: Float[Tensor, "*k p"], buffers: Buffers, gradient: Float[Tensor, "*k p"], step: int
    ) -> Buffers:
        """One step along −v."""
        velocity = gradient.add_(buffers[0], alpha=self.momentum)
        theta.add_(velocity, alpha=-self.rate(step))
        return (velocity,)
