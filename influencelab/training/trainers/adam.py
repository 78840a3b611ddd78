"""Adam (Kingma & Ba 2015), full-batch or in batches, as published network experiments use it."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from influencelab.errors import InvalidParameter
from influencelab.training.first_order import Batches, Buffers, FirstOrder, Theta, check_batches


@dataclass(frozen=True)
class Adam(FirstOrder):
    """A fixed number of steps of `torch.optim.Adam` on J, whose penalty is that optimiser's `weight_decay`.

    Attributes:
        learning_rate: about how far each parameter moves a step.
        betas: how much of the running means of ∇J and of its square is kept.
        epsilon: added to the root of the mean square.
        batch_size: points a batch; 0, or more than n, is the full batch.
        seed: of the order of the points, drawn anew each epoch.
        paired: whether all models see the same batches in the same order. If not, each draws its own.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    batch_size: int = 0
    seed: int = 0
    paired: bool = True
    n_buffers: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.epsilon < float("inf"):
            raise InvalidParameter(f"epsilon is {self.epsilon}, expected a finite number > 0.")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InvalidParameter(f"betas are {self.betas}, expected two numbers, each ≥ 0 and < 1.")
        check_batches(self.batch_size, self.seed, least=0)

    @property
    def batches(self) -> Batches:
        """All points, or batches drawn without replacement, epoch by epoch."""
        return Batches(self.batch_size, self.seed, self.paired)

    def update(self, theta: Theta, buffers: Buffers, gradient: Theta, step: int) -> Buffers:
        """One step along the mean of ∇J over the root of the mean square; both means are kept."""
        first, second = self.betas
        mean = torch.lerp(buffers[0], gradient, 1 - first)
        square = torch.addcmul(buffers[1] * second, gradient, gradient, value=1 - second)
        # A root has no slope at 0; where ∇J was always 0 nothing depends on it.
        floor = square.clamp_min(torch.finfo(square.dtype).tiny)
        # Both means start at 0; dividing by what they have seen of ∇J so far takes that out.
        root = floor.sqrt() / (1 - second ** (step + 1)) ** 0.5 + self.epsilon
        rate = self.rate(step) / (1 - first ** (step + 1))
        theta.addcdiv_(mean, root, value=-rate)
        return mean, square
