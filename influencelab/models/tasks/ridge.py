"""Ridge regression: squared error of a linear prediction."""

from dataclasses import dataclass

from influencelab.models.loss import OutputLoss
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.task import LinearTask


@dataclass(frozen=True)
class Ridge(LinearTask):
    """Half the mean squared error plus the penalty; what a removal does to it is known in closed form.

    scikit-learn's `Ridge(alpha)` on n points is `Ridge(weight_decay=alpha / n)`.
    """

    @property
    def output_loss(self) -> OutputLoss:
        """Half the squared error."""
        return SquaredError()
