"""Equality of labels: the baseline that an estimator must add to."""

import time
from dataclasses import dataclass

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class SameLabel(Estimator):
    """1 where training point i has the class of test point j, else 0; −1 for what falls without points that help.

    Points of the same class mostly help each other, so this alone can correlate with the truth over all pairs; within
    a class it says nothing. It depends on labels only, so it takes any fit; `allow_unconverged` has no effect.
    """

    def estimate(self, fit: Fit) -> Estimate:
        """Compare all labels with all labels.

        Raises:
            InvalidData: the data has real targets, not classes.
        """
        started = time.perf_counter()
        data = fit.data
        if data.classes == 0:
            raise InvalidData(f"{data.name} has real targets and no classes to compare; use 'gradient_cosine' instead.")
        if not fit.measure.columns(fit.task, data).points:
            raise InvalidParameter(f"{fit.measure.noun} have no labels to compare; watch a measure of test points.")
        values = fit.measure.effects.get("helpful", 1) * (data.y_train[:, None] == data.y_test).to(fit.theta)
        return estimate_of(self, fit, values, unit="none", started=started)
