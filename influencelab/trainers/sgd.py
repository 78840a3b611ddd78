"""Minibatch gradient descent with momentum, its batches paired across models."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab import derivatives
from influencelab.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.task import Task
from influencelab.trainer import Trained, Trainer, check_finite


@dataclass(frozen=True)
class SGD(Trainer):
    """Heavy-ball steps on J of one batch: (n / |batch|) Σ wᵢ ℓᵢ over the batch, plus the whole penalty.

    All models see the same batches in the same order. A removed point keeps its place in its batch with weight 0,
    so a model without it differs from one with it by that point alone. Equal to `torch.optim.SGD` on the mean loss
    of a batch where all weights are 1/n.

    Attributes:
        learning_rate: how far a step goes along −v.
        momentum: the share of the last v that is kept.
        batch_size: points a batch; the last of an epoch may be smaller. More than n is the full batch.
        steps: how many batches.
        seed: of the order of the points, drawn anew each epoch.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    batch_size: int = 100
    steps: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.learning_rate < float("inf") and 0 <= self.momentum < 1):
            raise InvalidParameter(
                f"learning_rate is {self.learning_rate} and momentum {self.momentum}; "
                "expected a finite learning_rate > 0 and 0 ≤ momentum < 1."
            )
        if self.batch_size < 1 or self.steps < 0 or self.seed < 0 or not self.tolerance > 0:
            raise InvalidParameter(
                f"batch_size is {self.batch_size}, steps {self.steps}, seed {self.seed} and tolerance "
                f"{self.tolerance}; expected batch_size ≥ 1, steps ≥ 0, seed ≥ 0 and tolerance > 0."
            )

    def train(self, task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]) -> Trained:
        """Train each model from its row of theta under its row of weights; grad_norm is of the full batch."""
        theta, velocity = theta.clone(), torch.zeros_like(theta)
        for step, rows in enumerate(self.batches(data)):
            gradient = derivatives.loss_gradients(task, data, theta, weights, rows) * (data.n / len(rows))
            gradient += derivatives.penalty_gradient(task, data, theta)
            check_finite(gradient.norm(dim=-1), what="The gradient", when=f"at step {step}")
            velocity.mul_(self.momentum).add_(gradient)
            theta.sub_(velocity, alpha=self.learning_rate)
        norms = derivatives.gradients(task, data, theta, weights).norm(dim=-1)
        check_finite(norms, what="The gradient", when=f"after step {self.steps}")
        return Trained(theta=theta, grad_norm=norms, converged=norms <= self.tolerance, steps=self.steps)

    def batches(self, data: Dataset) -> Iterator[Int[Tensor, " b"]]:
        """The points of each step, drawn on the CPU so that devices agree."""
        generator = torch.Generator().manual_seed(self.seed)
        taken = 0
        while taken < self.steps:
            order = torch.randperm(data.n, generator=generator).to(data.x_train.device)
            for rows in order.split(self.batch_size)[: self.steps - taken]:
                yield rows
                taken += 1
