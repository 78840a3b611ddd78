"""As good as no penalty."""

from dataclasses import dataclass
from typing import Any

from influencelab.glm.regression import Regression, regress
from influencelab.studies.influence_sketching.compact import Compact, compact
from influencelab.studies.influence_sketching.designs import Design
from influencelab.studies.influence_sketching.penalised_model import PenalisedModel


@dataclass(frozen=True)
class WeakRidge(PenalisedModel):
    """A weak penalty on squared coefficients: as good as none where a minimum exists without."""

    def prepared(self, design: Design) -> Compact:
        """Columns that occur, turned into as many as rows where these are fewer."""
        return compact(design)

    def fit(self, given: Compact, rows: Any = slice(None)) -> Regression:
        """By Newton's method."""
        return regress(given.x[rows], given.design.y[rows], weight_decay=self.strength, workers=1)

    def curved(self, given: Compact, found: Regression) -> Regression:
        """Itself."""
        return found

    def wide(self, given: Compact, curved: Regression) -> Regression:
        """In the columns that occur."""
        return given.wide(curved)
