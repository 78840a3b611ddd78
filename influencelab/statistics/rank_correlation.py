"""Statistics of predicted against actual that need only their order: Spearman's and Kendall's correlations.

As in `correlation`, each takes a comparison and b rows of weights (b r), and gives a table (b m) of the statistic of
each resample for each test point as if its rows were repeated that often; NaN where fewer than three pairs were drawn
or the values drawn are all equal. Each test point is sorted once; a resample then costs running sums, O(r), for
Spearman, and for Kendall products of matrices, O(r²), which below 2,000 removals are as fast as a merge sort. With
whole-number weights every sum is a whole number, so ties are exact.
"""

import numpy
from jaxtyping import Float, Int

from influencelab.errors import InvalidParameter
from influencelab.statistics.comparison import FEWEST, Comparison, check_weights, ratio
from influencelab.statistics.correlation import correlation

BLOCK = 256  # rows whose pairs with all later ones are counted by one matrix product


def spearman(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """The correlation of mid-ranks, −1 to 1: 1 if the order of actual changes is exactly the predicted order."""
    check_weights(comparison, weights)
    return numpy.stack(
        [rank_correlation(x, y, weights=weights[:, rows]) for rows, x, y in comparison.columns()], axis=1
    )


def kendall(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """Tau-b, −1 to 1: pairs of removals in the predicted order less those in the opposite one, ties allowed for."""
    check_weights(comparison, weights)
    return numpy.stack([kendall_tau(x, y, weights=weights[:, rows]) for rows, x, y in comparison.columns()], axis=1)


def within_class_spearman(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """Spearman's correlation among removals of one class, averaged over classes: is there skill beyond the label?

    A class with three or more removals enters, with the number of its pairs drawn as weight, wherever its correlation
    is defined.

    Raises:
        InvalidParameter: the removals have no labels.
    """
    check_weights(comparison, weights)
    if comparison.labels is None:
        raise InvalidParameter("A correlation within classes needs the classes: give the labels of the removals.")
    labels = comparison.labels
    table = [class_mean(x, y, weights=weights[:, rows], labels=labels[rows]) for rows, x, y in comparison.columns()]
    return numpy.stack(table, axis=1)


def class_mean(
    x: Float[numpy.ndarray, " r"],
    y: Float[numpy.ndarray, " r"],
    *,
    weights: Float[numpy.ndarray, "b r"],
    labels: Int[numpy.ndarray, " r"],
) -> Float[numpy.ndarray, " b"]:
    """The average of one test point's rank correlations inside each class."""
    above, below = numpy.zeros((2, len(weights)))
    for label in numpy.unique(labels):
        member = labels == label
        if member.sum() < FEWEST:
            continue
        value = rank_correlation(x[member], y[member], weights=weights[:, member])
        size = numpy.where(numpy.isnan(value), 0.0, weights[:, member].sum(1))
        above += size * numpy.nan_to_num(value)
        below += size
    return ratio(above, below)


def rank_correlation(
    x: Float[numpy.ndarray, " r"], y: Float[numpy.ndarray, " r"], *, weights: Float[numpy.ndarray, "b r"]
) -> Float[numpy.ndarray, " b"]:
    """Pearson's correlation of the weighted mid-ranks of one test point."""
    if len(x) == 0:
        return numpy.full(len(weights), numpy.nan)
    rank_x, rank_y = centred_ranks(x, weights), centred_ranks(y, weights)
    weighted_x, weighted_y = weights * rank_x, weights * rank_y
    xx = numpy.einsum("br,br->b", weighted_x, rank_x)
    yy = numpy.einsum("br,br->b", weighted_y, rank_y)
    xy = numpy.einsum("br,br->b", weighted_x, rank_y)
    return numpy.where(weights.sum(1) >= FEWEST, correlation(xx, yy, xy), numpy.nan)


def centred_ranks(
    values: Float[numpy.ndarray, " r"], weights: Float[numpy.ndarray, "b r"]
) -> Float[numpy.ndarray, "b r"]:
    """Mid-ranks less their mean: half of (weight below − weight above) each value, so they need no rounding."""
    below, through, group = tied_weights([values], weights)
    return ((below + through - through[:, -1:]) / 2.0)[:, group]


def tied_weights(
    keys: list[Float[numpy.ndarray, " r"]], weights: Float[numpy.ndarray, "b r"]
) -> tuple[Float[numpy.ndarray, "b k"], Float[numpy.ndarray, "b k"], Int[numpy.ndarray, " r"]]:
    """Weight before and through each of the k groups of equal keys, in rising order; and each row's group."""
    order = numpy.lexsort(keys[::-1])
    starts = numpy.zeros(len(order), dtype=bool)
    for key in keys:
        starts[1:] |= key[order[1:]] != key[order[:-1]]
    group = numpy.empty(len(order), dtype=numpy.int64)
    group[order] = numpy.cumsum(starts)
    ends = numpy.append(numpy.flatnonzero(starts) - 1, len(order) - 1)
    ends = ends[ends >= 0]
    through = numpy.cumsum(weights[:, order], axis=1)
    if len(ends) < len(order):
        through = through[:, ends]
    below = numpy.zeros_like(through)
    below[:, 1:] = through[:, :-1]
    return below, through, group


def kendall_tau(
    x: Float[numpy.ndarray, " r"], y: Float[numpy.ndarray, " r"], *, weights: Float[numpy.ndarray, "b r"]
) -> Float[numpy.ndarray, " b"]:
    """Tau-b of one test point; all counts are of ordered pairs, so that a row paired with itself cancels."""
    if len(x) == 0:
        return numpy.full(len(weights), numpy.nan)
    drawn = weights.sum(1)
    tied_x, tied_y, tied_both = (tied_pairs(keys, weights) for keys in ([x], [y], [x, y]))
    order = numpy.lexsort((y, x))
    against = discordant(y[order], weights[:, order])
    excess = drawn**2 - tied_x - tied_y + tied_both - 4.0 * against
    free = numpy.where(drawn >= FEWEST, numpy.sqrt(drawn**2 - tied_x) * numpy.sqrt(drawn**2 - tied_y), 0.0)
    return numpy.clip(ratio(excess, free), -1.0, 1.0)


def tied_pairs(keys: list[numpy.ndarray], weights: numpy.ndarray) -> Float[numpy.ndarray, " b"]:
    """Σ of squared weights of groups with equal keys: the ordered pairs, with themselves, that are tied."""
    if len(numpy.unique(keys[0])) == len(keys[0]):
        return numpy.einsum("br,br->b", weights, weights)
    below, through, _ = tied_weights(keys, weights)
    return ((through - below) ** 2).sum(1)


def discordant(y: Float[numpy.ndarray, " r"], weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, " b"]:
    """The weight of unordered pairs in which the earlier row has the larger y, a block of earlier rows at a time."""
    total = numpy.zeros(len(weights))
    for start in range(0, len(y), BLOCK):
        block = slice(start, start + BLOCK)
        larger = numpy.triu(y[block, None] > y[start:], k=1).astype(numpy.float64)
        total += numpy.einsum("br,br->b", weights[:, block] @ larger, weights[:, start:])
    return total
