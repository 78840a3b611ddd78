"""Explorer data made from a table of pairs, such as a comparison's."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import pandas
from pandas.api.types import is_integer_dtype, is_numeric_dtype
from torch import Tensor

from influencelab.data.conversion import positions
from influencelab.data.dataset import Dataset
from influencelab.data.names import are_names, texts
from influencelab.data.sparse_rows import SparseRows, matrix_of
from influencelab.errors import InvalidData
from influencelab.experiments.comparison import array
from influencelab.explorer.contributions import Contributions, curves_in
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.feature_contributions import with_contributions
from influencelab.explorer.pairs_table import DEED, UNIT, PairsTable, Points, Setting, places, readable
from influencelab.explorer.pictures import Changed, with_pictures
from influencelab.glm.readable import largest_features
from influencelab.statistics.comparison import Comparison

# Columns that are no setting.
PAIR = ("test_id", "test_label", "train_id", "train_label", "predicted", "actual")
# Columns that part the pairs of one network, and their names in an explorer: each part is a sample of its own.
PARTS = {"removed": "removal set", "estimator": "predictor", "target": "truth"}
# What estimator, target and set of removals are called where a column, or nothing, says what they are.
KEPT = dict.fromkeys(PARTS, "as kept")
# What training and test points are called where they have no names.
NO_NAMES: Mapping[str, tuple[str, ...]] = {"train": (), "test": ()}


def from_comparison(
    comparison: Comparison,
    data: Dataset | None = None,
    *,
    images: Dataset | None = None,
    changed: Changed | None = None,
    contributions: Contributions | None = None,
    deed: str = "",
) -> ExplorerData:
    """One comparison as explorer data; pairs outside its mask are shown as not converged.

    Without its data set points have ids and labels only. The `deed`, such as `relabelled`, is what was done to training
    points, where the comparison does not know. The `images` and what was `changed` are those of
    `with_pictures`; `contributions` those of `feature_contributions`.
    """
    rows, tests = numpy.broadcast_to(comparison.mask.any(0), comparison.mask.shape).nonzero()
    labels = comparison.train_labels if comparison.classes else numpy.full(comparison.r, numpy.nan)
    pairs = pandas.DataFrame(
        {
            "test_id": comparison.test_ids[tests],
            "test_label": comparison.test_labels[tests],
            "train_id": comparison.train_ids[rows],
            "train_label": labels[rows],
            "predicted": comparison.predicted[rows, tests],
            "actual": numpy.where(comparison.mask, comparison.actual, numpy.nan)[rows, tests],
        }
    )
    names = {"estimator": comparison.estimator, "target": "retrained", "removed": "all pairs"}
    called = {"train": comparison.train_names, "test": comparison.test_names}
    unit = "" if comparison.unit == "none" else comparison.unit
    unscaled = () if unit else (comparison.estimator,)
    about: dict[str, Any] = {
        "title": "comparison",
        "names": names,
        "unscaled": unscaled,
        "unit": unit,
        "called": called,
        "class_names": comparison.class_names,
        "deed": deed or comparison.deed,
    }
    found = from_table(pairs, data=data, images=images, changed=changed, **about)
    return with_contributions(found, contributions)


def from_table(
    pairs: pandas.DataFrame,
    *,
    title: str = "",
    data: Dataset | None = None,
    names: Mapping[str, str] = KEPT,
    unscaled: tuple[str, ...] = (),
    unit: str = UNIT,
    called: Mapping[str, tuple[str, ...]] = NO_NAMES,
    class_names: tuple[str, ...] = (),
    curves: pandas.DataFrame | None = None,
    images: Dataset | None = None,
    changed: Changed | None = None,
    deed: str = DEED,
) -> ExplorerData:
    """A table of pairs as explorer data; an InvalidData error where a column is missing.

    Its columns are `train_id`, `test_id`, `predicted` and `actual`, perhaps `train_label`, `test_label`, `estimator`
    and `removed`; every other one is a setting in which networks differ. The data set lets its points be shown. `names`
    are those of the `estimator`, the `target` and the removals (`removed`); an `unscaled` estimator only ranks; the
    `unit` is that of the losses. Ids are whole numbers, or names; those of the ids 0, 1, … may come in `called`.
    Labels are numbers, or names; those of the classes 0, 1, … are `class_names`, else those of the data set.

    The `curves` are a line for each training point: a table with `train_id`, settings that `pairs` have too, and last
    two columns of numbers, what stands across and what stands up; their names are those of the axes. The `images` and
    what was `changed` are those of `with_pictures`; the `deed` is what was done to training points.
    """
    missing = [name for name in ("train_id", "test_id", "predicted", "actual") if name not in pairs]
    if missing:
        raise InvalidData(f"The pairs have no column '{missing[0]}'. They have: {', '.join(map(str, pairs.columns))}.")
    about: dict[str, Any] = {"unscaled": unscaled, "unit": unit, "deed": deed}
    known = {part: getattr(data, f"{part}_names", ()) or called[part] for part in NO_NAMES}
    numbered, classes = with_numbers(pairs.rename(columns=PARTS), class_names or getattr(data, "class_names", ()))
    table, called = with_ids(numbered, known)
    settings = tuple(name for name in table.columns if name not in PAIR)
    points = points_in(table, data, called, class_names=classes)
    parts = table.groupby(list(settings), sort=False, observed=True) if settings else [((), table)]
    tables = []
    for key, some in parts:
        values = map(plain, key if isinstance(key, tuple) else (key,))
        own = dict(zip(settings, values, strict=True))
        lines = None if curves is None else curves_in(curves, settings=own)
        tables.append(
            PairsTable(settings=own, points=points.name, curves=lines, **pairs_of(some, points, names), **about)
        )
    found = ExplorerData(title=title, names=settings, tables=tables, points={points.name: points})
    return with_pictures(found, images=images, changed=changed, data=data)


def pairs_of(table: Any, points: Points, names: Mapping[str, str]) -> dict[str, Any]:
    """The pairs of one network, test point by test point, as a `PairsTable` has them."""
    part = table.sort_values(["test_id", "train_id"], kind="stable")
    return {
        "train": numpy.searchsorted(points.train_ids, part["train_id"]),
        "test": numpy.searchsorted(points.test_ids, part["test_id"]),
        "predicted": {names["estimator"]: part["predicted"].to_numpy(numpy.float32)},
        "actual": {names["target"]: part["actual"].to_numpy(numpy.float32)},
        "moved": {names["target"]: numpy.zeros(len(part), dtype=bool)},
        "removed": {names["removed"]: numpy.ones(len(part), dtype=bool)},
    }


def with_ids(
    table: pandas.DataFrame, known: Mapping[str, tuple[str, ...]]
) -> tuple[pandas.DataFrame, dict[str, tuple[str, ...]]]:
    """The table with whole numbers as ids, and the names of the ids 0, 1, …: those known, else all that it has."""
    called, changed = dict(known), {}
    for part, names in known.items():
        ids = table[f"{part}_id"]
        if are_names(ids):
            words = texts(ids)
            called[part] = names or tuple(dict.fromkeys(words))
            changed[ids.name] = places(called[part], words)
        elif not is_integer_dtype(ids):
            changed[ids.name] = array(positions(ids, what=f"Column '{ids.name}'"))
    return table.assign(**changed), called


def with_numbers(table: pandas.DataFrame, known: tuple[str, ...]) -> tuple[pandas.DataFrame, tuple[str, ...]]:
    """The table with numbers for classes, and the names of these: those known, else in the order of the alphabet."""
    for name in (name for name in ("predicted", "actual") if not is_numeric_dtype(table[name])):
        raise InvalidData(f"Column '{name}' is {table[name].dtype}, expected numbers. Convert it: pairs.astype(float).")
    named = [name for name in ("train_label", "test_label") if name in table and not is_numeric_dtype(table[name])]
    found = {str(label) for name in named for label in table[name].dropna()}
    classes = known if found <= set(known) else tuple(sorted(found))
    places = {label: float(place) for place, label in enumerate(classes)}
    return table.assign(**{name: table[name].map(str).map(places.get).astype(float) for name in named}), classes


def plain(value: object) -> Setting:
    """A setting as JSON can hold it."""
    known = getattr(value, "item", lambda: value)()
    return known if isinstance(known, str | int | float) else str(known)


def points_in(
    table: pandas.DataFrame,
    data: Dataset | None,
    called: Mapping[str, tuple[str, ...]],
    *,
    class_names: tuple[str, ...],
) -> Points:
    """The points of the rows, with their labels where there are any, and as they are in the data set if it is given."""
    fields: dict[str, Any] = {"name": "data"}
    for part in ("train", "test"):
        name = f"{part}_label"
        first = table.drop_duplicates(f"{part}_id").sort_values(f"{part}_id")
        ids = fields[f"{part}_ids"] = first[f"{part}_id"].to_numpy(numpy.int64)
        fields[f"{part}_names"] = tuple(called[part][place] for place in ids) if called[part] else ()
        fields[f"{part}_labels"] = first[name].to_numpy(float) if name in table else numpy.full(len(first), numpy.nan)
    labels = numpy.concatenate([fields["train_labels"], fields["test_labels"]])
    classes = len(labels) > 0 and (labels == numpy.round(labels)).all() and (labels >= 0).all()
    if data is not None:
        fields["name"] = data.name
        shape, named = data.x_test.shape[1:], bool(data.feature_names)
        if isinstance(data.x_train, SparseRows) or (named and len(shape) == 1 and not readable(shape, named=True)):
            for part, x, ids in (("train", data.x_train, data.train_ids), ("test", data.x_test, data.test_ids)):
                rows = places(ids.tolist(), fields[f"{part}_ids"].tolist())
                fields[f"{part}_texts"] = largest_terms(x, rows, data.feature_names)
        elif readable(shape, named=named):
            fields["features"] = data.feature_names
            fields["train"] = array(data.x_train)[places(data.train_ids.tolist(), fields["train_ids"].tolist())]
            fields["test"] = array(data.x_test)[places(data.test_ids.tolist(), fields["test_ids"].tolist())]
    count = max(int(labels.max()) + 1, len(class_names)) if classes else 0
    return Points(classes=count, class_names=class_names if count == len(class_names) else (), **fields)


def largest_terms(x: Tensor, rows: Sequence[int], names: tuple[str, ...]) -> tuple[str, ...]:
    """What is not 0 in each of these rows, the largest first, by the names of the columns: `good 0.71, film 0.3`."""
    some = x[list(rows)]
    return largest_features(matrix_of(some) if isinstance(some, SparseRows) else array(some), names)
