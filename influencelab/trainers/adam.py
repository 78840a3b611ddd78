"""Full-batch Adam (Kingma & Ba 2015), as published network experiments use it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab import derivatives
from influencelab.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.task import Task
from influencelab.trainer import Trained, Trainer, check_finite


@dataclass(frozen=True)
class Adam(Trainer):
    """A fixed number of steps of `torch.optim.Adam` on J, whose penalty is that optimiser's `weight_decay`.

    It always takes all its steps; `tolerance` only says whether where it ended counts as a minimum.

    Attributes:
        learning_rate: about how far each parameter moves a step.
        betas: how much of the running means of ∇J and of its square is kept.
        epsilon: added to the root of the mean square.
        steps: how many steps.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    steps: int = 1000

    def __post_init__(self) -> None:
        if not (0 < self.learning_rate < float("inf") and 0 < self.epsilon < float("inf")):
            raise InvalidParameter(
                f"learning_rate is {self.learning_rate} and epsilon {self.epsilon}; expected finite numbers > 0."
            )
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InvalidParameter(f"betas are {self.betas}, expected two numbers, each ≥ 0 and < 1.")
        if self.steps < 0 or not self.tolerance > 0:
            raise InvalidParameter(
                f"steps is {self.steps} and tolerance {self.tolerance}; expected steps ≥ 0 and tolerance > 0."
            )

    def train(self, task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]) -> Trained:
        """Train each model from its row of theta under its row of weights."""
        theta, mean, square = theta.clone(), torch.zeros_like(theta), torch.zeros_like(theta)
        first, second = self.betas
        for step in range(self.steps):
            gradient = derivatives.gradients(task, data, theta, weights)
            check_finite(gradient.norm(dim=-1), what="The gradient", when=f"at step {step}")
            mean.lerp_(gradient, 1 - first)
            square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
            # Both means start at 0; dividing by what they have seen of ∇J so far takes that out.
            root = square.sqrt().div_((1 - second ** (step + 1)) ** 0.5).add_(self.epsilon)
            theta.addcdiv_(mean, root, value=-self.learning_rate / (1 - first ** (step + 1)))
        norms = derivatives.gradients(task, data, theta, weights).norm(dim=-1)
        check_finite(norms, what="The gradient", when=f"after step {self.steps}")
        return Trained(theta=theta, grad_norm=norms, converged=norms <= self.tolerance, steps=self.steps)
