"""Figures of a target's own noise: effects beside their spread over draws, two draws, and the gain of averaging."""

import matplotlib.pyplot as plt
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


def effects_beside_noise(targets: Effects, table: pandas.DataFrame) -> Figure:
    """Histogram of |mean| / sd over draws, an outline a target, and the share past the threshold.

    Effects without any noise stand in the last bar, those of 0 in the first.

    Args:
        targets: the effects.
        table: the same network's rows of the measurements.
    """
    figure, (axis,) = drawing(1, width=7.2, height=5.2)
    ratios = {target: signal_to_noise(draws) for target, draws in targets.items()}
    ratios = {target: ratio[~numpy.isnan(ratio)] for target, ratio in ratios.items()}
    finite = numpy.concatenate([ratio[(ratio > 0) & numpy.isfinite(ratio)] for ratio in ratios.values()])
    low, high = numpy.quantile(finite, [0.001, 1]) if len(finite) else (THRESHOLD, THRESHOLD)
    edges = numpy.geomspace(min(low, THRESHOLD / 10), max(1.1 * high, 10 * THRESHOLD), 61)
    shares = {line["target"]: line for line in records(table) if line["statistic"] == "detected"}
    for place, target in enumerate(TARGETS):
        heights, _ = numpy.histogram(numpy.clip(ratios[target], edges[0], edges[-1]), bins=edges)
        share, pairs = shares[target]["value"], shares[target]["n"]
        label = f"{TARGETS[target]}: {share:.1%} of {pairs:,} pairs beyond {THRESHOLD:g}"
        axis.stairs(heights / pairs, edges, color=PALETTE[place], fill=True, alpha=0.15)
        axis.stairs(heights / pairs, edges, color=PALETTE[place], linewidth=1.5, label=label)
    axis.axvline(THRESHOLD, color="0.3", linewidth=1, linestyle="--")
    # Above the axes, where no outline reaches.
    words = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": 9}
    axis.text(THRESHOLD, 1.01, f"|mean| = {THRESHOLD:g} sd", **words)
    axis.set(xscale="log", xlim=(edges[0], edges[-1]))
    axis.set_xlabel("size of an effect beside its noise: |mean| / standard deviation over draws")
    axis.set_ylabel("share of (removal, test point) pairs")
    legend_below(figure, [axis])
    return figure


def two_draws(targets: Effects) -> Figure:
    """Effects of all removals on one test point in the first two draws, a panel a target."""
    figure, axes = drawing(len(targets), width=4.6, height=4.9)
    couples = [draws[:2, :, 0] for draws in targets.values()]
    reach = 1.08 * max(float(numpy.nanmax(numpy.abs(couple), initial=1e-300)) for couple in couples)
    for axis, target, couple in zip(axes, targets, couples, strict=True):
        axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--")
        axis.scatter(*couple, s=14, alpha=0.6, color=PALETTE[0], linewidth=0, rasterized=couple.size > VECTOR)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axis.ticklabel_format(style="sci", scilimits=(-3, 3))
        axis.set_title(TARGETS[target], fontsize=10)
        axis.set_xlabel("change in test loss, one draw (nats)")
    axes[0].set_ylabel("change in test loss, another draw (nats)")
    plt.close(figure)
    return figure


def averaged_draws(table: pandas.DataFrame) -> Figure:
    """Repeatability of the mean of k draws, and its root, the best correlation of a score of another draw with it.

    Args:
        table: rows of the measurements of one network, of which those of repeatability are drawn.
    """
    rows = []
    for line in records(table.loc[table["statistic"] == "repeatability"]):
        for draws in DRAWS:
            found = stepped_up(measurement_of(line), draws)
            for panel, each in (("repeatability", found), ("ceiling of other scores: √repeatability", ceiling(found))):
                rows.append(row(each, panel=panel, draws=draws, target=TARGETS[line["target"]]))
    label = "correlation of two means of k draws,\nand with what knows none of them"
    return lines(tidy(rows), x="draws", hue="target", panel="panel", across="draws averaged", label=label)
