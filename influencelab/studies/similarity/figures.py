"""Figures of the study: influence beside distance, both models test point by test point, predicted beside actual."""

from typing import Any

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, SMALL, drawing, finish, short
from influencelab.experiments.plots import pairs_figure
from influencelab.runner.report import Report
from influencelab.statistics.measurements import measurement_of, select
from influencelab.studies.similarity.claims import DEEP, KERNEL

NAMES = {KERNEL: "kernel machine on pixels", DEEP: "deep features"}
BY_DISTANCE = (
    "Each mark is one training picture: horizontal, how far its pixels are from those of one test picture; vertical, "
    "how much the test picture's loss would rise without it: above zero it helps. A model that goes by nearness "
    "has its large effects at the left, and one class on each side of zero."
)
BY_TEST = (
    "Each mark is one test picture, by the kernel machine (across) and by the model on deep features (up): left, "
    "Spearman correlation of influence and closeness of pixels within its class; right, the share of the other class "
    "among the twenty pictures that help it most. On the dashed line both models agree."
)
PANELS = (
    ("same_class_spearman", "influence and closeness, own class", "correlation"),
    ("other_class_among_first", "other class among the 20 most helpful", "share"),
)


def influence_by_distance(kept: pandas.DataFrame) -> Figure:
    """The paper's figure, of the first test picture: a panel each model, a colour each class."""
    own: Any = kept[kept["test_id"] == kept["test_id"].iloc[0]]
    figure, axes = drawing(2, height=4.2, sharey="none")
    for axis, (name, words) in zip(axes, NAMES.items(), strict=True):
        axis.axhline(0, color="0.4", linewidth=1)
        for place, (same, label) in enumerate(((True, "own class"), (False, "other class"))):
            part = own[own["same_class"] == same]
            style: Any = {"s": 14, "marker": "o^"[place], "color": PALETTE[place], "linewidth": 0, "alpha": 0.6}
            axis.scatter(part["distance"], part[name], label=label, rasterized=len(part) > 300, **style)
        axis.set(xlabel="RMS distance of pixels (share of range)", title=words)
        axis.set_ylabel(f"rise of its loss without it ({'nats' if name == DEEP else 'margin'})")
    return finish(figure, caption=BY_DISTANCE)


def models_by_test(by_test: pandas.DataFrame, table: pandas.DataFrame) -> Figure:
    """Both models on each test picture, and their means."""
    figure, axes = drawing(2, height=4.4, sharey="none")
    for place, (axis, (what, words, unit)) in enumerate(zip(axes, PANELS, strict=True)):
        across, up = (by_test.loc[by_test["model"] == name, what].to_numpy(dtype=float) for name in NAMES)
        low, high = numpy.nanmin([across, up]), numpy.nanmax([across, up])
        room = 0.06 * max(high - low, 1e-3)
        axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--", label="the same in both")
        axis.scatter(across, up, color=PALETTE[place], marker="o^"[place], s=26, linewidth=0, alpha=0.75)
        axis.set(xlim=(low - room, high + room), ylim=(low - room, high + room), aspect="equal")
        axis.set(xlabel=f"{NAMES[KERNEL]} ({unit})", ylabel=f"{NAMES[DEEP]} ({unit})")
        axis.locator_params(nbins=5)
        means = [
            f"mean {short(measurement_of(line))}: {label}"
            for name, label in NAMES.items()
            for line in select(table, {"model": name, "statistic": what})
        ]
        axis.set_title("\n".join([words, *means]), loc="left", fontsize=SMALL)
    return finish(figure, caption=BY_TEST)


def predicted_against_actual(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure | None:
    """Influence beside the truth: a panel each model and choice of removals."""
    own: Any = pairs[pairs["estimator"] == "exact"]
    return pairs_figure(own, table, columns=2)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its tables."""
    table: Any = report.measurements.drop(columns="study")
    by_test = pandas.read_parquet(report.kept("by_test.parquet", "no numbers of test pictures"))
    kept = pandas.read_parquet(report.kept("values.parquet", "no values"))
    return {
        "influence_by_distance": influence_by_distance(kept),
        "models_by_test": models_by_test(by_test, table),
        "predicted_against_actual": predicted_against_actual(report.pairs(), table),
    }
