"""Figures of the mismatch: who matters to a test child, by which score, and how many other children hide it."""

from typing import Any

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, SMALL, drawing, error_bars, finish, look, short
from influencelab.runner.report import Report
from influencelab.statistics.display import display_name
from influencelab.statistics.measurements import measurement_of, select
from influencelab.studies.domain_mismatch.claims import CHILDREN, OTHERS, WATCHED_TEST

BY_RANK = (
    "How far removing each training patient would move the loss of one test child, by influence, from the largest "
    "effect down. The four children of the training set stand apart from all other patients."
)
BY_SCORE = (
    "Where each of the four children, numbered from the most harmful one, stands among all training patients by "
    "different scores. Only a score that has all four at the left end, where somebody would look first, finds them."
)
AGAINST = (
    "Each mark is a patient who was left out: horizontal, the predicted rise of the test child's loss; vertical, what "
    "happened when the model was trained again without that patient, for the four children (left) and for others, on a "
    "scale of their own. On the dashed line prediction is truth."
)
DILUTED = (
    "What happens when more children who were not readmitted stay in the training set: how many times as large as that "
    "of any other patient the influence of the three readmitted children is (left), and what chance the model gives "
    "to what the test child did (right). Marks are means over draws of who stays, with 95% intervals."
)


def effects_by_rank(table: pandas.DataFrame) -> Figure:
    """Every patient's |effect| by its rank, from the columns `exact` and `child` of the table of scores."""
    ranked = table.sort_values("exact", ascending=False, kind="stable").reset_index(drop=True)
    ranked["rank"] = ranked.index + 1.0
    figure, (axis,) = drawing(1, height=4.0)
    for place, (child, label) in enumerate(((False, "other patients"), (True, "children"))):
        own: Any = ranked[ranked["child"] == child]
        style = {"s": 50 if child else 9, "marker": "^" if child else "o", "color": PALETTE[place], "linewidth": 0}
        axis.scatter(own["rank"], own["exact"], label=label, rasterized=not child, zorder=2 + child, **style)
    axis.set(xscale="log", yscale="log", xlabel="rank of a training patient (count)")
    axis.set_ylabel("size of the predicted change in the test child's loss (nats)")
    least = float(numpy.quantile(ranked["exact"].to_numpy(dtype=float), 0.02)) or 1e-12
    axis.set_ylim(bottom=least)
    return finish(figure, caption=BY_RANK)


def ranks_by_score(table: pandas.DataFrame) -> Figure:
    """The rank of every child by every score, a row a score, from the measurements."""
    rows: Any = table[table["statistic"] == "rank"]
    names = list(dict.fromkeys(rows["estimator"]))
    figure, (axis,) = drawing(1, height=1.2 + 0.42 * len(names))
    for count, (place, own) in enumerate(rows.groupby("place", sort=True)):
        heights = [names.index(name) + 0.14 * (count - 1.5) for name in own["estimator"]]
        axis.plot(own["value"], heights, **{**look(count), "linestyle": "none"}, label=f"child {place}")
    axis.set_yticks(range(len(names)), [display_name(str(name)) for name in names])
    axis.set(xscale="log", xlabel="rank among all training patients (count)")
    axis.set_ylabel("score (largest first)")
    axis.invert_yaxis()
    return finish(figure, caption=BY_SCORE)


def predicted_against_actual(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure:
    """The children's removals and those of others, a panel each, by every estimator, from pairs of the watched child.

    Slopes above the panels are those of the table.
    """
    figure, axes = drawing(2, height=4.6, sharey="none")
    for axis, selection in zip(axes, (CHILDREN, OTHERS), strict=True):
        own: Any = pairs[(pairs["selection"] == selection) & (pairs["watched"] == WATCHED_TEST)]
        reach = 1.08 * max(float(numpy.abs(own[["predicted", "actual"]].to_numpy(dtype=float)).max()), 1e-300)
        axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--", label="prediction = truth")
        title = [selection]
        for place, (name, part) in enumerate(own.groupby("estimator", sort=False, observed=True)):
            style = {**look(place), "linestyle": "none", "markersize": 6, "alpha": 0.7, "markeredgewidth": 0}
            label = display_name(str(name))
            axis.plot(part["predicted"], part["actual"], **style, label=label)
            where = {"selection": selection, "watched": WATCHED_TEST, "estimator": name, "statistic": "slope"}
            title += [f"slope {short(measurement_of(line))} of {label}" for line in select(table, where)]
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axis.set(xlabel="predicted change in test loss (nats)", ylabel="actual change in test loss (nats)")
        axis.locator_params(nbins=5)
        axis.set_title("\n".join(title), loc="left", fontsize=SMALL)
    return finish(figure, caption=AGAINST)


def diluted_mismatch(table: pandas.DataFrame) -> Figure:
    """How far the readmitted children stand out, and what the model says, by how many others stay."""
    figure, (left, right) = drawing(2, height=3.8, sharey="none")
    for place, (axis, name) in enumerate(((left, "diluted_times_the_next"), (right, "diluted_chance"))):
        rows: Any = table[table["statistic"] == name]
        own = rows.sort_values("kept")
        axis.errorbar(own["kept"].astype(float), own["value"], yerr=error_bars(own), **look(place), capsize=3)
        axis.set_xlabel("children who stay beside the four (count)")
    left.axhline(1, color="0.4", linestyle="--", linewidth=1, label="no larger than another patient's")
    left.set(yscale="log", ylabel="least influence of the three over the largest of others (ratio)")
    right.axhline(0.5, color="0.4", linestyle=":", linewidth=1, label="undecided")
    right.set(ylim=(0, 1), ylabel="chance of the test child's own class (share)")
    return finish(figure, caption=DILUTED)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its pairs, its scores and its measurements."""
    table: Any = report.measurements.drop(columns="study")
    scores = pandas.read_parquet(report.kept("scores.parquet", "no scores"))
    return {
        "effects_by_rank": effects_by_rank(scores),
        "ranks_by_score": ranks_by_score(table),
        "predicted_against_actual": predicted_against_actual(report.pairs(), table),
        "diluted_mismatch": diluted_mismatch(table),
    }
