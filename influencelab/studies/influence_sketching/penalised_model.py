"""The logistic regressions of the paper: with a penalty that hardly says anything, and with an L1 penalty."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from influencelab.errors import InvalidParameter
from influencelab.glm.regression import Regression
from influencelab.recipe import Recipe
from influencelab.studies.influence_sketching.compact import Compact
from influencelab.studies.influence_sketching.designs import Design


@dataclass(frozen=True)
class PenalisedModel(Recipe):
    """How rows are fitted, and in which columns a row has influence.

    Attributes:
        strength: of the penalty beside the mean loss.
    """

    strength: float

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise InvalidParameter(
                f"strength is {self.strength}, expected a number above 0: rare columns tell some rows' classes without "
                "error, and then no minimum exists."
            )

    @abstractmethod
    def prepared(self, design: Design) -> Compact:
        """The design in as few columns as give the same model."""

    @abstractmethod
    def fit(self, given: Compact, rows: Any = slice(None)) -> Regression:
        """The model of some rows."""

    @abstractmethod
    def curved(self, given: Compact, found: Regression) -> Regression:
        """The model of all rows in the columns along which it bends with them."""

    @abstractmethod
    def wide(self, given: Compact, curved: Regression) -> Regression:
        """The same with features as they are, to be sketched."""
