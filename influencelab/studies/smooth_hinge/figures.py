"""Figures of smoothed hinges: losses, predicted against actual, agreement over t, who carries curvature, the rule."""

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
from influencelab.statistics.measurements import find
from influencelab.studies.smooth_hinge.analysis import FIXED, PUBLISHED, SELECTIONS, Key, of_machine, pairs_of
from influencelab.studies.smooth_hinge.smoothing_path import path_name
from influencelab.studies.smooth_hinge.strain import WIDE_ENOUGH

# Slopes beyond this are shown on a logarithmic scale.
LARGE = 8.0
ARMS = {
    "published": ("published: weights of the true hinge, seen through t", PALETTE[0], "o"),
    "consistent": ("consistent: weights trained at t", PALETTE[1], "s"),
    "newton_step": ("Newton step: the same, own curvature taken out", PALETTE[4], "^"),
}
TITLES = {
    "first_test_point": "first test point, top removals",
    "top": "all test points, top removals",
    "support_vectors": "all test points, random support vectors",
}
LABELS = {
    "pearson": "Pearson correlation of predicted\nand actual change in test loss",
    "slope": "slope of actual on predicted change\n(1 = right size)",
    "curvature_points": "points that carry curvature\n(effective number)",
    "strain": "strain: RMS move of margins\nby one removal (units of t)",
}
RULE = PALETTE[2]


def loss_family(widths: Sequence[float], *, reach: float = 1.0) -> Figure:
    """The hinge at several t, and its curvature: a bell that becomes narrower and higher, and at t = 0 is gone.

    Args:
        widths: t of each line, rising.
        reach: how far on either side of margin 1 is drawn.
    """
    figure, (left, right) = drawing(2, width=5.0, height=3.9, sharey="none")
    s = torch.linspace(1 - reach, 1 + reach, 2001, dtype=torch.float64)
    label = torch.ones(len(s), dtype=torch.int64)
    shades = plt.get_cmap("viridis")(numpy.linspace(0, 0.9, len(widths)))
    # Narrow bends lie on one another: the sharpest is the thickest, so that each is seen behind the next.
    for t, shade, thick in zip(widths, shades, numpy.linspace(5, 1.5, len(widths)), strict=True):
        loss = Hinge(t)
        left.plot(s, loss.values(s[None], label), color=shade, linewidth=thick, label=f"t = {t:g}")
        if t:
            right.plot(s, loss.hessians(s[None], label)[0, 0], color=shade, linewidth=1.5)
    left.set_ylabel("loss of a point (nats)")
    right.set_ylabel("curvature of its loss\n(nats per squared margin)")
    right.set_yscale("log")
    right.set_ylim(1e-3, 1 / min(t for t in widths if t))
    for axis in (left, right):
        axis.axvline(1, color="0.8", linewidth=0.8, zorder=0)
        axis.set_xlabel("margin s (1 is the bend)")
    legend_below(figure, [left])
    return figure


def paper_layout(numbers: pandas.DataFrame, outcome: Outcome, *, key: Key) -> Figure:
    """Predicted over actual change for one test point's top removals, a panel a t (Koh & Liang 2017, Figure 3).

    Args:
        numbers: the study's measurements.
        outcome: of one machine.
        key: its data and weight decay.
    """
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
    """Pearson and slope of all arms over t, with bands; grey where the consistent arm is surely worse than its best.

    Args:
        numbers: the study's measurements.
        key: data and weight decay of the machine.
    """
    part = of_machine(numbers, key)
    columns = {TITLES[selection]: part.loc[part["selection"] == selection] for selection in SELECTIONS}
    figure, axes = over_t(columns, ("pearson", "slope"))
    for axis, selected in zip(axes, 2 * list(columns.values()), strict=True):
        axis.axvline(only(part, "rule_t"), color=RULE, linewidth=3, alpha=0.6, zorder=1, label="t by the rule")
        axis.axvline(FIXED, color="0.1", linestyle=":", linewidth=1.6, label=f"t = {FIXED:g}")
        shade(axis, line_of(selected, "below_best", "consistent"))
    for axis in axes[len(SELECTIONS) :]:
        axis.axhline(1, color="0.4", linestyle="--", linewidth=1)
    # Slopes as far as they reach; where predictions vanish as t falls, on a scale that is logarithmic beyond 1.
    slopes = part.loc[(part["statistic"] == "slope") & (part["t"] > 0), "value"].to_numpy(dtype=float)
    axes[-1].set_ylim(min(0.0, 1.2 * numpy.nanmin(slopes)), max(2.0, 1.3 * numpy.nanmax(slopes)))
    if numpy.nanmax(slopes) > LARGE:
        axes[-1].set_yscale("symlog", linthresh=1.0)
    legend_below(figure, axes)
    return figure


def shade(axis: Axes, below: pandas.DataFrame) -> None:
    """Grey where t is surely too small or too large: what it gives up to the best t has an interval above 0."""
    t, worse = below["t"].to_numpy(), below["low"].to_numpy() > 0
    best = t[below["value"].to_numpy().argmin()]
    sides = (("too sharp", t[worse & (t < best)], t.min()), ("too smooth", t[worse & (t > best)], t.max()))
    for name, part, end in sides:
        if not len(part):
            continue
        near, beyond = (part.max(), end / 1.5) if end < best else (part.min(), end * 1.5)
        words = "correlation of the consistent arm surely below its best"
        axis.axvspan(min(near, beyond), max(near, beyond), color="0.9", zorder=0, label=words)
        side = {"x": beyond, "ha": "left" if end < best else "right"}
        axis.text(**side, y=0.03, s=f" {name} ", transform=axis.get_xaxis_transform(), fontsize=9, color="0.25")


