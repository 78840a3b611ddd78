"""Rows deleted one at a time: what one step predicts, and what fitting again gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from influencelab.glm.deletion import row_deletions
from influencelab.glm.influence import RowInfluence
from influencelab.glm.regression import Regression, regress
from influencelab.studies.influence_sketching.called import SKETCH
from influencelab.studies.influence_sketching.compact import Compact
from influencelab.studies.influence_sketching.scores import Scores, losses, predictors

# The derivative by a row's weight, and Newton's step without the row.
PREDICTED = ("influence", "one_step")


@dataclass(frozen=True, eq=False)
class Deletions:
    """Some rows, each deleted alone.

    Attributes:
        rows: half of them of the largest Cook's distances, half at random.
        tests: test rows of the first part, at random.
        predicted: by estimator, the rise of each test row's loss without each row, in nats (r m).
        actual: the same when the model was fitted again (r m).
        converged: which of these fits arrived.
        distances: of each row how far the coefficients moved, and what foretells that.
    """

    rows: Int[numpy.ndarray, " r"]
    tests: Int[numpy.ndarray, " m"]
    predicted: Mapping[str, Float[numpy.ndarray, "r m"]]
    actual: Float[numpy.ndarray, "r m"]
    converged: Bool[numpy.ndarray, " r"]
    distances: Mapping[str, list[float]]


def deletions(found: RowInfluence, given: Compact, ranked: Scores, *, count: int, watched: int, seed: int) -> Deletions:
    """Predict and carry out so many deletions.

    `influence` is the derivative by the row's weight, `one_step` Newton's step without the row, 1 / (1 − h) times as
    long: the step whose squared length is Cook's distance.
    """
    x, y = next(iter(given.tests.values()))
    if not count:
        none, nothing = numpy.arange(0), numpy.zeros((0, 0))
        return Deletions(none, none, dict.fromkeys(PREDICTED, nothing), nothing, numpy.zeros(0, dtype=bool), {})
    generator = numpy.random.default_rng((seed, 3))
    tests = numpy.sort(generator.permutation(len(y))[:watched])
    rows = chosen(ranked["cook_one_step"], count, generator)
    some, labels = x[tests], y[tests]
    some = some if isinstance(some, numpy.ndarray) else some.toarray()
    regression = found.regression
    whole, curvature, pulls = algebra(regression, given.x, given.design.y)
    steps = numpy.linalg.solve(curvature, (whole[rows] * pulls[rows, None]).T).T
    changes, converged = refitted(regression, given, rows)
    lengthened = steps / (1 - found.leverage[rows])[:, None]
    before = losses(predictors(regression, some), labels)

    def risen(falls: Float[numpy.ndarray, "r p"]) -> Float[numpy.ndarray, "r m"]:
        left = regression.coefficients - falls
        return losses(left[:, :-1] @ some.T + left[:, -1:], labels) - before

    moved = numpy.einsum("rp,pq,rq->r", changes, curvature, changes, optimize=True)
    distances = {"deleted": moved, "one_step": ranked["cook_one_step"][rows], SKETCH: ranked[SKETCH][rows]}
    return Deletions(
        rows=rows,
        tests=tests,
        predicted=dict(zip(PREDICTED, map(risen, (steps, lengthened)), strict=True)),
        actual=risen(changes),
        converged=converged,
        distances={name: each.tolist() for name, each in distances.items()},
    )


def chosen(cook: Float[numpy.ndarray, " n"], count: int, generator: numpy.random.Generator) -> Int[numpy.ndarray, " r"]:
    """Rows of the largest distances, and as many of the others."""
    order = numpy.argsort(-cook, kind="stable")
    top, others = order[: count // 2], order[count // 2 :]
    return numpy.sort(numpy.concatenate([top, generator.permutation(others)[: count - len(top)]]))


def refitted(
    found: Regression, given: Compact, rows: Int[numpy.ndarray, " r"]
) -> tuple[Float[numpy.ndarray, "r p"], Bool[numpy.ndarray, " r"]]:
    """By how much coefficients fall without each row, fitted to the last digits, and which of these fits arrived.

    Where few rows hold the classes apart chord steps do not shrink, and all of Newton's are taken anew.
    """
    quick = row_deletions(found, rows)
    changes, converged = quick.changes.copy(), quick.converged.copy()
    for place in numpy.flatnonzero(~converged):
        kept = numpy.arange(found.n) != rows[place]
        # The penalty stays in total, and so weighs more beside the mean over one row less.
        strength = found.weight_decay * found.n / (found.n - 1)
        again = regress(given.x[kept], given.design.y[kept], weight_decay=strength, workers=1)
        changes[place], converged[place] = found.coefficients - again.coefficients, again.converged
    return changes, converged


def algebra(
    found: Regression, x: Any, y: Float[numpy.ndarray, " n"]
) -> tuple[Float[numpy.ndarray, "n p"], Float[numpy.ndarray, "p p"], Float[numpy.ndarray, " n"]]:
    """Rows with their 1, the curvature of n times the objective, and each row's pull y − μ, by plain algebra."""
    whole = x if isinstance(x, numpy.ndarray) else x.toarray()
    whole = numpy.hstack([whole, numpy.ones((len(y), 1))])
    chance = expit(whole @ found.coefficients)
    curvature = (whole * (chance * (1 - chance))[:, None]).T @ whole
    curvature[numpy.diag_indices(len(curvature) - 1)] += found.weight_decay * len(y)
    return whole, curvature, y - chance
