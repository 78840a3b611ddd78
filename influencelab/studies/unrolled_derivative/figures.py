"""The figure of agreement against the learning rate."""

from typing import Any

import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import lines
from influencelab.runner.report import Report
from influencelab.studies.unrolled_derivative.analysis import DRAWN, REPEATS, in_words

BY_RATE = (
    "How well the derivative of a training run ranks removals as retraining does, from the same start with the same "
    "batches (its own draw) and from another. The dashed line is how well two draws agree with each other, which "
    "bounds what can be said of another draw; bars are 95% intervals."
)


def agreement_by_rate(table: pandas.DataFrame, networks: pandas.DataFrame | None) -> Figure:
    """Correlation of single removals against the learning rate, a panel a kind of run, and each network's own means."""

    def single(part: pandas.DataFrame) -> pandas.DataFrame:
        return in_words(part.loc[part["share"].isna() & part["statistic"].isin(DRAWN)])

    dots = None if networks is None else single(networks)
    names: Any = {"x": "learning_rate", "hue": "score", "panel": "run", "neutral": [REPEATS]}
    return lines(single(table), dots=dots, across="learning rate", caption=BY_RATE, **names)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """The figure of a report from its measurements, without the single networks, which it does not hold."""
    table = report.measurements.drop(columns="study")
    return {"unrolled": agreement_by_rate(table.loc[table["derivative_of"].isna()], None)}
