"""Figures of agreement against depth, weight decay and width."""

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.errors import InvalidData
from influencelab.experiments.house_style import Look, drawing, error_bars, finish, look, need
from influencelab.statistics.reliability import NullBand

CHANCE = "one correlation by chance (95%)"
MEANS = (
    "Large marks are means over networks with their 95% intervals. At 1 the prediction has the order of what "
    "retraining gives, at 0 nothing of it."
)
APART, WHOLE = 0.05, 0.25  # of neighbouring lines, and of all, as a share of the distance between neighbouring settings
CLOSE = 0.065  # share of an axis that two texts under it need between them, to be read apart
CORRELATION = "Spearman correlation (1 = same order)"
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
    caption: str = MEANS,
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
        caption: what each large mark is and what one should see.

    Where only one setting was measured, the lines' names stand along the axis. A missing column, a table without rows,
    and a negative setting on a log scale are refused.
    """
    need(frame, [name for name in (x, hue, panel, "value", "low", "high") if name])
    parts = {title: frame.loc[frame[panel] == title] for title in frame[panel].unique()} if panel else {"": frame}
    standing = [positions(sorted(set(part[x].tolist())), scale=scale) for part in parts.values()]
    figure, axes = drawing(len(parts), height=4.0, sharey="all")
    arms = [name for name in dict.fromkeys(frame[hue]) if name not in neutral]
    looks = {name: look(place) for place, name in enumerate(arms)}
    looks |= {name: {**NEUTRAL, "marker": mark} for name, mark in zip(neutral, itertools.cycle("DXP*"))}
    for axis, places, (title, part) in zip(axes, standing, parts.items(), strict=True):
        behind = dots.loc[dots[panel] == title] if panel and dots is not None else dots
        if null is not None:
            axis.axhspan(-null.point, null.point, color="0.92", linewidth=0, zorder=0, label=CHANCE)
        axis.set_xlabel(across or x.replace("_", " "))
        draw_lines(axis, part, x=x, hue=hue, dots=behind, places=places, looks=looks)
        axis.set_title(title, fontsize=10)
        if scale == "log":
            axis.tick_params(axis="x", rotation=35)
            if 0 in places:
                axis.axvline(sum(sorted(places.values())[:2]) / 2, color="0.6", linewidth=0.8, linestyle=":")
    least = min(float(axis.dataLim.ymin) for axis in axes)
    axes[0].set_ylim(max(-1.05, min(least, -0.3) - 0.05), 1.05)
    for axis in axes:
        if axis.get_subplotspec().is_first_col():  # pyright: ignore[reportOptionalMemberAccess]
            axis.set_ylabel(label)
    also = "" if dots is None else "; faint dots are single networks"
    return finish(figure, caption=f"{caption.removesuffix('.')}{also}.")


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
    alone = len(standing) == 1
    gap = 1.0 if alone else float(numpy.diff(standing).min())
    step = gap * (1.0 if alone else min(APART, WHOLE / len(names)))
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
    axis.set_xticks(list(places.values()), tick_texts(places))
    axis.set_xlim(standing[0] - 0.6 * gap, standing[-1] + 0.6 * gap)
    if alone:
        name_lines(axis, names, middle=standing[0], setting=next(iter(places)))
    axis.grid(visible=False, axis="x")


def name_lines(axis: Axes, names: Sequence[str], *, middle: float, setting: float) -> None:
    """The names of the lines along an axis that has one setting, which its label says."""
    reach = (len(names) - 1) / 2
    ticks = numpy.linspace(middle - reach, middle + reach, len(names))
    axis.set_xticks(ticks, [textwrap.fill(name, 16) for name in names])
    axis.set_xlim(middle - reach - 0.6, middle + reach + 0.6)
    axis.set_xlabel(f"{axis.get_xlabel()}: {setting:g}")


def tick_texts(places: Mapping[float, float]) -> list[str]:
    """Settings as texts under their ticks; of those too close to be read apart, powers of ten and the smaller ones."""
    reach, shown = max(places.values()) - min(places.values()), []
    for setting in sorted(places, key=lambda each: (bool(each) and math.log10(abs(each)) % 1 > 0, each)):
        if all(abs(places[setting] - places[other]) >= CLOSE * reach for other in shown):
            shown.append(setting)
    return [f"{setting:g}" if setting in shown else "" for setting in places]


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
