"""The linear support vector machine of two classes, with a hinge as smooth as one likes."""

from dataclasses import dataclass

from influencelab.models.loss import OutputLoss
from influencelab.models.losses.hinge import Hinge
from influencelab.models.task import LinearTask


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
