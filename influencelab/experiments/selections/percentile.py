"""Training points of middling influence: where a prediction has less to go by."""

from dataclasses import dataclass

from influencelab.errors import InvalidParameter
from influencelab.experiments.selection import Pairs, Selection, chosen
from influencelab.influence.estimator import Estimate


@dataclass(frozen=True)
class Percentile(Selection):
    """`count` points around one percentile of |influence|, for each test point its own: Basu et al. 2021 took the 30th.

    Attributes:
        count: how many for each test point.
        percentile: 0 is the least influential point, 100 the most.
    """

    count: int = 50
    percentile: float = 30.0

    def pairs(self, estimate: Estimate) -> Pairs:
        """The rows of each column whose rank is nearest to the percentile."""
        n, m = estimate.values.shape
        if not 1 <= self.count <= n or not 0 <= self.percentile <= 100:
            raise InvalidParameter(
                f"count is {self.count} and percentile {self.percentile}; expected 1 … {n} and 0 … 100."
            )
        first = round(self.percentile / 100 * (n - 1) - (self.count - 1) / 2)
        first = min(max(first, 0), n - self.count)
        rows = estimate.values.abs().argsort(dim=0)[first : first + self.count]
        return chosen(estimate, rows, list(range(m)))
