"""Agreement of networks with retraining over several seeds: cells of a grid, their means, medians, trends and pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
import pandas
from jaxtyping import Bool, Float, Int
from scipy import stats

from influencelab.errors import InvalidData
from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.tables import Agreement, pairs_table
from influencelab.recipe import Recipe
from influencelab.statistics.agreement import UNBOUNDED
from influencelab.statistics.bootstrap import FEWEST_REPLICATES, Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row
from influencelab.statistics.replicates import Replicates, difference, four, mean
from influencelab.statistics.trend import Covariates, trend

OWN = "mean over networks, each at its own test point of largest loss"
ALL = "mean over networks and test points"
# What stands between arm and seed in the keys of networks.
SETTINGS = ("depth", "width", "weight_decay")
# What a trend along each axis is named after: `spearman_per_layer`.
TRENDS = {"depth": "per_layer", "width": "per_unit"}
# The share of its training points that a network gets right, from which on it counts as trained.
TRAINED = 0.8
# Pairs that a report keeps, over all networks.
KEPT = 40_000

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Cell:
    """Networks by seed, which differ in nothing else, and how far each agrees with those retrained models that count.

    The settings are columns of the table of measurements. The measures are Spearman, Pearson, slope and relative error,
    signed, of each seed and test point, NaN where undefined; where each network looks at one test point of its own,
    that is its only column. The test ids say which point stands where.
    """

    settings: Mapping[str, Any]
    outcomes: Mapping[int, Outcome]
    comparisons: Sequence[Comparison]
    measures: Mapping[str, Replicates]
    test_ids: Int[numpy.ndarray, "s m"]

    @property
    def correlations(self) -> Replicates:
        """Spearman's."""
        return self.measures["spearman"]

    @property
    def trained(self) -> Bool[numpy.ndarray, " s"]:
        """Which networks get four fifths of their training points right, or more."""
        return numpy.array([each.facts["train_accuracy"] >= TRAINED for each in self.outcomes.values()])

    def among(self, counted: Bool[numpy.ndarray, " s"]) -> Replicates:
        """Spearman's ρ of these networks alone; NaN for the others, which keep their places."""
        return replace(self.correlations, values=numpy.where(counted[:, None], self.correlations.values, numpy.nan))


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
            looks = numpy.stack([each.chosen[self.selection].any(0).numpy() for each in part.values()])
            measures, test_ids = four(compared), numpy.stack([each.test_ids for each in compared])
            if (looks.sum(1) == 1).all():
                measures = {name: at_own_test(table, looks) for name, table in measures.items()}
                test_ids = test_ids[looks][:, None]
            own = {**dict(zip(SETTINGS, setting, strict=True)), "estimator": self.estimator, "target": self.target}
            found.append(Cell({**self.settings, **own}, part, compared, measures, test_ids))
        return found

    def counted(self, outcome: Outcome) -> Outcome:
        """The outcome with those retrained models as truth that count here; a prediction that is NaN ranks none."""
        counted = (outcome.trusted if self.same_basin_only else outcome.converged)[self.target]
        counted = counted & outcome.predicted[self.estimator].isfinite().all(1)
        if self.require_minimum and not outcome.facts["fit_converged"]:
            counted = counted & False
        return replace(outcome, trusted={**outcome.trusted, self.target: counted})


def at_own_test(table: Replicates, looks: Bool[numpy.ndarray, "s m"]) -> Replicates:
    """The one column of networks that look at one test point each."""
    parts = {name: getattr(table, name) for name in ("values", "pairs", "distinct")}
    return Replicates(**{name: part[looks][:, None] for name, part in parts.items()}, measure=table.measure)


def cells_of(queries: Iterable[AgreementQuery], outcomes: Mapping[Key, Outcome]) -> list[Cell]:
    """The cells of several queries."""
    return [cell for query in queries for cell in query.cells(outcomes)]


def agreement_rows(cells: Sequence[Cell], *, bootstrap: Bootstrap) -> list[Row]:
    """Mean and median of each measure in each cell, shares of its networks, and trends along depth and along width.

    The median is over networks; of sizes it is that of each network's median test point.
    """
    found = []
    for cell in cells:
        s, trained = len(cell.outcomes), cell.trained
        undefined = int(numpy.isnan(cell.correlations.per_seed()).sum())
        how = OWN if cell.correlations.values.shape[1] == 1 else ALL
        how += f"; {undefined} of {s} networks have none and are left out" if undefined else ""
        among = f"mean over the {int(trained.sum())} of {s} networks that trained"
        statistics = {
            "undefined": share(undefined, s, "networks"),
            "few_distinct": share(int(cell.correlations.few_distinct.sum()), s, "networks"),
            "trained": share(int(trained.sum()), s, f"networks get {TRAINED:.0%} of their training points right"),
            "spearman_of_trained": mean(cell.among(trained), bootstrap=bootstrap).described(among),
        }
        for name, table in cell.measures.items():
            statistics[name] = mean(table, bootstrap=bootstrap).described(how)
            statistics[f"median_{name}"] = median(typical(table).per_seed())
        found += [row(number, **cell.settings, statistic=name) for name, number in statistics.items()]
    return found + [line for axis in TRENDS for line in trend_rows(cells, axis, bootstrap=bootstrap)]


