"""The figure of agreement at every test point."""

from collections.abc import Sequence

import numpy
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, drawing, finish
from influencelab.experiments.replication import Measured
from influencelab.runner.report import Report
from influencelab.statistics.display import display_name

BY_TEST_POINT = (
    "How well influence ranks removals as retraining does, for every test point, from the worst predicted to the "
    "best: a dot is one network, the line their mean. The line would rise a little even if all test points were "
    "alike."
)


def by_test_point(parts: Sequence[Measured]) -> Figure:
    """A panel a part: the correlation of every test point, worst first; a dot a seed, a line their mean."""
    figure, axes = drawing(len(parts), height=3.2, sharex="col", sharey="all")
    for axis, (settings, table) in zip(axes, parts, strict=True):
        average = numpy.nanmean(table.values, axis=0)
        order = numpy.argsort(average)
        places = range(1, len(order) + 1)
        for seed in table.values:
            axis.scatter(places, seed[order], s=10, color=PALETTE[0], alpha=0.4, linewidth=0, label="a network")
        axis.plot(places, average[order], color=PALETTE[3], linewidth=1.6, label="mean over networks")
        axis.axhline(0, color="0.6", linewidth=0.8)
        layers = f"{settings['depth']} hidden layer{'s' if settings['depth'] > 1 else ''}"
        axis.set_title(f"{settings['data']}, {layers}: {display_name(settings['selection'])}")
        axis.set_xlabel("test point (rank, worst first)")
        axis.set_ylabel("Spearman correlation with retraining")
        axis.label_outer(remove_inner_ticks=False)
    return finish(figure, caption=BY_TEST_POINT)


def redrawn(report: Report) -> dict[str, str]:
    """The caption alone: a report holds the pairs of one network."""
    return {path.stem: BY_TEST_POINT for path in report.figures}
