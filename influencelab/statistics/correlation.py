"""Statistics of predicted against actual: correlations of values and of ranks, the line, sizes and signs.

Every statistic here takes a comparison and b rows of non-negative weights (b r), how often each removal was drawn, and
gives a table (b m): the statistic of each resample for each test point, as if its rows were repeated that often.
Rows of ones give the plain statistic. A cell is NaN where it is undefined: fewer than three pairs drawn, or, for all
but `sign_agreement`, values that do not vary.

Those of values need only weighted means, of all resamples and test points at once. For those of ranks each test point
is sorted once; a resample then costs running sums, O(r), for Spearman, and for Kendall products of matrices, O(r²),
which below 2,000 removals are as fast as a merge sort. With whole-number weights every sum is a whole number, so ties
are exact.
"""

from dataclasses import replace

import numpy
from jaxtyping import Bool, Float, Int

from influencelab.errors import InvalidParameter
from influencelab.statistics.comparison import FEWEST, Comparison, check_weights, pairs_drawn, ratio

BLOCK = 256  # rows whose pairs with all later ones are counted by one matrix product
CANCELLED = 1e-3  # below this share of a raw second moment, its centred value is computed again in two passes


def pearson(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """The product-moment correlation, −1 to 1: 1 if actual changes are a rising line in the predicted ones."""
    check_weights(comparison, weights)
    x, y = (scaled(values, comparison.mask)[0] for values in comparison.filled())
    return correlation(*moments(comparison, weights, x=x, y=y)[2:])


def slope(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """Rise of the actual change per predicted nat, by least squares: 2 if truth is twice the prediction."""
    return line(comparison, weights)[0]


def intercept(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """The actual change, in nats, where none was predicted: the value at 0 of the least-squares line."""
    return line(comparison, weights)[1]


def line(
    comparison: Comparison, weights: Float[numpy.ndarray, "b r"]
) -> tuple[Float[numpy.ndarray, "b m"], Float[numpy.ndarray, "b m"]]:
    """Slope and intercept of the least-squares line of actual on predicted; NaN where either does not vary."""
    check_weights(comparison, weights)
    (x, centre_x, spread_x), (y, centre_y, spread_y) = (
        scaled(values, comparison.mask) for values in comparison.filled()
    )
    mean_x, mean_y, xx, yy, xy = moments(comparison, weights, x=x, y=y)
    steepness = numpy.where(yy > 0, ratio(xy, xx), numpy.nan) * spread_y / spread_x
    level = (centre_y + spread_y * mean_y) - steepness * (centre_x + spread_x * mean_x)
    return steepness, level


def rms_ratio(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """RMS of actual over RMS of predicted; unlike the slope it does not shrink where the two merely disagree.

    NaN where either side is 0 throughout.
    """
    x, y = comparison.filled()
    drawn = pairs_drawn(comparison, weights)
    unit_x, unit_y = (numpy.abs(values).max(0) for values in (x, y))
    x, y = (values / numpy.where(unit > 0, unit, 1.0) for values, unit in ((x, unit_x), (y, unit_y)))
    square_x, square_y = weights @ x**2, weights @ y**2
    size = numpy.sqrt(ratio(square_y, square_x)) * ratio(unit_y, unit_x)
    return numpy.where((drawn >= FEWEST) & (square_y > 0), size, numpy.nan)


def relative_error(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """RMS of actual − predicted over RMS of actual: 0 if every size is right, 1 as far off as predicting 0 throughout.

    NaN where nothing actually changed.
    """
    x, y = comparison.filled()
    drawn, unit = pairs_drawn(comparison, weights), numpy.abs(y).max(0)
    error, y = ((values / numpy.where(unit > 0, unit, 1.0)) ** 2 for values in (y - x, y))
    return numpy.where(drawn >= FEWEST, numpy.sqrt(ratio(weights @ error, weights @ y)), numpy.nan)


def sign_agreement(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """The share of pairs whose signs are equal, 0 to 1; a pair with an exact 0 on either side counts as half."""
    x, y = comparison.filled()
    same = (1.0 + numpy.sign(x) * numpy.sign(y)) / 2.0
    drawn = pairs_drawn(comparison, weights)
    share = ratio(weights @ numpy.where(comparison.mask, same, 0.0), drawn)
    return numpy.where(drawn >= FEWEST, share, numpy.nan)


def pearson_without_top3(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """Pearson's correlation without the three removals of largest |predicted|: is it more than a few outliers?

    The three are chosen once for each test point from all its pairs (the earlier removal where |predicted| ties), and
    stay out of every resample with all their copies; the interval is that of the rest.
    """
    size = numpy.where(comparison.mask, numpy.abs(comparison.filled()[0]), -1.0)
    top = numpy.argsort(-size, axis=0, kind="stable")[:3]
    mask = comparison.mask.copy()
    numpy.put_along_axis(mask, top, False, axis=0)
    return pearson(replace(comparison, mask=mask), weights)


def correlation(xx: numpy.ndarray, yy: numpy.ndarray, xy: numpy.ndarray) -> numpy.ndarray:
    """The correlation xy / √(xx · yy), kept within −1 … 1 against rounding; NaN where either variance is 0."""
    return numpy.clip(ratio(xy, numpy.sqrt(xx) * numpy.sqrt(yy)), -1.0, 1.0)


def scaled(
    values: Float[numpy.ndarray, "r m"], mask: Bool[numpy.ndarray, "r m"]
) -> tuple[Float[numpy.ndarray, "r m"], Float[numpy.ndarray, " m"], Float[numpy.ndarray, " m"]]:
    """Each test point's values in the mask about their mean, in units of their range, with that mean and range.

    Sums of squares of these lose no digits to a common offset and cannot underflow. Values that do not vary become
    exactly 0.
    """
    high = numpy.where(mask, values, -numpy.inf).max(0)
    low = numpy.where(mask, values, numpy.inf).min(0)
    spread = numpy.where(high > low, high - low, 1.0)
    centre = values.sum(0) / numpy.maximum(mask.sum(0), 1)
    moved = numpy.where(mask & (high > low), (values - centre) / spread, 0.0)
    return moved, centre, spread


def moments(
    comparison: Comparison,
    weights: Float[numpy.ndarray, "b r"],
    *,
    x: Float[numpy.ndarray, "r m"],
    y: Float[numpy.ndarray, "r m"],
) -> tuple[numpy.ndarray, ...]:
    """Weighted means of x and y, and mean products xx, yy and xy about them, each (b m): for scaled values.

    A variance is exactly 0 where the values drawn are all equal, and NaN where fewer than three pairs were drawn. All
    resamples and test points are computed at once: a product of means is subtracted from a mean of products; where that
    loses digits (a resample without the one large value, say) the cell is computed again about its own mean.
    """
    drawn = pairs_drawn(comparison, weights)
    share = ratio(numpy.ones_like(drawn), numpy.where(drawn >= FEWEST, drawn, 0.0))
    mean_x, mean_y = weights @ x * share, weights @ y * share
    raw_x, raw_y = weights @ x**2 * share, weights @ y**2 * share
    xx, yy = raw_x - mean_x**2, raw_y - mean_y**2
    xy = weights @ (x * y) * share - mean_x * mean_y
    lost = (xx <= CANCELLED * raw_x) | (yy <= CANCELLED * raw_y)
    for column in numpy.flatnonzero(lost.any(0)):
        rows, kept = numpy.flatnonzero(lost[:, column]), numpy.flatnonzero(comparison.mask[:, column])
        part = weights[numpy.ix_(rows, kept)] * share[rows, column, None]
        x_moved, mean_x[rows, column] = about_mean(x[kept, column], part)
        y_moved, mean_y[rows, column] = about_mean(y[kept, column], part)
        xx[rows, column] = (part * x_moved**2).sum(1)
        yy[rows, column] = (part * y_moved**2).sum(1)
        xy[rows, column] = (part * x_moved * y_moved).sum(1)
    return mean_x, mean_y, xx, yy, xy


def about_mean(
    values: Float[numpy.ndarray, " r"], shares: Float[numpy.ndarray, "b r"]
) -> tuple[Float[numpy.ndarray, "b r"], Float[numpy.ndarray, " b"]]:
    """Values less each resample's mean, exactly 0 where all values drawn are equal; and the means."""
    drawn = shares > 0
    high = numpy.where(drawn, values, -numpy.inf).max(1)
    low = numpy.where(drawn, values, numpy.inf).min(1)
    mean = numpy.where(high > low, shares @ values, high)
    return numpy.where(drawn, values - mean[:, None], 0.0), mean


def spearman(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """The correlation of mid-ranks, −1 to 1: 1 if the order of actual changes is exactly the predicted order."""
    return numpy.stack([rank_correlation(x, y, weights=each) for x, y, each, _ in comparison.columns(weights)], axis=1)


def kendall(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """Tau-b, −1 to 1: pairs of removals in the predicted order less those in the opposite one, ties allowed for."""
    return numpy.stack([kendall_tau(x, y, weights=each) for x, y, each, _ in comparison.columns(weights)], axis=1)


def within_class_spearman(comparison: Comparison, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """Spearman's correlation among removals of one class, averaged over classes: is there skill beyond the label?

    A class with three or more removals enters, with the number of its pairs drawn as weight, wherever its correlation
    is defined.

    Raises:
        InvalidParameter: the removals have no labels.
    """
    if comparison.labels is None:
        raise InvalidParameter("A correlation within classes needs the classes: give the labels of the removals.")
    columns = comparison.columns(weights)
    return numpy.stack([class_mean(x, y, weights=each, labels=labels) for x, y, each, labels in columns], axis=1)


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
