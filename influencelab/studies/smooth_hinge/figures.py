"""Figures of smoothed hinges: losses, predicted against actual, agreement over t, who carries curvature, the rule."""

import itertools
from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy
import pandas
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, SMALL, STYLE, WIDEST, drawing, error_bars, finish, short
from influencelab.experiments.plots import axis_labels, draw_points
from influencelab.models.losses.hinge import Hinge
from influencelab.runner.report import Report
from influencelab.statistics.measurements import find, select
from influencelab.studies.smooth_hinge.analysis import FIXED, PUBLISHED, SELECTIONS, TESTED, Key, of_machine
from influencelab.studies.smooth_hinge.strain import WIDE_ENOUGH

UNIT = Hinge(0.0).unit
PREDICTED, ACTUAL = axis_labels(UNIT)
# The t whose losses are drawn.
SHOWN = (0.0, 0.001, 0.01, 0.1, 0.5)
# Slopes beyond this are shown on a logarithmic scale.
LARGE = 8.0
ARMS = {
    "published": ("published: weights of the true hinge, seen through t", PALETTE[0], "o"),
    "consistent": ("consistent: weights trained at t", PALETTE[1], "s"),
    "newton_step": ("Newton step: weights trained at t", PALETTE[4], "^"),
}
LABELS = {
    "pearson": "Pearson correlation of predicted and actual change",
    "slope": "slope of actual on predicted change (1 = right size)",
    "curvature_points": "points that carry curvature (effective number)",
    "strain": "strain: RMS move of margins by one removal (units of t)",
}
RULE = PALETTE[2]
FAMILY = (
    "Left: the hinge (t = 0), which is the loss of a support vector machine, and smoother copies of it. Right: their "
    "curvature, a bell of width t around margin 1, which influence needs and which the hinge itself lacks."
)
LAYOUT = (
    "Each point is one removed training point: horizontal, the change in one test point's loss that was predicted "
    "with a hinge smoothed by t; vertical, what retraining the true hinge gave. On the dashed line prediction is "
    "truth, and a little smoothing should bring the points to it."
)
AGREEMENT = (
    "How well predictions agree with retraining at each amount of smoothing t, in order (above) and in size (below), "
    "with 95% bands; green is the t that the rule chooses without retraining, dotted the paper's. In the grey areas "
    "t is surely too sharp (at the left) or too smooth (at the right) for weights trained at t."
)
CARRIERS = (
    "Above: how many training points have any curvature at each t; below: how far one removal moves the margins of "
    "the others, in units of t. The rule takes the smallest t at which the lower line is under the green one."
)
TESTING = (
    "How well influence ranks the removal of random support vectors, a row for each data set and weight decay: at "
    "the paper's t, at the t that the rule chooses, and at the best t, which only retraining can tell; bars are 95% "
    "intervals. Above stand data that had no part in finding the rule, below those it was found on."
)


def loss_family(widths: Sequence[float]) -> Figure:
    """The hinge at several t, rising, and its curvature: a bell, narrower and higher as t falls, and gone at t = 0."""
    figure, (left, right) = drawing(2, height=3.6, sharey=False)
    s = torch.linspace(0, 2, 2001, dtype=torch.float64)
    label = torch.ones(len(s), dtype=torch.int64)
    shades = plt.get_cmap("viridis")(numpy.linspace(0, 0.85, len(widths)))
    # Narrow bends lie on one another: the sharpest is the thickest, so that each is seen behind the next.
    for t, shade, thick in zip(widths, shades, numpy.linspace(5, 1.5, len(widths)), strict=True):
        left.plot(s, Hinge(t).values(s[None], label), color=shade, linewidth=thick, label=f"t = {t:g}")
        right.plot(s, Hinge(t).curvatures(s[None], label), color=shade, linewidth=1.5)
    left.set_ylabel(f"loss of a point ({UNIT})")
    right.set(ylabel=f"curvature of its loss ({UNIT} per squared margin)", yscale="log")
    right.set_ylim(1e-3, 1 / min(filter(None, widths)))
    for axis in (left, right):
        axis.axvline(1, color="0.8", linewidth=0.8, zorder=0)
        axis.set_xlabel("margin s (1 is the bend)")
    return finish(figure, caption=FAMILY)


