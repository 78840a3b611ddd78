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
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.reliability import NullBand
from influencelab.statistics.replicates import Replicates, mean

MARKERS = "os^Dv<>P"
BAND = "0.92"  # grey of what chance alone fills
APART = 0.12  # of neighbouring lines, as a share of the distance between neighbouring settings
CORRELATION = "agreement of predicted and actual change\nin test loss (signed Spearman correlation)"
REPEATABILITY = "repeatability of the target"
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


def correlation_by_depth(
    panels: Mapping[str, Mapping[str, Mapping[float, Replicates]]],
    *,
    repeatability: Mapping[str, Mapping[float, Replicates]] | None = None,
    null: NullBand | None = None,
    across: str = "hidden layers",
    bootstrap: Bootstrap | None = None,
) -> Figure:
    """A panel a weight decay: each arm's mean correlation against depth with its interval, and every seed's mean.

    Args:
        panels: by title, then by arm, then by depth: the correlation of each seed and test point.
        repeatability: by title, then by depth: how well the target repeats.
        null: what one correlation of as many pairs does by chance.
        across: what depth counts.
        bootstrap: of the intervals.
    """
    figure, axes = drawing(len(panels), width=4.6, height=4.9)
    arms = list(dict.fromkeys(arm for panel in panels.values() for arm in panel))
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        looks = {arm: look(arms.index(arm)) for arm in panel} | {REPEATABILITY: NEUTRAL}
        lines = {**panel, REPEATABILITY: (repeatability or {}).get(title, {})}
        settings = sorted({x for line in lines.values() for x in line})
        draw_null(axis, null)
        places = {x: float(place) for place, x in enumerate(settings)}
        draw_lines(axis, lines, places=places, looks=looks, bootstrap=bootstrap)
        axis.set_xlabel(across)
        axis.set_title(title, fontsize=11)
    label_correlation(axes)
    legend_below(figure, axes)
    return figure


def correlation_by_setting(
    lines: Mapping[str, Mapping[float, Replicates]],
    *,
    across: str,
    scale: str = "linear",
    repeatability: Mapping[str, Mapping[float, Replicates]] | None = None,
    null: NullBand | None = None,
    bootstrap: Bootstrap | None = None,
) -> Figure:
    """A line a depth: mean correlation against weight decay or width, with intervals and every seed's mean.

    Args:
        lines: by name (such as `1 hidden layer`), then by setting: the correlation of each seed and test point.
        across: what the setting is, with its unit if it has one.
        scale: `log` or `linear`; 0 on a log scale stands one step left of the smallest setting, behind a break.
        repeatability: of the target, by the name of the line; dashed, in the same colour.
        null: what one correlation of as many pairs does by chance.
        bootstrap: of the intervals.

    Raises:
        InvalidData: a negative setting on a log scale.
    """
    places = positions(sorted({x for line in lines.values() for x in line}), scale=scale)
    looks = {name: look(place) for place, name in enumerate(lines)}
    figure, (axis,) = drawing(1, width=7.2, height=4.9)
    draw_null(axis, null)
    for name, line in (repeatability or {}).items():
        known = sorted(line)
        values = [mean(line[x], bootstrap=bootstrap).value for x in known]
        axis.plot([places[x] for x in known], values, color=looks[name].color, linestyle="--", linewidth=1.2, zorder=2)
    if repeatability:
        axis.plot([], [], color=NEUTRAL.color, linestyle="--", linewidth=1.2, label=REPEATABILITY)
    draw_lines(axis, lines, places=places, looks=looks, bootstrap=bootstrap)
    if scale == "log":
        axis.tick_params(axis="x", rotation=35)
    if scale == "log" and 0 in places:
        axis.axvline(sum(sorted(places.values())[:2]) / 2, color="0.6", linewidth=0.8, linestyle=":")
    axis.set_xlabel(across)
    label_correlation([axis])
    legend_below(figure, [axis])
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
    lines: Mapping[str, Mapping[float, Replicates]],
    *,
    places: Mapping[float, float],
    looks: Mapping[str, Look],
    bootstrap: Bootstrap | None,
) -> None:
    """Means with intervals, side by side so that none hides another, and behind them each seed's own mean."""
    drawn = {name: line for name, line in lines.items() if line}
    standing = sorted(places.values())
    gap = float(numpy.diff(standing).min()) if len(standing) > 1 else 1.0
    step = min(APART, 0.6 / max(1, len(drawn))) * gap
    generator = numpy.random.default_rng(0)
    for count, (name, line) in enumerate(drawn.items()):
        style, shift = looks[name], (count - (len(drawn) - 1) / 2) * step
        x = numpy.array([places[setting] + shift for setting in sorted(line)])
        means = [mean(line[setting], bootstrap=bootstrap) for setting in sorted(line)]
        value, low, high = numpy.array([(each.value, *each.ends) for each in means]).T
        errors = numpy.nan_to_num(numpy.maximum([value - low, high - value], 0))
        for at, setting in zip(x, sorted(line), strict=True):
            seeds = line[setting].per_seed()
            jitter = step * generator.uniform(-0.3, 0.3, size=len(seeds))
            axis.scatter(at + jitter, seeds, s=9, color=style.color, alpha=0.3, linewidth=0, zorder=2)
        axis.errorbar(x, value, yerr=errors, **style._asdict(), markersize=5.5, capsize=2.5, label=name, zorder=3)
    axis.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axis.set_xticks(list(places.values()), [f"{setting:g}" for setting in places])
    axis.grid(visible=False, axis="x")


def label_correlation(axes: Sequence[Axes]) -> None:
    """Name the shared axis of correlations, and let it reach from the least that is drawn to 1."""
    least = min(float(axis.dataLim.ymin) for axis in axes)
    axes[0].set_ylim(max(-1.05, min(least, -0.3) - 0.05), 1.05)
    axes[0].set_ylabel(CORRELATION)


def draw_null(axis: Axes, null: NullBand | None) -> None:
    """What chance alone does: the band that holds 95% of single correlations."""
    if null is not None:
        label = "one correlation by chance (95%)"
        axis.axhspan(-null.point, null.point, color=BAND, linewidth=0, zorder=0, label=label)


def positions(settings: Sequence[float], *, scale: str) -> dict[float, float]:
    """Where each setting stands: at itself, or at its logarithm with 0 a step left of the smallest."""
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
