"""Comparison of predicted with actual changes: the pairs that every statistic is computed from, and their table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy
import pandas
from jaxtyping import Bool, Float, Int

from influencelab.errors import InvalidData, InvalidWeights, require
from influencelab.recipe import settle
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Statistic
from influencelab.summary import Summarised, by_name

__all__ = ["Comparison"]

FEWEST = 3  # pairs below which no statistic is defined: two pairs always lie on a line
TIED = 1e-7  # of the range of one test point's values: closer ones are equal to a rank, which rounding would decide
FEW_DISTINCT = 10  # distinct predictions below which ranks are mostly ties


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Summarised):
    """Predicted and actual rise of each test loss, for r removals and m test points.

    Attributes:
        predicted: the rise that an estimator expects of removal i for test point j, in its own unit (nats for most).
        actual: the rise that retraining gave, in nats, the control subtracted; positive where the point had helped.
        mask: the pairs that enter statistics: selected, and with a valid retrained model. What stands in the other
            places is never read, so it may be NaN.
        train_ids: where the removed points stand in their source; the number of each removal of a group.
        train_labels: their classes or targets; −1 for groups.
        test_ids: where the test points stand in their source.
        test_labels: their classes or targets.
        classes: how many classes the removed points have; 0 for real targets and for groups.
        estimator: the kind that predicted.
        unit: of the predictions: the loss's, such as `nats`, or `none` for scores that only rank, whose slope means
            nothing.
        class_names: of the classes, where they have names, for tables.
        train_names: of the ids 0, 1, … of removed points, where they have names, for tables.
        test_names: the same for test points.
        deed: what was done to the points, in one word.

    Raises:
        InvalidData: unequal shapes, no removal or no test point, or a pair in the mask that is NaN or infinite.
    """

    predicted: Float[numpy.ndarray, "r m"]
    actual: Float[numpy.ndarray, "r m"]
    mask: Bool[numpy.ndarray, "r m"]
    train_ids: Int[numpy.ndarray, " r"]
    train_labels: numpy.ndarray
    test_ids: Int[numpy.ndarray, " m"]
    test_labels: numpy.ndarray
    classes: int = 0
    estimator: str = ""
    unit: str = "nats"
    class_names: tuple[str, ...] = ()
    train_names: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()
    deed: str = "removed"

    def __post_init__(self) -> None:
        for name in ("predicted", "actual", "mask", "train_ids", "train_labels", "test_ids", "test_labels"):
            settle(self, **{name: numpy.asarray(getattr(self, name))})
        shapes = self.predicted.shape, self.actual.shape, self.mask.shape
        if self.predicted.ndim != 2 or len(set(shapes)) != 1:
            raise InvalidData(f"predicted, actual and mask have shapes {shapes}, expected one shape (r, m) for all.")
        if not self.predicted.size:
            raise InvalidData(f"There are {self.r} removals and {self.m} test points; give at least one of each.")
        for name, what, size in (("train", "removal", self.r), ("test", "test point", self.m)):
            for kind in ("ids", "labels"):
                found = getattr(self, f"{name}_{kind}").shape
                if found != (size,):
                    raise InvalidData(f"{name}_{kind} have shape {found}, expected one per {what}: ({size},).")
        for name, values in (("predicted", self.predicted), ("actual", self.actual)):
            bad = self.mask & ~numpy.isfinite(values)
            if bad.any():
                row, column = numpy.argwhere(bad)[0]
                raise InvalidData(
                    f"{int(bad.sum())} pairs of the mask have a NaN or infinite {name} value, the first at removal "
                    f"{row}, test point {column}. Leave unconverged removals out of the mask."
                )

    @property
    def r(self) -> int:
        """The number of removals."""
        return self.predicted.shape[0]

    @property
    def m(self) -> int:
        """The number of test points."""
        return self.predicted.shape[1]

    @property
    def labels(self) -> Int[numpy.ndarray, " r"] | None:
        """The class of each removed point, for statistics inside a class; None where there are none."""
        return self.train_labels if self.classes else None

    def without_empty_tests(self) -> "Comparison":
        """The same without the test points that have no pair in the mask."""
        some = self.mask.any(0)
        if not some.any():
            raise InvalidData(
                f"None of the {self.r} × {self.m} pairs counts: no removal that the mask takes in has a truth, a "
                "retrained model that converged. `retrained.trusted` and `retrained.grad_norm` say which came how far; "
                "retrain with more steps, or from features that are scaled."
            )
        # Laid out in rows, unlike by [:, some], so that sums are taken in the order of the full tables.
        parts = (numpy.compress(some, table, axis=1) for table in (self.predicted, self.actual, self.mask))
        tables = dict(zip(("predicted", "actual", "mask"), parts, strict=True))
        return replace(self, **tables, test_ids=self.test_ids[some], test_labels=self.test_labels[some])

    def statistics(self, bootstrap: Bootstrap | None = None) -> dict[str, Statistic]:
        """Pearson, Spearman, Kendall, slope, intercept, sign agreement and more: per test point and over all.

        Raises:
            InvalidData: no pair is in the mask.
        """
        from influencelab.statistics import agreement  # its statistics are of comparisons, so it knows this module

        if bootstrap is not None:
            require(bootstrap, Bootstrap, what="bootstrap", cure="Give one such as il.Bootstrap(resamples=500).")
        compared = self.without_empty_tests()
        names = [name for name in agreement.MEASURES if self.classes or name != "within_class_spearman"]
        return {name: agreement.statistic(compared, name, bootstrap=bootstrap) for name in names}

    def table(self) -> pandas.DataFrame:
        """A row for each pair in the mask: ids, labels, predicted and actual rise of the test loss."""
        rows, columns = self.mask.nonzero()
        train_labels = by_name(self.train_labels, self.class_names if self.classes else ())
        test_labels = by_name(self.test_labels, self.class_names)
        return pandas.DataFrame(
            {
                "test_id": by_name(self.test_ids, self.test_names)[columns],
                "test_label": test_labels[columns],
                "train_id": by_name(self.train_ids, self.train_names)[rows],
                "train_label": train_labels[rows],
                "predicted": self.predicted[rows, columns],
                "actual": self.actual[rows, columns],
            }
        )

    def summary(self) -> dict[str, str]:
        """Whose predictions, beside how many truths, and how many pairs count."""
        return {
            "estimator": self.estimator or "not named",
            "experiments": f"{self.r:,}",
            "test points": f"{self.m:,}",
            "pairs that count": f"{int(self.mask.sum()):,} of {self.mask.size:,}",
            "unit": self.unit,
        }

    def filled(self) -> tuple[Float[numpy.ndarray, "r m"], Float[numpy.ndarray, "r m"]]:
        """Predicted and actual values in float64, with 0 in the places outside the mask."""
        return (
            numpy.where(self.mask, self.predicted, 0.0).astype(numpy.float64),
            numpy.where(self.mask, self.actual, 0.0).astype(numpy.float64),
        )

    @cached_property
    def distinct(self) -> Int[numpy.ndarray, " m"]:
        """Number of predictions in the mask that differ by more than a tie, for each test point."""
        columns = (numpy.unique(self.predicted[self.mask[:, column], column]) for column in range(self.m))
        return numpy.array([len(numpy.unique(join_ties(each))) for each in columns], dtype=numpy.int64)

    def columns(
        self, weights: Float[numpy.ndarray, "b r"]
    ) -> Iterator[tuple[numpy.ndarray, numpy.ndarray, Float[numpy.ndarray, "b k"], numpy.ndarray]]:
        """What ranks are taken of: each test point's k pairs in the mask, their weights and their labels.

        Predicted and actual values closer than 1e-7 of their range are tied: dead units of a network, say, give whole
        groups of removals one prediction, but for rounding.
        """
        check_weights(self, weights)
        for column in range(self.m):
            rows = numpy.flatnonzero(self.mask[:, column])
            predicted, actual = tied(self.predicted[rows, column]), tied(self.actual[rows, column])
            yield predicted, actual, weights[:, rows], self.train_labels[rows]


def comparison_of(
    predicted: Float[numpy.ndarray, "r m"],
    actual: Float[numpy.ndarray, "r m"],
    *,
    mask: Bool[numpy.ndarray, "r m"] | None = None,
    labels: Int[numpy.ndarray, " r"] | None = None,
) -> Comparison:
    """Comparison of two tables, removals and test points numbered from 0; all pairs are in the mask unless given."""
    r, m = (*predicted.shape, 0, 0)[:2]
    return Comparison(
        predicted=predicted,
        actual=actual,
        mask=numpy.ones(predicted.shape, dtype=bool) if mask is None else mask,
        train_ids=numpy.arange(r),
        train_labels=numpy.full(r, -1) if labels is None else labels,
        test_ids=numpy.arange(m),
        test_labels=numpy.full(m, -1),
        classes=0 if labels is None or not labels.size else int(labels.max()) + 1,
    )


def tied(values: Float[numpy.ndarray, " k"]) -> Float[numpy.ndarray, " k"]:
    """The values with each that is less than `TIED` of their range above the least of a group made equal to it."""
    ordered, group = numpy.unique(values, return_inverse=True)
    return join_ties(ordered)[group]


def join_ties(ordered: Float[numpy.ndarray, " k"]) -> Float[numpy.ndarray, " k"]:
    """`tied` of values that rise from one to the next."""
    step = TIED * (ordered[-1] - ordered[0]) if len(ordered) else 0.0
    joined, end = ordered.copy(), 0
    # A group is begun only by a value that has another one close above it: most have none.
    for start in numpy.flatnonzero(ordered[1:] <= ordered[:-1] + step):
        if start >= end:
            end = int(numpy.searchsorted(ordered, ordered[start] + step, side="right"))
            joined[start:end] = ordered[start]
    return joined


def check_weights(comparison: Comparison, weights: numpy.ndarray) -> None:
    """Refuse weights that are not counts of these removals, with an InvalidWeights error."""
    if weights.ndim != 2 or weights.shape[1] != comparison.r:
        raise InvalidWeights(
            f"weights have shape {weights.shape}, expected (b, {comparison.r}): a row for each resample."
        )
    if not (numpy.isfinite(weights).all() and (weights >= 0).all()):
        raise InvalidWeights("Some weights are negative, NaN or infinite; expected how often each removal was drawn.")


def pairs_drawn(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """Number of pairs of the mask in each resample for each test point, repeated draws counted each time."""
    check_weights(comparison, weights)
    return weights @ comparison.mask.astype(numpy.float64)


def ratio(above: numpy.ndarray, below: numpy.ndarray) -> numpy.ndarray:
    """Their quotient, and NaN where the denominator is 0 or NaN."""
    return numpy.divide(above, below, out=numpy.full(numpy.shape(below), numpy.nan), where=below > 0)
