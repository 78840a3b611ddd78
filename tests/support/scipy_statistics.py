"""Pairs to try statistics on, and what SciPy says of the rows repeated by their weights."""

import numpy
from scipy import stats

from influencelab.statistics.comparison import Comparison, comparison_of


def made(predicted, actual, mask=None, labels=None) -> Comparison:
    return comparison_of(predicted, actual, mask=mask, labels=labels)


def drawn(seed: int, r: int = 40, m: int = 3, *, ties: bool = False, holes: bool = False) -> Comparison:
    """Correlated pairs of heavy-tailed values; with ties, a few distinct values, zeros among them."""
    generator = numpy.random.default_rng(seed)
    x = generator.standard_t(4, (r, m))
    y = 0.7 * x + generator.standard_t(4, (r, m)) + 0.1
    if ties:
        x, y = numpy.round(x), numpy.round(y)
    counted = generator.random((r, m)) < 0.8 if holes else numpy.ones((r, m), dtype=bool)
    x, y = numpy.where(counted, x, numpy.nan), numpy.where(counted, y, numpy.nan)
    return made(x, y, counted, generator.integers(0, 4, r))


def whole_counts(seed: int, r: int, b: int = 5) -> numpy.ndarray:
    return numpy.random.default_rng(seed).multinomial(r, numpy.full(r, 1 / r), size=b).astype(float)


def by_class(x, y, labels):
    sizes, values = [], []
    for label in numpy.unique(labels):
        member = labels == label
        if member.sum() >= 3 and numpy.ptp(x[member]) > 0 and numpy.ptp(y[member]) > 0:
            sizes.append(member.sum())
            values.append(stats.spearmanr(x[member], y[member]).statistic)
    return numpy.average(values, weights=sizes)


def by_sign(x, y):
    return numpy.mean([0.5 if a * b == 0 else float(a * b > 0) for a, b in zip(x, y, strict=True)])


ORACLES = {
    "pearson": lambda x, y, _: stats.pearsonr(x, y).statistic,
    "spearman": lambda x, y, _: stats.spearmanr(x, y).statistic,
    "kendall": lambda x, y, _: stats.kendalltau(x, y).statistic,
    "slope": lambda x, y, _: stats.linregress(x, y).slope,
    "intercept": lambda x, y, _: stats.linregress(x, y).intercept,
    "rms_ratio": lambda x, y, _: numpy.linalg.norm(y) / numpy.linalg.norm(x),
    "relative_error": lambda x, y, _: numpy.linalg.norm(y - x) / numpy.linalg.norm(y),
    "sign_agreement": lambda x, y, _: by_sign(x, y),
    "within_class_spearman": by_class,
}


def worst_error(measure, name: str, pairs: Comparison, weights: numpy.ndarray) -> float:
    """Largest difference from SciPy on the rows repeated by their weights."""
    table, worst = measure(pairs, weights), 0.0
    for b, counts in enumerate(weights.astype(int)):
        for j in range(pairs.m):
            kept = numpy.repeat(numpy.arange(pairs.r), counts * pairs.mask[:, j])
            truth = ORACLES[name](pairs.predicted[kept, j], pairs.actual[kept, j], pairs.labels[kept])
            worst = max(worst, abs(table[b, j] - truth))
    return worst
