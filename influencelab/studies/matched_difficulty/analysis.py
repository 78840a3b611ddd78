"""Networks of several depths made equally hard, their agreement beside unmatched ones, and what is left of depth."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy
import pandas

from influencelab.errors import InvalidData
from influencelab.experiments import seed_agreement
from influencelab.experiments.grid import Key, grid, with_setting
from influencelab.experiments.matched_trial import MEASURES, MatchedTrial
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.seed_agreement import AgreementQuery, Cell, Row, share, typical
from influencelab.experiments.trial import Trial
from influencelab.statistics.agreement import FOUR
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.clustered import regression
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.replicates import difference

# A table of pandas, whose declared types know neither keys of groups nor conditions on columns.
Table = Any
# Depth at one weight decay, and with train loss or the effective dimension held to one layer's.
UNMATCHED = "unmatched"
ARMS = (UNMATCHED, *MEASURES)
# What depth may act through: of each network, in the order in which the table shows it.
COVARIATES = ("effective_share", "log_smallest_curvature", "largest_leverage", "left_basin")
# Facts whose means are shown of each cell.
SHOWN = ("train_loss", "effective_share", "own_decay", "largest_leverage", "left_basin")


def trials(
    trial: Trial, *, depths: Sequence[int], decays: Sequence[float], seeds: int, tolerance: float
) -> dict[Key, Any]:
    """Trials by arm, depth, width, weight decay of the network of one layer, and seed, which draws the split too.

    One layer is its own match, and stands in each arm: the same trial, which runs once.
    """
    task: Any = trial.task
    axes = {"depth": depths, "width": [task.width], "weight_decay": decays}
    settings = {f"task.{name}": values for name, values in axes.items()} | {"seed": range(seeds)}
    plain = grid({UNMATCHED: trial}, settings)
    plain = {key: with_setting(each, "source.seed", each.seed) for key, each in plain.items()}
    found: dict[Key, Any] = {}
    for arm, (key, each) in product(ARMS, plain.items()):
        searched = arm != UNMATCHED and each.task.depth > 1
        found[arm, *key[1:]] = MatchedTrial(each, measure=arm, tolerance=tolerance) if searched else each
    return found


def at_their_decays(recipes: Mapping[Key, Any], outcomes: Mapping[Key, Outcome]) -> dict[Key, Trial]:
    """The plain trial of each outcome, at the weight decay that was found for it: what retrains on demand."""
    found = {}
    for key, recipe in recipes.items():
        matching = outcomes[key].facts.get("matching")
        plain = recipe.trial if matching else recipe
        found[key] = with_setting(plain, "task.weight_decay", matching["weight_decay"]) if matching else plain
    return found


def cells(outcomes: Mapping[Key, Outcome], *, data: str) -> list[Cell]:
    """The cells of every arm; the weight decay of a cell is that of one layer, whatever its networks have.

    Networks that did not reach what they were to be matched to keep their places, and have no agreement.
    """
    asked = {key: each if is_matched(each) else without_truth(each) for key, each in outcomes.items()}
    how: Any = {"selection": next(iter(next(iter(asked.values())).chosen))}
    return seed_agreement.cells_of([AgreementQuery(arm, {"arm": arm, "data": data}, **how) for arm in ARMS], asked)


def is_matched(outcome: Outcome) -> bool:
    """Whether it is a network of the trial's own weight decay, or one whose search ended within the tolerance."""
    return outcome.facts.get("matching", {"matched": True})["matched"]


def without_truth(outcome: Outcome) -> Outcome:
    """The outcome as if no retrained model had converged."""
    return replace(outcome, converged={name: each & False for name, each in outcome.converged.items()})


def networks(cells: Sequence[Cell]) -> pandas.DataFrame:
    """A row a network: its agreement (of sizes its median test point), and what its depth may act through."""
    parts = []
    for cell in cells:
        for place, (seed, outcome) in enumerate(cell.outcomes.items()):
            values = {name: typical(cell.measures[name]).per_seed()[place] for name in FOUR}
            parts.append({**cell.settings, "seed": seed, **values, **qualities(outcome, cell)})
    return pandas.DataFrame(parts)


