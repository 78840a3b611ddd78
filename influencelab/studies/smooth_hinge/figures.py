"""Figures of smoothed hinges: losses, predicted against actual, agreement over t, who carries curvature, the rule."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy
import pandas
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.plots import PALETTE, STYLE, VECTOR
from influencelab.experiments.trial import Outcome
from influencelab.models.losses.hinge import Hinge
from influencelab.statistics.agreement import statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.studies.smooth_hinge.numbers import FIXED, PUBLISHED, RULED, SEEN, cell_said, pairs_of
from influencelab.studies.smooth_hinge.smoothing_path import ARMS, path_name
from influencelab.studies.smooth_hinge.strain import WIDE_ENOUGH

# Slopes beyond this are shown on a logarithmic scale.
LARGE = 8.0
LOOKS = {"published": (PALETTE[0], "o"), "consistent": (PALETTE[1], "s"), "newton_step": (PALETTE[4], "^")}
TOLD = {
    "published": "published: weights of the true hinge, seen through t",
    "consistent": "consistent: weights trained at t",
    "newton_step": "Newton step: the same, own curvature taken out",
}


def loss_family(widths: Sequence[float], *, reach: float = 1.0) -> Figure:
    """The hinge at several t, and its curvature: a bell that becomes narrower and higher, and at t = 0 is gone.

    Args:
        widths: t of each line.
        reach: how far on either side of margin 1 is drawn.
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.9), layout="constrained")
    s = torch.linspace(1 - reach, 1 + reach, 2001, dtype=torch.float64)
    label = torch.ones(len(s), dtype=torch.int64)
    shades = plt.get_cmap("viridis")(numpy.linspace(0, 0.9, len(widths)))
    for t, shade in zip(widths, shades, strict=True):
        loss = Hinge(t)
        left.plot(s, loss.values(s[None], label), color=shade, label=f"t = {t:g}")
        if t:
            right.plot(s, loss.hessians(s[None], label)[0, 0], color=shade)
    left.set_ylabel("loss of a point (nats)")
    right.set_ylabel("curvature of its loss\n(nats per squared margin)")
    right.set_yscale("log")
    right.set_ylim(1e-3, 1 / min(t for t in widths if t))
    for axis in (left, right):
        axis.axvline(1, color="0.8", linewidth=0.8, zorder=0)
        axis.set_xlabel("margin s (1 is the bend)")
    left.legend(frameon=False, fontsize=9)
    plt.close(figure)
    return figure


