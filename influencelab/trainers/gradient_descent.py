"""Full-batch gradient descent with momentum: the plain protocol of published experiments."""

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
class GradientDescent(Trainer):
    """v ← momentum v + ∇J, θ ← θ − learning_rate v, a fixed number of times from v = 0 (heavy ball).

    Equal to `torch.optim.SGD` on the full batch. It always takes all its steps; `tolerance` only says whether
    where it ended counts as a minimum.

    Attributes:
        learning_rate: how far a step goes along −v; it diverges above 2 (1 + momentum) / the largest curvature.
        momentum: the share of the last v that is kept.
        steps: how many steps.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    steps: int = 1000

    def __post_init__(self) -> None:
        if not (0 < self.learning_rate < float("inf") and 0 <= self.momentum < 1):
            raise InvalidParameter(
                f"learning_rate is {self.learning_rate} and momentum {self.momentum}; "
                "expected a finite learning_rate > 0 and 0 ≤ momentum < 1."
            )
        if self.steps < 0 or not self.tolerance > 0:
            raise InvalidParameter(
                f"steps is {self.steps} and tolerance {self.tolerance}; expected steps ≥ 0 and tolerance > 0."
            )

    def train(self, task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]) -> Trained:
        """Train each model from its row of theta under its row of weights."""
        theta, velocity = theta.clone(), torch.zeros_like(theta)
        for step in range(self.steps):
            gradient = derivatives.gradients(task, data, theta, weights)
            check_finite(gradient.norm(dim=-1), what="The gradient", when=f"at step {step}")
            velocity.mul_(self.momentum).add_(gradient)
            theta.sub_(velocity, alpha=self.learning_rate)
        norms = derivatives.gradients(task, data, theta, weights).norm(dim=-1)
        check_finite(norms, what="The gradient", when=f"after step {self.steps}")
        return Trained(theta=theta, grad_norm=norms, converged=norms <= self.tolerance, steps=self.steps)
