"""Agreement of networks with retraining over several seeds: cells of a grid, their means, medians, slopes and pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
import pandas
from jaxtyping import Float
from scipy import stats

from influencelab.errors import InvalidData
from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.tables import Agreement, pairs_table
from influencelab.recipe import Recipe
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row
from influencelab.statistics.replicates import Replicates, difference, mean, replicates
from influencelab.statistics.trend import trend

OWN = "mean over networks, each at its own test point of largest loss"
ALL = "mean over networks and test points"
# What stands between arm and seed in the keys of networks.
SETTINGS = ("depth", "width", "weight_decay")
# The statistic that is a slope along each axis.
SLOPES = {"depth": "slope", "width": "width_slope"}
# Pairs that a report keeps, over all networks.
KEPT = 40_000

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Cell:
    """Networks by seed, which differ in nothing else, and how far each agrees with those retrained models that count.

    The settings are columns of the table of measurements. Correlations are signed, Spearman's, of each seed and test
    point, NaN where undefined; where each network looks at one test point of its own, that is its only column.
    """

    settings: Mapping[str, Any]
    outcomes: Mapping[int, Outcome]
    comparisons: Sequence[Comparison]
    correlations: Replicates


@dataclass(frozen=True)
class AgreementQuery(Recipe):
    """Which networks are asked, and which of their predictions are held against which truth.

    Attributes:
        networks: first part of the networks' keys, in a grid over depth, width, weight decay and seed.
        settings: columns that the measurements share, such as `{"arm": "controlled", "data": "iris"}`.
        estimator: whose predictions.
        target: which truth.
        selection: which removals count.
        require_minimum: whether networks that reached no minimum are left out.
        same_basin_only: whether retrained models that left the fit's basin are left out too, which conditions on the
            outcome.
    """

    networks: str | Key
    settings: Mapping[str, Any] = field(default_factory=dict)
    estimator: str = "exact"
    target: str = "warm"
    selection: str = "everything"
    require_minimum: bool = True
    same_basin_only: bool = False

    def cells(self, outcomes: Mapping[Key, Outcome]) -> list[Cell]:
        """Its networks, cell by cell."""
        parts: dict[Key, dict[int, Outcome]] = {}
        for (networks, *setting, seed), outcome in outcomes.items():
            if networks == self.networks:
                parts.setdefault(tuple(setting), {})[seed] = self.counted(outcome)
        found = []
        for setting, part in parts.items():
            compared = [each.comparison(self.selection, self.estimator, self.target) for each in part.values()]
            table = replicates(compared)
            looks = numpy.stack([each.chosen[self.selection].any(0).numpy() for each in part.values()])
            if (looks.sum(1) == 1).all():
                pairs = None if table.pairs is None else table.pairs[looks][:, None]
                table = Replicates(values=table.values[looks][:, None], pairs=pairs, measure=table.measure)
            own = {**dict(zip(SETTINGS, setting, strict=True)), "estimator": self.estimator, "target": self.target}
            found.append(Cell({**self.settings, **own}, part, compared, table))
        return found

    def counted(self, outcome: Outcome) -> Outcome:
        """The outcome with those retrained models as truth that count here; a prediction that is NaN ranks none."""
        counted = (outcome.trusted if self.same_basin_only else outcome.converged)[self.target]
        counted = counted & outcome.predicted[self.estimator].isfinite().all(1)
        if self.require_minimum and not outcome.facts["fit_converged"]:
            counted = counted & False
        return replace(outcome, trusted={**outcome.trusted, self.target: counted})


def cells_of(queries: Iterable[AgreementQuery], outcomes: Mapping[Key, Outcome]) -> list[Cell]:
    """The cells of several queries."""
    return [cell for query in queries for cell in query.cells(outcomes)]


def agreement_rows(cells: Sequence[Cell], *, bootstrap: Bootstrap) -> list[Row]:
    """Mean and median ρ of each cell, the share of networks without any, and slopes along depth and along width."""
    found = []
    for cell in cells:
        table, each = cell.correlations, cell.correlations.per_seed()
        s, undefined = len(each), int(numpy.isnan(each).sum())
        how = OWN if table.values.shape[1] == 1 else ALL
        how += f"; {undefined} of {s} networks have none and are left out" if undefined else ""
        statistics = {
            "spearman": mean(table, bootstrap=bootstrap).described(how),
            "undefined": share(undefined, s, "networks"),
            "median_spearman": median(each),
        }
        found += [row(number, **cell.settings, statistic=name) for name, number in statistics.items()]
    return found + [line for axis in SLOPES for line in slope_rows(cells, axis, bootstrap=bootstrap)]


def lines_along(cells: Sequence[Cell], axis: str) -> list[tuple[Row, dict[Any, Cell]]]:
    """Two cells or more that differ in one setting alone, by that setting, with the settings that they share."""
    lines: dict[Any, dict[Any, Cell]] = {}
    for cell in cells:
        shared = tuple((name, value) for name, value in cell.settings.items() if name != axis)
        lines.setdefault(shared, {})[cell.settings[axis]] = cell
    return [(dict(shared), line) for shared, line in lines.items() if len(line) > 1]


def slope_rows(cells: Sequence[Cell], axis: str, *, bootstrap: Bootstrap) -> list[Row]:
    """The slope of ρ; with networks without any ρ at 0; and, but for minima, with how far each is from one held.

    Where there are too few values for a slope it is NaN, and its note says why.
    """
    found = []
    for shared, line in lines_along(cells, axis):
        tables = {x: cell.correlations for x, cell in line.items()}
        # A network without any ρ says the same of every point, and ranks nothing.
        undefined = {x: numpy.isnan(table.per_seed())[:, None] for x, table in tables.items()}
        as_zero = {x: replace(tables[x], values=numpy.where(at, 0.0, tables[x].values)) for x, at in undefined.items()}
        grads = {x: [each.facts["fit_grad_norm"] for each in cell.outcomes.values()] for x, cell in line.items()}
        sizes = {x: numpy.log10(numpy.maximum(each, 1e-30)) for x, each in grads.items()}
        kinds = [("", tables, {}, ""), ("_undefined_as_0", as_zero, {}, "; undefined ρ counted as 0")]
        # Of minima ‖∇J‖ is rounding, and holds nothing.
        if not all(each.facts["fit_converged"] for cell in line.values() for each in cell.outcomes.values()):
            held = {"log10 of the gradient norm": sizes}
            kinds.append(("_given_gradient", tables, held, "; log10 of ‖∇J‖ of the fit held"))
        for kind, values, held, more in kinds:
            how = f"least squares of signed ρ on {axis}, per unit of {axis}, {min(line)} to {max(line)}{more}"
            try:
                slope = trend(values, covariates=held, bootstrap=bootstrap).described(how).with_half_width()
            except InvalidData as error:
                slope = Measurement(float("nan"), note=f"{how}; no slope: {error}")
            found.append(row(slope, **shared, statistic=f"{SLOPES[axis]}{kind}"))
    return found


def difference_rows(
    cells: Sequence[Cell], axis: str, *, pair: tuple[Any, Any], statistic: str, how: str, bootstrap: Bootstrap
) -> list[Row]:
    """ρ at the first value of a setting less ρ at the second, seeds paired, where all else is equal."""
    found = []
    for shared, line in lines_along(cells, axis):
        if line.keys() >= set(pair):
            one, other = (line[value].correlations for value in pair)
            gain = difference(one, other, paired=True, bootstrap=bootstrap).described(how)
            found.append(row(gain, **shared, statistic=statistic))
    return found


def share(count: int, whole: int, what: str) -> Measurement:
    """A share of a known whole, which nobody needs an interval for."""
    return Measurement(count / max(whole, 1), n=whole, note=f"{count:,} of {whole:,} {what}; a count, so no interval")


def median(values: Float[numpy.ndarray, " s"]) -> Measurement:
    """The median over seeds, with the interval between two seeds in order that needs no assumption (binomial)."""
    known = numpy.sort(values[~numpy.isnan(values)])
    s = len(known)
    if s < 2:
        note = "median of a single seed: no interval" if s else "median over seeds; no seed has a value"
        return Measurement(float(known[0]) if s else float("nan"), n=s, note=note)
    rank = max(0, int(stats.binom.ppf(0.025, s, 0.5)) - 1)
    covers = 1 - 2 * float(stats.binom.cdf(rank, s, 0.5))
    note = f"median over {s} seeds; from {rank + 1} of {s} in order to {s - rank}, which covers {covers:.0%}"
    return Measurement(float(numpy.median(known)), float(known[rank]), float(known[-1 - rank]), s, note)


def spearman_by_network(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Each network's own mean correlation, cell by cell in the order of the seeds: what every mean is made of."""
    return [{**cell.settings, "spearman": cell.correlations.per_seed().round(5).tolist()} for cell in cells]


def network_pairs(cells: Sequence[Cell]) -> pandas.DataFrame:
    """Predicted beside actual change of each network, a sample of each where there are too many to keep."""
    parts = [
        Agreement({**cell.settings, "seed": seed}, compared, {})
        for cell in cells
        for seed, compared in zip(cell.outcomes, cell.comparisons, strict=True)
    ]
    return pairs_table(parts, kept=max(1, KEPT // len(parts)))
