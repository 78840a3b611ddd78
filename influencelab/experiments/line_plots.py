"""Figures of agreement against depth, weight decay, width and damping."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from influencelab.errors import InvalidData
from influencelab.experiments.plots import PALETTE, STYLE
from influencelab.experiments.tables import display_name
from influencelab.statistics.reliability import NullBand

MARKERS = "os^Dv<>P"
BAND = "0.92"  # grey of what chance alone fills
APART = 0.12  # of neighbouring lines, as a share of the distance between neighbouring settings
CORRELATION = "agreement of predicted and actual change\nin test loss (signed Spearman correlation)"
PATH = {
    "spearman": "agreement (signed Spearman correlation)",
    "slope": "slope of actual on predicted change\n(1 = right size)",
    "effective_dimension": "effective dimension (parameters)",
    "residual": "residual of the solver\n‖(H + λ)s − g‖ / ‖g‖",
}


class Look(NamedTuple):
    """How one line is drawn."""

    color: object
    marker: str
    linestyle: str = "-"


NEUTRAL = Look("0.35", "D", "--")  # of what is no arm: repeatability, counts


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
        frame: a tidy table of measurements, such as mean correlations; one row a panel, line and place on the axis.
        x: the setting along the axis, a number, such as `depth`.
        hue: the setting whose values are the lines, as the legend says them, such as `arm`.
        panel: the setting whose values are the panels, as their titles say them; one panel where it is empty.
        dots: rows with these settings and a `value`, drawn small behind the lines: each network's own mean.
        neutral: lines in grey, of what is no arm, such as the repeatability of a target.
        null: what one correlation of as many pairs does by chance.
        scale: `ordinal` (equal steps), `linear` or `log`; 0 on a log scale stands one step left of the smallest
            setting, behind a break.
        across: what x is, with its unit if it has one; its name unless given.
        label: what is measured.

    Raises:
        InvalidData: a column is missing, no rows, or a negative setting on a log scale.
    """
    need(frame, [name for name in (x, hue, panel, "value", "low", "high") if name])
    titles = list(dict.fromkeys(frame[panel])) if panel else [""]
    figure, axes = drawing(len(titles), width=4.6 if len(titles) > 1 else 7.2, height=4.9)
    arms = [name for name in dict.fromkeys(frame[hue]) if name not in neutral]
    looks = {name: look(place) for place, name in enumerate(arms)} | dict.fromkeys(neutral, NEUTRAL)
    for axis, title in zip(axes, titles, strict=True):
        part, behind = frame, dots
        if panel:
            part, behind = frame.loc[frame[panel] == title], None if dots is None else dots.loc[dots[panel] == title]
        places = positions(sorted(set(part[x].tolist())), scale=scale)
        draw_null(axis, null)
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


def damping_path(table: pandas.DataFrame) -> Figure:
    """What damping does: agreement, size, the dimension that is left, and how well the system was solved.

    Args:
        table: a row for each estimator and damping: `estimator`, `damping` as a share of the largest eigenvalue,
            `spearman` with `spearman_low` and `spearman_high`, `slope`, `effective_dimension`, `negative_eigenvalues`
            of the damped curvature, and `residual`; NaN where there is none.

    Raises:
        InvalidData: a column is missing.
    """
    need(table, ("estimator", "damping", "spearman_low", "spearman_high", "negative_eigenvalues", *PATH))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(10.5, 7.4), sharex=True, layout="constrained")
    for place, (name, part) in enumerate(table.groupby("estimator", sort=False)):
        part, (tint, marker, _) = part.sort_values("damping"), look(place)
        for axis, column in zip(axes.flat, PATH, strict=True):
            axis.plot(
                part["damping"], part[column], color=tint, marker=marker, markersize=4, label=display_name(str(name))
            )
        ends = part["spearman_low"], part["spearman_high"]
        axes[0, 0].fill_between(part["damping"], *ends, color=tint, alpha=0.15, linewidth=0)
    for axis, label in zip(axes.flat, PATH.values(), strict=True):
        axis.set_ylabel(label)
        axis.set_xscale("log")
    axes[0, 0].axhline(0, color="0.6", linewidth=0.8)
    axes[0, 1].axhline(1, color="0.4", linewidth=1, linestyle="--")
    axes[0, 1].set_yscale("symlog", linthresh=2)
    axes[1, 1].set_yscale("log")
    legend_below(figure, [axes[0, 0]])
    draw_negative(axes[1, 0], table)
    for axis in axes[1]:
        axis.set_xlabel("damping as a share of the largest eigenvalue, λ / λ_max")
    return figure


def draw_negative(axis: Axes, table: pandas.DataFrame) -> None:
    """How many eigenvalues of the damped curvature are still negative, as steps on an axis of its own at the right."""
    damping = numpy.unique(table["damping"])
    worst = numpy.array([table.loc[table["damping"] == each, "negative_eigenvalues"].max() for each in damping])
    right = axis.twinx()
    right.grid(visible=False)
    right.fill_between(damping, 0, worst, step="mid", color=NEUTRAL.color, alpha=0.18, linewidth=0)
    right.set_ylim(0, max(1.0, 1.6 * float(worst.max())))
    right.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    right.set_ylabel("negative eigenvalues of H + λ (shaded)", color=NEUTRAL.color)
    right.tick_params(axis="y", colors=NEUTRAL.color)


def draw_bars(axis: Axes, sizes: pandas.DataFrame, *, totals: pandas.DataFrame) -> None:
    """Stacked shares, a bar a depth (row) and a colour a column, each with totals' size over their truth above it."""
    shares = sizes.div(sizes.sum(axis=1), axis=0)
    bottom = numpy.zeros(len(shares))
    for place, term in enumerate(shares):
        axis.bar(range(len(shares)), shares[term], bottom=bottom, width=0.72, color=PALETTE[place], label=str(term))
        bottom += shares[term].to_numpy()
    for place, (_, row) in enumerate(totals.iterrows()):
        axis.text(place, 1.015, f"{row['total'] / row['truth']:.2g}", ha="center", va="bottom", fontsize=9)
    axis.set_xticks(range(len(shares)), [f"{depth:g}" for depth in shares.index])
    axis.set_ylim(0, 1.08)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    axis.grid(visible=False, axis="x")


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
    names = list(dict.fromkeys(frame[hue]))
    standing = sorted(places.values())
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
            axis.scatter(where, own["value"], s=9, color=style.color, alpha=0.3, linewidth=0, zorder=2)
        value, low, high = line[["value", "low", "high"]].to_numpy(dtype=float).T
        errors = numpy.nan_to_num(numpy.maximum([value - low, high - value], 0))
        axis.errorbar(at, value, yerr=errors, **style._asdict(), markersize=5.5, capsize=2.5, label=name, zorder=3)
    axis.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axis.set_xticks(list(places.values()), [f"{setting:g}" for setting in places])
    axis.set_xlim(standing[0] - 0.6 * gap, standing[-1] + 0.6 * gap)
    axis.grid(visible=False, axis="x")


def draw_null(axis: Axes, null: NullBand | None) -> None:
    """What chance alone does: the band that holds 95% of single correlations."""
    if null is not None:
        label = "one correlation by chance (95%)"
        axis.axhspan(-null.point, null.point, color=BAND, linewidth=0, zorder=0, label=label)


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
    return Look(PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)])


def drawing(columns: int, *, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A row of panels that share their vertical axis."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, columns, figsize=(max(5.4, width * columns), height), sharey=True, squeeze=False, layout="constrained"
        )
    return figure, list(axes[0])


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
