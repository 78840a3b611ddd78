"""Measurements of how agreement differs between test points, and between strata of removals by their influence."""

from collections.abc import Iterable, Mapping, Sequence

import numpy
import pandas

from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, correlations
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.range_restriction import restriction
from influencelab.statistics.replicates import difference, mean
from influencelab.statistics.variance_components import variation

PREDICTED = {"estimator": "exact", "target": "warm"}
# The middling removals stand around this percentile of |influence|, from 0, the least influential, to 100.
PERCENTILE = 30.0

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


def stratum_measurements(cells: Cells, *, tail: float, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Pearson among the most influential points, a share `tail` of all, among as many middling ones, and their gap."""
    middle = (PERCENTILE / 100 - tail / 2, PERCENTILE / 100 + tail / 2)
    rows = []
    for (data, depth), outcomes in cells.items():
        compared = [outcome.comparison("everything", **PREDICTED) for outcome in outcomes]
        strata = restriction(compared, top=tail, middle=middle)
        own = {"data": data, "depth": depth, **PREDICTED, "selection": "everything"}
        for stratum, table in strata.items():
            rows.append(row(mean(table, bootstrap=bootstrap).described(), **own, stratum=stratum, statistic="pearson"))
        for reference in ("middle", "middle_corrected"):
            less = difference(strata["top"], strata[reference], paired=True, bootstrap=bootstrap)
            number = less.described(f"Pearson, top less {reference.replace('_', ' ')}").with_half_width()
            settings = {**own, "stratum": "top", "reference": reference, "statistic": "pearson_difference"}
            rows.append(row(number, **settings))
    return tidy(rows)
