"""Figures of predicted against actual: each function returns one, labelled in words and units."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from influencelab.experiments.tables import Agreement, measurements
from influencelab.statistics.display import display_name
from influencelab.statistics.measurements import LAST

PALETTE = seaborn.color_palette("colorblind")
STYLE: Any = {"axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False}
# More points than this are drawn as pixels, so that an SVG stays small.
VECTOR = 600
# Statistics that stand in a panel.
SHOWN = ("pearson", "spearman", "slope")


def predicted_against_actual(parts: Sequence[Agreement], *, columns: int = 3) -> Figure | None:
    """One panel a part, so many a row: a point for each removal and test point, and the line of perfect prediction.

    Without any part there is no figure.
    """
    if not parts:
        return None
    rows = -(-len(parts) // columns)
    size = 3.9 * columns, 3.9 * rows
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(parts) :]:
        axis.remove()
    for axis, part in zip(axes.flat, parts, strict=False):
        draw_panel(axis, part)
    axes.flat[0].legend(loc="lower right", fontsize=8, frameon=False)
    plt.close(figure)  # a notebook shows what is returned, once
    return figure


def draw_panel(axis: Axes, part: Agreement) -> None:
    """The points of one comparison, named by estimator, data with what was varied and selection; its statistics."""
    varied = {name: value for name, value in part.settings.items() if name not in LAST}
    words = [each if isinstance(each, str) else f"{name.replace('_', ' ')} {each:g}" for name, each in varied.items()]
    estimator, selection = (display_name(part.settings[name]) for name in ("estimator", "selection"))
    axis.set_title(f"{estimator}\n{', '.join(words)}: {selection}", fontsize=10)
    mask = part.comparison.mask
    predicted, actual = part.comparison.predicted[mask], part.comparison.actual[mask]
    reach = 1.08 * max(numpy.abs(predicted).max(), numpy.abs(actual).max(), 1e-300)
    draw_points(axis, predicted, actual, reach=reach)
    axis.set_ylim(-reach, reach)
    axis.set_aspect("equal")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MaxNLocator(nbins=4))
        side.set_major_formatter("{x:g}")
    across, up = axis_labels(part.comparison.unit)
    axis.set_xlabel(across)
    axis.set_ylabel(up)
    shown = {name: part.statistics[name] for name in SHOWN if name in part.statistics}
    pairs = int(next(iter(part.statistics.values())).pairs.sum())
    lines = [*(f"{display_name(name)} {each.pooled.rounded()}" for name, each in shown.items()), f"{pairs:,} pairs"]
    axis.text(0.03, 0.97, "\n".join(lines), transform=axis.transAxes, va="top", fontsize=8)


def axis_labels(unit: str) -> tuple[str, str]:
    """Names of predicted and actual changes with their unit; scores that only rank have none, and know none."""
    if unit == "none":
        return "score (no unit)", "actual change in test loss"
    return f"predicted change in test loss ({unit})", f"actual change in test loss ({unit})"


def draw_points(axis: Axes, across: numpy.ndarray, up: numpy.ndarray, *, reach: float) -> None:
    """Points of pairs, with zero lines and the identity, as far as `reach` to either side of 0 across."""
    axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.plot([-reach, reach], [-reach, reach], color="0.4", linewidth=1, linestyle="--", label="prediction = truth")
    axis.scatter(across, up, s=9, alpha=0.55, color=PALETTE[0], linewidth=0, rasterized=len(up) > VECTOR)
    axis.set_xlim(-reach, reach)
    axis.ticklabel_format(style="sci", scilimits=(-3, 3))


def slope_by_weight_decay(parts: Sequence[Agreement], *, leverage: Mapping[float, float]) -> Figure:
    """How the slope of actual on predicted, of one selection, leaves 1 as weight decay falls and leverage grows.

    The average leverage is given at each weight decay: effective parameters / training points.
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    table = measurements(parts).query("statistic == 'median_slope'")
    for count, (name, line) in enumerate(table.groupby("estimator", sort=False)):
        decays, value, low, high = line[["weight_decay", "value", "low", "high"]].to_numpy(dtype=float).T
        style = {"color": PALETTE[count], "marker": "os^D"[count % 4], "capsize": 3, "label": display_name(str(name))}
        for axis, across in ((left, decays), (right, [leverage[decay] for decay in decays])):
            axis.errorbar(across, value, yerr=numpy.maximum([value - low, high - value], 0), **style)
    for axis in (left, right):
        axis.axhline(1, color="0.4", linestyle="--", linewidth=1)
        axis.set_ylabel("slope of actual on predicted change\n(1 = right size; median over test points)")
    left.set(xscale="log", xlabel="weight decay (smaller to the right)")
    left.margins(x=0.08)
    left.invert_xaxis()
    right.xaxis.set_major_formatter(PercentFormatter(1.0))
    right.set_xlabel("average leverage: effective parameters / training points")
    left.legend(frameon=False)
    plt.close(figure)
    return figure
