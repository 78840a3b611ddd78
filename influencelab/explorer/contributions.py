"""What else is kept of pairs: the parts of predictions by features, and curves of observations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy
import pandas
from jaxtyping import Bool, Float, Float32, Int

from influencelab.errors import InvalidData, require


@dataclass(frozen=True, eq=False)
class Contributions:
    """The features that add most to some predictions of a linear model; all of a pair's add up to its prediction.

    Attributes:
        estimator: the kind that predicted.
        train_ids: of each pair, the id of the point that is removed or replaced.
        test_ids: of each pair, the id of the test point.
        names: of the features that are among them.
        features: features[q, l] of pair q by its place in the names, the largest contribution first.
        values: how much of the predicted rise each adds, in the unit of the prediction.
        rest: what all other features of a pair add together, and other points where their weights grow.
        train_values: of each of these features, in the training point.
        test_values: the same in the test point; NaN where none is watched.
    """

    estimator: str
    train_ids: Int[numpy.ndarray, " q"]
    test_ids: Int[numpy.ndarray, " q"]
    names: tuple[str, ...]
    features: Int[numpy.ndarray, "q k"]
    values: Float32[numpy.ndarray, "q k"]
    rest: Float32[numpy.ndarray, " q"]
    train_values: Float32[numpy.ndarray, "q k"]
    test_values: Float32[numpy.ndarray, "q k"]

    def only(self, kept: Bool[numpy.ndarray, " q"]) -> "Contributions":
        """Those of some pairs."""
        parts = ("train_ids", "test_ids", "features", "values", "rest", "train_values", "test_values")
        return replace(self, **{name: getattr(self, name)[kept] for name in parts})


@dataclass(frozen=True, eq=False)
class Curves:
    """A line for each of some training points: a quantity of the model as the point's own weight, say, goes.

    Attributes:
        train_ids: whose lines they are.
        across: where the quantity is known, ascending, the same for all.
        up: up[i, l] of point i at across[l]; infinite or NaN where it has no value.
        across_name: what stands across, with its unit, such as `weight of the observation`.
        up_name: what stands up, such as `log λ̂`.
    """

    train_ids: Int[numpy.ndarray, " c"]
    across: Float[numpy.ndarray, " l"]
    up: Float32[numpy.ndarray, "c l"]
    across_name: str
    up_name: str


def curves_in(table: pandas.DataFrame, *, settings: Mapping[str, object]) -> Curves | None:
    """The curves of a network with these settings; None where the table has none of it.

    Its columns are `train_id`, settings, and last what stands across and what stands up; a row is a point of a line.

    Raises:
        WrongType: no table.
        InvalidData: a column is missing or holds no numbers, or a line has a place twice.
    """
    require(table, pandas.DataFrame, what="curves", cure="Give a table with train_id and two columns of numbers.")
    if "train_id" not in table or len(table.columns) < 3:
        raise InvalidData(
            f"The curves have the columns {', '.join(map(str, table.columns))}; expected train_id and, last, what "
            "stands across and what stands up."
        )
    across, up = table.columns[-2:]
    mine = numpy.all([table[name] == settings[name] for name in settings if name in table.columns[:-2]], axis=0)
    own = table.loc[numpy.broadcast_to(mine, len(table))]
    if own.empty:
        return None
    try:
        lines = own.pivot(index="train_id", columns=across, values=up).astype("float32")
        places, ids = lines.columns.to_numpy(numpy.float64), lines.index.to_numpy(numpy.int64)
    except (ValueError, TypeError) as error:
        raise InvalidData(
            f"The curves are no lines ({error}). Give whole numbers as train_id, and one row for each of a point's "
            f"values of '{across}'."
        ) from error
    return Curves(train_ids=ids, across=places, up=lines.to_numpy(), across_name=str(across), up_name=str(up))
