"""Full-batch gradient descent with momentum: the plain protocol of published experiments."""

from dataclasses import dataclass

from influencelab.training.first_order import Batches, HeavyBall


@dataclass(frozen=True)
class GradientDescent(HeavyBall):
    """v ← momentum v + ∇J, θ ← θ − learning_rate v, a fixed number of times from v = 0 (heavy ball).

    Equal to `torch.optim.SGD` on the full batch. It diverges above a learning rate of 2 (1 + momentum) / the largest
    curvature.
    """

    @property
    def batches(self) -> Batches:
        """All points, every step."""
        return Batches()
