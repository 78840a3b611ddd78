"""The figure of agreement against the share of the points that is removed."""

import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import lines
from influencelab.statistics.reliability import NullBand
from influencelab.studies.group_removals.analysis import TARGETS

REPEATS = "repeatability of the target"
GROUPS = (
    "How well two estimates rank removals as retraining does, from single points (left end) to random halves of the "
    "data (right end), where every retrained model draws its own batches (left) or all share theirs (right). The "
    "dashed line is how well retraining agrees with itself, which bounds what can be expected; bars are 95% "
    "intervals, faint dots single networks."
)


def agreement_by_share(table: pandas.DataFrame, networks: pandas.DataFrame, *, train: int, null: NullBand) -> Figure:
    """Correlation against the share removed, a panel a target, from the study's table and each network's own means.

    A single point is a share of 1 / train.
    """
    missing = {"share": 1 / train, "estimator": REPEATS}
    ranks = (part[part["statistic"].isin(("spearman", "repeatability"))] for part in (table, networks))
    means, dots = (part.fillna(missing).replace({"target": TARGETS}) for part in ranks)
    names = {"x": "share", "hue": "estimator", "panel": "target", "neutral": [REPEATS]}
    across = "share of the training points removed (least: one point)"
    return lines(means, dots=dots, null=null, across=across, caption=GROUPS, **names)
