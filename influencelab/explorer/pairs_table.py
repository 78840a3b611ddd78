"""Predicted and actual changes of one network in long form: one entry a pair of a removal and a test point."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy
from jaxtyping import Bool, Float, Float32, Int

from influencelab.errors import InvalidData

Setting = str | int | float
# What the estimator is called whose damping can be chosen.
ANY_DAMPING = "exact, any damping"
FAMILIES = ("predicted", "actual", "moved", "removed")


def nothing() -> Float32[numpy.ndarray, " 0"]:
    """The column of a quantity that is not kept."""
    return numpy.zeros(0, numpy.float32)


@dataclass(frozen=True, eq=False)
class DampingSteps:
    """Exact influence of some of the pairs at many dampings, all from one spectrum.

    Attributes:
        shares: dampings as shares of the fit's largest eigenvalue, ascending.
        dampings: the same in the curvature's own unit: what was added to every eigenvalue.
        rows: which pairs, by their places in the table.
        predicted: predicted[l, q] of pair rows[q] at damping l, in nats: what a dense solve at that damping gives.
    """

    shares: Float[numpy.ndarray, " l"]
    dampings: Float[numpy.ndarray, " l"]
    rows: Int[numpy.ndarray, " q"]
    predicted: Float32[numpy.ndarray, "l q"]

    def nearest(self, share: float) -> int:
        """The place of the damping nearest to a share of the largest eigenvalue, by ratio."""
        return int(numpy.abs(numpy.log(self.shares / share)).argmin())


@dataclass(frozen=True, eq=False)
class PairsTable:
    """Predicted and actual rises of test losses of one network, for t pairs of a removal and a test point.

    Attributes:
        settings: what sets the network apart: depth, weight decay, seed, …
        points: the name of its `Points`.
        train: each pair's removal, by its place in the points.
        test: each pair's test point, by its place in the points.
        predicted: by estimator, in nats for most.
        actual: by target, in nats; NaN where the retrained model did not converge.
        moved: by target, whether the retrained model converged in another basin than the fit's.
        removed: by the name of a set of removals, whether the set takes the pair in.
        unscaled: the estimators whose scores only rank, so that their size means nothing.
        damping_steps: exact influence at many dampings, where it is kept.
        train_loss: of each training point under the fit, in nats; empty where it is not kept.
        self_influence: the predicted rise of each training point's own loss without it, in nats; empty likewise.
        test_loss: of each test point under the fit, in nats; empty likewise.
        repeatability: by target, mean Spearman correlation over test points of two seeds' truths, where there are two.
        noise: by target, the standard deviation of one pair's truth over seeds (root mean square over pairs), in nats.
    """

    settings: Mapping[str, Setting]
    points: str
    train: Int[numpy.ndarray, " t"]
    test: Int[numpy.ndarray, " t"]
    predicted: Mapping[str, Float32[numpy.ndarray, " t"]]
    actual: Mapping[str, Float32[numpy.ndarray, " t"]]
    moved: Mapping[str, Bool[numpy.ndarray, " t"]]
    removed: Mapping[str, Bool[numpy.ndarray, " t"]]
    unscaled: tuple[str, ...] = ()
    damping_steps: DampingSteps | None = None
    train_loss: Float32[numpy.ndarray, " n"] = field(default_factory=nothing)
    self_influence: Float32[numpy.ndarray, " n"] = field(default_factory=nothing)
    test_loss: Float32[numpy.ndarray, " m"] = field(default_factory=nothing)
    repeatability: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.predicted or not self.actual or not self.removed:
            raise InvalidData("A table of pairs needs an estimator, a target and a set of removals, each with a name.")
        columns = [each for family in FAMILIES for each in getattr(self, family).values()]
        sizes = {len(each) for each in (*columns, self.train, self.test)}
        if len(sizes) != 1:
            raise InvalidData(f"The columns of a table of pairs have {sorted(sizes)} entries; give each one a pair.")

    def only(self, kept: Bool[numpy.ndarray, " t"]) -> "PairsTable":
        """Some of the pairs."""
        families = {name: {key: each[kept] for key, each in getattr(self, name).items()} for name in FAMILIES}
        steps = self.damping_steps
        if steps:
            mine, places = kept[steps.rows], numpy.cumsum(kept) - 1
            steps = replace(steps, rows=places[steps.rows[mine]], predicted=steps.predicted[:, mine])
        return replace(self, train=self.train[kept], test=self.test[kept], damping_steps=steps, **families)
