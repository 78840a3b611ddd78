"""The figures of this study, drawn again from its report."""

from typing import Any

import pandas
from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.runner.report import Report

# A figure a data set: the table of its pairs, and the unit of its losses.
DATA = {
    "breast cancer": ("pairs", "nats"),
    "diabetes": ("pairs_by_name", "squared units of y / 2"),
    "digits": ("pairs", "nats"),
}


def redrawn(report: Report) -> dict[str, Figure | None]:
    """Predicted against actual changes of each model."""
    figures = {}
    for name, (table, unit) in DATA.items():
        pairs: Any = pandas.read_parquet(report.kept(f"{table}.parquet", "no pairs"))
        own = pairs[pairs["data"] == name]
        figures[name.replace(" ", "_")] = plots.pairs_figure(own, report.measurements, columns=1, unit=unit)
    return figures
