"""The explorer of one regression: its rows of largest Cook's distance and others, with scores and values."""

from collections.abc import Sequence

import numpy
import pandas
from jaxtyping import Int
from numpy import ndarray

from influencelab.errors import InvalidParameter, WrongType, named, whole
from influencelab.explorer.pairs_table import readable
from influencelab.explorer.widget.row_explorer import RowExplorer
from influencelab.glm.influence import RowInfluence
from influencelab.glm.link import B
from influencelab.glm.readable import largest_features
from influencelab.glm.regression import Regression
from influencelab.glm.rows import Rows
from influencelab.glm.sketch import SketchedInfluence
from influencelab.glm.table import gathered

__all__ = ["explore_rows"]

# Rows in a widget unless more are asked for, and at most: a notebook keeps all their values.
ROWS, MOST = 2000, 5000


def explore_rows(found: RowInfluence | SketchedInfluence, *, rows: int = ROWS, seed: int = 0) -> RowExplorer:
    """The rows that drive a regression, as a widget: scores against leverage and residual, beside the rows themselves.

    Args:
        found: what `il.glm_influence` found.
        rows: how many are shown, at most 5,000. Where there are more, half of these are the rows of largest Cook's
            distance, and half are drawn from the others at random.
        seed: of that draw.

    Raises:
        WrongType: something else was given.
        InvalidParameter: no rows were asked for, or more than a notebook should keep.
    """
    if not isinstance(found, RowInfluence | SketchedInfluence):
        raise WrongType(
            f"found is {named(found)}, expected the influence of rows. Make it: il.glm_influence(X, y, "
            "family=il.Poisson())."
        )
    count, cook = whole(rows, what="rows", least=1), found.cook()
    if count > MOST:
        raise InvalidParameter(
            f"rows is {count:,}, expected 1 … {MOST:,}: a notebook keeps them all. Take found.table(), which has every "
            "row."
        )
    places, scores = shown_rows(cook, count=count, seed=seed), found.table()
    values = values_of(found.regression, gathered(found.regression.table, places), taken=list(scores.columns))
    shown = scores.iloc[places]
    return RowExplorer(
        pandas.concat([shown, values.set_index(shown.index)], axis=1),
        title=title_of(found),
        said=said_of(len(cook), len(places)),
        settings={"across": "leverage", "up": "cook", "colour": "response"},
    )


def shown_rows(cook: B, *, count: int, seed: int) -> Int[ndarray, " k"]:
    """The places of at most so many rows, the largest Cook's distance first; what is no number counts as largest."""
    order = numpy.argsort(-numpy.nan_to_num(cook, nan=numpy.inf, posinf=numpy.inf), kind="stable")
    if len(order) <= count:
        return order
    first = (count + 1) // 2
    others = numpy.random.default_rng(seed).choice(len(order) - first, count - first, replace=False)
    return order[numpy.concatenate([numpy.arange(first), first + numpy.sort(others)])]


def said_of(n: int, shown: int) -> tuple[str, ...]:
    """What a dot is, and which rows have none."""
    if shown == n:
        return (f"Each dot: one of all {n:,} rows.",)
    first = (shown + 1) // 2
    return (
        f"Each dot: one of {shown:,} rows, the {first:,} of largest Cook's distance and {shown - first:,} others at "
        f"random; {n - shown:,} are left out.",
    )


def title_of(found: RowInfluence | SketchedInfluence) -> str:
    """The model in words, and how its scores were found."""
    regression, (how, _, _) = found.regression, found.reason.partition(":")
    family, link = type(regression.family).__name__, type(regression.family.link).__name__
    return f"{family}, {link}: {regression.n:,} rows, {regression.p:,} coefficients, {how} scores"


def values_of(regression: Regression, rows: Rows, *, taken: Sequence[str]) -> pandas.DataFrame:
    """Response, prediction and features of some rows; of wide ones the largest features, as a text.

    Columns get other names than those that are `taken`.
    """
    mean = regression.family.link.mean(regression.rows(rows).predictor(regression.coefficients))
    values = {"response": rows.y, "predicted": mean}
    for name, given, usual in (("weight", rows.weights, 1.0), ("offset", rows.offsets, 0.0)):
        if (given != usual).any():
            values[name] = given
    names, wide = regression.table.columns, rows.x.shape[1]
    if not readable((wide,), named=bool(names)):
        terms = largest_features(rows.x, names)
        return pandas.DataFrame({**values, "largest features": terms})
    x, own = rows.x if isinstance(rows.x, ndarray) else rows.x.toarray(), [*taken, *values]
    called = names or [f"x{place}" for place in range(wide)]
    for place, name in enumerate(called):
        # A feature may be called as a score is, or as another feature.
        free = name if name not in own else f"{name}, column {place}"
        values[free] = x[:, place]
        own.append(free)
    return pandas.DataFrame(values)