def lines_along(cells: Sequence[Cell], axis: str) -> list[tuple[Row, dict[Any, Cell]]]:
    """Two cells or more that differ in one setting alone, by that setting, with the settings that they share."""
    lines: dict[Any, dict[Any, Cell]] = {}
    for cell in cells:
        shared = tuple((name, value) for name, value in cell.settings.items() if name != axis)
        lines.setdefault(shared, {})[cell.settings[axis]] = cell
    return [(dict(shared), line) for shared, line in lines.items() if len(line) > 1]


def trend_rows(cells: Sequence[Cell], axis: str, *, bootstrap: Bootstrap) -> list[Row]:
    """Trends of each measure; of ρ also with undefined ones at 0, among networks that trained, and with ‖∇J‖ held.

    Of sizes they are those of each network's median test point (`typical`).
    """
    found = []
    for shared, line in lines_along(cells, axis):
        tables = {x: cell.correlations for x, cell in line.items()}
        # A network without any ρ says the same of every point, and ranks nothing.
        undefined = {x: numpy.isnan(table.per_seed())[:, None] for x, table in tables.items()}
        as_zero = {x: replace(tables[x], values=numpy.where(at, 0.0, tables[x].values)) for x, at in undefined.items()}
        grads = {x: [each.facts["fit_grad_norm"] for each in cell.outcomes.values()] for x, cell in line.items()}
        sizes = {x: numpy.log10(numpy.maximum(each, 1e-30)) for x, each in grads.items()}
        kinds: dict[str, tuple[Mapping[Any, Replicates], Covariates]] = {
            **{name: ({x: typical(cell.measures[name]) for x, cell in line.items()}, {}) for name in cells[0].measures},
            "spearman_undefined_as_0": (as_zero, {}),
            "spearman_of_trained": ({x: cell.among(cell.trained) for x, cell in line.items()}, {}),
        }
        # Of minima ‖∇J‖ is rounding, and holds nothing.
        if not all(each.facts["fit_converged"] for cell in line.values() for each in cell.outcomes.values()):
            kinds["spearman_given_gradient"] = (tables, {"log10 of the gradient norm": sizes})
        for name, (values, covariates) in kinds.items():
            slope = line_through(values, axis, covariates=covariates, bootstrap=bootstrap)
            found.append(row(slope, **shared, statistic=f"{name}_{TRENDS[axis]}"))
    return found


def typical(table: Replicates) -> Replicates:
    """Of a size each network's median over test points, which no point whose truth is nearly 0 rules; else as it is."""
    if table.measure not in UNBOUNDED or table.values.shape[1] == 1:
        return table
    known = numpy.asarray(~numpy.isnan(table.values).all(1))
    middle = numpy.full(len(known), numpy.nan)
    middle[known] = numpy.nanmedian(table.values[known], axis=1)
    return Replicates(middle[:, None], measure=table.measure)


def line_through(
    tables: Mapping[Any, Replicates], axis: str, *, covariates: Covariates | None = None, bootstrap: Bootstrap
) -> Measurement:
    """The trend along an axis, and of how many networks at each place; NaN, with the reason, of too few values."""
    counts = ", ".join(str(int((~numpy.isnan(tables[x].per_seed())).sum())) for x in sorted(tables))
    held = "".join(f"; {name} held" for name in covariates or {})
    how = f"least squares on {axis} of {counts} networks at {', '.join(f'{x:g}' for x in sorted(tables))}{held}"
    try:
        return trend(tables, covariates=covariates, bootstrap=bootstrap).described(how).with_half_width()
    except InvalidData as error:
        return Measurement(float("nan"), note=f"{how}; no slope: {error}")


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
    if s < FEWEST_REPLICATES:
        note = f"median over {s} seeds with a value; no interval of fewer than {FEWEST_REPLICATES}"
        return Measurement(float(numpy.median(known)) if s else float("nan"), n=s, note=note)
    rank = max(0, int(stats.binom.ppf(0.025, s, 0.5)) - 1)
    covers = 1 - 2 * float(stats.binom.cdf(rank, s, 0.5))
    note = f"median over {s} seeds; from {rank + 1} of {s} in order to {s - rank}, which covers {covers:.0%}"
    return Measurement(float(numpy.median(known)), float(known[rank]), float(known[-1 - rank]), s, note)


def by_test_point(cells: Iterable[Cell]) -> pandas.DataFrame:
    """The measures of each network at each test point: what all means, trends and intervals are made of.

    In float32, from which every mean follows to one part in a million; thousands of networks take less than 1 MB.
    """
    parts = []
    for cell in cells:
        seeds = numpy.repeat(list(cell.outcomes), cell.test_ids.shape[1])
        n = numpy.asarray(cell.correlations.pairs).ravel()
        values = {name: table.values.ravel().astype("float32") for name, table in cell.measures.items()}
        own = {**cell.settings, "seed": seeds, "test_id": cell.test_ids.ravel(), "n": n}
        parts.append(pandas.DataFrame({**own, **values}))
    return pandas.concat(parts, ignore_index=True)


def network_pairs(cells: Sequence[Cell]) -> pandas.DataFrame:
    """Predicted beside actual change of each network, a sample of each where there are too many to keep."""
    parts = [
        Agreement({**cell.settings, "seed": seed}, compared, {})
        for cell in cells
        for seed, compared in zip(cell.outcomes, cell.comparisons, strict=True)
    ]
    return pairs_table(parts, kept=max(1, KEPT // len(parts)))