def carriers_over_t(numbers: pandas.DataFrame, *, machines: Mapping[str, Key]) -> Figure:
    """How many points carry curvature at each t, and how far removals reach, a column a machine.

    Args:
        numbers: the study's measurements.
        machines: data and weight decay of each machine, by what it is called.
    """
    columns = {name: of_machine(numbers, key) for name, key in machines.items()}
    # The fits of Newton steps are those of the consistent arm.
    fits = {name: part.loc[part["arm"] != "newton_step"] for name, part in columns.items()}
    figure, axes = over_t(fits, ("curvature_points", "strain"))
    for part, above, below in zip(columns.values(), axes, axes[len(columns) :], strict=False):
        bend = only(part, "points_at_the_bend")
        above.axhline(bend, color="0.4", linestyle=":", linewidth=1.2, label="points at the bend of the true hinge")
        below.axhline(WIDE_ENOUGH, color=RULE, linestyle="-.", linewidth=1.4, label="wide enough: √½ (the rule)")
        above.set_yscale("log")
        below.set_yscale("log")
    legend_below(figure, axes)
    return figure


def over_t(columns: Mapping[str, pandas.DataFrame], rows: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Lines of all arms over t, with bands where there are intervals: a row a statistic, a column a titled table."""
    figure, axes = drawing(len(columns), rows=len(rows), width=4.7, height=3.2 * len(rows))
    panels = [(statistic, title) for statistic in rows for title in columns]
    for axis, (statistic, title) in zip(axes, panels, strict=True):
        for arm, (words, color, marker) in ARMS.items():
            line = line_of(columns[title], statistic, arm)
            if len(line):
                axis.plot(line["t"], line["value"], color=color, marker=marker, markersize=4, label=words)
                axis.fill_between(line["t"], line["low"], line["high"], color=color, alpha=0.18, linewidth=0)
        axis.set_xscale("log")
        if statistic == rows[0]:
            axis.set_title(title, fontsize=10)
        if statistic == rows[-1]:
            axis.set_xlabel("t, width of the bend (margin; log scale)")
        if title == next(iter(columns)):
            axis.set_ylabel(LABELS[statistic])
    return figure, axes


def line_of(numbers: pandas.DataFrame, statistic: str, arm: str) -> pandas.DataFrame:
    """One statistic of one arm at t > 0, rising."""
    chosen = (numbers["statistic"] == statistic) & (numbers["arm"] == arm) & (numbers["t"] > 0)
    return numbers.loc[chosen].astype({"t": float}).sort_values(by="t")


def only(numbers: pandas.DataFrame, statistic: str) -> float:
    """The value of what one machine has one of."""
    return numbers.loc[numbers["statistic"] == statistic, "value"].item()


def rule_tested(numbers: pandas.DataFrame, *, held_out: Collection[str]) -> Figure:
    """For each machine, Pearson at t = 0.001, at the rule's t and at the best t.

    Args:
        numbers: the study's measurements.
        held_out: the data that had no part in finding the rule; the names of others are grey.
    """
    rules = numbers[numbers["statistic"] == "rule_t"]
    keys = sorted(zip(rules["data"], rules["weight_decay"], strict=True), key=lambda key: key[0] not in held_out)
    figure, axes = drawing(2, width=5.5, height=1.8 + 0.36 * len(keys))
    axes[1].sharex(axes[0])
    for axis, arm in zip(axes, ("published", "consistent"), strict=True):
        draw_choices(axis, numbers.loc[numbers["arm"].isna() | (numbers["arm"] == arm)], keys)
        axis.set_title(ARMS[arm][0], fontsize=10)
        axis.set_xlabel("Pearson on random support vectors")
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    names = [f"{data.replace('_', ' ').replace('-', ' ', 1)}, {decay:g}" for data, decay in keys]
    axes[0].set_yticks(range(len(keys)), names)
    axes[0].set_ylabel("data, weight decay\n(grey: not held out)")
    axes[0].set_ylim(len(keys) - 0.4, -0.6)
    for tick, (data, _) in zip(axes[0].get_yticklabels(), keys, strict=True):
        tick.set_color("0.1" if data in held_out else "0.55")
    legend_below(figure, axes)
    return figure


def draw_choices(axis: Axes, numbers: pandas.DataFrame, keys: Sequence[Key]) -> None:
    """One arm's correlation at the three choices of t, each a little apart from the others in its machine's place."""
    correlations = numbers.loc[(numbers["statistic"] == "pearson") & (numbers["selection"] == "support_vectors")]
    places = numpy.arange(len(keys))

    def at(choice: str, **fixed: float) -> pandas.DataFrame:
        chosen = numbers.loc[numbers["statistic"] == choice, ["data", "weight_decay", "value"]]
        chosen = chosen.rename(columns={"value": "t"}).assign(**fixed)
        found = chosen.merge(correlations.astype({"t": float}), on=["data", "weight_decay", "t"])
        return found.set_index(["data", "weight_decay"]).loc[list(keys)]

    fixed, rule, oracle = at("rule_t", t=FIXED), at("rule_t"), at("oracle_t")
    axis.hlines(places, fixed["value"], rule["value"], color="0.75", linewidth=1.5, zorder=1)
    for part, shift, look in (
        (fixed, 0.14, {"color": PALETTE[0], "marker": "o", "label": f"t = {FIXED:g}"}),
        (rule, -0.14, {"color": RULE, "marker": "D", "label": "t by the rule"}),
    ):
        bars = error_bars(part)
        axis.errorbar(part["value"], places + shift, xerr=bars, linestyle="none", markersize=5, elinewidth=0.8, **look)
    # The oracle is chosen by this very number, so that its interval means little.
    axis.plot(oracle["value"], places, "|", color="0.2", markersize=12, label="best t (oracle)")
