"""Explorer data made from a table of pairs."""

import numpy
import pandas

from influencelab.errors import InvalidData
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.pairs_table import PairsTable, Setting
from influencelab.explorer.point_display import Points

# Columns that are no setting.
PAIR = ("test_id", "test_label", "train_id", "train_label", "predicted", "actual")
# Columns that part the pairs of one network, and their names in an explorer: each part is a sample of its own.
PARTS = {"removed": "removal set", "estimator": "predictor", "target": "truth"}


def from_table(pairs: pandas.DataFrame, *, title: str = "") -> ExplorerData:
    """A table of pairs as explorer data.

    Args:
        pairs: columns `train_id`, `test_id`, `predicted` and `actual`; perhaps `train_label`, `test_label`, `estimator`
            and `removed`; every other column is a setting in which networks differ.

    Raises:
        InvalidData: a column is missing.
    """
    missing = [name for name in ("train_id", "test_id", "predicted", "actual") if name not in pairs]
    if missing:
        raise InvalidData(f"The pairs have no column '{missing[0]}'. They have: {', '.join(map(str, pairs.columns))}.")
    table = pairs.rename(columns=PARTS)
    settings = tuple(name for name in table.columns if name not in PAIR)
    points = points_in(table)
    parts = table.groupby(list(settings), sort=False, observed=True) if settings else [((), table)]
    tables = []
    for key, part in parts:
        values = key if isinstance(key, tuple) else (key,)
        tables.append(table_of(part, dict(zip(settings, map(plain, values), strict=True)), points))
    return ExplorerData(title=title, names=settings, tables=tables, points={points.name: points})


def plain(value: object) -> Setting:
    """A setting as JSON can hold it."""
    known = getattr(value, "item", lambda: value)()
    return known if isinstance(known, str | int | float) else str(known)


def points_in(table: pandas.DataFrame) -> Points:
    """The points of the rows, with their labels where there are any."""
    fields: dict[str, numpy.ndarray] = {}
    for part in ("train", "test"):
        name = f"{part}_label"
        first = table.drop_duplicates(f"{part}_id").sort_values(f"{part}_id")
        fields[f"{part}_ids"] = first[f"{part}_id"].to_numpy(numpy.int64)
        fields[f"{part}_labels"] = first[name].to_numpy(float) if name in table else numpy.full(len(first), numpy.nan)
    labels = numpy.concatenate([fields["train_labels"], fields["test_labels"]])
    classes = len(labels) > 0 and (labels == numpy.round(labels)).all() and (labels >= 0).all()
    return Points(name="data", classes=int(labels.max()) + 1 if classes else 0, **fields)  # pyright: ignore[reportArgumentType]


def table_of(part: pandas.DataFrame, settings: dict[str, Setting], points: Points) -> PairsTable:
    """The rows of one part of a table."""
    ordered = part.sort_values(["test_id", "train_id"], kind="stable")
    count = len(ordered)
    return PairsTable(
        settings=settings,
        points=points.name,
        train=numpy.searchsorted(points.train_ids, ordered["train_id"]),
        test=numpy.searchsorted(points.test_ids, ordered["test_id"]),
        predicted={"as kept": ordered["predicted"].to_numpy(numpy.float32)},
        actual={"as kept": ordered["actual"].to_numpy(numpy.float32)},
        moved={"as kept": numpy.zeros(count, dtype=bool)},
        removed={"as kept": numpy.ones(count, dtype=bool)},
    )
