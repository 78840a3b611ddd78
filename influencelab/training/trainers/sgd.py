"""Minibatch gradient descent with momentum."""

from dataclasses import dataclass

from influencelab.training.first_order import Batches, HeavyBall, check_batches


@dataclass(frozen=True)
class SGD(HeavyBall):
    """Heavy-ball steps on J of one batch: `torch.optim.SGD` on the mean loss of a batch where all weights are 1/n.

    Attributes:
        batch_size: points a batch; the last of an epoch may be smaller. More than n is the full batch.
        seed: of the order of the points, drawn anew each epoch.
        paired: whether all models see the same batches in the same order, so that a model without a point differs from
            one with it by that point alone. If not, each model draws its own, as published code did unawares.
    """

    batch_size: int = 100
    seed: int = 0
    paired: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_batches(self.batch_size, self.seed, least=1)

    @property
    def batches(self) -> Batches:
        """Drawn without replacement, epoch by epoch."""
        return Batches(self.batch_size, self.seed, self.paired)
