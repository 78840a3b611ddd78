"""Figures of attacks: how many flip, predicted beside retrained, what the pictures look like, and where it shows."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, SMALL, drawing, error_bars, finish, look, short
from influencelab.runner.report import Report
from influencelab.statistics.measurements import measurement_of, select
from influencelab.studies.training_set_attack.boxes import in_file
from influencelab.studies.training_set_attack.trial import ARMS, PUBLISHED, WHOLE
from influencelab.studies.training_set_attack.truth import PREDICTORS, SHARES

NAMES = {
    PUBLISHED: "between grey levels (published)",
    WHOLE: "whole grey levels (in files)",
    "without_curvature": "without curvature",
    "random": "random, between levels",
    "random_whole_levels": "random, whole levels",
}
PREDICTED = {
    "pixel_move": "by pixels",
    "feature_move": "by features",
    "replacement": "by the new point",
}
SCORES = {"self_influence": "self-influence", "leverage": "leverage", "training_loss": "training loss"}
# Printed shares by the number of training pictures that are changed.
PRINTED = {1: 0.57, 2: 0.77, 10: 590 / 591}
TIMES = 50
FLIPPED = (
    "Share of the test pictures that the model had right and that a change of a few training pictures makes it call "
    "wrongly, after training again. Bars are 95% Wilson intervals over test pictures, and crosses are what was printed "
    "for another network and more pixels."
)
AGAINST = (
    "Each mark is one attack on one test picture at a share of its move: horizontal, the fall of the log-odds of its "
    "own class as predicted from pixels, features or the new point; vertical, that after training again. On the dashed "
    "line prediction is truth."
)
PICTURES = (
    "Training pictures before and after an attack by whole grey levels, the difference times fifty around grey, and "
    "the test picture that the model then calls wrongly. Where a pixel may go one grey level, both look the same."
)
WHERE = (
    "Where scores of a defender put the poisoned training picture: the mean share of the others that score lower, for "
    "the picture as it was and after the attack. At one it would be found first, at a half by chance; bars are 95% "
    "intervals over attacks."
)


def flips(table: pandas.DataFrame) -> Figure:
    """Shares flipped by how many training pictures are changed, a line an arm."""
    rates: Any = table[table["statistic"] == "flip_rate"]
    figure, (axis,) = drawing(1, height=4.2)
    budgets = sorted({int(each) for each in rates["budget"]})
    places = {budget: float(place) for place, budget in enumerate(budgets)}
    for place, arm in enumerate(name for name in ARMS if name in set(rates["estimator"])):
        own: Any = rates[rates["estimator"] == arm].sort_values("budget")
        across = [places[int(each)] + 0.06 * (place - 2) for each in own["budget"]]
        axis.errorbar(across, own["value"], yerr=error_bars(own), **look(place), capsize=3, label=NAMES[arm])
    known = {budget: rate for budget, rate in PRINTED.items() if budget in places}
    marks: Any = {"marker": "x", "s": 60, "color": "0.3", "linewidth": 2, "zorder": 3}
    axis.scatter([places[each] for each in known], list(known.values()), label="printed", **marks)
    axis.set_xticks(list(places.values()), [str(each) for each in budgets])
    axis.set(xlabel="training pictures changed (count)", ylim=(-0.03, 1.03), xlim=(-0.4, len(budgets) - 0.6))
    axis.set_ylabel("test pictures flipped (share)")
    return finish(figure, caption=FLIPPED)


def predicted_against_actual(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure:
    """A panel a predictor, a colour a share of the move; slopes stand above."""
    names = [name for name in PREDICTORS if name in set(pairs["estimator"])]
    figure, axes = drawing(len(names), height=4.2, sharey="none")
    for axis, name in zip(axes, names, strict=True):
        axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--", label="prediction = truth")
        title = [PREDICTED[name]]
        for place, part in reversed(list(enumerate(SHARES))):
            own: Any = pairs[(pairs["estimator"] == name) & numpy.isclose(pairs["share"].astype(float), part)]
            style = {**look(place), "linestyle": "none", "markersize": 5, "alpha": 0.6, "markeredgewidth": 0}
            axis.plot(own["predicted"], own["actual"], **style, label=f"{part:g} of the move")
            where = {"estimator": name, "share": part, "measure": "log_odds", "statistic": "slope"}
            title += [f"{part:g}: slope {short(measurement_of(line))}" for line in select(table, where)]
        shown: Any = pairs[pairs["estimator"] == name]
        values = shown[["predicted", "actual"]].to_numpy(float)
        ends = float(values.min()), float(values.max())
        room = 0.06 * max(ends[1] - ends[0], 1e-9)
        axis.set(xlim=(ends[0] - room, ends[1] + room), ylim=(ends[0] - room, ends[1] + room))
        axis.set_xlabel("predicted fall (log-odds)")
        axis.set_ylabel("actual fall (log-odds)")
        axis.locator_params(nbins=5)
        axis.set_title("\n".join(title), loc="left", fontsize=SMALL)
    return finish(figure, caption=AGAINST)


def pictures(shown: Sequence[Mapping[str, Any]], *, rows: int = 3) -> Figure | None:
    """Before, after, their difference, and the test picture, a row an attack; None where none flipped."""
    if not shown:
        return None
    some = shown[:rows]
    figure, axes = drawing(4 * len(some), height=2.4, columns=4, sharey="none")
    for place, attack in enumerate(some):
        before, after, aim = (in_file(base64.b64decode(attack[name])) for name in ("before", "after", "aim"))
        away = numpy.clip(127 + TIMES * (after.astype(float) - before.astype(float)), 0, 255).astype(numpy.uint8)
        loss = f"loss {attack['loss_before']:.2g} → {attack['loss_after']:.2g} nats"
        titles = ("training picture", "after the attack", f"difference × {TIMES}", loss)
        for axis, picture, title in zip(axes[4 * place :], (before, after, away, aim), titles, strict=False):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set_axis_off()
            axis.set_title(title, fontsize=SMALL)
    return finish(figure, caption=PICTURES)


def where_it_shows(table: pandas.DataFrame) -> Figure | None:
    """Each score before and after the attack; None where nothing flipped."""
    rows: Any = table[table["statistic"] == "auroc"] if len(table) else table
    if not len(rows):
        return None
    figure, (axis,) = drawing(1, height=2.8)
    names = [name for name in SCORES if name in set(rows["estimator"])]
    for place, (when, label) in enumerate((("before", "as it was"), ("after", "poisoned"))):
        own: Any = rows[rows["when"] == when].set_index("estimator").loc[names]
        heights = [height + 0.14 * (place - 0.5) for height in range(len(names))]
        style = {**look(place), "linestyle": "none", "color": PALETTE[place]}
        axis.errorbar(own["value"], heights, xerr=error_bars(own), **style, capsize=3, label=label)
    axis.axvline(0.5, color="0.4", linestyle=":", linewidth=1, label="chance")
    axis.set_yticks(range(len(names)), [SCORES[name] for name in names])
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.5, len(names) - 0.5), xlabel="training pictures that score lower (share)")
    axis.set_ylabel("score (of a training picture)")
    return finish(figure, caption=WHERE)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its pairs and its measurements."""
    table: Any = report.measurements.drop(columns="study")
    pairs: Any = report.pairs()
    return {
        "flips": flips(table),
        "predicted_against_actual": predicted_against_actual(pairs[pairs["measure"] == "log_odds"], table),
        "where_it_shows": where_it_shows(table),
    }
