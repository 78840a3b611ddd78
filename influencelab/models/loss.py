"""The loss as a function of a model's outputs, with its first two derivatives in closed form."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.recipe import Recipe

# Above this, log(1 + exp z) is z to the last digit of float64.
EXACT = 40.0


@dataclass(frozen=True)
class OutputLoss(Recipe):
    """ℓ(z, y) in nats for outputs z of one point; classes lie on the axis before the points, for speed.

    `z[..., a, i]` is output a for point i, so that the inner loops run over points, which are many.
    """

    @abstractmethod
    def size(self, data: Dataset) -> int:
        """c, the number of outputs a model of this data needs."""

    @abstractmethod
    def values(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k b"]:
        """The loss of each point, in nats."""

    @abstractmethod
    def gradients(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c b"]:
        """∂ℓ/∂z: how fast each point's loss rises with each of its outputs."""

    @abstractmethod
    def products(
        self, z: Float[Tensor, "c b"], y: Num[Tensor, " b"], v: Float[Tensor, "*k c b"]
    ) -> Float[Tensor, "*k c b"]:
        """(∂²ℓ/∂z²) v for each point: curvature in output space times a change of the outputs."""

    @abstractmethod
    def hessians(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c c b"]:
        """∂²ℓ/∂z² of each point."""


def softplus(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """log(1 + exp z), to the last digit: torch's own drops 2e-9 where z is above 20."""
    return torch.nn.functional.softplus(z, threshold=EXACT)
