"""Figures: accuracy without the first rows of each score, sketches by size, what first rows are, and deletions."""

from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.experiments.house_style import drawing, error_bars, finish, look
from influencelab.runner.report import Report
from influencelab.statistics.measurements import find
from influencelab.studies.influence_sketching.called import ARMS, EXACT, KINDS, LOSS, NORM, PROJECTIONS, SCORES, SKETCH
from influencelab.studies.influence_sketching.claims import DATA, PARTS

CURVES = (
    "Accuracy on test rows when the training rows that come first in the order of each score are removed and the model "
    "is fitted again, with 95% intervals over draws of the training rows. A score that finds what carries the model "
    "falls; the dashed line is the accuracy with all rows."
)
BY_K = (
    "How much the order of sketched Cook's distances lacks of that of exact ones, against the columns k of the random "
    "matrix Ω, with 95% intervals over draws of rows and of Ω. On the dashed line lies squared residual times squared "
    "row norm, which needs no Ω: below it a sketch is worth its cost."
)
FIRST_ROWS = (
    "How many times as frequent each kind of row is among the twentieth of the training rows that a score puts first "
    "as among all of them, with 95% intervals over draws. To the right of the solid line a score finds such rows."
)
DELETED = (
    "Each point is one deleted training row and one test row: horizontal, the rise in the test row's loss that was "
    "predicted; vertical, what happened when the model was fitted again without the row. On the dashed line prediction "
    "is truth."
)
# Scores whose first rows are looked at.
LOOKED = (SKETCH, EXACT, LOSS, "leverage")


def accuracy_by_removed(table: pandas.DataFrame) -> Figure:
    """Test accuracy against the share removed, a panel a data set and part of its test rows."""
    rows: Any = table[table["statistic"] == "accuracy_lost"]
    panels = list(dict.fromkeys(zip(rows["arm"], rows["data"], rows["tests"], strict=True)))
    figure, axes = drawing(len(panels), height=4.2, sharey="none")
    for axis, (arm, data, tests) in zip(axes, panels, strict=True):
        own = rows[(rows["arm"] == arm) & (rows["data"] == data) & (rows["tests"] == tests)]
        whole = find(table, {"arm": arm, "data": data, "tests": tests, "statistic": "accuracy"})
        base = whole.value if whole else numpy.nan
        axis.axhline(base, color="0.3", linestyle="--", linewidth=1, label="all rows")
        for place, (score, words) in enumerate(SCORES.items()):
            line = own[own["estimator"] == score].sort_values("removed")
            lost = line["value"].to_numpy(dtype=float)
            # Side by side, so that none hides another.
            across = line["removed"].to_numpy(dtype=float) * 1.02 ** (place - (len(SCORES) - 1) / 2)
            bars = error_bars(line)[::-1]
            axis.errorbar(across, base - lost, yerr=bars, **look(place), capsize=2, markersize=4, label=words)
        axis.set_xscale("log")
        axis.set_title(f"{DATA[data]}, {PARTS[tests]}, {ARMS[arm]}", fontsize=10)
        axis.set(xlabel="share of the training rows removed", ylabel="share of test rows predicted right")
    return finish(figure, caption=CURVES)


def spearman_by_k(table: pandas.DataFrame) -> Figure:
    """Agreement of sketches with exact scores against k, a panel a data set."""
    rows: Any = table[table["statistic"] == "spearman"]
    known = rows[rows["estimator"].isin([*PROJECTIONS]) & rows["k"].notna()]
    panels = list(dict.fromkeys(zip(known["arm"], known["data"], strict=True)))
    figure, axes = drawing(len(panels), height=4.0, sharey="none")
    for axis, (arm, data) in zip(axes, panels, strict=True):
        own = known[(known["arm"] == arm) & (known["data"] == data)]
        for place, (projection, words) in enumerate(PROJECTIONS.items()):
            line = own[own["estimator"] == projection].sort_values("k")
            across = line["k"].to_numpy(dtype=float) * 1.04 ** (place - 1)
            lacking = 1 - line["value"].to_numpy(dtype=float)
            axis.errorbar(across, lacking, yerr=error_bars(line)[::-1], **look(place), capsize=2, label=words)
        rival = find(table, {"arm": arm, "data": data, "estimator": NORM, "statistic": "spearman"})
        axis.axhline(
            1 - rival.value if rival else numpy.nan, color="0.3", linestyle="--", linewidth=1, label=SCORES[NORM]
        )
        axis.set_xscale("log")
        axis.set_title(f"{DATA[data]}, {ARMS[arm]}", fontsize=10)
        axis.set_yscale("log")
        axis.set(xlabel="columns k of the sketch (number)", ylabel="1 − Spearman correlation with exact distances")
    return finish(figure, caption=BY_K)


def kinds_of_first_rows(table: pandas.DataFrame) -> Figure:
    """How much more frequent each kind of row is among the first of some scores, a panel a data set."""
    rows: Any = table[(table["statistic"] == "times") & table["estimator"].isin(LOOKED)]
    rows = rows[rows["arm"] == rows["arm"].iloc[0]]
    data = list(dict.fromkeys(rows["data"]))
    figure, axes = drawing(len(data), height=4.2, sharey="none", columns=min(2, len(data)))
    for axis, name in zip(axes, data, strict=True):
        own = rows[rows["data"] == name]
        there = [kind for kind in KINDS if (own["kind"] == kind).any()]
        for place, score in enumerate(LOOKED):
            line = own[own["estimator"] == score].set_index("kind").loc[there]
            draw_kinds(axis, line, place)
        axis.axvline(1, color="0.4", linewidth=1)
        axis.set_yticks(range(len(there)), [KINDS[kind] for kind in there])
        axis.set_ylim(len(there) - 0.5, -0.5)
        axis.set_title(DATA[name], fontsize=10)
        axis.set(xlabel="times as frequent as among all rows (ratio)", ylabel="kind of row (by name)")
    return finish(figure, caption=FIRST_ROWS)


def draw_kinds(axis: Axes, line: Any, place: int) -> None:
    """The marks of one score, a little above or below those of the others."""
    up = numpy.arange(len(line)) + 0.16 * (place - (len(LOOKED) - 1) / 2)
    style = {**look(place), "linestyle": "none"}
    values = line["value"].to_numpy(dtype=float)
    axis.errorbar(values, up, xerr=error_bars(line), capsize=2, markersize=4, label=SCORES[LOOKED[place]], **style)


def predicted_against_actual(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure | None:
    """Predicted against actual changes of test losses by deletions, a panel a data set and prediction."""
    drawn = plots.pairs_figure(pairs.drop(columns="arm"), table.drop(columns="arm"), columns=2)
    if drawn is not None:
        drawn.set_label(DELETED)
    return drawn


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its measurements and pairs."""
    table: Any = report.measurements.drop(columns="study")
    return {
        "accuracy_by_removed": accuracy_by_removed(table),
        "spearman_by_k": spearman_by_k(table),
        "kinds_of_first_rows": kinds_of_first_rows(table),
        "predicted_against_actual": predicted_against_actual(report.pairs(), table),
    }
