"""Figures of a target's own noise: effects beside their spread over draws, two draws, and the gain of averaging."""

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, VECTOR, drawing, finish
from influencelab.experiments.line_plots import CORRELATION, lines
from influencelab.runner.report import Report
from influencelab.statistics.measurements import measurement_of, records, row, tidy
from influencelab.statistics.reliability import ceiling, stepped_up
from influencelab.statistics.signal_to_noise import THRESHOLD
from influencelab.studies.retraining_noise.analysis import TARGETS, Effects

DRAWS = (1, 2, 3, 5, 10, 20, 50, 100)
MEANS = "repeatability: two means of draws"
BOUND = "at most: such a mean and a score that knows no draw"
NOISE = (
    "How large the effect of removing one point is beside its own noise: its mean over repeated trainings divided by "
    "its standard deviation, an outline for each way to retrain. To the right of the dashed line an effect stands "
    "out of its noise, and the legend says how many do."
)
DRAWS_AGREE = (
    "Each point is one removed training point: the change in one test point's loss in one training (horizontal) and "
    "in another, with another start and other batches (vertical). On the dashed line the two agree, as they should "
    "where models with and without a point see the same batches (right)."
)
AVERAGED = (
    "What averaging repeated trainings gains, with 95% intervals. Left, how well two such averages agree with each "
    "other; right, how well the best prediction that does not know the draws can agree with one."
)


def effects_beside_noise(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure:
    """Histogram of |mean| / sd over draws, an outline a target; the share beyond the threshold is that of the table.

    Pairs hold mean and sd of each effect. Those without any noise stand in the last bar, those of 0 in the first.
    """
    figure, (axis,) = drawing(1, height=4.6)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        ratios = {
            str(target): numpy.abs(part["mean"].to_numpy(dtype=float)) / part["sd"].to_numpy(dtype=float)
            for target, part in pairs.groupby("arm", sort=False, observed=True)
        }
    finite = [ratio[(ratio > 0) & numpy.isfinite(ratio)] for ratio in ratios.values()]
    low, high = numpy.quantile(numpy.concatenate([[THRESHOLD / 10, 10 * THRESHOLD], *finite]), [0.001, 1])
    edges = numpy.geomspace(low, high, 61)
    shares = {line["target"]: line for line in records(table) if line["statistic"] == "detected"}
    for color, (target, ratio) in zip(PALETTE, ratios.items(), strict=False):
        share, count = shares[target]["value"], shares[target]["n"]
        label = f"{TARGETS[target]}: {100 * share:.3g}% of {count:,} pairs beyond {THRESHOLD:g}"
        heights, _ = numpy.histogram(numpy.clip(ratio, low, high), bins=edges)
        axis.stairs(heights / count, edges, fill=True, color=(*color, 0.15))
        axis.stairs(heights / count, edges, color=color, linewidth=1.5, label=label)
    axis.axvline(THRESHOLD, color="0.3", linewidth=1, linestyle="--", label=f"|mean| = {THRESHOLD:g} sd")
    axis.set(xscale="log", xlim=(low, high), ylabel="share of pairs of a removal and a test point")
    axis.set_xlabel("size of an effect beside its noise: |mean| / standard deviation over draws")
    return finish(figure, caption=NOISE)


def two_draws(targets: Effects) -> Figure:
    """Effects of all removals on one test point in the first two draws, a panel a target."""
    figure, axes = drawing(len(targets), height=4.2)
    couples = [draws[:2, :, 0] for draws in targets.values()]
    reach = 1.08 * max(float(numpy.nanmax(numpy.abs(couple), initial=1e-300)) for couple in couples)
    for axis, target, couple, color in zip(axes, targets, couples, PALETTE, strict=False):
        axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--", label="the draws agree")
        axis.scatter(*couple, s=14, alpha=0.6, color=color, linewidth=0, rasterized=couple.size > VECTOR)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=TARGETS[target])
        axis.locator_params(nbins=5)
        axis.set_xlabel("change in test loss, one draw (nats)")
    axes[0].set_ylabel("change in test loss, another draw (nats)")
    return finish(figure, caption=DRAWS_AGREE)


def averaged_draws(table: pandas.DataFrame) -> Figure:
    """Repeatability of a mean of draws and its root, which bounds other scores, from one network's measurements."""
    rows = []
    for line in records(table.loc[table["statistic"] == "repeatability"]):
        for draws in DRAWS:
            found = stepped_up(measurement_of(line), draws)
            for panel, each in ((MEANS, found), (BOUND, ceiling(found))):
                rows.append(row(each, panel=panel, draws=draws, target=TARGETS[line["target"]]))
    names = {"x": "draws", "hue": "target", "panel": "panel", "across": "draws averaged (count)"}
    figure = lines(tidy(rows), **names, label=CORRELATION, caption=AVERAGED)
    figure.axes[0].set_ylim(0, 1.05)
    return figure


def redrawn(report: Report) -> dict[str, Figure | None]:
    """The figures that the measurements and pairs of a report hold; single draws are not kept."""
    numbers, first = report.measurements, report.parameters
    numbers = numbers[(numbers["depth"] == first["depths"][0])]
    numbers = numbers[numbers["learning_rate"] == first["learning_rates"][0]]
    return {
        "noise": effects_beside_noise(report.pairs(), numbers),
        "repeatability": averaged_draws(numbers[numbers["target"].isin(["unpaired", "paired"])]),
    }
