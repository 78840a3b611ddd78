"""Small data that is drawn anew by its source, and the trial on it that tests share."""

from dataclasses import dataclass

import numpy

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.experiments.selections.random_points import RandomPoints
from influencelab.experiments.selections.top import Top
from influencelab.experiments.trial import Trial
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.estimators.random import Random
from influencelab.models.tasks.logistic import Logistic
from influencelab.training.trainers.newton import Newton


@dataclass(frozen=True)
class Clouds(Source):
    """Three overlapping clouds, or a noisy line."""

    n: int = 60
    line: bool = False

    def arrays(self) -> Arrays:
        """Drawn anew from the same seed; ids start at 500."""
        draw = numpy.random.default_rng(self.seed)
        y = numpy.arange(self.n + 4) % 3
        x = draw.normal(size=(self.n + 4, 3)) + numpy.eye(3)[y]
        y = x @ [1.0, 2.0, 3.0] + draw.normal(size=self.n + 4) if self.line else y
        ids = numpy.arange(self.n + 4) + 500
        return Arrays(x[: self.n], y[: self.n], x[self.n :], y[self.n :], ids[: self.n], ids[self.n :])


TRIAL = Trial(
    source=Clouds(),
    task=Logistic(weight_decay=0.3, intercept=False),
    trainer=Newton(tolerance=1e-10),
    estimators={"exact": Exact(), "newton_step": NewtonStep(), "random": Random()},
    selections=(Top(count=5), RandomPoints(count=12)),
)
