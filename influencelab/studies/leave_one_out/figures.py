"""Figures of a report of this study, drawn again from what it holds."""

from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.runner.report import Report


def redrawn(report: Report) -> dict[str, Figure | None]:
    """Every figure of a report: pairs of the selections that it keeps, and slopes of the most influential points."""
    numbers, pairs = report.measurements.drop(columns="study"), report.pairs()
    decays = report.parameters["weight_decays"]
    digits, mnist = pairs["data"] == "digits", pairs["data"].str.contains("mnist")
    ends = digits & (pairs["selection"] == "top") & pairs["weight_decay"].isin([decays[0], decays[-1]])
    facts = {decay: report.facts["trials"][f"digits/{decay:g}"] for decay in decays}
    leverage = {decay: fact["effective_parameters"] / fact["n"] for decay, fact in facts.items()}
    top = numbers[(numbers["data"] == "digits") & (numbers["selection"] == "top")]
    return {
        "digits_predicted_against_actual": plots.pairs_figure(pairs[ends], numbers, columns=2),
        "digits_slope_by_weight_decay": plots.slope_by_weight_decay(top, leverage=leverage),
        "mnist_predicted_against_actual": plots.pairs_figure(pairs[mnist], numbers, columns=3),
    }
