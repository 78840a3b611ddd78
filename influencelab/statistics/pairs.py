"""Predictions beside what happened: the pairs that every statistic is computed from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy
from jaxtyping import Bool, Float, Int

from influencelab.errors import InvalidData, InvalidWeights
from influencelab.recipe import Recipe

FEWEST = 3  # pairs below which no statistic is defined: two pairs always lie on a line


@dataclass(frozen=True, eq=False)
class Pairs(Recipe):
    """For r removals and m test points, the predicted and the actual rise of a test loss.

    Attributes:
        predicted: what an estimator said of removal i and test point j, in its own unit (nats for most).
        actual: what retraining did, in nats; positive where the removed point had helped.
        counted: which pairs count: removed for this test point, and converged. What stands in the other places is
            never read, so it may be NaN.
        labels: the class of each removed training point, for statistics inside a class; None where there are none.

    Raises:
        InvalidData: unequal shapes, no removal or no test point, or a pair that counts and is NaN or infinite.
    """

    predicted: Float[numpy.ndarray, "r m"]
    actual: Float[numpy.ndarray, "r m"]
    counted: Bool[numpy.ndarray, "r m"]
    labels: Int[numpy.ndarray, " r"] | None = None

    def __post_init__(self) -> None:
        shapes = self.predicted.shape, self.actual.shape, self.counted.shape
        if self.predicted.ndim != 2 or len(set(shapes)) != 1:
            raise InvalidData(f"predicted, actual and counted have shapes {shapes}, expected one shape (r, m) for all.")
        if not self.predicted.size:
            raise InvalidData(f"There are {self.r} removals and {self.m} test points; give at least one of each.")
        if self.labels is not None and self.labels.shape != shapes[0][:1]:
            raise InvalidData(f"labels have shape {self.labels.shape}, expected one label per removal: ({self.r},).")
        for name, values in (("predicted", self.predicted), ("actual", self.actual)):
            bad = self.counted & ~numpy.isfinite(values)
            if bad.any():
                row, column = numpy.argwhere(bad)[0]
                raise InvalidData(
                    f"{int(bad.sum())} counted pairs have a NaN or infinite {name} value, the first at removal {row}, "
                    f"test point {column}. Leave unconverged removals out through `counted`."
                )

    @property
    def r(self) -> int:
        """The number of removals."""
        return self.predicted.shape[0]

    @property
    def m(self) -> int:
        """The number of test points."""
        return self.predicted.shape[1]

    def filled(self) -> tuple[Float[numpy.ndarray, "r m"], Float[numpy.ndarray, "r m"]]:
        """Predicted and actual values in float64, with 0 in the places that do not count."""
        return (
            numpy.where(self.counted, self.predicted, 0.0).astype(numpy.float64),
            numpy.where(self.counted, self.actual, 0.0).astype(numpy.float64),
        )

    def columns(self) -> Iterator[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]]:
        """For each test point: the rows that count, and their predicted and actual values."""
        for column in range(self.m):
            rows = numpy.flatnonzero(self.counted[:, column])
            yield rows, self.predicted[rows, column], self.actual[rows, column]


def check_weights(pairs: Pairs, weights: numpy.ndarray) -> None:
    """Refuse weights that are not counts of these removals.

    Raises:
        InvalidWeights: a wrong shape, or a negative, NaN or infinite weight.
    """
    if weights.ndim != 2 or weights.shape[1] != pairs.r:
        raise InvalidWeights(f"weights have shape {weights.shape}, expected (b, {pairs.r}): a row for each resample.")
    if not (numpy.isfinite(weights).all() and (weights >= 0).all()):
        raise InvalidWeights("Some weights are negative, NaN or infinite; expected how often each removal was drawn.")


def pairs_drawn(pairs: Pairs, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """How many counted pairs each resample holds for each test point, repeated draws counted each time."""
    check_weights(pairs, weights)
    return weights @ pairs.counted.astype(numpy.float64)


def ratio(above: numpy.ndarray, below: numpy.ndarray) -> numpy.ndarray:
    """Their quotient, and NaN where the denominator is 0 or NaN."""
    return numpy.divide(above, below, out=numpy.full(numpy.shape(below), numpy.nan), where=below > 0)
