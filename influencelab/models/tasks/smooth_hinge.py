"""The linear support vector machine of two classes, with a hinge as smooth as one likes."""

import warnings
from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.errors import FlatLoss
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.hinge import Hinge
from influencelab.models.shapes import N, P
from influencelab.models.task import LinearTask

# Below this share of weight decay, the curvature of all losses together is nothing.
FLAT = 1e-3


@dataclass(frozen=True)
class SmoothHinge(LinearTask):
    """One output, class 1 where it is positive; t = 0 is the true hinge, which has no curvature of its own.

    scikit-learn's `LinearSVC(loss="hinge", C=C, fit_intercept=False)` on n points is
    `SmoothHinge(weight_decay=1 / (C * n), t=0)`.

    Attributes:
        t: the width of the bend, in units of the margin: the loss is t log(1 + exp((1 − s) / t)).
        intercept: whether there is one; Koh & Liang (2017) have none.
    """

    t: float = 0.001
    intercept: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        Hinge(self.t)

    @property
    def output_loss(self) -> OutputLoss:
        """The hinge of width t."""
        return Hinge(self.t)

    @property
    def kink(self) -> str | None:
        """The true hinge has one, where a margin is 1."""
        return None if self.t else "t = 0, the true hinge"

    def check_curvature(self, data: Dataset, theta: P, weights: N) -> None:
        """Warn where no point is near the bend: influence is then a gradient product over weight decay.

        At t = 0 that is so by definition, and there is no warning.
        """
        if self.t == 0:
            return
        curvature = weights * Hinge(self.t).curvatures(self.outputs(theta, data.x_train), data.y_train)
        if float(curvature @ self.features(data.x_train).square().sum(1)) <= FLAT * self.weight_decay:
            warnings.warn(
                f"No training point is near the bend of the hinge (t = {self.t:g}, margin 1): the curvature is weight "
                "decay alone, and influence no more than a gradient product. Take a larger t, or train at this t.",
                FlatLoss,
                stacklevel=3,
            )
