"""The figures of this study: penalties by weight, predicted against tuned again, and both ways of a deletion."""

from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, SMALL, VECTOR, drawing, finish, short
from influencelab.experiments.plots import draw_points
from influencelab.runner.report import Report
from influencelab.statistics.measurements import find

SHRINKER, EXPANDER = PALETTE[3], PALETTE[0]
TITLES = {
    "bodyfat": "body fat",
    "bodyfat_penalised_intercept": "body fat, penalised intercept",
    "diabetes": "diabetes",
    "simulated": "simulated",
    "wide": "more covariates than rows",
}
CURVES = (
    "The penalty that cross-validation chooses as the weight of one observation in its sum goes from 0 to 4: a line "
    "each observation of the first draw, which ends where the penalty is 0. The one that raises it most is red, the "
    "one that lowers it most blue."
)
CHANGES = (
    "The change of the log penalty without an observation: across as predicted, up as tuned again, a point each, of at "
    "most ten draws. Derivatives and one Newton step predict; in the lowest row weight 0 in the sum stands for a "
    "deletion."
)
WAYS = (
    "How much deleting an observation changes all predictions at the same penalty (across), and how much more as the "
    "penalty is then tuned again (up), in standard deviations of the response. Above the line most goes through the "
    "penalty."
)
ROWS = {
    ("weight_slope", "weight_0"): ("derivative by the weight in the sum", "weight 0 in the sum"),
    ("deletion_slope", "deletion"): ("derivative through all fits", "deleted"),
    ("newton_step", "deletion"): ("one Newton step without it", "deleted"),
    ("weight_0", "deletion"): ("weight 0 in the sum", "deleted"),
}


def panels(table: pandas.DataFrame) -> list[str]:
    """The data that are drawn: at most three, without the variant that penalises the intercept."""
    return [name for name in dict.fromkeys(table["data"]) if name != "bodyfat_penalised_intercept"]


def penalty_by_weight(curves: pandas.DataFrame) -> Figure:
    """λ̂ against the weight of each observation, a panel a data set."""
    names = panels(curves)
    figure, axes = drawing(len(names), height=3.6, sharey=False)
    for axis, name in zip(axes, names, strict=True):
        draw_curves(axis, curves[curves["data"] == name])
        axis.set_title(TITLES[name], fontsize=SMALL, loc="left")
        axis.set_ylabel("penalty chosen (sum of squares per squared coefficient)")
    return finish(figure, caption=CURVES)


def draw_curves(axis: Axes, own: Any) -> None:
    """A line an observation, the two that reach furthest in colour."""
    wide = own.pivot_table(index="weight", columns="train_id", values="log_penalty")
    reach = (wide.iloc[-1] - wide.iloc[0]).dropna()
    top, bottom = reach.idxmax(), reach.idxmin()
    wide = wide.where(numpy.isfinite(wide))
    rest = wide.drop(columns=[top, bottom])
    drawn = axis.plot(wide.index, numpy.exp(rest.to_numpy()), color="0.65", linewidth=0.6, rasterized=len(own) > VECTOR)
    drawn[0].set_label("other observations")
    for row, color, words in ((top, SHRINKER, "raises it most"), (bottom, EXPANDER, "lowers it most")):
        axis.plot(wide.index, numpy.exp(wide[row].to_numpy()), color=color, linewidth=2, label=words)
    axis.axvline(1, color="0.4", linestyle="--", linewidth=1, label="equal weights")
    axis.set(
        xscale="linear", yscale="log", xlabel=f"weight (1 = as all others); red: row {top + 1}, blue: row {bottom + 1}"
    )


def predicted_against_tuned(pairs: pandas.DataFrame, numbers: pandas.DataFrame) -> Figure:
    """Changes of log λ̂: a row of panels for each pair of what predicts and what is tuned again, a column a data set."""
    names = panels(pairs)
    figure, axes = drawing(len(ROWS) * len(names), columns=len(names), height=3.3, sharey=False)
    cells = [(key, words, name) for key, words in ROWS.items() for name in names]
    for axis, ((estimator, target), (across, up), name) in zip(axes, cells, strict=True):
        own: Any = pairs[(pairs["estimator"] == estimator) & (pairs["target"] == target) & (pairs["data"] == name)]
        predicted, actual = (own[side].to_numpy(dtype=float) for side in ("predicted", "actual"))
        reach = 1.08 * max(numpy.abs(predicted).max(), numpy.abs(actual).max(), 1e-300)
        draw_points(axis, predicted, actual, across=reach, up=reach)
        where = {"data": name, "estimator": estimator, "target": target, "what": "penalty"}
        slope, error = (find(numbers, {**where, "statistic": each}) for each in ("slope", "relative_error"))
        words = f"slope {short(slope)}\nrelative error {short(error)}" if slope and error else ""
        axis.set_title(f"{TITLES[name]}\n{words}", fontsize=SMALL, loc="left")
        axis.set(xlabel=f"{across} (change of log penalty)", ylabel=f"{up} (change of log penalty)")
    return finish(figure, caption=CHANGES)


def fit_or_penalty(parts: pandas.DataFrame, numbers: pandas.DataFrame) -> Figure:
    """What a deletion does to predictions through the fit and through the penalty, a panel a data set."""
    names = panels(parts)
    figure, axes = drawing(len(names), height=3.9, sharey="row")
    for axis, name in zip(axes, names, strict=True):
        own: Any = parts[parts["data"] == name]
        fit, penalty = (numpy.maximum(own[side].to_numpy(dtype=float), 1e-7) for side in ("fit", "penalty"))
        axis.scatter(fit, penalty, s=9, alpha=0.55, color=PALETTE[0], linewidth=0, rasterized=len(own) > VECTOR)
        low, high = min(fit.min(), penalty.min()), max(fit.max(), penalty.max())
        axis.axline((low, low), (high, high), color="0.4", linestyle="--", linewidth=1, label="as much through either")
        found = find(numbers, {"data": name, "what": "predictions", "statistic": "share_through_penalty"})
        axis.set_title(
            f"{TITLES[name]}\nshare through penalty\n{short(found) if found else ''}", fontsize=SMALL, loc="left"
        )
        axis.set(xscale="log", yscale="log", xlabel="through the fit (sd of y)")
    axes[0].set_ylabel("through the penalty (sd of y)")
    return finish(figure, caption=WAYS)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """Every figure of a report, from its measurements and tables."""
    curves, parts = (pandas.read_parquet(report.kept(f"{name}.parquet", f"no {name}")) for name in ("curves", "parts"))
    numbers = report.measurements.drop(columns="study")
    return {
        "penalty_by_weight": penalty_by_weight(curves),
        "predicted_against_tuned": predicted_against_tuned(report.pairs(), numbers),
        "fit_or_penalty": fit_or_penalty(parts, numbers),
    }
