"""Figures of predicted against actual: each function returns one, labelled in words and units."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from influencelab.experiments.house_style import PALETTE, SMALL, VECTOR, drawing, error_bars, finish, look, short
from influencelab.experiments.tables import Agreement
from influencelab.statistics.display import display_name
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import LAST, measurement_of, select, settings_of

# Statistics that stand above a panel.
SHOWN = ("pearson", "spearman", "slope")
AGAINST = (
    "Each point is one removed training point and one test point: horizontal, the rise in the test point's loss that "
    "was predicted; vertical, what happened when the model was trained again without the point. On the dashed line "
    "prediction is truth."
)
SLOPES = (
    "How many times as large as predicted the changes in test loss were, at each weight decay (left) and against the "
    "leverage it leaves (right), with 95% intervals; on the dashed line the size is right. Influence should predict "
    "too little where weight decay is small, and one Newton step without the point should not."
)


def predicted_against_actual(parts: Sequence[Agreement], *, columns: int = 3) -> Figure | None:
    """One panel a part, so many a row: a point for each removal and test point, and the line of perfect prediction.

    Without any part there is no figure.
    """
    masks = [part.comparison.mask for part in parts]
    changes = [
        (part.comparison.predicted[mask], part.comparison.actual[mask]) for part, mask in zip(parts, masks, strict=True)
    ]
    numbers = [{name: each.pooled for name, each in part.statistics.items()} for part in parts]
    unit = parts[0].comparison.unit if parts else ""
    return panels([part.settings for part in parts], changes, numbers, columns=columns, unit=unit)


def pairs_figure(
    pairs: pandas.DataFrame, table: pandas.DataFrame, *, columns: int = 3, unit: str = "nats"
) -> Figure | None:
    """The same from the pairs and the measurements of a report, a panel for each combination of settings of the pairs.

    A report may hold a sample of the pairs; statistics are of all.
    """
    names = [name for name in settings_of(table) if name in pairs and name != "statistic"]
    groups: Any = pairs.groupby(names, sort=False, observed=True)
    settings = [dict(zip(names, key, strict=True)) for key, _ in groups]
    changes = [(part["predicted"].to_numpy(dtype=float), part["actual"].to_numpy(dtype=float)) for _, part in groups]
    numbers = [{line["statistic"]: measurement_of(line) for line in select(table, each)} for each in settings]
    return panels(settings, changes, numbers, columns=columns, unit=unit)


def panels(
    settings: Sequence[Mapping[str, Any]],
    changes: Sequence[tuple[numpy.ndarray, numpy.ndarray]],
    numbers: Sequence[Mapping[str, Measurement]],
    *,
    columns: int,
    unit: str,
) -> Figure | None:
    """A panel for each of these settings: its predicted and actual changes, and above them its statistics."""
    if not settings:
        return None
    columns = min(columns, len(settings))
    figure, axes = drawing(len(settings), columns=columns, height=3.9 if columns > 2 else 4.7, sharey=False)
    for axis, own, (predicted, actual), found in zip(axes, settings, changes, numbers, strict=True):
        draw_panel(axis, predicted, actual, unit=unit)
        axis.set_title(panel_title(own, found), fontsize=SMALL, loc="left")
    return finish(figure, caption=AGAINST)


def panel_title(settings: Mapping[str, Any], numbers: Mapping[str, Measurement]) -> str:
    """The estimator, data with what was varied, and selection of one comparison, and what its statistics are."""
    varied = {name: value for name, value in settings.items() if name not in LAST}
    words = [each if isinstance(each, str) else f"{name.replace('_', ' ')} {each:g}" for name, each in varied.items()]
    estimator, selection = (display_name(settings[name]) for name in ("estimator", "selection"))
    counts = [f"{number.n:,} pairs" for number in numbers.values() if number.n is not None][:1]
    statistics = [f"{display_name(name)} {short(numbers[name])}" for name in SHOWN if name in numbers]
    return "\n".join([estimator, ", ".join(words), ", ".join([selection, *counts]), *statistics])


def draw_panel(axis: Axes, predicted: numpy.ndarray, actual: numpy.ndarray, *, unit: str) -> None:
    """Predicted across, actual up, on equal scales."""
    reach = 1.08 * max(numpy.abs(predicted).max(), numpy.abs(actual).max(), 1e-300)
    draw_points(axis, predicted, actual, across=reach, up=reach)
    axis.set_aspect("equal")
    across, up = axis_labels(unit)
    axis.set(xlabel=across, ylabel=up)


def draw_points(axis: Axes, predicted: numpy.ndarray, actual: numpy.ndarray, *, across: float, up: float) -> None:
    """Points of pairs, with zero lines and the identity, as far to either side of 0 as is said."""
    axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--", label="prediction = truth")
    axis.scatter(predicted, actual, s=9, alpha=0.55, color=PALETTE[0], linewidth=0, rasterized=len(actual) > VECTOR)
    axis.set(xlim=(-across, across), ylim=(-up, up))
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MaxNLocator(nbins=4))
        side.set_major_formatter("{x:g}")


# What changes, by its unit; all other units are of losses.
WATCHED = {
    "log-odds": "margin",
    "probability": "probability",
    "unit of the parameter": "parameter",
    "output": "output",
    "mean response": "prediction",
    "log penalty": "penalty",
}


def axis_labels(unit: str) -> tuple[str, str]:
    """Names of predicted and actual changes with their unit; scores that only rank have none, and know none."""
    if unit == "none":
        return "score (no unit)", "actual change in test loss"
    what = WATCHED.get(unit, "test loss")
    return f"predicted change in {what} ({unit})", f"actual change in {what} ({unit})"


def slope_by_weight_decay(table: pandas.DataFrame, *, leverage: Mapping[float, float]) -> Figure:
    """How the slope of actual on predicted, of one selection, leaves 1 as weight decay falls and leverage grows.

    The average leverage is given at each weight decay: effective parameters / training points.
    """
    figure, (left, right) = drawing(2, height=3.6)
    for count, (name, line) in enumerate(table.query("statistic == 'median_slope'").groupby("estimator", sort=False)):
        decays, value = line[["weight_decay", "value"]].to_numpy(dtype=float).T
        for axis, across in ((left, decays), (right, [leverage[decay] for decay in decays])):
            label = display_name(str(name))
            axis.errorbar(across, value, yerr=error_bars(line), **look(count), capsize=3, label=label)
    for axis in (left, right):
        axis.axhline(1, color="0.4", linestyle="--", linewidth=1, label="right size")
    left.set(xscale="log", xlabel="weight decay (smaller to the right)")
    left.set_ylabel("slope of actual on predicted change\n(1 = right size; median over test points)")
    left.margins(x=0.08)
    left.invert_xaxis()
    right.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    right.set_xlabel("average leverage (effective parameters per training point)")
    return finish(figure, caption=SLOPES)