def paper_figure(numbers: pandas.DataFrame, pairs: pandas.DataFrame, *, key: Key) -> Figure:
    """Predicted against actual change for the first test point's top removals, a panel a t (Koh & Liang, Figure 3).

    Pairs are those of the report. The paper's own figure has its axes the other way round.
    """
    own = pairs.loc[(pairs["data"] == key[0]) & (pairs["weight_decay"] == key[1])]
    # Random support vectors are removed for every test point, so that the first of them has all, in their order.
    first = own.loc[own["support_vectors"], "test_id"].iloc[0]
    own = own.loc[own["top"] & (own["test_id"] == first)]
    figure, axes = drawing(len(PUBLISHED), height=3.7, sharey=False)
    where = {"arm": "published", "selection": "first_test_point", "statistic": "pearson"}
    actual = own["actual"].to_numpy(dtype=float)
    for axis, t in zip(axes, PUBLISHED, strict=True):
        predicted = own[f"published_{t:g}"].to_numpy(dtype=float)
        found = find(of_machine(numbers, key), {**where, "t": t})
        across, up = (1.1 * max(float(numpy.abs(values).max()), 1e-300) for values in (predicted, actual))
        draw_points(axis, predicted, actual, across=across, up=up)
        words = f"Pearson {short(found) if found else 'unknown'}\n{len(actual)} removals"
        axis.set_title(f"t = {t:g}{' (the true hinge)' if t == 0 else ''}\n{words}", fontsize=SMALL, loc="left")
        axis.set(xlabel=PREDICTED, ylabel=ACTUAL)
    return finish(figure, caption=LAYOUT)


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
        axis.axhline(1, color="0.4", linestyle="--", linewidth=1, label="right size")
    # Slopes as far as they reach; where predictions vanish as t falls, on a scale that is logarithmic beyond 1.
    slopes = part.loc[(part["statistic"] == "slope") & (part["t"] > 0), "value"]
    axes[-1].set_ylim(min(0.0, 1.2 * slopes.min()), max(2.0, 1.3 * slopes.max()))
    if slopes.max() > LARGE:
        axes[-1].set_yscale("symlog", linthresh=1.0)
    return finish(figure, caption=AGREEMENT)


def shade(axis: Axes, below: pandas.DataFrame) -> None:
    """Grey where t is surely too small or too large: what it gives up to the best t has an interval above 0."""
    below = below.loc[below["t"] > 0]
    t, worse = below["t"].to_numpy(dtype=float), below["low"].to_numpy() > 0
    best = t[below["value"].to_numpy().argmin()]
    sharp, smooth = t[worse & (t < best)], t[worse & (t > best)]
    ends = (t.min() / 1.5, t.max() * 1.5)
    label = "surely worse than at its best t (consistent)"
    if len(sharp):
        axis.axvspan(ends[0], sharp.max(), color="0.9", zorder=0, label=label)
    if len(smooth):
        axis.axvspan(smooth.min(), ends[1], color="0.9", zorder=0, label=label)


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
    return finish(figure, caption=CARRIERS)


