"""Scores by whose order rows are removed, what a row is, and what a model is worth on rows it has not seen."""

import itertools
from collections.abc import Mapping
from typing import Any, cast

import numpy
import scipy.sparse
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata, spearmanr

from influencelab.errors import InvalidParameter
from influencelab.glm.influence import RowInfluence
from influencelab.glm.projection import Projection
from influencelab.glm.regression import Regression
from influencelab.glm.sketch import sketched_influence
from influencelab.studies.influence_sketching.called import RANDOM
from influencelab.studies.influence_sketching.designs import Design, Tests

# Rows that are the rarest, and those of the largest scores whose overlap is measured, as shares of all.
RAREST, FIRST = 0.1, 0.1
# What is compared of two scores.
AGREED = ("spearman", "pearson", "slope", "overlap")

Scores = Mapping[str, Float[numpy.ndarray, " n"]]


def scores(found: RowInfluence, sketch: Float[numpy.ndarray, " n"], design: Design, *, seed: int) -> Scores:
    """Every score of each training row, the larger the sooner removed."""
    return {
        "sketch": sketch,
        "cook_published": found.cook("published"),
        "cook_one_step": found.cook("one_step"),
        "highest_loss": losses(predictors(found.regression, design_rows(found)), design.y),
        "leverage": found.leverage,
        "residual_norm": found.pearson**2 * (squares(design.x) + 1),
        RANDOM: numpy.random.default_rng((seed, 2)).uniform(size=len(design.y)),
    }


def design_rows(found: RowInfluence) -> Any:
    """The features that a regression was fitted to."""
    return found.regression.table.X  # pyright: ignore[reportAttributeAccessIssue] - a table in memory


def squares(x: Any) -> Float[numpy.ndarray, " n"]:
    """The squared length of each row."""
    return numpy.asarray(x.power(2).sum(1), dtype=float).ravel()


def predictors(found: Regression, x: Any) -> Float[numpy.ndarray, " m"]:
    """The log-odds of rows that need not be training rows."""
    return x @ found.coefficients[:-1] + found.coefficients[-1]


def losses(predictor: Float[numpy.ndarray, " m"], y: Float[numpy.ndarray, " m"]) -> Float[numpy.ndarray, " m"]:
    """The log-loss of each row, in nats."""
    return numpy.logaddexp(0, predictor) - y * predictor


def worth(found: Regression, tests: Mapping[str, Tests]) -> dict[str, dict[str, float]]:
    """Accuracy and mean log-loss on each part of the test rows."""
    worths = {}
    for part, (x, y) in tests.items():
        predictor = predictors(found, x)
        accuracy, loss = ((predictor > 0) == y).mean(), losses(predictor, y).mean()
        worths[part] = {"accuracy": float(accuracy), "log_loss": float(loss)}
    return worths


def first(score: Float[numpy.ndarray, " n"], share: float) -> Int[numpy.ndarray, " t"]:
    """The rows of the largest scores, this share of all; rows stand in random order, so ties are broken at random."""
    return numpy.argsort(-score, kind="stable")[: max(1, round(share * len(score)))]


def sketch_of(found: Regression, projection: Projection) -> Float[numpy.ndarray, " n"]:
    """Algorithm 1: r² h* / (1 − h*); NaN where rounding leaves the k columns fewer directions."""
    try:
        return sketched_influence(found, projection).cook("published")
    except InvalidParameter:
        return numpy.full(found.n, numpy.nan)


def agreement(score: Float[numpy.ndarray, " n"], exact: Float[numpy.ndarray, " n"]) -> dict[str, float]:
    """How a score agrees with exact Cook's distances: in order, in size, and in who is first.

    The slope is that of exact on score: above 1 the score is too small.
    """
    if numpy.isnan(score).any():
        return dict.fromkeys(AGREED, numpy.nan)
    own, theirs = (set(first(each, FIRST).tolist()) for each in (score, exact))
    centred, order = score - score.mean(), cast(Any, spearmanr(score, exact))
    return {
        "spearman": float(order[0]),
        "pearson": float(numpy.corrcoef(score, exact)[0, 1]),
        "slope": float(centred @ exact / (centred @ centred)),
        "overlap": len(own & theirs) / len(theirs),
    }


def kinds(found: RowInfluence, design: Design) -> dict[str, Bool[numpy.ndarray, " n"]]:
    """What each training row is, by the names of `KINDS`."""
    group, size = groups(design.x)
    ones = numpy.bincount(group, weights=design.y)[group]
    same = numpy.where(design.y == 1, ones, size - ones)
    predictor = predictors(found.regression, design_rows(found))
    return {
        "wrong": (predictor > 0) != (design.y == 1),
        "both_labels": same < size,
        "repeated": same > 1,
        "rare": rankdata(rarity(design.x), method="ordinal") > (1 - RAREST) * len(design.y),
        "positive": design.y == 1,
        **design.planted,
    }


def groups(x: Any) -> tuple[Int[numpy.ndarray, " n"], Int[numpy.ndarray, " n"]]:
    """A number for each row that rows of the same features share, and how many share it."""
    rows = scipy.sparse.csr_array(x)
    rows.sort_indices()
    ends = rows.indptr
    keys = [rows.indices[low:high].tobytes() for low, high in itertools.pairwise(ends)]
    known: dict[bytes, int] = {}
    group = numpy.array([known.setdefault(key, len(known)) for key in keys])
    return group, numpy.bincount(group)[group]


def rarity(x: Any) -> Float[numpy.ndarray, " n"]:
    """The mean over a row's features of one over how many rows have it."""
    counts = numpy.asarray((x != 0).sum(0)).ravel()
    return numpy.asarray(x @ (1 / numpy.maximum(counts, 1))).ravel() / numpy.maximum(numpy.diff(x.indptr), 1)