def paper_layout(outcome: Outcome, *, arm: str, bootstrap: Bootstrap, widths: Sequence[float] = PUBLISHED) -> Figure:
    """Predicted over actual change for one test point's top removals, a panel a t (Koh & Liang 2017, Figure 3)."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(widths), figsize=(3.8 * len(widths), 3.9), layout="constrained")
    for axis, t in zip(axes, widths, strict=True):
        pairs = pairs_of(outcome, "first", path_name(arm, t))
        counted = pairs.mask[:, 0]
        predicted, actual = pairs.predicted[counted, 0], pairs.actual[counted, 0]
        reach = 1.1 * numpy.abs(actual).max()
        axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.plot(
            [-reach, reach], [-reach, reach], color="0.4", linestyle="--", linewidth=1, label="prediction = truth"
        )
        axis.scatter(
            actual, predicted, s=11, alpha=0.6, color=LOOKS[arm][0], linewidth=0, rasterized=len(actual) > VECTOR
        )
        axis.set_xlim(-reach, reach)
        found = statistic(pairs, "pearson", bootstrap=bootstrap).pooled.rounded()
        axis.text(
            0.03, 0.97, f"Pearson {found}\n{len(actual)} removals", transform=axis.transAxes, va="top", fontsize=8
        )
        axis.set_title(f"t = {t:g}" + (" (the true hinge)" if t == 0 else ""), fontsize=10)
        axis.set_xlabel("actual change in test loss (nats)")
        axis.ticklabel_format(style="sci", scilimits=(-3, 3))
    axes[0].set_ylabel("predicted change in test loss (nats)")
    axes[-1].legend(loc="lower right", frameon=False, fontsize=8)
    plt.close(figure)
    return figure


def agreement_over_t(tables: Mapping[str, pandas.DataFrame], *, rule: float) -> Figure:
    """Pearson and slope over t for both arms, with bands; grey where the consistent arm is surely worse than its best.

    Args:
        tables: of `path_table`, by view.
        rule: the t that the rule takes.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2,
            len(tables),
            figsize=(4.6 * len(tables), 6.4),
            sharex=True,
            sharey="row",
            squeeze=False,
            layout="constrained",
        )
    for column, (view, table) in enumerate(tables.items()):
        for row, what in enumerate(("pearson", "slope")):
            axis = axes[row, column]
            for arm in ARMS:
                draw_band(axis, over_t(table, arm), what, arm=arm)
            shade(axis, over_t(table, "consistent"), labelled=row == 0)
            axis.axvline(rule, color=PALETTE[2], linestyle="-.", linewidth=1.4, label="t by the rule")
            axis.axvline(FIXED, color="0.1", linestyle=":", linewidth=1.6, label="t = 0.001")
        axes[0, column].set_title(SEEN[view], fontsize=10)
        axes[1, column].axhline(1, color="0.4", linestyle="--", linewidth=1)
        axes[1, column].set_xlabel("t, width of the bend (margin; log scale)")
        axes[1, column].set_xscale("log")
    axes[0, 0].set_ylabel("Pearson correlation of predicted\nand actual change in test loss")
    axes[1, 0].set_ylabel("slope of actual on predicted change\n(1 = right size)")
    zoom(axes[1, 0], pandas.concat(tables.values()))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    plt.close(figure)
    return figure


def draw_band(axis: Axes, table: pandas.DataFrame, what: str, *, arm: str) -> None:
    """A line over t and its interval."""
    color, marker = LOOKS[arm]
    axis.plot(table["t"], table[what], color=color, marker=marker, markersize=4, label=TOLD[arm])
    axis.fill_between(table["t"], table[f"{what}_low"], table[f"{what}_high"], color=color, alpha=0.18, linewidth=0)


def over_t(table: pandas.DataFrame, arm: str) -> pandas.DataFrame:
    """One arm at t > 0, rising."""
    return table.loc[(table["arm"] == arm) & (table["t"] > 0)].sort_values(by="t")


def shade(axis: Axes, table: pandas.DataFrame, *, labelled: bool) -> None:
    """Grey where t is surely too small or too large: the loss of correlation to the best t has an interval above 0."""
    t, worse = table["t"].to_numpy(), table["lost_low"].to_numpy() > 0
    best = t[table["pearson"].to_numpy().argmax()]
    sides = (("too sharp", t[worse & (t < best)], t.min()), ("too smooth", t[worse & (t > best)], t.max()))
    for name, part, end in sides:
        if not len(part):
            continue
        near = part.max() if end < best else part.min()
        axis.axvspan(min(near, end), max(near, end), color="0.9", zorder=0)
        if labelled:
            side = {"x": end, "ha": "left" if end < best else "right"}
            axis.text(**side, y=0.03, s=f" {name} ", transform=axis.get_xaxis_transform(), fontsize=9, color="0.25")


def zoom(axis: Axes, table: pandas.DataFrame) -> None:
    """Slopes as far as they reach; where predictions vanish as t falls, on a scale that is logarithmic beyond 1."""
    shown = table.loc[table["t"] > 0, "slope"].to_numpy()
    axis.set_ylim(min(0.0, 1.2 * numpy.nanmin(shown)), max(2.0, 1.3 * numpy.nanmax(shown)))
    if numpy.nanmax(shown) > LARGE:
        axis.set_yscale("symlog", linthresh=1.0)


