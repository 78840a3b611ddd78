"""Measurements of what dampings and solvers do to agreement with retraining: a row a number, means over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import pandas

from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import correlations
from influencelab.statistics.agreement import UNBOUNDED
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.replicates import difference, mean

# The arm and the data of each fit, as its trials are keyed.
FITS = {"digits": ("minimum", "digits"), "iris": ("minimum", "iris"), "stopped": ("stopped", "digits")}
# Which removals count in each arm, and the truth that they are held against.
TRUTHS = {
    "minimum": {"target": "warm", "selection": "everything"},
    "stopped": {"target": "cold", "selection": "random_points"},
}
MEASURES = ("spearman", "within_class_spearman", "pearson", "slope")
# Estimators whose correlations are compared at a minimum: the first less the second.
COMPARED = (("ekfac", "gradient_dot"), ("exact", "exact_damped"))

Truth = Mapping[str, str]
Row = dict[str, Any]


def measurements(cells: Mapping[tuple[Any, ...], Sequence[Outcome]], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Every number of the study. Rows of a damping path have a `damping_share`, differences have a `reference`.

    Cells are the outcomes of `DampingPath` by fit (a key of `FITS`) and depth, one a seed.
    """
    rows: list[Row] = []
    for (fit, depth), outcomes in cells.items():
        arm, data = FITS[fit]
        for kind in (path_rows, solver_rows, *([difference_rows] if arm == "minimum" else [])):
            found = kind(outcomes, TRUTHS[arm], bootstrap=bootstrap)
            rows += [{"arm": arm, "data": data, "depth": depth, **each} for each in found]
    return tidy(rows)


def path_rows(outcomes: Sequence[Outcome], truth: Truth, *, bootstrap: Bootstrap) -> list[Row]:
    """Agreement at each curvature and damping, and what that damping leaves of the curvature."""
    rows = []
    for name, step in outcomes[0].facts["damping_path"].items():
        found = agreement(outcomes, truth, estimator=name, measures=("spearman", "slope"), bootstrap=bootstrap)
        for statistic in ("effective_dimension", "negative_eigenvalues"):
            values = [outcome.facts["damping_path"][name][statistic] for outcome in outcomes]
            found[statistic] = Measurement(float(numpy.mean(values)), note="mean over seeds")
        found["residual"] = residual(outcomes, name)
        own = {"curvature": step["curvature"], "damping_share": step["share"], "estimator": "exact", **truth}
        rows += [row(number, **own, statistic=statistic) for statistic, number in found.items()]
    return rows


def solver_rows(outcomes: Sequence[Outcome], truth: Truth, *, bootstrap: Bootstrap) -> list[Row]:
    """Agreement, seconds, and where a system was solved its residual and damping, of every other estimator."""
    rows = []
    for name in [each for each in outcomes[0].predicted if each not in outcomes[0].facts["damping_path"]]:
        found = agreement(outcomes, truth, estimator=name, measures=MEASURES, bootstrap=bootstrap)
        facts = [outcome.facts["estimates"][name] for outcome in outcomes]
        seconds = float(numpy.median([each["seconds"] for each in facts]))
        found["seconds"] = Measurement(seconds, note="median over seeds", unit="s")
        if (solved := residual(outcomes, name)).value > 0:
            found["residual"] = solved
            found["damping"] = Measurement(facts[0]["damping"], note="added to every eigenvalue")
        rows += [row(number, estimator=name, **truth, statistic=statistic) for statistic, number in found.items()]
    return rows


def difference_rows(outcomes: Sequence[Outcome], truth: Truth, *, bootstrap: Bootstrap) -> list[Row]:
    """Spearman of one estimator less that of its reference; seeds and test points paired."""
    rows = []
    for estimator, reference in COMPARED:
        first, second = (correlations(outcomes, estimator=name, **truth) for name in (estimator, reference))
        less = difference(first, second, paired=True, bootstrap=bootstrap)
        number = less.described("Spearman of the estimator less that of the reference")
        rows.append(row(number, reference=reference, estimator=estimator, **truth, statistic="spearman_difference"))
    return rows


def agreement(
    outcomes: Sequence[Outcome], truth: Truth, *, estimator: str, measures: Sequence[str], bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """The mean of each statistic over seeds and test points; no size of a score without a unit."""
    if outcomes[0].facts["estimates"][estimator]["unit"] == "none":
        measures = [measure for measure in measures if measure not in UNBOUNDED]
    tables = {name: correlations(outcomes, estimator=estimator, **truth, measure=name) for name in measures}
    return {name: mean(each, bootstrap=bootstrap).described() for name, each in tables.items()}


def residual(outcomes: Sequence[Outcome], estimator: str) -> Measurement:
    """The largest ‖(C + λ)s − g‖ / ‖g‖ of any seed and test point; 0 for what solves no system."""
    largest = max(outcome.facts["estimates"][estimator]["largest_residual"] for outcome in outcomes)
    return Measurement(largest, note="largest of any seed and test point")
