"""Tables that studies share: measurements as people read them, and how well the models were fitted."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas
from pandas.io.formats.style import Styler

from influencelab.experiments.outcome import Outcome
from influencelab.statistics.display import display_name, readable
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import measurement_of, records, settings_of

__all__ = ["fit_table", "measurement_table"]

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


def measurement_table(
    measurements: pandas.DataFrame, *, across: str = "statistic", shown: Sequence[Any] = (), caption: str = ""
) -> Styler:
    """A tidy table of measurements as a person reads it: a column for each value of one setting, a row for the rest.

    Args:
        measurements: the table; a setting that none of its rows has is left out.
        across: the setting whose values become columns.
        shown: those of its values that are shown, in this order; all unless given.
        caption: what the table shows.
    """
    known = measurements.dropna(axis="columns", how="all")
    settings = [name for name in settings_of(known) if name not in (across, "study")]
    cells: dict[tuple[Any, ...], dict[Any, Measurement]] = {}
    for line in records(measurements):
        cells.setdefault(tuple(line[name] for name in settings), {})[line[across]] = measurement_of(line)
    there = dict.fromkeys(column for row in cells.values() for column in row)
    columns = [column for column in shown or there if column in there]
    rows = []
    for key, row in cells.items():
        named = {display_name(name): setting_text(value) for name, value in zip(settings, key, strict=True)}
        texts = {setting_text(column): row[column].rounded() if column in row else "" for column in columns}
        counts = [row[column].n for column in columns if column in row and row[column].n is not None]
        rows.append({**named, **texts, "n": f"{counts[0]:,}" if counts else ""})
    return readable(pandas.DataFrame(rows), caption=caption)


def setting_text(value: Any) -> str:
    """The value of a setting as a reader sees it."""
    return "" if value is None else display_name(value) if isinstance(value, str) else f"{value:g}"


def fit_table(outcomes: Mapping[str, Outcome], *, varied: str = "trial") -> Styler:
    """A row a trial: how well the model was fitted, and whether the retrained models are truth.

    Args:
        outcomes: each trial by its name.
        varied: what the names are, such as `weight decay`.
    """
    rows = []
    for name, outcome in outcomes.items():
        facts = {**outcome.facts, **next(iter(outcome.facts["targets"].values()))}
        rows.append({varied: name, **{head: shown.format(**facts) for head, shown in FIT.items()}})
    return readable(pandas.DataFrame(rows), caption="Every fit, and every model retrained from it")