def carriers_over_t(tables: Mapping[str, pandas.DataFrame], *, at_bend: Mapping[str, int]) -> Figure:
    """How many points carry curvature at each t, and how far removals reach, a column a machine.

    Args:
        tables: of `path_table`, by the machine's name; any view.
        at_bend: how many points are exactly at the bend of the true hinge.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2,
            len(tables),
            figsize=(4.8 * len(tables), 6.2),
            sharex=True,
            sharey="row",
            squeeze=False,
            layout="constrained",
        )
    for column, (name, table) in enumerate(tables.items()):
        above, below = axes[:, column]
        for arm in RULED:
            part = over_t(table, arm)
            color, marker = LOOKS[arm]
            above.plot(part["t"], part["carriers"], color=color, marker=marker, markersize=4, label=TOLD[arm])
            below.plot(part["t"], part["strain"], color=color, marker=marker, markersize=4)
        above.axhline(
            at_bend[name], color="0.4", linestyle=":", linewidth=1.2, label="points at the bend of the true hinge"
        )
        below.axhline(WIDE_ENOUGH, color=PALETTE[2], linestyle="-.", linewidth=1.4, label="wide enough: √½ (the rule)")
        above.set_title(name, fontsize=10)
        for axis in (above, below):
            axis.set_xscale("log")
            axis.set_yscale("log")
        below.set_xlabel("t, width of the bend (margin; log scale)")
        below.legend(frameon=False, fontsize=8)
    axes[0, 0].set_ylabel("points that carry curvature\n(effective number)")
    axes[1, 0].set_ylabel("strain: move of margins by one removal\n(RMS, in units of t)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    plt.close(figure)
    return figure


def rule_tested(table: pandas.DataFrame, *, held_out: Sequence[str]) -> Figure:
    """For each data set, Pearson at t = 0.001, at the rule's t and at the best t; those the rule was found on in grey.

    Args:
        table: of `rule_table`.
        held_out: the cells that had no part in finding the rule.
    """
    cells = list(dict.fromkeys(table["cell"]))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(RULED), figsize=(11, 1.5 + 0.36 * len(cells)), sharey=True, sharex=True, layout="constrained"
        )
    marks = (
        ("fixed", "t = 0.001", "o", PALETTE[0]),
        ("rule", "t by the rule", "D", PALETTE[2]),
        ("oracle", "best t (oracle)", "|", "0.2"),
    )
    for axis, arm in zip(axes, RULED, strict=True):
        for place, cell in enumerate(cells):
            row = table[(table["arm"] == arm) & (table["cell"] == cell)].iloc[0]
            axis.plot([row["fixed"], row["rule"]], [place, place], color="0.75", linewidth=1.5, zorder=1)
            for shift, (what, label, marker, color) in zip((0.14, -0.14, 0.0), marks, strict=True):
                error = numpy.maximum([[row[what] - row[f"{what}_low"]], [row[f"{what}_high"] - row[what]]], 0)
                style = {
                    "color": color,
                    "marker": marker,
                    "markersize": 12 if what == "oracle" else 5,
                    "linestyle": "none",
                }
                axis.errorbar(
                    row[what],
                    place + shift,
                    xerr=None if what == "oracle" else error,
                    elinewidth=0.8,
                    **style,
                    label=label if place == 0 else None,
                )
        axis.set_title(TOLD[arm], fontsize=10)
        axis.set_xlabel("Pearson on random support vectors")
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axes[0].set_yticks(range(len(cells)), [cell_said(cell) for cell in cells])
    axes[0].set_ylabel("data, weight decay")
    axes[0].set_ylim(len(cells) - 0.4, -0.6)
    for tick, cell in zip(axes[0].get_yticklabels(), cells, strict=True):
        tick.set_color("0.1" if cell in held_out else "0.55")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    plt.close(figure)
    return figure
