"""Measurements of what dampings and solvers do to agreement with retraining: a row a number, means over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import pandas

from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, correlations
from influencelab.statistics.agreement import FOUR, UNBOUNDED
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
MEASURES = (*FOUR, "within_class_spearman")
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
        for kind in (estimator_rows, *([difference_rows] if arm == "minimum" else [])):
            found = kind(outcomes, TRUTHS[arm], bootstrap=bootstrap)
            rows += [{"arm": arm, "data": data, "depth": depth, **each} for each in found]
    return tidy(rows)


def by_test_point(cells: Mapping[tuple[Any, ...], Sequence[Outcome]]) -> list[Measured]:
    """Spearman of each solver, seed and test point, behind means and differences."""
    return [
        ({**dict(zip(("arm", "data"), FITS[fit], strict=True)), "depth": depth, **own, "statistic": "spearman"}, table)
        for (fit, depth), outcomes in cells.items()
        for own in solvers_of(outcomes, TRUTHS[FITS[fit][0]])
        for table in [correlations(outcomes, **own)]
    ]


def solvers_of(outcomes: Sequence[Outcome], truth: Truth) -> list[dict[str, str]]:
    """Each estimator but the dampings of the path, with the truth that it is held against."""
    return [
        {"estimator": name, **truth} for name in outcomes[0].predicted if name not in outcomes[0].facts["damping_path"]
    ]


def estimator_rows(outcomes: Sequence[Outcome], truth: Truth, *, bootstrap: Bootstrap) -> list[Row]:
    """Agreement by each damping of the path, and what that leaves of the curvature; then by each solver, and its cost.

    Scores without a unit have no size, and only what solves a system has a residual.
    """
    path, rows = outcomes[0].facts["damping_path"], []
    for name in [*path, *(each for each in outcomes[0].predicted if each not in path)]:
        own: Row = {"estimator": name, **truth}
        facts = [outcome.facts["estimates"][name] for outcome in outcomes]
        measures: Sequence[str] = FOUR if name in path else MEASURES
        if facts[0]["unit"] == "none":
            measures = [measure for measure in measures if measure not in UNBOUNDED]
        tables = {measure: correlations(outcomes, **own, measure=measure) for measure in measures}
        found = {measure: mean(table, bootstrap=bootstrap).described() for measure, table in tables.items()}
        largest = max(each["largest_residual"] for each in facts)
        residual = Measurement(largest, note="largest of any seed and test point")
        if name in path:
            own |= {"curvature": path[name]["curvature"], "damping_share": path[name]["share"], "estimator": "exact"}
            for statistic in ("effective_dimension", "negative_eigenvalues"):
                values = [outcome.facts["damping_path"][name][statistic] for outcome in outcomes]
                found[statistic] = Measurement(float(numpy.mean(values)), note="mean over seeds")
            found["residual"] = residual
        else:
            seconds = float(numpy.median([each["seconds"] for each in facts]))
            found["seconds"] = Measurement(seconds, note="median over seeds", unit="s")
            if largest > 0:
                damping = Measurement(facts[0]["damping"], note="added to every eigenvalue")
                found |= {"residual": residual, "damping": damping}
        rows += [row(number, **own, statistic=statistic) for statistic, number in found.items()]
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
