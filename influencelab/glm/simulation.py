"""Responses drawn from a fitted regression, and what the same model is when it is fitted to these instead."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy
from jaxtyping import Bool, Float
from numpy import ndarray

from influencelab.errors import NotConverged
from influencelab.glm.deletion import parts
from influencelab.glm.influence import RowInfluence
from influencelab.glm.link import B
from influencelab.glm.newton import solved
from influencelab.glm.objective import Objective
from influencelab.glm.passes import summed
from influencelab.glm.projection import hashed, uniform
from influencelab.glm.rows import Rows

# A fit to drawn responses has arrived where its next step is shorter than this many standard errors; it is given up
# after so many steps.
CLOSE, STEPS = 0.01, 12


@dataclass(frozen=True, eq=False)
class Simulation:
    """Fits of one model to responses that were drawn from it.

    Attributes:
        influence: of the rows on the model.
        objective: that it minimises.
        draws: seeds of the draws whose fits arrived.
        coefficients: of each.
        dispersions: of each.
        seed: of all draws.
    """

    influence: RowInfluence
    objective: Objective
    draws: ndarray
    coefficients: Float[ndarray, "p k"]
    dispersions: Float[ndarray, " k"]
    seed: int

    def residuals(self, given: Rows) -> Iterator[tuple[slice, Float[ndarray, "b k"], Float[ndarray, "b k"]]]:
        """Pearson residuals and scores of some rows at a time under each fit to its own responses."""
        drawn = responses(self.influence, self.objective, self.seed, self.draws)
        for some, rows, y in drawn(given):
            working = self.objective.family.working(y, rows.x @ self.coefficients + rows.offsets[:, None])
            yield some, numpy.sqrt(rows.weights)[:, None] * working.pearson, rows.weights[:, None] * working.score


def simulated(influence: RowInfluence, objective: Objective, *, draws: int, seed: int) -> Simulation:
    """Draw responses from a model so many times and fit it to each, by chord steps from where it stands.

    A draw is made of the row's place and the seed, so that it is the same from any chunks.

    Raises:
        NotConverged: half of the fits do not arrive, as where classes are nearly separable.
    """
    regression = influence.regression
    start, some = regression.coefficients[:, None], numpy.arange(draws)
    moved, arrived = numpy.zeros((regression.p, draws)), numpy.zeros(draws, dtype=bool)
    active = some
    for _ in range(STEPS):
        gradient = gradients(influence, objective, start + moved[:, active], seed, active)
        step = -solved(influence.factor, gradient)
        length = numpy.einsum("pk,pk->k", -step, gradient) * regression.weight / regression.dispersion
        moved[:, active] += step
        close = length <= CLOSE**2
        arrived[active[close]] = True
        active = active[~close & numpy.isfinite(length)]
        if not len(active):
            break
    if 2 * arrived.sum() < draws:
        raise NotConverged(
            f"Of {draws} fits to responses drawn from the model {int(arrived.sum())} arrived, too few to say what is "
            "chance. Add weight_decay, or give more rows."
        )
    kept = some[arrived]
    at = Simulation(influence, objective, kept, start + moved[:, kept], numpy.ones(len(kept)), seed)
    return at if regression.family.fixed_dispersion else dispersed(at)


def dispersed(at: Simulation) -> Simulation:
    """With the dispersion of each fit."""

    def of(given: Rows) -> tuple[Float[ndarray, " k"]]:
        return (sum((pearson**2).sum(0) for _, pearson, _ in at.residuals(given)),)  # pyright: ignore[reportReturnType]

    (total,) = summed(at.objective.mapped(of))
    found = numpy.asarray(total) / max(1, at.influence.regression.degrees)
    return Simulation(at.influence, at.objective, at.draws, at.coefficients, found, at.seed)


def gradients(
    influence: RowInfluence, objective: Objective, coefficients: Float[ndarray, "p k"], seed: int, draws: ndarray
) -> Float[ndarray, "p k"]:
    """∇J of each draw's responses at its coefficients."""
    drawn = responses(influence, objective, seed, draws)

    def of(given: Rows) -> tuple[Float[ndarray, "p k"]]:
        found = numpy.zeros((objective.p, len(draws)))
        for _, rows, y in drawn(given):
            score = objective.family.working(y, rows.x @ coefficients + rows.offsets[:, None]).score
            found += rows.x.T @ (rows.weights[:, None] * score)
        return (found,)

    (pulled,) = summed(objective.mapped(of))
    return objective.penalised(coefficients.T).T - numpy.asarray(pulled) / objective.weight


def responses(
    influence: RowInfluence, objective: Objective, seed: int, draws: ndarray
) -> Callable[[Rows], Iterator[tuple[slice, Rows, Float[ndarray, "b k"]]]]:
    """The function that gives some rows of a chunk at a time, with the responses of each draw."""
    regression = influence.regression

    def of(given: Rows) -> Iterator[tuple[slice, Rows, Any]]:
        rows = objective.rows(given)
        mean = regression.family.link.mean(rows.predictor(regression.coefficients))
        counts: Bool[ndarray, " b"] = rows.weights > 0
        spread = regression.dispersion / numpy.where(counts, rows.weights, 1.0)
        for some in parts(len(rows), len(draws)):
            places = numpy.arange(given.first, given.first + len(given))[some]
            share = uniform(hashed(seed, places[:, None], draws[None]))
            y = regression.family.quantile(share, mean[some, None], spread[some, None])
            own: list[B] = [each[some] for each in (rows.y, rows.weights, rows.offsets)]
            yield some, Rows(given.first + (some.start or 0), rows.x[some], *own), y

    return of
