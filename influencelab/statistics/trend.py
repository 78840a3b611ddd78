"""Trends of a statistic along depth, width or weight decay: the slope of a line through seeds, with its interval."""

from collections.abc import Mapping, Sequence

import numpy
from jaxtyping import Float

from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap, Resample, unit_weights
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates, same_tests
from influencelab.threads import one_thread

Covariates = Mapping[str, Mapping[float, Sequence[float] | numpy.ndarray]]
# A column that the others make up to this share of itself tells nothing apart.
COLLINEAR = 1e-8


@one_thread()
def trend(
    tables: Mapping[float, Replicates],
    *,
    covariates: Covariates | None = None,
    bootstrap: Bootstrap | None = None,
) -> Measurement:
    """The change of the statistic per unit of x, such as −0.05 a layer: least squares through a value an x and seed.

    That value is the mean over test points. Seeds are drawn anew within each x, test points jointly for all x, since
    they are the same; where seeds have test points of their own these come with the seed. Covariates, by name and x one
    value a seed, such as log10 of the gradient norm, are held: the slope is what x still adds, so that the slopes
    without and with them say whether x acts through them.

    The interval is withheld unless two x or more have five seeds with a value. In simulations of five depths with 10 or
    20 seeds it covered 92 to 95% of the time; what all seeds share, such as one split of the data, is not drawn anew.

    Raises:
        InvalidData: fewer than two x, keys or lengths that do not fit, different test points at different x, or
            covariates that x determines.
    """
    way = bootstrap or Bootstrap()
    x = sorted(tables)
    drawn = joint_draws(tables, way)
    value, values = by_seed(tables, {each: unit_weights(tables[each].axes) for each in x}), by_seed(tables, drawn)
    rows, unit = design(tables, covariates or {})
    known = ~numpy.isnan(value[0]) & ~numpy.isnan(rows).any(1)
    check_design(rows[known], list(covariates or {}))
    slope = coefficients(rows, value, weights=numpy.where(known, 1.0, 0.0)[None])[0, 1] / unit
    weights = numpy.concatenate([drawn[each]["seeds"] for each in x], axis=1) * known
    resampled = coefficients(rows, values, weights=weights)[:, 1] / unit
    # A line needs two x, so the second most numerous decides.
    enough = sorted(int((~numpy.isnan(each.values)).any(1).sum()) for each in tables.values())[-2]
    over = resampled_axes(tables)
    return way.interval(float(slope), resampled, n=int(known.sum()), over=over, replicates=enough)


def direction(found: Measurement, *, least: float) -> str:
    """What an interval says of a difference: `falls`, `rises`, `hardly changes` (all of it within `least`), or `open`.

    A small effect is not an uncertain one: an interval from −0.009 to −0.006 hardly changes where 0.01 is the smallest
    effect of interest, and one from −0.5 to 0.5 says nothing.
    """
    if found.interval is None:
        return "open"
    low, high = found.interval
    if max(abs(low), abs(high)) < least:
        return "hardly changes"
    return "falls" if high < 0 else "rises" if low > 0 else "open"


def resampled_axes(tables: Mapping[float, Replicates]) -> str:
    """Text naming the resampled axes, such as `bootstrap over 20 seeds at each of 5 x, 20 test points jointly`."""
    first = next(iter(tables.values()))
    sizes = sorted({len(table.values) for table in tables.values()})
    seeds = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    m = first.values.shape[1]
    tests = f", {m} test points jointly" if first.crossed and m > 1 else ""
    return f"bootstrap over {seeds} seeds at each of {len(tables)} x{tests}"


def joint_draws(tables: Mapping[float, Replicates], bootstrap: Bootstrap) -> dict[float, Resample]:
    """One draw of the test points for all x, by stream 0, and seeds drawn for each x by the next streams."""
    if len(tables) < 2:
        raise InvalidData(f"A trend needs two or more x, got {list(tables)}.")
    first, *others = (tables[x] for x in sorted(tables))
    for other in others:
        if other.crossed != first.crossed or (first.crossed and not same_tests(first, other)):
            raise InvalidData("The tables have different test points at different x; give all the same ones.")
    tests = bootstrap.draw({"tests": first.axes["tests"]}, nested=first.nested)
    return {
        x: bootstrap.draw(tables[x].axes, nested=("tests",), stream=stream).sharing(tests, ["tests"])
        for stream, x in enumerate(sorted(tables), start=1)
    }


def by_seed(tables: Mapping[float, Replicates], drawn: Mapping[float, Resample]) -> Float[numpy.ndarray, "b n"]:
    """The mean over the drawn test points of each x and seed, one after the other; NaN where nothing is known."""
    parts = []
    for x in sorted(tables):
        values, tests = tables[x].values, drawn[x]["tests"]
        size = tests @ (~numpy.isnan(values)).T.astype(numpy.float64)
        total = tests @ numpy.nan_to_num(values).T
        parts.append(numpy.where(size > 0, total / numpy.maximum(size, 1.0), numpy.nan))
    return numpy.concatenate(parts, axis=1)


def design(tables: Mapping[float, Replicates], covariates: Covariates) -> tuple[Float[numpy.ndarray, "n q"], float]:
    """The columns 1, x and the covariates, a row for each x and seed, in units of their spread; and that unit of x."""
    sizes = {x: len(tables[x].values) for x in sorted(tables)}
    columns = [numpy.repeat(list(map(float, sizes)), list(sizes.values()))]
    for name, values in covariates.items():
        if {x: len(values[x]) for x in sizes if x in values} != sizes:
            raise InvalidData(f"The covariate '{name}' needs one value for each seed at each x: {sizes} of them.")
        columns.append(numpy.concatenate([numpy.asarray(values[x], dtype=numpy.float64) for x in sizes]))
    raw = numpy.stack(columns, axis=1)
    spread = numpy.nanstd(raw, axis=0)
    scale = numpy.where(spread > 0, spread, 1.0)
    rows = (raw - numpy.nanmean(raw, axis=0)) / scale
    return numpy.concatenate([numpy.ones((len(rows), 1)), rows], axis=1), float(scale[0])


def check_design(rows: Float[numpy.ndarray, "n q"], names: list[str]) -> None:
    """Refuse columns whose coefficients cannot be told apart."""
    if numpy.linalg.matrix_rank(rows, tol=COLLINEAR * max(rows.shape)) < rows.shape[1]:
        raise InvalidData(
            f"x and the covariates {names} determine each other in the {len(rows)} values that are known, so their "
            "coefficients cannot be told apart: leave a covariate out, or add seeds."
        )


def coefficients(
    rows: Float[numpy.ndarray, "n q"], values: Float[numpy.ndarray, "b n"], *, weights: Float[numpy.ndarray, "b n"]
) -> Float[numpy.ndarray, "b q"]:
    """Weighted least squares of each resample; a value that is not known has no weight, NaN where columns coincide."""
    weights = numpy.where(numpy.isnan(values), 0.0, weights)
    rows = numpy.nan_to_num(rows)
    q = rows.shape[1]
    products = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), q * q)
    normal = (weights @ products).reshape(-1, q, q)
    right = (weights * numpy.nan_to_num(values)) @ rows
    whole = numpy.linalg.matrix_rank(normal, tol=COLLINEAR * len(rows), hermitian=True) == q
    normal[~whole] = numpy.eye(q)
    return numpy.where(whole[:, None], numpy.linalg.solve(normal, right[..., None])[..., 0], numpy.nan)
