"""The figure of agreement of two estimates through the last layer."""

import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import lines
from influencelab.runner.report import Report
from influencelab.statistics.reliability import null_band

BOTH = (
    "How well two ways to compute influence through the last layer, the published one and a corrected one, rank 25 "
    "removals as retraining that layer does: a large mark is the mean over networks with its 95% interval, a faint "
    "dot one network. In the grey band lies what one network gives where there is nothing to find."
)


def agreement_by_depth(means: pandas.DataFrame, networks: pandas.DataFrame) -> Figure:
    """Both estimates by depth, from rows of Spearman's correlation, and each network's own mean."""
    names = {"x": "depth", "hue": "estimator", "across": "hidden layers (count)"}
    return lines(means, dots=networks, null=null_band(25), caption=BOTH, **names)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """The figure of a report, from its measurements and from each network's own correlation among its facts."""
    networks = pandas.DataFrame(report.facts["spearman_by_network"]).explode("spearman")
    networks = networks.rename(columns={"spearman": "value"}).astype({"value": float})
    return {"agreement_by_depth": agreement_by_depth(report.measurements.query("statistic == 'spearman'"), networks)}
