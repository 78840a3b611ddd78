"""The figure of agreement against the share of the points that is removed."""

from typing import Any

import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import lines
from influencelab.runner.report import Report
from influencelab.statistics.reliability import NullBand, null_band
from influencelab.studies.group_removals.analysis import TARGETS

REPEATS = "repeatability of the target"
GROUPS = (
    "How well two estimates rank removals as retraining does, from single points (left end) to random halves of the "
    "data (right end), where every retrained model draws its own batches (left) or all share theirs (right). The "
    "dashed line is how well retraining agrees with itself in another draw of start and batches, whose square root a "
    "score that does not know the draw can hardly exceed; bars are 95% intervals."
)


def agreement_by_share(
    table: pandas.DataFrame, networks: pandas.DataFrame | None, *, train: int, null: NullBand
) -> Figure:
    """Correlation against the share removed, a panel a target, from the study's table and each network's own means.

    A single point is a share of 1 / train.
    """

    def in_words(part: pandas.DataFrame) -> pandas.DataFrame:
        ranks = part.loc[part["statistic"].isin(("spearman", "repeatability"))]
        return ranks.fillna({"share": 1 / train, "estimator": REPEATS}).replace({"target": TARGETS})

    names: Any = {"x": "share", "hue": "estimator", "panel": "target", "neutral": [REPEATS]}
    means = in_words(table)
    dots = None if networks is None else in_words(networks)
    across = "share of the training points removed (least: one point)"
    return lines(means, dots=dots, null=null, across=across, caption=GROUPS, **names)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """The figure of a report from its measurements, without the single networks, which it does not hold."""
    sizes = report.parameters
    null = null_band(min(sizes["removals"], sizes["groups"]))
    table = report.measurements.drop(columns="study")
    return {"groups": agreement_by_share(table, None, train=sizes["train"], null=null)}
