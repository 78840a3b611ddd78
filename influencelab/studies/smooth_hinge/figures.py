"""Figures of smoothed hinges: losses, predicted against actual, agreement over t, who carries curvature, the rule."""

import itertools
from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy
import pandas
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import drawing, error_bars, legend_below
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.plots import PALETTE, draw_points
from influencelab.models.losses.hinge import Hinge
from influencelab.statistics.measurements import find, select
from influencelab.studies.smooth_hinge.analysis import FIXED, PUBLISHED, SELECTIONS, TESTED, Key, of_machine, pairs_of
from influencelab.studies.smooth_hinge.smoothing_path import path_name
from influencelab.studies.smooth_hinge.strain import WIDE_ENOUGH

# Slopes beyond this are shown on a logarithmic scale.
LARGE = 8.0
ARMS = {
    "published": ("published: weights of the true hinge, seen through t", PALETTE[0], "o"),
    "consistent": ("consistent: weights trained at t", PALETTE[1], "s"),
    "newton_step": ("Newton step: the same, own curvature taken out", PALETTE[4], "^"),
}
LABELS = {
    "pearson": "Pearson correlation of predicted\nand actual change in test loss",
    "slope": "slope of actual on predicted change\n(1 = right size)",
    "curvature_points": "points that carry curvature\n(effective number)",
    "strain": "strain: RMS move of margins\nby one removal (units of t)",
}
RULE = PALETTE[2]


def loss_family(widths: Sequence[float]) -> Figure:
    """The hinge at several t, rising, and its curvature: a bell, narrower and higher as t falls, and gone at t = 0."""
    figure, (left, right) = drawing(2, width=5.0, height=3.9, sharey="none")
    s = torch.linspace(0, 2, 2001, dtype=torch.float64)
    label = torch.ones(len(s), dtype=torch.int64)
    shades = plt.get_cmap("viridis")(numpy.linspace(0, 0.9, len(widths)))
    # Narrow bends lie on one another: the sharpest is the thickest, so that each is seen behind the next.
    for t, shade, thick in zip(widths, shades, numpy.linspace(5, 1.5, len(widths)), strict=True):
        left.plot(s, Hinge(t).values(s[None], label), color=shade, linewidth=thick, label=f"t = {t:g}")
        right.plot(s, Hinge(t).curvatures(s[None], label), color=shade, linewidth=1.5)
    left.set_ylabel("loss of a point (nats)")
    right.set(ylabel="curvature of its loss\n(nats per squared margin)", yscale="log")
    right.set_ylim(1e-3, 1 / min(filter(None, widths)))
    for axis in (left, right):
        axis.axvline(1, color="0.8", linewidth=0.8, zorder=0)
        axis.set_xlabel("margin s (1 is the bend)")
    legend_below(figure, [left])
    return figure


def paper_layout(numbers: pandas.DataFrame, outcome: Outcome, *, key: Key) -> Figure:
    """Predicted over actual change for one test point's top removals, a panel a t (Koh & Liang 2017, Figure 3)."""
    figure, axes = drawing(len(PUBLISHED), width=3.8, height=3.9, sharey="none")
    where = {"arm": "published", "selection": "first_test_point", "statistic": "pearson"}
    for axis, t in zip(axes, PUBLISHED, strict=True):
        pairs = pairs_of(outcome, "first_test_point", path_name("published", t))
        actual = pairs.actual[pairs.mask]
        draw_points(axis, actual, pairs.predicted[pairs.mask], reach=1.1 * numpy.abs(actual).max())
        found = find(of_machine(numbers, key), {**where, "t": t})
        words = f"Pearson {found.rounded() if found else 'unknown'}\n{len(actual)} removals"
        axis.text(0.03, 0.97, words, transform=axis.transAxes, va="top", fontsize=8)
        axis.set_title(f"t = {t:g}" + (" (the true hinge)" if t == 0 else ""), fontsize=10)
        axis.set_xlabel("actual change in test loss (nats)")
    axes[0].set_ylabel("predicted change in test loss (nats)")
    legend_below(figure, axes)
    return figure


def agreement_over_t(numbers: pandas.DataFrame, *, key: Key) -> Figure:
    """Pearson and slope of all arms over t, with bands; grey where the consistent arm is surely worse than its best."""
    part = of_machine(numbers, key)
    (rule,) = select(part, {"statistic": "rule_t"})
    columns = {title: part.loc[part["selection"] == selection] for selection, title in SELECTIONS.items()}
    figure, axes = over_t(columns, ("pearson", "slope"))
    for axis, selected in zip(axes, 2 * list(columns.values()), strict=True):
        axis.axvline(rule["value"], color=RULE, linewidth=3, alpha=0.6, zorder=1, label="t by the rule")
        axis.axvline(FIXED, color="0.1", linestyle=":", linewidth=1.6, label=f"t = {FIXED:g}")
        shade(axis, selected.loc[(selected["statistic"] == "below_best") & (selected["arm"] == "consistent")])
    for axis in axes[len(columns) :]:
        axis.axhline(1, color="0.4", linestyle="--", linewidth=1)
    # Slopes as far as they reach; where predictions vanish as t falls, on a scale that is logarithmic beyond 1.
    slopes = part.loc[(part["statistic"] == "slope") & (part["t"] > 0), "value"]
    axes[-1].set_ylim(min(0.0, 1.2 * slopes.min()), max(2.0, 1.3 * slopes.max()))
    if slopes.max() > LARGE:
        axes[-1].set_yscale("symlog", linthresh=1.0)
    legend_below(figure, axes)
    return figure


