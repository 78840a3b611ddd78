"""Variance components of correlations: between test points, between seeds, and from too few removals."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy
from jaxtyping import Float

from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap, Resample, unit_weights
from influencelab.statistics.comparison import ratio
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates, resampled_axes
from influencelab.threads import one_thread

NEAREST = 1 - 1e-9  # a correlation of exactly 1 has no finite Fisher z


class Components(NamedTuple):
    """Variances of a two-way table between test points, between seeds and of the residual, for each resample."""

    tests: Float[numpy.ndarray, " b"]
    seeds: Float[numpy.ndarray, " b"]
    residual: Float[numpy.ndarray, " b"]


@dataclass(frozen=True, eq=False)
class Variation:
    """Spread of Fisher's z = atanh ρ over s seeds and m test points, z = mean + test point + seed + residual.

    Attributes:
        between_tests: variance between test points, beyond seeds and residual; below 0 where the table shows less than
            chance.
        sampling: what drawing so few removals at random gives each z: for Spearman (1 + ρ²/2) / (n − 3) (Bonett and
            Wright 2000, Psychometrika 65:23-28), for Pearson 1 / (n − 3), which heavy tails exceed.
        share: between_tests over the sum of the three variances, the intraclass correlation: how alike two seeds are
            at one test point.
        beyond_sampling: between_tests − sampling. Above 0, test points differ by more than other removals would have
            made them differ, even if every seed shared that accident, as it may, since all remove the same points.
    """

    between_tests: float
    sampling: float
    share: Measurement
    beyond_sampling: Measurement


@one_thread()
def variation(table: Replicates, *, bootstrap: Bootstrap | None = None) -> Variation:
    """Take the correlations of the same test points with several seeds apart into the sources of their spread.

    Intervals draw seeds and test points anew. That of share, meant to cover 95% of the time, covered 87 to 98% in
    simulations with 5 to 20 seeds and 20 to 30 test points, and always where test points do not differ. Seeds without
    any value, then test points without a value at some seed, are left out.

    Raises:
        InvalidData: not Pearson's or Spearman's correlation with known numbers of pairs above 3, seeds with test points
            of their own, or fewer than two seeds and two test points left.
    """
    way = bootstrap or Bootstrap()
    whole = complete(table)
    z = numpy.arctanh(numpy.clip(whole.values, -NEAREST, NEAREST))
    inflation = 1.0 + whole.values**2 / 2 if whole.measure == "spearman" else numpy.ones_like(whole.values)
    sampling = float((inflation / (numpy.asarray(whole.pairs) - 3)).mean())
    one, anew = components(z, unit_weights(whole.axes)), components(z, way.draw(whole.axes))
    shares = (ratio(each.tests, each.tests + each.seeds + each.residual) for each in (one, anew))
    # On a scale on which the spread of a share depends less on it.
    share, resampled = (numpy.arctanh(numpy.clip(each, -NEAREST, NEAREST)) for each in shares)
    between_tests, n, over = float(one.tests[0]), z.size, resampled_axes(whole)
    seeds = len(whole.values)
    on_scale = way.interval(float(share[0]), resampled, over=over, replicates=seeds)
    return Variation(
        between_tests=between_tests,
        sampling=sampling,
        share=Measurement(*numpy.tanh([on_scale.value, *on_scale.ends]).tolist(), n=n, note=on_scale.note),
        beyond_sampling=way.interval(between_tests - sampling, anew.tests - sampling, n=n, over=over, replicates=seeds),
    )


def complete(table: Replicates) -> Replicates:
    """The table without seeds that have no value, then without test points that miss one."""
    if not table.crossed or table.measure not in ("pearson", "spearman") or table.pairs is None:
        raise InvalidData(
            "Variation between test points needs Pearson's or Spearman's correlation with its numbers of pairs, of the "
            f"same test points at every seed; got measure '{table.measure}', pairs known: {table.pairs is not None}, "
            f"same test points: {table.crossed}."
        )
    known = ~numpy.isnan(table.values) & (table.pairs > 3)
    seeds = known.any(1)
    tests = known[seeds].all(0)
    if seeds.sum() < 2 or tests.sum() < 2:
        raise InvalidData(f"{seeds.sum()} seeds and {tests.sum()} test points are known throughout; give two of each.")
    kept = numpy.ix_(seeds, tests)
    return Replicates(table.values[kept], pairs=table.pairs[kept], measure=table.measure)


def components(z: Float[numpy.ndarray, "s m"], drawn: Resample) -> Components:
    """Analysis of variance of each resample, as if its seeds and test points were repeated as often as drawn."""
    s, m = z.shape
    seeds, tests = drawn["seeds"], drawn["tests"]
    z = z - z.mean()
    by_test, by_seed = seeds @ z / s, tests @ z.T / m
    middle = (by_test * tests).sum(1) / m
    of_tests = s * ((by_test - middle[:, None]) ** 2 * tests).sum(1)
    of_seeds = m * ((by_seed - middle[:, None]) ** 2 * seeds).sum(1)
    total = ((seeds @ z**2) * tests).sum(1) - s * m * middle**2
    residual = numpy.maximum(total - of_tests - of_seeds, 0.0) / ((s - 1) * (m - 1))
    return Components((of_tests / (m - 1) - residual) / s, (of_seeds / (s - 1) - residual) / m, residual)
