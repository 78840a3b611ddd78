"""Any loss of linear outputs, such as a deviance, with an intercept of any length."""

from dataclasses import dataclass

from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.tweedie_deviance import TweedieDeviance
from influencelab.models.task import LinearTask

# The deviance of counts.
POISSON = TweedieDeviance(1.0)


@dataclass(frozen=True)
class GeneralisedLinear(LinearTask):
    """The linear task of a loss: Poisson regression unless another is named.

    scikit-learn's `PoissonRegressor(alpha)` is `GeneralisedLinear(weight_decay=alpha)`, and its refit without a point
    that of the convention `renormalise`.

    Attributes:
        loss: of the outputs.
        constant: the feature that each intercept multiplies: what a penalty on it costs depends on this.
    """

    loss: OutputLoss = POISSON
    constant: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.constant < float("inf"):
            raise InvalidParameter(f"constant is {self.constant}, expected a finite number above 0.")

    @property
    def output_loss(self) -> OutputLoss:
        """The loss it was given."""
        return self.loss

    @property
    def intercept_feature(self) -> float:
        """The constant that it was given."""
        return self.constant