def over_t(columns: Mapping[str, pandas.DataFrame], rows: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Lines of all arms over t > 0, with bands where there are intervals: a row a statistic, a column a table."""
    panels = len(columns) * len(rows)
    figure, axes = drawing(panels, columns=len(columns), height=2.9, sharex="col", sharey="row")
    for axis, (statistic, (title, part)) in zip(axes, itertools.product(rows, columns.items()), strict=True):
        for arm, line in part.loc[(part["statistic"] == statistic) & (part["t"] > 0)].groupby("arm", sort=False):
            words, color, marker = ARMS[str(arm)]
            t, value, low, high = line[["t", "value", "low", "high"]].to_numpy(dtype=float).T
            axis.plot(t, value, color=color, marker=marker, markersize=4, label=words)
            axis.fill_between(t, low, high, color=color, alpha=0.18, linewidth=0)
        axis.set(xscale="log", xlabel="t, width of the bend (margin)", ylabel=LABELS[statistic])
        axis.set_title(title if statistic == rows[0] else "", fontsize=10)
        axis.label_outer()
    return figure, axes


def rule_tested(numbers: pandas.DataFrame, *, held_out: Collection[str]) -> Figure:
    """For each machine, Pearson at t = 0.001, at the rule's t and at the best t: data held out above, others below."""
    table = numbers.set_index(["data", "weight_decay"])
    keys = list(table.loc[table["statistic"] == "rule_t"].index)
    groups = {
        "data held out": [key for key in keys if key[0] in held_out],
        "data the rule was found on": [key for key in keys if key[0] not in held_out],
    }
    groups = {title: group for title, group in groups.items() if group}
    heights = [len(group) + 1 for group in groups.values()]
    grid = {"height_ratios": heights, "squeeze": False, "sharex": True, "sharey": "row", "layout": "constrained"}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(len(groups), 2, figsize=(WIDEST, 1.6 + 0.3 * sum(heights)), **grid)
    for row, (title, group) in zip(axes, groups.items(), strict=True):
        for axis, tested in zip(row, TESTED, strict=True):
            draw_tested(axis, table, group, tested=tested)
            axis.set_title(f"{title}: {tested[0]} weights", fontsize=SMALL, loc="left")
        names = [f"{data.replace('_', ' ').replace('-', ' ', 1)}, {decay:g}" for data, decay in group]
        row[0].set_yticks(range(len(group)), names)
        row[0].set(ylabel="data, weight decay", ylim=(len(group) - 0.4, -0.6))
    for axis in axes[-1]:
        axis.set_xlabel("Pearson correlation of predicted and actual change")
    return finish(figure, caption=TESTING)


def draw_tested(axis: Axes, table: pandas.DataFrame, keys: Sequence[Key], *, tested: tuple[str, str]) -> None:
    """A row for each of these machines, of one arm on one selection of removals."""
    own = table.loc[table["arm"] == tested[0]]
    pearson = own.loc[(own["statistic"] == "pearson") & (own["selection"] == tested[1])]
    oracle = own.loc[own["statistic"] == "oracle_t", "value"]
    rule = table.loc[table["statistic"] == "rule_t", "value"]
    at_fixed, at_rule, at_best = (
        pearson.loc[pearson["t"] == t.reindex(pearson.index)].loc[keys] for t in (0 * rule + FIXED, rule, oracle)
    )
    places = numpy.arange(len(keys))
    axis.hlines(places, at_fixed["value"], at_rule["value"], color="0.75", linewidth=1.5, zorder=1)
    for found, shift, color, marker, label in (
        (at_fixed, 0.14, PALETTE[0], "o", f"t = {FIXED:g}"),
        (at_rule, -0.14, RULE, "D", "t by the rule"),
    ):
        style = {"color": color, "marker": marker, "linestyle": "none", "elinewidth": 0.8, "markersize": 5}
        axis.errorbar(found["value"], places + shift, xerr=error_bars(found), label=label, **style)
    # The oracle is chosen by this very number, so that its interval means little.
    axis.plot(at_best["value"], places, "|", color="0.2", markersize=12, label="best t (only retraining can tell)")
    axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """Every figure of a report, from its measurements and pairs."""
    numbers, pairs = report.measurements.drop(columns="study"), report.pairs()
    main, other = dict.fromkeys(zip(pairs["data"], pairs["weight_decay"], strict=True))
    held_out = report.parameters["held_out"]
    return {
        "agreement_over_t": agreement_over_t(numbers, key=main),
        "loss_family": loss_family(SHOWN),
        "predicted_against_actual": paper_figure(numbers, pairs, key=main),
        "carriers_over_t": carriers_over_t(numbers, machines={"linear": main, "Gaussian kernel": other}),
        "kernel_agreement_over_t": agreement_over_t(numbers, key=other),
        "rule_tested": rule_tested(numbers, held_out=held_out),
    }
