"""The figures of agreement by depth, unmatched and at matched difficulty."""

from typing import Any

import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import lines
from influencelab.runner.report import Report

FIGURES = {"pearson_by_depth": "pearson", "error_by_depth": "median_relative_error"}
NAMES = {
    "unmatched": "one weight decay for all",
    "train_loss": "train loss as of one layer",
    "effective_dimension": "effective dimension as of one layer",
}
LABELS = {
    "pearson": "Pearson correlation (1 = a line)",
    "median_relative_error": "RMS error / RMS truth (0 = right)",
}
WHAT = {
    "pearson": "Pearson's correlation of predicted and actual change (1 is a straight line), mean over networks",
    "median_relative_error": "RMS error / RMS truth (0 is right, 1 as far off as predicting 0), median network",
}
SAYS = (
    "by hidden layers, at one weight decay for all depths and with the weight decay of each network chosen so that its "
    "train loss or its effective dimension is that of one layer; a panel each weight decay of one layer, where all "
    "three are one. Bars are intervals over splits where there are five (95%; of medians nearly)"
)


def by_depth(table: pandas.DataFrame, statistic: str) -> Figure:
    """One measure against depth, a line an arm, a panel a weight decay of one layer."""
    frame = table.loc[(table["statistic"] == statistic) & table["depth"].notna()]
    titles = [f"one layer at weight decay {decay:g}" for decay in frame["weight_decay"]]
    frame = frame.assign(panel=titles, arm=frame["arm"].replace(NAMES))
    how: Any = {"across": "hidden layers (number)", "label": LABELS[statistic]}
    figure = lines(frame, x="depth", hue="arm", panel="panel", caption=f"{WHAT[statistic]}, {SAYS}.", **how)
    if statistic != "pearson":
        # An error is never below 0, and above 1 where predictions are worse than none.
        figure.axes[0].set_ylim(0, max(1.05, 1.1 * frame["value"].max()))
    return figure


def redrawn(report: Report) -> dict[str, Figure | None]:
    """The figures of a report from its measurements."""
    table = report.measurements.drop(columns="study")
    return {name: by_depth(table, statistic) for name, statistic in FIGURES.items()}
