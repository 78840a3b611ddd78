"""Measurements of how agreement differs between test points, and between strata of removals by their influence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy
import pandas

from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, agreement, correlations, means
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.display import display_name
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.replicates import Replicates, difference, mean
from influencelab.statistics.strata import by_stratum
from influencelab.statistics.variance_components import variation

PREDICTED = {"estimator": "exact", "target": "warm"}
# The middling removals stand around this percentile of |influence|, from 0, the least influential, to 100.
PERCENTILE = 30.0
# Measures by which strata are compared, and which less which is positive where the top is predicted better.
BETTER = {"pearson": ("top", "middle"), "relative_error": ("middle", "top")}

# Outcomes by data and depth, one a seed, which removed every point.
Cells = Mapping[tuple[str, int], Sequence[Outcome]]


def by_test_point(cells: Cells) -> list[Measured]:
    """Spearman of every seed and test point, for each cell and selection."""
    looks = [{**PREDICTED, "selection": selection} for selection in ("top", "everything")]
    return [
        ({"data": data, "depth": depth, **look}, correlations(outcomes, **look))
        for (data, depth), outcomes in cells.items()
        for look in looks
    ]


def measurements_by_test_point(parts: Iterable[Measured], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Whether test points differ by more than sampling makes them: `excess` of `by_test_point`, and its parts."""
    rows = []
    for settings, table in parts:
        found, means = variation(table, bootstrap=bootstrap), numpy.nanmean(table.values, axis=0)
        excess = found.beyond_sampling.described("variance of atanh ρ between test points less that of sampling")
        numbers = {
            "excess": excess.with_half_width(),
            "share": found.share.described("share of the variance of atanh ρ that test points are"),
            "lowest": Measurement(float(means.min()), note="lowest test point, mean over seeds; no interval"),
            "highest": Measurement(float(means.max()), note="highest test point, mean over seeds; no interval"),
            "sampling_sd": Measurement(found.sampling**0.5, note="of atanh ρ, by theory"),
            "sd": Measurement(max(found.between_tests, 0.0) ** 0.5, note="of atanh ρ between test points"),
        }
        rows += [row(number, **settings, statistic=statistic) for statistic, number in numbers.items()]
    return tidy(rows)


def agreement_means(cells: Cells, *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Spearman, Pearson, slope and relative error of each cell and selection, means over seeds and test points."""
    parts: list[Measured] = []
    for (data, depth), outcomes in cells.items():
        for selection in ("top", "everything"):
            own = {"data": data, "depth": depth, **PREDICTED, "selection": selection}
            found = agreement(outcomes, selection=selection, **PREDICTED)
            parts += [({**own, "statistic": measure}, table) for measure, table in found.items()]
    return means(parts, bootstrap=bootstrap)


def strata_of(cells: Cells, *, tail: float) -> list[tuple[dict[str, Any], dict[str, Mapping[str, Replicates]]]]:
    """The measures of `BETTER` of every seed and test point, by measure and stratum, for each cell."""
    middle, found = (PERCENTILE / 100 - tail / 2, PERCENTILE / 100 + tail / 2), []
    for (data, depth), outcomes in cells.items():
        compared = [outcome.comparison("everything", **PREDICTED) for outcome in outcomes]
        own = {"data": data, "depth": depth, **PREDICTED, "selection": "everything"}
        strata = {measure: by_stratum(compared, top=tail, middle=middle, measure=measure) for measure in BETTER}
        found.append((own, strata))
    return found


def replicated(parts: Iterable[Measured], cells: Cells, *, tail: float) -> list[Measured]:
    """What the numbers are made of: Spearman by test point, and the measures of strata."""
    ranks: list[Measured] = [({**settings, "statistic": "spearman"}, table) for settings, table in parts]
    return ranks + [
        ({**own, "stratum": stratum, "statistic": measure}, table)
        for own, measures in strata_of(cells, tail=tail)
        for measure, strata in measures.items()
        for stratum, table in strata.items()
    ]


def stratum_measurements(cells: Cells, *, tail: float, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Agreement among the most influential points, a share `tail` of all, and among as many middling ones, by measure.

    A difference is that of the top less the middle, of a relative error that of the middle less the top: above 0 the
    top is better.
    """
    rows = []
    for own, measures in strata_of(cells, tail=tail):
        for measure, (better, worse) in BETTER.items():
            strata = measures[measure]
            for stratum, table in strata.items():
                number = mean(table, bootstrap=bootstrap).described()
                rows.append(row(number, **own, stratum=stratum, statistic=measure))
            less = difference(strata[better], strata[worse], paired=True, bootstrap=bootstrap)
            number = less.described(f"{display_name(measure)}, {better} less {worse}").with_half_width()
            rows.append(row(number, **own, stratum=better, reference=worse, statistic=f"{measure}_difference"))
    return tidy(rows)