def shade(axis: Axes, below: pandas.DataFrame) -> None:
    """Grey where t is surely too small or too large: what it gives up to the best t has an interval above 0."""
    below = below.loc[below["t"] > 0]
    t, worse = below["t"].to_numpy(dtype=float), below["low"].to_numpy() > 0
    best = t[below["value"].to_numpy().argmin()]
    sharp, smooth = t[worse & (t < best)], t[worse & (t > best)]
    ends = (t.min() / 1.5, t.max() * 1.5)
    for words, part, start, end, side in (
        (" too sharp ", sharp, ends[0], sharp.max(initial=0), "left"),
        (" too smooth ", smooth, smooth.min(initial=ends[1]), ends[1], "right"),
    ):
        if len(part):
            label = "correlation of the consistent arm surely below its best"
            axis.axvspan(start, end, color="0.9", zorder=0, label=label)
            place = {"x": start if side == "left" else end, "y": 0.03, "ha": side}
            axis.text(**place, s=words, transform=axis.get_xaxis_transform(), fontsize=9, color="0.25")


def carriers_over_t(numbers: pandas.DataFrame, *, machines: Mapping[str, Key]) -> Figure:
    """How many points carry curvature at each t, and how far removals reach, a column a named machine."""
    columns = {name: of_machine(numbers, key) for name, key in machines.items()}
    # The fits of Newton steps are those of the consistent arm.
    fits = {name: part.loc[part["arm"] != "newton_step"] for name, part in columns.items()}
    figure, axes = over_t(fits, ("curvature_points", "strain"))
    for part, above, below in zip(columns.values(), axes, axes[len(columns) :], strict=False):
        (bend,) = select(part, {"statistic": "points_at_the_bend"})
        above.axhline(bend["value"], color="0.4", linestyle=":", label="points at the bend of the true hinge")
        below.axhline(WIDE_ENOUGH, color=RULE, linestyle="-.", label="wide enough: √½ (the rule)")
    for axis in axes:
        axis.set_yscale("log")
    legend_below(figure, axes)
    return figure


def over_t(columns: Mapping[str, pandas.DataFrame], rows: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Lines of all arms over t > 0, with bands where there are intervals: a row a statistic, a column a table."""
    figure, axes = drawing(len(columns), rows=len(rows), width=4.7, height=3.2 * len(rows))
    for axis, (statistic, (title, part)) in zip(axes, itertools.product(rows, columns.items()), strict=True):
        for arm, line in part.loc[(part["statistic"] == statistic) & (part["t"] > 0)].groupby("arm", sort=False):
            words, color, marker = ARMS[str(arm)]
            t, value, low, high = line[["t", "value", "low", "high"]].to_numpy(dtype=float).T
            axis.plot(t, value, color=color, marker=marker, markersize=4, label=words)
            axis.fill_between(t, low, high, color=color, alpha=0.18, linewidth=0)
        axis.set(xscale="log", xlabel="t, width of the bend (margin; log scale)", ylabel=LABELS[statistic])
        axis.set_title(title if statistic == rows[0] else "", fontsize=10)
        axis.label_outer()
    return figure, axes


def rule_tested(numbers: pandas.DataFrame, *, held_out: Collection[str]) -> Figure:
    """For each machine, Pearson at t = 0.001, at the rule's t and at the best t; data not held out are grey."""
    table = numbers.set_index(["data", "weight_decay"])
    rule = table.loc[table["statistic"] == "rule_t", "value"]
    keys = sorted(rule.index, key=lambda key: key[0] not in held_out)
    figure, axes = drawing(2, width=5.5, height=1.8 + 0.36 * len(keys))
    axes[1].sharex(axes[0])
    places = numpy.arange(len(keys))
    for axis, (arm, selection) in zip(axes, TESTED, strict=True):
        own = table.loc[table["arm"] == arm]
        pearson = own.loc[(own["statistic"] == "pearson") & (own["selection"] == selection)]
        oracle = own.loc[own["statistic"] == "oracle_t", "value"]
        at_fixed, at_rule, at_best = (
            pearson.loc[pearson["t"] == t.reindex(pearson.index)].loc[keys] for t in (0 * rule + FIXED, rule, oracle)
        )
        axis.hlines(places, at_fixed["value"], at_rule["value"], color="0.75", linewidth=1.5, zorder=1)
        for found, shift, color, marker, label in (
            (at_fixed, 0.14, PALETTE[0], "o", f"t = {FIXED:g}"),
            (at_rule, -0.14, RULE, "D", "t by the rule"),
        ):
            style = {"color": color, "marker": marker, "linestyle": "none", "elinewidth": 0.8, "markersize": 5}
            axis.errorbar(found["value"], places + shift, xerr=error_bars(found), label=label, **style)
        # The oracle is chosen by this very number, so that its interval means little.
        axis.plot(at_best["value"], places, "|", color="0.2", markersize=12, label="best t (oracle)")
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.set_title(ARMS[arm][0], fontsize=10)
        axis.set_xlabel("Pearson on random support vectors")
    names = [f"{data.replace('_', ' ').replace('-', ' ', 1)}, {decay:g}" for data, decay in keys]
    axes[0].set_yticks(places, names)
    axes[0].set(ylabel="data, weight decay\n(grey: not held out)", ylim=(len(keys) - 0.4, -0.6))
    for tick, (data, _) in zip(axes[0].get_yticklabels(), keys, strict=True):
        tick.set_color("0.1" if data in held_out else "0.55")
    legend_below(figure, axes)
    return figure
