"""Least squares of rows that come in units, such as the networks of one split of the data: units are drawn anew."""

from collections.abc import Mapping

import numpy
from jaxtyping import Float
from scipy.special import ndtri, stdtrit

from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.trend import check_design, coefficients
from influencelab.threads import one_thread

CONSTANT = "constant"


@one_thread()
def regression(
    columns: Mapping[str, numpy.ndarray],
    values: Float[numpy.ndarray, " n"],
    *,
    units: numpy.ndarray,
    what: str = "splits",
    bootstrap: Bootstrap | None = None,
) -> dict[str, Measurement]:
    """Coefficients of least squares on a constant and the columns, by name, with intervals over the units.

    Had other units been drawn, where would they fall? A unit is drawn with all of its rows, so that what they share (a
    split of the data, a start) is no evidence twice. Rows with a value that is not finite are left out. The constant is
    where all columns are 0.

    In simulations with 5, 10, 20 and 40 units whose rows share a level and a slope the 95% interval covered 92 to 96%
    of the time; with fewer than five it is withheld.

    Args:
        columns: one number a row.
        values: what is explained.
        units: which unit each row belongs to.
        what: the units in words.
        bootstrap: how they are drawn.

    Raises:
        InvalidData: columns of another length, or columns that determine each other.
    """
    sizes = {name: len(column) for name, column in columns.items()}
    if set(sizes.values()) | {len(units)} != {len(values)}:
        raise InvalidData(f"Rows differ: {sizes} of columns, {len(units)} of units, {len(values)} of values.")
    way = bootstrap or Bootstrap()
    table = numpy.stack([numpy.asarray(column, dtype=float) for column in columns.values()], axis=1)
    known = numpy.isfinite(table).all(1) & numpy.isfinite(values)
    table, values, units = table[known], numpy.asarray(values, dtype=float)[known], units[known]
    if not len(values):
        raise InvalidData(f"No row has a finite value and finite {', '.join(columns)}; give some that have.")
    middle, spread = table.mean(0), table.std(0)
    scale = numpy.where(spread > 0, spread, 1.0)
    rows = numpy.concatenate([numpy.ones((len(table), 1)), (table - middle) / scale], axis=1)
    check_design(rows, list(columns))
    names, place = numpy.unique(units, return_inverse=True)
    drawn = way.draw({"units": len(names)})["units"][:, place]

    def found(weights: Float[numpy.ndarray, "b n"]) -> Float[numpy.ndarray, "b q"]:
        """The coefficients in the columns' own units, the constant first."""
        scaled = coefficients(rows, numpy.broadcast_to(values, weights.shape), weights=weights)
        slopes = scaled[:, 1:] / scale
        return numpy.concatenate([scaled[:, :1] - slopes @ middle[:, None], slopes], axis=1)

    value, resampled = found(numpy.ones((1, len(values))))[0], found(drawn)
    # Resamples of u units spread by √((u − 1) / u) of what they should, and so few do not know how much that is.
    count, free = len(names), max(len(names) - 1, 1)
    resampled = value + (resampled - value) * stdtrit(free, 0.975) / ndtri(0.975) * (count / free) ** 0.5
    over = f"bootstrap over {count} {what} with all of their {len(values)} rows, wider by Student's t"
    return {
        name: way.interval(float(value[k]), resampled[:, k], n=len(values), over=over, replicates=count)
        for k, name in enumerate((CONSTANT, *columns))
    }
