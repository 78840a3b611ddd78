"""Trials of deeper, wider and less regularised networks, measurements of their agreement, and how well they trained."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy
import pandas

from influencelab.experiments import seed_agreement
from influencelab.experiments.grid import Key, grid, with_setting
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, repeatability
from influencelab.experiments.seed_agreement import AgreementQuery, Cell, Row
from influencelab.experiments.trial import Trial
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.replicates import mean

# The two weight decays whose difference is the gain. Networks without any, as published, are at no minimum.
GAINS = {"published": (5e-3, 0.0), "controlled": (5e-3, 1e-4)}
# Facts of a fit, whose means over the networks of a cell are reported.
FACTS = {
    "train_loss": "fit_loss",
    "train_accuracy": "train_accuracy",
    "smallest_curvature": "smallest_curvature",
    "largest_curvature": "largest_curvature",
}
HOW = {
    "trusted_spearman": f"{seed_agreement.ALL}, models of the fit's own basin only",
    "repeatability": "correlation of true changes between two seeds, mean over couples and test points",
}
# A trial with its depths, widths, weight decays, and the number of seeds of each setting, or of each depth.
Arm = tuple[Trial, Sequence[int], Sequence[int], Sequence[float], int | Sequence[int]]


def trials(arms: Mapping[str | Key, Arm], *, own_splits: bool = False, damping: float = 1e-3) -> dict[Key, Trial]:
    """Every arm over settings of its own, by arm, depth, width, weight decay and seed; empty arms are left out.

    With its own split each network's seed draws that of its source: with the same few test points for all, an interval
    is never narrower than what these points differ by, however many networks there are. The damping is of exact
    influence where there is no weight decay, as in Basu et al. (2021).
    """
    found: dict[Key, Trial] = {}
    for name, (trial, depths, widths, decays, seeds) in arms.items():
        counts = [seeds] * len(depths) if isinstance(seeds, int) else seeds
        for depth, count in zip(depths, counts, strict=True):
            settings = {"depth": [depth], "width": widths, "weight_decay": decays}
            axes = {f"task.{setting}": values for setting, values in settings.items()} | {"seed": range(count)}
            found |= grid({name: trial}, axes) if all(axes.values()) else {}
    if own_splits:
        found = {key: with_setting(trial, "source.seed", trial.seed) for key, trial in found.items()}
    return {
        key: trial if trial.task.weight_decay else with_setting(trial, "estimators.exact.damping", damping)
        for key, trial in found.items()
    }


def measurements(
    queries: Iterable[AgreementQuery],
    outcomes: Mapping[Key, Outcome],
    *,
    choices: Iterable[AgreementQuery] = (),
    bootstrap: Bootstrap,
) -> pandas.DataFrame:
    """Every number of the study, as a tidy table.

    Queries of the arms that require minima are the controlled ones. Choices are of networks that try what a paper
    leaves open, of which only the agreement is taken.
    """
    found: list[Row] = []
    for query in queries:
        cells, trusted = query.cells(outcomes), replace(query, same_basin_only=True).cells(outcomes)
        agreement = seed_agreement.agreement_rows(cells, bootstrap=bootstrap)
        found += [*agreement, *arm_rows(query, cells, agreement=agreement), *quality_rows(cells)]
        for settings, table in [*correlations(trusted, "trusted_spearman"), *repeats(query, cells)]:
            found.append(row(mean(table, bootstrap=bootstrap).described(HOW[settings["statistic"]]), **settings))
        pair = GAINS[query.settings["arm"]]
        how = "mean ρ at weight decay {:g} less that at {:g}".format(*pair)
        found += seed_agreement.difference_rows(
            cells, "weight_decay", pair=pair, statistic="decay_gain", how=how, bootstrap=bootstrap
        )
    others = seed_agreement.cells_of(choices, outcomes)
    return tidy([*found, *seed_agreement.agreement_rows(others, bootstrap=bootstrap)])


def correlations(cells: Sequence[Cell], statistic: str) -> list[Measured]:
    """The correlations of each cell, by this name."""
    return [({**cell.settings, "statistic": statistic}, cell.correlations) for cell in cells]


def repeats(query: AgreementQuery, cells: Sequence[Cell]) -> list[Measured]:
    """How well the truth of controlled networks repeats: its correlation between two seeds, over couples of seeds.

    Cells whose networks have test points of their own are left out: there is nothing that two of them both say.
    """
    found: list[Measured] = []
    for cell in cells if query.require_minimum else ():
        part = list(cell.outcomes.values())
        even, tests = len(part) - len(part) % 2, {tuple(each.test_ids.tolist()) for each in part}
        if even and len(tests) == 1:
            table = repeatability(part[:even:2], part[1:even:2], target=query.target)
            found.append(({**cell.settings, "statistic": "repeatability"}, table))
    return found


def quality_rows(cells: Sequence[Cell]) -> Iterator[Row]:
    """How well the networks of each cell were fitted and retrained: shares of all networks or models, and means."""
    for cell in cells:
        facts = [each.facts for each in cell.outcomes.values()]
        models = [each["targets"][cell.settings["target"]] for each in facts]
        retrained = max(1, sum(len(each.train_ids) for each in cell.outcomes.values()))
        found = {
            "fits_at_a_minimum": sum(each["fit_converged"] for each in facts) / len(facts),
            "converged": sum(each["converged"] for each in models) / retrained,
            "trusted": sum(each["trusted"] for each in models) / retrained,
        } | {name: float(numpy.mean([each[fact] for each in facts])) for name, fact in FACTS.items()}
        for name, value in found.items():
            unit = "nats" if name == "train_loss" else ""
            number = Measurement(value, n=len(facts), note=f"mean over {len(facts)} networks; no interval", unit=unit)
            yield row(number, **cell.settings, statistic=name)


def arm_rows(query: AgreementQuery, cells: Sequence[Cell], *, agreement: Iterable[Row]) -> list[Row]:
    """Of all networks of an arm: whether their truth can be trusted, and the widest interval of any cell's mean ρ."""
    networks = [each for cell in cells for each in cell.outcomes.values()]
    if not networks:
        return []
    minima = sum(each.facts["fit_converged"] for each in networks)
    good = sum(int(each.converged[query.target].sum()) for each in networks)
    removed = sum(len(each.train_ids) for each in networks)
    found = {
        "fits_at_a_minimum": seed_agreement.share(minima, len(networks), "fits at a minimum"),
        "converged": seed_agreement.share(good, removed, "retrained models converged"),
        "largest_half_width": widest(line for line in agreement if line["statistic"] == "spearman"),
    }
    shared = {**query.settings, "estimator": query.estimator, "target": query.target}
    return [row(number, **shared, statistic=name) for name, number in found.items()]


def widest(means: Iterable[Row]) -> Measurement:
    """The largest half-width of any interval: whether the study can tell what it set out to."""
    known = [line for line in means if line["low"] is not None]
    if not known:
        return Measurement(float("nan"), note="no cell has an interval")
    worst = max(known, key=lambda line: line["high"] - line["low"])
    half = (worst["high"] - worst["low"]) / 2
    where = f"worst at depth {worst['depth']}, width {worst['width']}, weight decay {worst['weight_decay']:g}"
    return Measurement(half, n=len(known), note=f"half-width of the 95% interval of mean ρ, {where}")
