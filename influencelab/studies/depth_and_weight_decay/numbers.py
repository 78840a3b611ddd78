"""The numbers of a fragility study: means, slopes along depth and width, gains from weight decay, convergence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy
from jaxtyping import Float
from scipy import stats

from influencelab.errors import InvalidData
from influencelab.experiments.grid import Key
from influencelab.experiments.trial import Outcome
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates, difference, mean
from influencelab.statistics.trend import Trend, trend
from influencelab.studies.depth_and_weight_decay.readings import WIDTH, Cell, Reading, along, quality

OWN = "mean over networks, each at its own test point of largest loss"
ALL = "mean over networks and test points"


# The gain from weight decay that is reported: between which two, by arm. Without any there is no minimum.
DECAYS = {"published": (5e-3, 0.0), "epifano": (5e-3, 0.0)}
CONTROLLED = (5e-3, 1e-4)


def whole(
    readings: Sequence[Reading],
    outcomes: Mapping[Key, Outcome],
    *,
    sensitivity: Mapping[str, Mapping[Cell, Measurement]],
    stem: str,
    bootstrap: Bootstrap,
) -> dict[str, Measurement]:
    """Every number of the study.

    Args:
        readings: what is read off which networks; those that ask for minima are the controlled ones.
        outcomes: of all networks.
        sensitivity: mean ρ of each cell under each choice that a paper leaves open.
        stem: what every name starts with.
        bootstrap: of the intervals.
    """
    found: dict[str, Measurement] = {}
    for reading in readings:
        decays = DECAYS.get(reading.arm, CONTROLLED)
        found |= numbers(reading, outcomes, decays=decays, bootstrap=bootstrap)
        if reading.arm != "epifano":
            found |= cell_qualities(reading, outcomes, bootstrap=bootstrap)
            found |= qualities(reading, outcomes, bootstrap=bootstrap)
        if reading.minima:
            found |= repeatabilities(reading, outcomes, bootstrap=bootstrap)
    corrected, theirs = (
        [reading for reading in readings if reading.estimator == name] for name in ("corrected", "theirs")
    )
    for first, second in zip(corrected, theirs, strict=True):
        name = f"{stem}epifano/corrected_less_theirs"
        found |= paired_difference(first, second, outcomes, name=name, bootstrap=bootstrap)
    return found | by_choice(f"{stem}sensitivity", sensitivity)


def numbers(
    reading: Reading, outcomes: Mapping[Key, Outcome], *, decays: Sequence[float], bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """Everything one reading says: means, slopes along depth and width, and the gain from the largest weight decay.

    Args:
        decays: the larger and the smaller weight decay whose difference is the gain.
    """
    tables, cells = reading.correlations(outcomes), reading.cells(outcomes)
    found = {}
    for cell, table in tables.items():
        how = OWN if reading.own_test(cells[cell]) else ALL
        undefined = int(numpy.isnan(table.per_seed()).sum())
        how += f"; {undefined} of {len(table.values)} networks have none and are left out" if undefined else ""
        found[f"{reading.name}/spearman/{cell.label}"] = mean(table, bootstrap=bootstrap).described(how)
        found[f"{reading.name}/undefined/{cell.label}"] = share(undefined, len(table.values), "networks")
        found[f"{reading.name}/median_spearman/{cell.label}"] = median(table.per_seed())
    for axis, name in (("depth", "slope"), ("width", "width_slope")):
        for cell in tables:
            held = {each: getattr(cell, each) for each in Cell._fields if each != axis}
            line = along(tables, axis, held)
            if min(line) != getattr(cell, axis) or len(line) < 2:
                continue
            # A cell at the least setting stands for its line: named by what is held, and not the usual.
            rest = Cell(1 if axis == "depth" else cell.depth, WIDTH if axis == "width" else cell.width, cell.decay)
            label = rest.label.partition("/")[2] if axis == "depth" else rest.label
            grads = {x: [out.facts["fit_grad_norm"] for out in part] for x, part in along(cells, axis, held).items()}
            found |= {
                f"{reading.name}/{key}/{label}": number
                for key, number in slopes(line, name, axis=axis, grads=grads, bootstrap=bootstrap).items()
            }
    return found | gains(reading, tables, decays=decays, bootstrap=bootstrap)


def gains(
    reading: Reading, tables: Mapping[Cell, Replicates], *, decays: Sequence[float], bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """ρ at the larger less ρ at the smaller weight decay, where a depth and width has both, the same seeds paired."""
    larger, smaller = decays
    found = {}
    for cell, table in tables.items():
        other = tables.get(cell._replace(decay=smaller))
        if cell.decay != larger or other is None:
            continue
        label = cell.label.replace(f"/{larger:g}", "", 1)
        how = f"mean ρ at weight decay {larger:g} less that at {smaller:g}"
        found[f"{reading.name}/decay_gain/{label}"] = paired(table, other, how, bootstrap=bootstrap)
    return found


def paired(first: Replicates, second: Replicates, how: str, *, bootstrap: Bootstrap) -> Measurement:
    """ρ of the first less that of the second, seeds paired."""
    return difference(first, second, paired=True, bootstrap=bootstrap).described(how)


def slopes(
    line: Mapping[float, Replicates],
    name: str,
    *,
    axis: str,
    grads: Mapping[float, Sequence[float]],
    bootstrap: Bootstrap,
) -> dict[str, Measurement]:
    """The slope of ρ; the same with networks without any ρ at 0; and with how far each is from a minimum held."""
    how = f"least squares of signed ρ on {axis}, per unit of {axis}, {min(line):g} to {max(line):g}"
    zero = {x: replace(table, values=zeroed(table)) for x, table in line.items()}
    size = {"log10 of the gradient norm": {x: numpy.log10(numpy.maximum(each, 1e-30)) for x, each in grads.items()}}
    return {
        name: slope(lambda: trend(line, bootstrap=bootstrap), how),
        f"{name}_undefined_as_0": slope(lambda: trend(zero, bootstrap=bootstrap), f"{how}; undefined ρ counted as 0"),
        f"{name}_given_gradient": slope(
            lambda: trend(line, covariates=size, bootstrap=bootstrap), f"{how}; log10 of ‖∇J‖ of the fit held"
        ),
    }


def zeroed(table: Replicates) -> Float[numpy.ndarray, "s m"]:
    """The correlations, 0 for networks without any: one that says the same of every point ranks nothing."""
    return numpy.where(numpy.isnan(table.per_seed())[:, None], 0.0, table.values)


def slope(line: Callable[[], Trend], how: str) -> Measurement:
    """The slope, its half-width in the note; NaN, and why, where there are too few values for one."""
    try:
        return line().slope.described(how).with_half_width()
    except InvalidData as error:
        return Measurement(float("nan"), note=f"{how}; no slope: {error}")


def share(count: int, whole: int, what: str) -> Measurement:
    """A share of a known whole, which nobody needs an interval for."""
    return Measurement(count / max(whole, 1), n=whole, note=f"{count:,} of {whole:,} {what}; a count, so no interval")


def median(values: Float[numpy.ndarray, " s"]) -> Measurement:
    """The median over seeds, with the interval between two seeds in order that needs no assumption (binomial)."""
    known = numpy.sort(values[~numpy.isnan(values)])
    s = len(known)
    if not s:
        return Measurement(float("nan"), n=0, note="median over seeds; no seed has a value")
    rank = max(0, int(stats.binom.ppf(0.025, s, 0.5)) - 1)
    covers = 1 - 2 * float(stats.binom.cdf(rank, s, 0.5))
    value, note = float(numpy.median(known)), f"median over {s} seeds; from {rank + 1} of {s} in order to {s - rank}"
    if s == 1:
        return Measurement(value, n=s, note="median of a single seed: no interval")
    return Measurement(value, float(known[rank]), float(known[-1 - rank]), s, f"{note}, which covers {covers:.0%}")


def paired_difference(
    first: Reading, second: Reading, outcomes: Mapping[Key, Outcome], *, name: str, bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """ρ of the first reading less that of the second, cell by cell, of the same networks."""
    others = second.correlations(outcomes)
    return {
        f"{name}/{cell.label}": paired(table, others[cell], OWN, bootstrap=bootstrap)
        for cell, table in first.correlations(outcomes).items()
        if cell in others
    }


def repeatabilities(
    reading: Reading, outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """How well the truth itself repeats in each cell."""
    how = "correlation of true changes between two seeds, mean over couples and test points"
    repeats = reading.repeats(outcomes)
    return {
        f"{reading.name}/repeatability/{cell.label}": mean(table, bootstrap=bootstrap).described(how)
        for cell, table in repeats.items()
    }


def by_choice(name: str, means: Mapping[str, Mapping[Cell, Measurement]]) -> dict[str, Measurement]:
    """Mean ρ under each choice, `learning rate 0.1, init he` becoming `learning_rate_0.1/init_he` in the name."""
    return {
        f"{name}/{choice.replace(', ', '/').replace(' ', '_')}/{cell.label}": found.described(OWN)
        for choice, line in means.items()
        for cell, found in line.items()
    }


def cell_qualities(
    reading: Reading, outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """How well each cell's networks were trained, and ρ without the retrained models that left the fit's basin."""
    trusted = replace(reading, trusted=True).means(outcomes, bootstrap=bootstrap)
    found = {
        f"{reading.name}/trusted_spearman/{cell.label}": value.described(f"{ALL}, models of the fit's own basin only")
        for cell, value in trusted.items()
    }
    for cell, part in reading.cells(outcomes).items():
        for name, value in quality(part, reading.target).items():
            unit, note = ("nats" if name == "train_loss" else ""), f"mean over {len(part)} networks; no interval"
            found[f"{reading.name}/{name}/{cell.label}"] = Measurement(value, n=len(part), note=note, unit=unit)
    return found


def qualities(reading: Reading, outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> dict[str, Measurement]:
    """Whether the truth can be trusted, and the widest interval of any cell: what the study can tell at all."""
    networks = [outcome for part in reading.cells(outcomes).values() for outcome in part]
    if not networks:
        return {}
    minima = sum(outcome.facts["fit_converged"] for outcome in networks)
    good = sum(int(outcome.converged[reading.target].sum()) for outcome in networks)
    removed = sum(len(outcome.train_ids) for outcome in networks)
    return {
        f"{reading.name}/fits_at_a_minimum": share(minima, len(networks), "fits at a minimum"),
        f"{reading.name}/converged": share(good, removed, "retrained models converged"),
        f"{reading.name}/largest_half_width": widest(reading.means(outcomes, bootstrap=bootstrap)),
    }


def widest(means: Mapping[Cell, Measurement]) -> Measurement:
    """The largest half-width of any cell's interval: whether the study can tell what it set out to."""
    halves = {cell: found.finite().half_width for cell, found in means.items()}
    known = {cell: half for cell, half in halves.items() if not numpy.isnan(half)}
    if not known:
        return Measurement(float("nan"), note="no cell has an interval")
    worst = max(known, key=lambda cell: known[cell])
    return Measurement(
        known[worst], n=len(known), note=f"half-width of the 95% interval of mean ρ, worst cell {worst.label}"
    )
