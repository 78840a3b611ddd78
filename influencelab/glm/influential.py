"""Which rows are influential at all: published cut-offs, and cut-offs by how far rows go by chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import pandas
import scipy.special
from jaxtyping import Float, Int
from numpy import ndarray

from influencelab.errors import InvalidData, InvalidParameter, real, require, unknown, whole
from influencelab.glm.influence import RowInfluence, objective_of
from influencelab.glm.link import B
from influencelab.glm.newton import solved
from influencelab.glm.objective import P
from influencelab.glm.passes import summed
from influencelab.glm.rows import Rows
from influencelab.glm.simulation import Simulation, simulated
from influencelab.recipe import Progress, unheard
from influencelab.summary import Summarised

__all__ = ["InfluentialRows", "influence_measures", "influential_rows"]

CURE = "Make one: il.row_influence(regression)."
MEASURES = ("dfbetas", "dffits", "covratio", "cook", "hat")
# What each published cut-off is of, but for those that have the measure's own name.
OF_RULE = {"4/n": "cook"}


@dataclass(frozen=True, eq=False, repr=False)
class InfluentialRows(Summarised):
    """How far each row goes by five measures, and how many would go as far by chance.

    Attributes:
        influence: of the rows.
        level: the share of rows beyond a calibrated cut-off that may be there by chance.
        draws: of all responses from the model, whose fits arrived.
        measures: a line a row: the largest |DFBETAS|, |DFFITS|, |1 − covariance ratio|, Cook's distance, leverage.
        expected: how many of all rows would be as far by chance, that is, in responses that the model makes.
        cutoffs: published ones.
        by_chance: how many rows would be beyond these by chance.
    """

    influence: RowInfluence
    level: float
    draws: int
    measures: pandas.DataFrame
    expected: pandas.DataFrame
    cutoffs: Mapping[str, float]
    by_chance: Mapping[str, float]

    def calibrated(self, measure: str = "cook") -> float:
        """The distance from which on at most a share `level` of rows are by chance; infinite if there is none."""
        beyond = self.rows(measure)
        return float(self.measures[measure].iloc[beyond].min()) if len(beyond) else float("inf")

    def rows(self, measure: str = "cook") -> Int[ndarray, " k"]:
        """Places of the rows that are farther than chance explains, the farthest first (Benjamini and Hochberg 1995).

        Raises:
            UnknownName: no such measure.
        """
        if measure not in MEASURES:
            raise unknown("measure", str(measure), MEASURES)
        order = numpy.argsort(-self.measures[measure].to_numpy(), kind="stable")
        chance = self.expected[measure].to_numpy()[order]
        few = numpy.flatnonzero(chance <= self.level * numpy.arange(1, len(order) + 1))
        return order[: few[-1] + 1 if len(few) else 0]

    def table(self) -> pandas.DataFrame:
        """A line a rule: the published cut-off, rows beyond it, how many would be by chance; the same calibrated."""
        lines = {}
        for rule, cutoff in self.cutoffs.items():
            measure = OF_RULE.get(rule, rule)
            lines[rule] = {
                "cutoff": cutoff,
                "rows": numpy.count_nonzero(self.measures[measure] > cutoff),
                "by chance": self.by_chance[rule],
                "calibrated cutoff": self.calibrated(measure),
                "calibrated rows": len(self.rows(measure)),
            }
        return pandas.DataFrame.from_dict(lines, orient="index")

    def summary(self) -> Mapping[str, str]:
        """How many rows, by which cut-offs."""
        beyond = numpy.count_nonzero(self.measures["cook"] > self.cutoffs["cook"])
        return {
            "rows": f"{len(self.measures):,}",
            "beyond chance by Cook's distance": f"{len(self.rows()):,}",
            "beyond the published cut-off": f"{beyond:,} ({self.by_chance['cook']:.2g} by chance)",
            "draws": f"{self.draws}",
        }


def influential_rows(
    influence: RowInfluence,
    *,
    level: float = 0.05,
    draws: int = 200,
    seed: int = 0,
    workers: int = 1,
    progress: Progress = unheard,
) -> InfluentialRows:
    """Tell rows that drive a regression from those that go far by chance, under R's cut-offs and calibrated ones.

    All responses are drawn anew from the model so many times, the model is fitted to each draw, and the measures of all
    rows are taken again, with leverage as it is at the model itself. A row is told apart where few rows of the draws go
    as far; of rows so told a share `level` at most is expected to be there by chance. Outliers widen what the model
    takes for chance, and so may hide one another; a model that is wrong for most rows makes many of them influential.

    Args:
        influence: what each row does: il.row_influence(regression).
        level: the share of rows told apart that may be so by chance.
        draws: of all responses; level 0.05 needs some hundred.
        seed: of the draws.
        workers: threads; 0 for one a core.
        progress: told of each pass.

    Raises:
        InvalidData: too few rows, or a coefficient that rests on one row alone.
        NotConverged: the model does not fit responses that it makes itself.
    """
    require(influence, RowInfluence, what="influence", cure=CURE)
    level = real(level, what="level", expected="a share between 0 and 1, such as 0.05")
    if not 0 < level < 1:
        raise InvalidParameter(f"level is {level:g}, expected a share between 0 and 1, such as 0.05.")
    whole(draws, what="draws", least=20)
    whole(seed, what="seed", least=0)
    regression = influence.regression
    objective = objective_of(regression, workers=workers, progress=progress)
    errors = influence.standard_errors / numpy.sqrt(regression.dispersion)
    far = numpy.concatenate(list(objective.mapped(lambda given: reach(influence, given, errors))))
    measures = distances(influence, far)
    cutoffs = published(regression.degrees, regression.p)
    simulation = simulated(influence, objective, draws=draws, seed=seed)
    order = numpy.sort(measures, axis=0)
    beyond, over = by_chance(simulation, far, order, cutoffs)
    # The row itself is one more draw, so that no row is farther than chance by more than the draws can say.
    expected = (beyond + 1) / (len(simulation.draws) + 1 / regression.n)
    places = [numpy.searchsorted(order[:, each], measures[:, each], side="left") for each in range(len(MEASURES))]
    return InfluentialRows(
        influence,
        level,
        len(simulation.draws),
        pandas.DataFrame(measures, columns=MEASURES),
        pandas.DataFrame({name: expected[places[each], each] for each, name in enumerate(MEASURES)}),
        cutoffs,
        dict(zip(cutoffs, (over / len(simulation.draws)).tolist(), strict=True)),
    )


def published(degrees: float, p: int) -> dict[str, float]:
    """Cut-offs of R's `influence.measures`, and 4 / n for Cook's distance."""
    n = degrees + p
    if not degrees > 1:
        raise InvalidData(f"{n:g} rows are too few to judge beside {p} coefficients. Give more rows.")
    half = float(scipy.special.fdtri(p, degrees, 0.5))
    return {
        "dfbetas": 1.0,
        "dffits": 3 * (p / degrees) ** 0.5,
        "covratio": 3 * p / degrees,
        "cook": half,
        "4/n": 4 / n,
        "hat": 3 * p / n,
    }


def influence_measures(influence: RowInfluence) -> pandas.DataFrame:
    """What R's `influence.measures` shows: DFBETAS, DFFITS, covariance ratio, Cook's distance and leverage of each row.

    Dispersion is that without the row, but for Cook's distance, which is divided by φ and the number of coefficients.
    """
    require(influence, RowInfluence, what="influence", cure=CURE)
    regression, without = influence.regression, influence.dispersion_without
    names = regression.columns or tuple(f"x{number}" for number in range(regression.p))
    found = pandas.DataFrame(influence.dfbetas(dispersion="without"), columns=[f"dfb.{name}" for name in names])
    found["dffit"] = influence.dffits * numpy.sqrt(regression.dispersion / without)
    found["cov.r"] = influence.covariance_ratio
    found["cook.d"] = influence.cook() / regression.p / regression.dispersion
    found["hat"] = influence.leverage
    return found


def distances(influence: RowInfluence, far: B) -> Float[ndarray, "n 5"]:
    """The five measures of each row."""
    regression = influence.regression
    return of_residuals(
        influence.pearson,
        influence.score,
        influence.leverage,
        far,
        regression.dispersion,
        influence.dispersion_without,
        regression.p,
    )


def of_residuals(
    pearson: Any, score: Any, leverage: Any, far: Any, dispersion: Any, without: Any, p: int
) -> Float[ndarray, "*rows 5"]:
    """The five measures, from residuals and scores of any shape."""
    left, alone = 1 - leverage, numpy.sqrt(without)
    found = (
        far * abs(score) / left / alone,
        abs(pearson) * numpy.sqrt(leverage) / left / alone,
        abs(1 - (without / dispersion) ** p / left),
        pearson**2 * leverage / left**2 / (p * dispersion),
        leverage,
    )
    return numpy.stack(numpy.broadcast_arrays(*found), axis=-1)


def reach(influence: RowInfluence, given: Rows, errors: P) -> B:
    """How far a score of 1 moves the coefficient that it moves farthest, in its standard errors."""
    regression = influence.regression
    x = regression.rows(given).x
    x = x if isinstance(x, ndarray) else x.toarray()
    return abs(solved(influence.factor, x.T) / errors[:, None]).max(0) / regression.weight


def by_chance(
    simulation: Simulation, far: B, order: Float[ndarray, "n 5"], cutoffs: Mapping[str, float]
) -> tuple[Float[ndarray, "n 5"], Float[ndarray, " 6"]]:
    """How many rows of all draws are at least as far as each observed distance, and how many beyond each cut-off."""
    influence = simulation.influence
    regression, dispersions = influence.regression, simulation.dispersions[None]
    places = [MEASURES.index(OF_RULE.get(rule, rule)) for rule in cutoffs]

    def of(given: Rows) -> tuple[Any, ...]:
        counts, over = numpy.zeros((len(order) + 1, len(MEASURES))), numpy.zeros(len(cutoffs))
        for some, pearson, score in simulation.residuals(given):
            here = slice(given.first + some.start, given.first + min(some.stop, len(given)))
            leverage = influence.leverage[here, None]
            without = dispersions
            if not regression.family.fixed_dispersion:
                own = given.weights[some, None] if regression.frequencies else 1.0
                rest = dispersions * regression.degrees - pearson**2 / (1 - leverage)
                without = numpy.maximum(rest, 0) / (regression.degrees - own)
            found = of_residuals(pearson, score, leverage, far[here, None], dispersions, without, regression.p)
            for each in range(len(MEASURES)):
                reached = numpy.searchsorted(order[:, each], found[..., each].ravel(), side="right")
                counts[:, each] += numpy.bincount(reached, minlength=len(order) + 1)
            over += [(found[..., place] > cutoff).sum() for place, cutoff in zip(places, cutoffs.values(), strict=True)]
        return counts, over

    counts, over = (numpy.asarray(each) for each in summed(simulation.objective.mapped(of)))
    return counts[::-1].cumsum(0)[::-1][1:], over
