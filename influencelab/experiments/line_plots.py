"""Figures of agreement against depth, weight decay and width."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.errors import InvalidData
from influencelab.experiments.plots import PALETTE, STYLE
from influencelab.statistics.reliability import NullBand

MARKERS = "os^Dv<>P"
CHANCE = "one correlation by chance (95%)"
APART = 0.12  # of neighbouring lines, as a share of the distance between neighbouring settings
CORRELATION = "agreement of predicted and actual change\nin test loss (signed Spearman correlation)"
Look = dict[str, Any]  # colour, marker and style of a line
NEUTRAL: Look = {"color": "0.35", "linestyle": "--"}  # of what is no arm: repeatability, counts


def lines(
    frame: pandas.DataFrame,
    *,
    x: str,
    hue: str,
    panel: str = "",
    dots: pandas.DataFrame | None = None,
    neutral: Sequence[str] = (),
    null: NullBand | None = None,
    scale: str = "ordinal",
    across: str = "",
    label: str = CORRELATION,
) -> Figure:
    """Measurements with intervals against one setting: a line for each value of another, a panel for each of a third.

    Args:
        frame: a tidy table of measurements; one row a panel, line and place on the axis.
        x: the setting along the axis, a number, such as `depth`.
        hue: the setting whose values are the lines, as the legend says them, such as `arm`.
        panel: the setting whose values are the panels, as their titles say them; one panel where it is empty.
        dots: rows with these settings and a `value`, drawn small behind the lines: each network's own mean.
        neutral: lines in grey, by their markers, of what is no arm, such as the repeatability of a target.
        null: what one correlation of as many pairs does by chance.
        scale: `ordinal` (equal steps), `linear`, or `log` with 0 one step left of the smallest, behind a break.
        across: what x is, with its unit if it has one; its name unless given.
        label: what is measured.

    A missing column, a table without rows, and a negative setting on a log scale are refused.
    """
    need(frame, [name for name in (x, hue, panel, "value", "low", "high") if name])
    parts = {title: frame.loc[frame[panel] == title] for title in frame[panel].unique()} if panel else {"": frame}
    standing = [positions(sorted(set(part[x].tolist())), scale=scale) for part in parts.values()]
    figure, axes = drawing(len(parts), width=4.6 if len(parts) > 1 else 7.2, height=4.9)
    arms = [name for name in dict.fromkeys(frame[hue]) if name not in neutral]
    looks = {name: look(place) for place, name in enumerate(arms)}
    looks |= {name: {**NEUTRAL, "marker": mark} for name, mark in zip(neutral, itertools.cycle("DXP*"))}
    for axis, places, (title, part) in zip(axes, standing, parts.items(), strict=True):
        behind = dots.loc[dots[panel] == title] if panel and dots is not None else dots
        if null is not None:
            axis.axhspan(-null.point, null.point, color="0.92", linewidth=0, zorder=0, label=CHANCE)
        draw_lines(axis, part, x=x, hue=hue, dots=behind, places=places, looks=looks)
        axis.set_xlabel(across or x.replace("_", " "))
        axis.set_title(title, fontsize=11)
        if scale == "log":
            axis.tick_params(axis="x", rotation=35)
            if 0 in places:
                axis.axvline(sum(sorted(places.values())[:2]) / 2, color="0.6", linewidth=0.8, linestyle=":")
    least = min(float(axis.dataLim.ymin) for axis in axes)
    axes[0].set_ylim(max(-1.05, min(least, -0.3) - 0.05), 1.05)
    axes[0].set_ylabel(label)
    legend_below(figure, axes)
    return figure


def draw_lines(
    axis: Axes,
    frame: pandas.DataFrame,
    *,
    x: str,
    hue: str,
    dots: pandas.DataFrame | None,
    places: Mapping[float, float],
    looks: Mapping[str, Look],
) -> None:
    """Values with intervals, side by side so that none hides another, and the dots behind them."""
    names, standing = list(dict.fromkeys(frame[hue])), sorted(places.values())
    gap = float(numpy.diff(standing).min()) if len(standing) > 1 else 1.0
    step = min(APART, 0.6 / max(1, len(names))) * gap
    generator = numpy.random.default_rng(0)
    for count, name in enumerate(names):
        style, shift = looks[name], (count - (len(names) - 1) / 2) * step
        line = frame.loc[frame[hue] == name].sort_values(by=x)
        at = numpy.array([places[setting] + shift for setting in line[x]])
        if dots is not None:
            own = dots.loc[dots[hue] == name]
            jitter = shift + step * generator.uniform(-0.3, 0.3, size=len(own))
            where = numpy.array([places[setting] for setting in own[x]]) + jitter
            axis.scatter(where, own["value"], s=9, color=style["color"], alpha=0.3, linewidth=0, zorder=2)
        axis.errorbar(
            at,
            line["value"].to_numpy(dtype=float),
            yerr=error_bars(line),
            **style,
            markersize=5.5,
            capsize=2.5,
            label=name,
            zorder=3,
        )
    axis.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axis.set_xticks(list(places.values()), [f"{setting:g}" for setting in places])
    axis.set_xlim(standing[0] - 0.6 * gap, standing[-1] + 0.6 * gap)
    axis.grid(visible=False, axis="x")


def error_bars(frame: pandas.DataFrame) -> numpy.ndarray:
    """How far the interval of each measurement reaches below and above it; 0 where it has none."""
    value, low, high = frame[["value", "low", "high"]].to_numpy(dtype=float).T
    return numpy.nan_to_num(numpy.maximum([value - low, high - value], 0))


def positions(settings: Sequence[float], *, scale: str) -> dict[float, float]:
    """Where each setting stands: in its order, at itself, or at its logarithm with 0 a step left of the smallest."""
    if scale == "ordinal":
        return {x: float(place) for place, x in enumerate(settings)}
    if scale == "linear":
        return {x: float(x) for x in settings}
    if scale != "log" or min(settings) < 0:
        raise InvalidData(f"The scale is '{scale}' and the least setting {min(settings)}; a log scale needs 0 or more.")
    logs = {x: float(numpy.log10(x)) for x in settings if x > 0}
    steps = numpy.diff(sorted(logs.values()))
    left = {0.0: min(logs.values()) - (float(numpy.median(steps)) if len(steps) else 1.0)} if min(settings) == 0 else {}
    return {**left, **logs}


def look(place: int) -> Look:
    """Colour and marker of the line in this place."""
    return {"color": PALETTE[place % len(PALETTE)], "marker": MARKERS[place % len(MARKERS)], "linestyle": "-"}


def drawing(
    columns: int, *, width: float, height: float, rows: int = 1, sharey: Literal["row", "none"] = "row"
) -> tuple[Figure, list[Axes]]:
    """Panels, row by row: those of a row may share their vertical axis, those of a column share the horizontal one."""
    size = max(5.4, width * columns), height
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=size, sharex="col", sharey=sharey, squeeze=False, layout="constrained"
        )
    return figure, list(axes.flat)


def legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend under all panels, each label once; then the figure is done: a notebook shows it once."""
    found = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    widest = 0.5 + 0.066 * max(len(label) for label in found)  # inches, of a mark and its words
    columns = max(1, min(len(found), int(figure.get_size_inches()[0] / widest)))
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    plt.close(figure)


def need(table: pandas.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table without these columns."""
    missing = [name for name in columns if name not in table]
    if missing or table.empty:
        raise InvalidData(f"The table has {len(table)} rows and no columns {missing}; it needs {', '.join(columns)}.")
