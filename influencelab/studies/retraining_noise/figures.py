"""Figures of a target's own noise: effects beside their spread over draws, two draws, and the gain of averaging."""

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import drawing, legend_below, lines
from influencelab.experiments.plots import PALETTE, VECTOR
from influencelab.statistics.measurements import measurement_of, records, row, tidy
from influencelab.statistics.reliability import ceiling, stepped_up
from influencelab.statistics.signal_to_noise import THRESHOLD, signal_to_noise
from influencelab.studies.retraining_noise.analysis import TARGETS, Effects

DRAWS = (1, 2, 3, 5, 10, 20, 50, 100)
MEANS, BOUND = "of two means of draws: repeatability", "of a mean with a score that knows no draw, at most"


def effects_beside_noise(targets: Effects, table: pandas.DataFrame) -> Figure:
    """Histogram of |mean| / sd over draws, an outline a target; the share beyond the threshold is that of the table.

    Effects without any noise stand in the last bar, those of 0 in the first.
    """
    figure, (axis,) = drawing(1, width=7.2, height=5.2)
    ratios = {target: signal_to_noise(draws) for target, draws in targets.items()}
    finite = [ratio[(ratio > 0) & numpy.isfinite(ratio)] for ratio in ratios.values()]
    low, high = numpy.quantile(numpy.concatenate([[THRESHOLD / 10, 10 * THRESHOLD], *finite]), [0.001, 1])
    edges = numpy.geomspace(low, high, 61)
    shares = {line["target"]: line for line in records(table) if line["statistic"] == "detected"}
    for color, (target, ratio) in zip(PALETTE, ratios.items(), strict=False):
        share, pairs = shares[target]["value"], shares[target]["n"]
        label = f"{TARGETS[target]}: {share:.1%} of {pairs:,} pairs beyond {THRESHOLD:g}"
        heights, _ = numpy.histogram(numpy.clip(ratio, low, high), bins=edges)
        axis.stairs(heights / pairs, edges, fill=True, color=(*color, 0.15))
        axis.stairs(heights / pairs, edges, color=color, linewidth=1.5, label=label)
    axis.axvline(THRESHOLD, color="0.3", linewidth=1, linestyle="--")
    # Above the axes, where no outline reaches.
    axis.text(THRESHOLD, 1.01, f"|mean| = {THRESHOLD:g} sd", transform=axis.get_xaxis_transform(), ha="center")
    axis.set(xscale="log", xlim=(low, high))
    axis.set_xlabel("size of an effect beside its noise: |mean| / standard deviation over draws")
    axis.set_ylabel("share of (removal, test point) pairs")
    legend_below(figure, [axis])
    return figure


def two_draws(targets: Effects) -> Figure:
    """Effects of all removals on one test point in the first two draws, a panel a target."""
    figure, axes = drawing(len(targets), width=4.6, height=4.9)
    couples = [draws[:2, :, 0] for draws in targets.values()]
    reach = 1.08 * max(float(numpy.nanmax(numpy.abs(couple), initial=1e-300)) for couple in couples)
    for axis, target, couple, color in zip(axes, targets, couples, PALETTE, strict=False):
        axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--", label="the draws agree")
        axis.scatter(*couple, s=14, alpha=0.6, color=color, linewidth=0, rasterized=couple.size > VECTOR)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=TARGETS[target])
        axis.ticklabel_format(style="sci", scilimits=(-3, 3))
        axis.locator_params(nbins=6)
        axis.set_xlabel("change in test loss, one draw (nats)")
    axes[0].set_ylabel("change in test loss, another draw (nats)")
    legend_below(figure, axes)
    return figure


def averaged_draws(table: pandas.DataFrame) -> Figure:
    """Repeatability of a mean of draws and its root, which bounds other scores, from one network's measurements."""
    rows = []
    for line in records(table.loc[table["statistic"] == "repeatability"]):
        for draws in DRAWS:
            found = stepped_up(measurement_of(line), draws)
            for panel, each in ((MEANS, found), (BOUND, ceiling(found))):
                rows.append(row(each, panel=panel, draws=draws, target=TARGETS[line["target"]]))
    figure = lines(tidy(rows), x="draws", hue="target", panel="panel", across="draws averaged", label="correlation")
    figure.axes[0].set_ylim(0, 1.05)
    return figure