def qualities(outcome: Outcome, cell: Cell) -> dict[str, float]:
    """What a network is like, whatever its depth."""
    facts, target = outcome.facts, cell.settings["target"]
    converged = outcome.converged[target]
    # Of networks at a minimum the smallest curvature is above 0.
    smallest = facts["smallest_curvature"] if facts["smallest_curvature"] > 0 else numpy.nan
    matching = facts.get("matching")
    return {
        "train_loss": facts["train_loss"],
        "effective_share": facts["effective_dimension"] / facts["n"],
        "log_smallest_curvature": float(numpy.log10(smallest)),
        "largest_leverage": facts.get("largest_leverage", numpy.nan),
        "left_basin": float((converged & ~outcome.trusted[target]).sum() / max(1, int(converged.sum()))),
        "own_decay": matching["weight_decay"] if matching else cell.settings["weight_decay"],
        "matched": float(is_matched(outcome)),
    }


def measurements(cells: Sequence[Cell], table: Table, *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Every number of the study, as a tidy table."""
    found = seed_agreement.agreement_rows(cells, bootstrap=bootstrap)
    found += quality_rows(cells, table) + paired_rows(cells, bootstrap=bootstrap)
    found += depth_rows(table.loc[table["matched"] == 1], bootstrap=bootstrap)
    return tidy(found)


def quality_rows(cells: Sequence[Cell], table: Table) -> list[Row]:
    """What the networks of each cell are like, means; and the share of them that were matched."""
    found = []
    for cell in cells:
        part = table
        for name in ("arm", "depth", "weight_decay"):
            part = part.loc[part[name] == cell.settings[name]]
        matched = share(int(part["matched"].sum()), len(part), "networks reached what they were to be matched to")
        found.append(row(matched, **cell.settings, statistic="matched"))
        for name in SHOWN:
            note = f"mean over {len(part)} networks; no interval"
            number = Measurement(float(part[name].mean()), n=len(part), note=note)
            found.append(row(number, **cell.settings, statistic=f"mean_{name}"))
    return found


def paired_rows(cells: Sequence[Cell], *, bootstrap: Bootstrap) -> list[Row]:
    """Each measure of matched networks less that of unmatched ones of the same depth, split by split."""
    found = []
    for shared, line in seed_agreement.lines_along(cells, "arm"):
        if shared["depth"] == 1 or UNMATCHED not in line:
            continue
        for arm, cell in line.items():
            for name in FOUR if arm != UNMATCHED else ():
                pair = (typical(each.measures[name]) for each in (cell, line[UNMATCHED]))
                gain = difference(*pair, paired=True, bootstrap=bootstrap)
                how = f"mean {name} of matched networks less that of unmatched ones, splits paired"
                found.append(row(gain.described(how), arm=arm, **shared, statistic=f"{name}_gain"))
    return found


def depth_rows(table: Table, *, bootstrap: Bootstrap) -> list[Row]:
    """Coefficients of log10 RMS error / RMS truth a layer: alone, and with every covariate held, by arm and decay.

    Splits are drawn with all of their networks. Covariates are in units of their spread over the networks, so that
    coefficients can be compared; one that does not vary is left out. `pearson` is regressed in the same way.
    """
    found: list[Row] = []
    shared = {name: table[name].iloc[0] for name in ("data", "width", "estimator", "target")}
    for (arm, decay), part in table.groupby(["arm", "weight_decay"], sort=False):
        own = {**shared, "arm": arm, "weight_decay": decay}
        depth, units = {"depth": part["depth"].to_numpy(float)}, part["seed"].to_numpy()
        for name, values in {"log_error": numpy.log10(part["relative_error"]), "pearson": part["pearson"]}.items():
            for held, columns in {"": depth, "_held": depth | covariates(part)}.items():
                try:
                    fitted = regression(columns, values.to_numpy(), units=units, bootstrap=bootstrap)
                except InvalidData as error:
                    fitted = {"depth": Measurement(float("nan"), note=f"no slope: {error}")}
                found.append(row(fitted["depth"].with_half_width(), **own, statistic=f"{name}_of_depth{held}"))
                others = [column for column in fitted if column in COVARIATES]
                found += [row(fitted[each], **own, statistic=f"{name}_of_{each}") for each in others]
    return found


def covariates(part: Table) -> dict[str, numpy.ndarray]:
    """The covariates that vary, each in units of its spread."""
    spread = {name: float(part[name].std(ddof=0)) for name in COVARIATES}
    return {name: part[name].to_numpy(float) / size for name, size in spread.items() if size > 0}
