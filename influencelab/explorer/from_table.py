"""Explorations of tables: how reports of older versions, and anybody's own pairs, are looked at."""

from collections.abc import Sequence

import numpy
import pandas

from influencelab.errors import InvalidData
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.pairs_table import PairsTable, Setting
from influencelab.explorer.point_display import Points

# Columns that are no setting.
PAIR = ("test_id", "test_label", "train_id", "train_label", "predicted", "actual")
# What tells the parts of one network apart, and what an explorer calls it: each part was sampled for itself.
PARTS = {"removed": "removal set", "estimator": "predictor", "target": "truth"}
# What reports call their truths and predictions where one row holds several.
TRUTHS = ("cold", "warm", "proximal", "pbrf")
PREDICTIONS = ("estimate", "linearised")


def tabled(pairs: pandas.DataFrame, *, title: str = "", notes: Sequence[str] = ()) -> ExplorerData:
    """A table of pairs as an exploration: how reports of older versions, and tables of one's own, are looked at.

    Args:
        pairs: columns `train_id`, `test_id`, `predicted` and `actual`; perhaps `train_label`, `test_label`, `estimator`
            and `removed`; every other column is a setting in which networks differ.

    Raises:
        InvalidData: a column is missing.
    """
    table = melted(pairs)
    missing = [name for name in ("train_id", "test_id", "predicted", "actual") if name not in table]
    if missing:
        raise InvalidData(f"The pairs have no column '{missing[0]}'. They have: {', '.join(map(str, pairs.columns))}.")
    table = table.rename(columns=PARTS)
    settings = tuple(name for name in table.columns if name not in PAIR)
    points = points_in(table)
    parts = table.groupby(list(settings), sort=False, observed=True) if settings else [((), table)]
    sheets = []
    for key, part in parts:
        values = key if isinstance(key, tuple) else (key,)
        sheets.append(sheet_of(part, dict(zip(settings, map(plain, values), strict=True)), points))
    return ExplorerData(title=title, names=settings, sheets=sheets, points={points.name: points}, notes=tuple(notes))


def melted(pairs: pandas.DataFrame) -> pandas.DataFrame:
    """The table with one truth and one prediction a row, where a row holds several of each."""
    truths = [name for name in TRUTHS if name in pairs]
    predictions = [name for name in PREDICTIONS if name in pairs]
    if "predicted" in pairs or not truths or not predictions:
        return pairs
    kept = [name for name in pairs.columns if name not in (*truths, *predictions)]
    each = [
        pairs[kept].assign(estimator=estimator, target=target, predicted=pairs[estimator], actual=pairs[target])
        for estimator in predictions
        for target in truths
    ]
    return pandas.concat(each, ignore_index=True)


def plain(value: object) -> Setting:
    """A setting as JSON can hold it."""
    known = getattr(value, "item", lambda: value)()
    return known if isinstance(known, str | int | float) else str(known)


def points_in(table: pandas.DataFrame) -> Points:
    """The points that the rows speak of, with their labels where there are any."""
    ids, labels = {}, {}
    for part in ("train", "test"):
        name = f"{part}_label"
        first = table.drop_duplicates(f"{part}_id").sort_values(f"{part}_id")
        ids[part] = first[f"{part}_id"].to_numpy(numpy.int64)
        labels[part] = first[name].to_numpy(float) if name in table else numpy.full(len(first), numpy.nan)
    seen = numpy.concatenate(list(labels.values()))
    whole = len(seen) > 0 and not numpy.isnan(seen).any() and (seen == numpy.round(seen)).all() and (seen >= 0).all()
    return Points(
        name="data",
        train_ids=ids["train"],
        test_ids=ids["test"],
        train_labels=labels["train"],
        test_labels=labels["test"],
        classes=int(seen.max()) + 1 if whole else 0,
    )


def sheet_of(part: pandas.DataFrame, settings: dict[str, Setting], points: Points) -> PairsTable:
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
