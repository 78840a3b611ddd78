"""Figures of scores of other libraries: their slopes, as returned and in nats, and what they cost."""

from typing import Any

import pandas
from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.experiments.house_style import MARKERS, drawing, finish, look
from influencelab.runner.report import Report
from influencelab.studies.libraries_compared.claims import READ, RETURNED

SIZES = (
    "How many times as large as each library's scores say the changes in test loss were, as it returned the scores and "
    "as they are read in nats, with 95% intervals. On the dashed line the size is right."
)
COSTS = (
    "Processor time that one call took and the most memory that its process held, on one machine, for every problem. "
    "Nearer to the lower left corner is cheaper."
)


def slope_by_library(table: pandas.DataFrame) -> Figure:
    """The slope of every call at both scales, a row a call, from the rows of `slopes`."""
    rows: Any = table[table["statistic"] == "slope_of_scale"]
    names = list(dict.fromkeys(zip(rows["data"], rows["estimator"], strict=True)))
    figure, (axis,) = drawing(1, height=0.9 + 0.45 * len(names))
    axis.axvline(1, color="0.4", linewidth=1, linestyle="--", label="right size")
    for count, scale in enumerate((RETURNED, READ)):
        own: Any = rows[rows["scale"] == scale]
        heights = [names.index(key) + 0.12 * (2 * count - 1) for key in zip(own["data"], own["estimator"], strict=True)]
        value, low, high = own[["value", "low", "high"]].to_numpy(dtype=float).T
        style = {**look(count), "linestyle": "none"}
        axis.errorbar(value, heights, xerr=[value - low, high - value], capsize=2, label=scale, **style)
    axis.set_yticks(range(len(names)), [f"{data}: {call}" for data, call in names])
    axis.set(xscale="log", xlabel="slope of actual on predicted change (median over test points)")
    axis.set_ylabel("call of a library (by problem)")
    axis.invert_yaxis()
    return finish(figure, caption=SIZES)


def cost_by_library(table: pandas.DataFrame) -> Figure:
    """Seconds and memory of every call."""
    wide: Any = table[table["statistic"].isin(["seconds", "megabytes"])].pivot_table(
        index=["data", "estimator"], columns="statistic", values="value", sort=False
    )
    figure, (axis,) = drawing(1, height=4.6)
    for count, ((data, call), own) in enumerate(wide.iterrows()):
        # One more call than there are colours: the last is hollow.
        style = {**look(count), "linestyle": "none", "fillstyle": "full" if count < len(MARKERS) else "none"}
        axis.plot([own["seconds"]], [own["megabytes"]], label=f"{data}: {call}", **style)
    axis.set(xscale="log", xlabel="time of one call (seconds of one processor)", ylabel="memory at its peak (MB)")
    axis.set_ylim(bottom=0)
    return finish(figure, caption=COSTS)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its pairs and measurements."""
    table: Any = report.measurements
    return {
        "predicted_against_actual": plots.pairs_figure(report.pairs(), table),
        "slope_by_library": slope_by_library(table),
        "cost_by_library": cost_by_library(table),
    }
