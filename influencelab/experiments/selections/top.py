"""The training points that the estimate itself calls most influential, for each test point its own."""

from dataclasses import dataclass

from influencelab.errors import InvalidParameter
from influencelab.experiments.selection import Pairs, Selection, chosen
from influencelab.influence.estimator import Estimate


@dataclass(frozen=True)
class Top(Selection):
    """The `count` largest |influence|: what Koh & Liang (2017) and most papers retrain.

    The choice conditions on the estimate and stretches its range, which raises a correlation; never report it alone.

    Attributes:
        count: how many for each test point.
        tests: the test points, as positions; empty means all.
    """

    count: int = 50
    tests: tuple[int, ...] = ()

    def pairs(self, estimate: Estimate) -> Pairs:
        """The top rows of each column."""
        n, m = estimate.values.shape
        if not 1 <= self.count <= n:
            raise InvalidParameter(f"count is {self.count}, expected 1 … {n}, the number of training points.")
        if any(not 0 <= test < m for test in self.tests):
            raise InvalidParameter(f"tests is {self.tests}, expected positions in 0 … {m - 1}.")
        columns = list(self.tests) or list(range(m))
        return chosen(estimate, estimate.values.abs().topk(self.count, dim=0).indices[:, columns], columns)
