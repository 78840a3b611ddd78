"""The training points with the largest loss, on the test point with the largest loss: what Iris studies retrained."""

from dataclasses import dataclass

from influencelab.errors import InvalidParameter
from influencelab.experiments.selection import Pairs, Selection, chosen
from influencelab.influence.estimator import Estimate


@dataclass(frozen=True)
class HighestLoss(Selection):
    """`count` training points of the largest loss under the fit, as in Epifano et al. 2023 (25 of 131).

    Attributes:
        count: how many training points.
        tests: on how many test points, those of the largest loss first; 0 for all of them.
    """

    count: int = 25
    tests: int = 1

    def pairs(self, estimate: Estimate) -> Pairs:
        """The same training points for each test point."""
        fit = estimate.fit
        n, m = estimate.values.shape
        if not 1 <= self.count <= n or not 0 <= self.tests <= m:
            raise InvalidParameter(
                f"count is {self.count} and tests {self.tests}; expected 1 … {n} training and 0 … {m} test points."
            )
        losses = fit.task.losses(fit.theta, fit.data.x_train, fit.data.y_train)
        rows = losses.topk(self.count).indices
        columns = fit.measures().topk(self.tests or m).indices
        return chosen(estimate, rows[:, None], columns)
