"""Tables that studies share: agreement with retraining, measurements as people read them, fits, and pairs."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
import pandas
from pandas.io.formats.style import Styler

from influencelab.errors import require
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.remembered_statistics import remembered
from influencelab.experiments.store import Store
from influencelab.statistics.agreement import FOUR, UNBOUNDED
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.display import display_name, readable
from influencelab.statistics.measurement import Measurement, Statistic
from influencelab.statistics.measurements import measurement_of, records, row, settings_of, tidy

__all__ = [
    "Agreement",
    "agreement_table",
    "agreements",
    "comparisons",
    "fit_table",
    "measurement_table",
    "measurements",
    "pairs_table",
]

# Those that a reader looks at first.
SHOWN = (*FOUR, "within_class_spearman", "sign_agreement")
# Pairs of one comparison that a report holds; more are sampled.
KEPT = 12_000
# How well a model was fitted and retrained: columns of facts of an outcome and of its first target.
FIT = {
    "n": "{n:,}",
    "parameters": "{p:,}",
    "effective": "{effective_parameters:.1f}",
    "objective (nats)": "{fit_loss:.4f}",
    "‖∇J‖ of the fit": "{fit_grad_norm:.0e}",
    "accuracy (train, test)": "{train_accuracy:.3f}, {test_accuracy:.3f}",
    "retrained": "{removals:,}",
    "converged": "{converged:,}",
    "largest ‖∇J‖": "{largest_grad_norm:.0e}",
    "seconds": "{seconds:.1f}",
}


@dataclass(frozen=True, eq=False)
class Agreement:
    """One estimator held against one target on one selection of one trial, and statistics of their agreement by name.

    Its settings tell it from the others: `{"data": "digits", "estimator": "exact", "target": "warm", "selection": …}`.
    """

    settings: Mapping[str, Any]
    comparison: Comparison
    statistics: Mapping[str, Statistic]


def comparisons(
    outcomes: Mapping[tuple[Any, ...], Outcome], names: Sequence[str], *, estimators: Collection[str] = ()
) -> list[Agreement]:
    """Estimators on every target and selection of every trial, without statistics: the pairs behind a report.

    Trials come by their settings, such as `("digits", 0.01)`, whose names, such as `("data", "weight_decay")`, are
    columns of the table of measurements. All estimators are taken unless some are given.
    """
    require(outcomes, Mapping, what="outcomes", cure="Give them by their settings, {('digits', 0.01): outcome}.")
    found = []
    for key, outcome in outcomes.items():
        for selection, estimator, target in itertools.product(outcome.chosen, outcome.predicted, outcome.actual):
            if not estimators or estimator in estimators:
                own = {"estimator": estimator, "target": target, "selection": selection}
                settings = {**dict(zip(names, key, strict=True)), **own}
                found.append(Agreement(settings, outcome.comparison(selection, estimator, target), {}))
    return found


def agreements(
    outcomes: Mapping[tuple[Any, ...], Outcome],
    names: Sequence[str],
    *,
    bootstrap: Bootstrap | None = None,
    store: Path | None = None,
) -> list[Agreement]:
    """Every estimator on every target and selection of every trial; outcomes and names as of `comparisons`.

    The folder of a store remembers the statistics, which of thousands of pairs take minutes.
    """

    def statistics(comparison: Comparison) -> Mapping[str, Statistic]:
        return remembered(comparison, bootstrap, store=Store(store)) if store else comparison.statistics(bootstrap)

    return [replace(part, statistics=statistics(part.comparison)) for part in comparisons(outcomes, names)]


def measurements(parts: Sequence[Agreement]) -> pandas.DataFrame:
    """A tidy table: a row a statistic, the mean over test points; of the slope the median too."""
    rows = []
    for part in parts:
        for name, statistic in part.statistics.items():
            if name in UNBOUNDED and part.comparison.unit == "none":
                continue  # a size means nothing for a score without a unit
            rows.append(row(statistic.pooled, **part.settings, statistic=name))
            if name == "slope":
                rows.append(row(statistic.median, **part.settings, statistic="median_slope"))
    return tidy(rows)


def measurement_table(
    measurements: pandas.DataFrame, *, across: str = "statistic", shown: Sequence[Any] = (), caption: str = ""
) -> Styler:
    """A tidy table of measurements as a person reads it: a column for each value of one setting, a row for the rest.

    Of the values across, those `shown` become columns, in this order; all unless given. A setting that no row has is
    left out.
    """
    known = measurements.dropna(axis="columns", how="all")
    settings = [name for name in settings_of(known) if name not in (across, "study")]
    cells: dict[tuple[Any, ...], dict[Any, Measurement]] = {}
    for line in records(measurements):
        cells.setdefault(tuple(line[name] for name in settings), {})[line[across]] = measurement_of(line)
    there = dict.fromkeys(column for numbers in cells.values() for column in numbers)
    columns = [column for column in shown or there if column in there]
    rows = []
    for key, numbers in cells.items():
        named = {display_name(name): setting_text(value) for name, value in zip(settings, key, strict=True)}
        texts = {setting_text(column): numbers[column].rounded() if column in numbers else "" for column in columns}
        counts = [numbers[column].n for column in columns if column in numbers and numbers[column].n is not None]
        rows.append({**named, **texts, "n": f"{counts[0]:,}" if counts else ""})
    return readable(pandas.DataFrame(rows), caption=caption)


def setting_text(value: Any) -> str:
    """The value of a setting as a reader sees it."""
    return "" if value is None else display_name(value) if isinstance(value, str) else f"{value:g}"


def fit_table(outcomes: Mapping[str, Outcome], *, varied: str = "trial") -> Styler:
    """A row a trial, by its value of what is `varied`: how well it was fitted, and whether retraining gave truth."""
    rows = []
    for name, outcome in outcomes.items():
        facts = {**outcome.facts, **next(iter(outcome.facts["targets"].values()))}
        rows.append({varied: name, **{head: shown.format(**facts) for head, shown in FIT.items()}})
    return readable(pandas.DataFrame(rows), caption="Every fit, and every model retrained from it")


def agreement_table(parts: Sequence[Agreement]) -> Styler:
    """A row for each, a column a statistic: what a reader looks at first, with intervals."""
    return measurement_table(
        measurements(parts), across="statistic", shown=SHOWN, caption="Means over test points, with 95% intervals"
    )


def pairs_table(parts: Sequence[Agreement], *, seed: int = 0, kept: int = KEPT) -> pandas.DataFrame:
    """The pairs behind the numbers, in float32: all of a comparison, or a random sample of `kept` where it has more."""
    generator = numpy.random.default_rng(seed)
    tables = []
    for part in parts:
        table = part.comparison.table()
        if len(table) > kept:
            table = table.iloc[numpy.sort(generator.permutation(len(table))[:kept])]
        tables.append(table.assign(**part.settings)[[*part.settings, *table.columns]])
    whole = pandas.concat(tables, ignore_index=True)
    texts = [name for name in whole.columns if isinstance(whole[name].iloc[0], str)]
    return whole.astype(dict.fromkeys(("predicted", "actual"), "float32") | dict.fromkeys(texts, "category"))
