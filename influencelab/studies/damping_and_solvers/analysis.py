"""Tables and numbers of what dampings and solvers do to agreement: a row an estimator, means over seeds."""

from collections.abc import Mapping, Sequence

import numpy
import pandas
from pandas.io.formats.style import Styler

from influencelab.experiments.replication import correlations, repeatability
from influencelab.experiments.tables import display_name
from influencelab.experiments.trial import Outcome
from influencelab.statistics.agreement import UNBOUNDED
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.display import readable
from influencelab.statistics.measurement import Measurement, from_columns
from influencelab.statistics.range_restriction import restriction
from influencelab.statistics.replicates import Replicates, difference, mean
from influencelab.statistics.variance_components import variation

MEASURES = ("spearman", "within_class_spearman", "pearson", "slope")
# Pairs of one selection and estimator that a report keeps.
KEPT = 400
# What solves nothing has no residual; on a logarithmic axis rounding must still have a place.
LEAST = 1e-16


def told(cell: str) -> str:
    """`digits, 1 hidden layer` for `digits-1`."""
    data, _, depth = cell.partition("-")
    return f"{FITS.get(data, data)}, {depth} hidden layer{'' if depth == '1' else 's'}"


def said_of(estimator: str) -> str:
    """An estimator's name for people, with what this comparison must say of its damping."""
    return SOLVERS.get(estimator, display_name(estimator))


FITS = {"stopped": "digits stopped early"}
SOLVERS = {
    "exact": "influence (exact, no damping)",
    "exact_damped": "influence (exact, damped)",
    "newton_step": "one Newton step (no damping)",
}


def agreement(
    outcomes: Sequence[Outcome],
    *,
    selection: str,
    estimator: str,
    target: str,
    bootstrap: Bootstrap,
    measures: Sequence[str] = MEASURES,
) -> dict[str, Measurement]:
    """Each statistic of one estimator over the seeds of a setting; no size of a score without a unit."""
    unit = outcomes[0].facts["estimates"][estimator]["unit"]
    return {
        measure: mean(
            correlations(outcomes, selection=selection, estimator=estimator, target=target, measure=measure),
            bootstrap=bootstrap,
        )
        for measure in measures
        if not (measure in UNBOUNDED and unit == "none")
    }


def path_table(
    found: Mapping[str, Sequence[Outcome]], *, selection: str, target: str, bootstrap: Bootstrap
) -> pandas.DataFrame:
    """A row for each cell, curvature and damping, as `fragility_figures.damping_path` draws them.

    Args:
        found: the outcomes of each cell, one a seed, by its name, such as `digits-1`.
        selection: which removals count.
        target: which truth.
        bootstrap: of the intervals.
    """
    rows = []
    for cell, outcomes in found.items():
        for name, described in outcomes[0].facts["damping_path"].items():
            each = [outcome.facts["damping_path"][name] for outcome in outcomes]
            numbers = agreement(
                outcomes,
                selection=selection,
                estimator=name,
                target=target,
                bootstrap=bootstrap,
                measures=("spearman", "slope"),
            )
            rows.append(
                {
                    "cell": cell,
                    "curvature": described["curvature"],
                    "estimator": f"{told(cell)}: {CURVATURES[described['curvature']]}",
                    "damping": described["share"],
                    **numbers["spearman"].columns("spearman"),
                    **numbers["slope"].columns("slope"),
                    "effective_dimension": numpy.mean([one["effective_dimension"] for one in each]),
                    "negative_eigenvalues": numpy.mean([one["negative_eigenvalues"] for one in each]),
                    "residual": max(LEAST, residual(outcomes, name)),
                }
            )
    return pandas.DataFrame(rows)


CURVATURES = {"hessian": "Hessian", "gauss_newton": "Gauss-Newton"}


def residual(outcomes: Sequence[Outcome], estimator: str) -> float:
    """The largest ‖(C + λ)s − g‖ / ‖g‖ of any seed and test point; 0 for what solves no system."""
    return max(outcome.facts["estimates"][estimator]["largest_residual"] for outcome in outcomes)


def path_numbers(table: pandas.DataFrame) -> dict[str, Measurement]:
    """`path/digits-1/hessian/0.001/spearman` and its like."""
    found = {}
    for row in table.to_dict("records"):
        stem = f"path/{row['cell']}/{row['curvature']}/{row['damping']:g}"
        for name in ("spearman", "slope"):
            found[f"{stem}/{name}"] = from_columns(row, name, note="mean over seeds and test points; 95% bootstrap")
        for name in ("effective_dimension", "negative_eigenvalues", "residual"):
            found[f"{stem}/{name}"] = Measurement(
                value=row[name], note="mean over seeds" if name != "residual" else "worst"
            )
    return found


def solver_numbers(
    found: Mapping[str, Sequence[Outcome]], *, selection: str, target: str, bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """`solvers/digits-1/ekfac/spearman` and its like, of every estimator that is none of the path's."""
    numbers = {}
    for cell, outcomes in found.items():
        for name in solvers_of(outcomes):
            stem = f"solvers/{cell}/{name}"
            table = agreement(outcomes, selection=selection, estimator=name, target=target, bootstrap=bootstrap)
            numbers |= {f"{stem}/{measure}": each.described() for measure, each in table.items()}
            seconds = [outcome.facts["estimates"][name]["seconds"] for outcome in outcomes]
            numbers[f"{stem}/seconds"] = Measurement(
                value=float(numpy.median(seconds)), note="median over seeds", unit="s"
            )
            if (worst := residual(outcomes, name)) > 0:
                numbers[f"{stem}/residual"] = Measurement(value=worst, note="largest of any seed and test point")
                damping = outcomes[0].facts["estimates"][name]["damping"]
                numbers[f"{stem}/damping"] = Measurement(value=damping, note="added to every eigenvalue")
    return numbers


def solvers_of(outcomes: Sequence[Outcome]) -> list[str]:
    """The estimators of a cell without those of its damping path."""
    path = outcomes[0].facts.get("damping_path", {})
    return [name for name in outcomes[0].predicted if name not in path]


def solver_table(numbers: Mapping[str, Measurement]) -> Styler:
    """The same as a table to read: a row for each cell and estimator."""
    rows = []
    for stem in dict.fromkeys(name.rpartition("/")[0] for name in numbers):
        _, cell, name = stem.split("/")
        row = {"fit": told(cell), "predicted by": said_of(name)}
        for measure in MEASURES:
            row[display_name(measure)] = text(numbers.get(f"{stem}/{measure}"))
        for fact, form in (("damping", ".2g"), ("residual", ".0e"), ("seconds", ".2g")):
            number = numbers.get(f"{stem}/{fact}")
            row[fact] = "–" if number is None else f"{number.value:{form}}"
        rows.append(row)
    return readable(pandas.DataFrame(rows), caption="Means over seeds and test points, with 95% intervals")


def text(number: Measurement | None) -> str:
    """A number with its interval, or a dash."""
    return "–" if number is None else number.rounded()


def sampled_pairs(found: Mapping[str, Sequence[Outcome]], *, seed: int = 0) -> pandas.DataFrame:
    """A random sample of the pairs of each cell's first seed, for each selection and solver (not the path's)."""
    generator, tables = numpy.random.default_rng(seed), []
    for cell, (outcome, *_) in found.items():
        for selection in outcome.chosen:
            for name in solvers_of([outcome]):
                table = outcome.comparison(selection, name, next(iter(outcome.actual))).table()
                rows = numpy.sort(generator.permutation(len(table))[:KEPT])
                tables.append(table.iloc[rows].assign(cell=cell, removed=selection, estimator=name))
    whole = pandas.concat(tables, ignore_index=True)
    small = dict.fromkeys(("predicted", "actual"), "float32") | dict.fromkeys(whole.columns[:4], "int32")
    return whole.astype(small | dict.fromkeys(("cell", "removed", "estimator"), "category"))


def per_test_point(
    found: Mapping[str, Sequence[Outcome]], *, selections: Sequence[str], estimator: str, target: str
) -> dict[str, Replicates]:
    """Spearman of every seed and test point, by cell and selection: `digits-1/top`."""
    return {
        f"{cell}/{selection}": correlations(outcomes, selection=selection, estimator=estimator, target=target)
        for cell, outcomes in found.items()
        for selection in selections
    }


def numbers_by_test_point(tables: Mapping[str, Replicates], *, bootstrap: Bootstrap) -> dict[str, Measurement]:
    """`test_points/digits-1/top/excess` and its like: whether test points differ by more than chance makes them."""
    found = {}
    for name, table in tables.items():
        stem, parts = f"test_points/{name}", variation(table, bootstrap=bootstrap)
        how = "variance of atanh ρ between test points less that of sampling"
        found[f"{stem}/excess"] = parts.beyond_sampling.described(how).with_half_width()
        found[f"{stem}/share"] = parts.share.described("share of the variance of atanh ρ that test points are")
        by_test = numpy.nanmean(table.values, axis=0)
        for end, value in (("lowest", by_test.min()), ("highest", by_test.max())):
            found[f"{stem}/{end}"] = Measurement(
                value=float(value), note=f"{end} test point, mean over seeds; no interval"
            )
        found[f"{stem}/sampling_sd"] = Measurement(value=parts.sampling**0.5, note="of atanh ρ, by theory")
        found[f"{stem}/sd"] = Measurement(
            value=max(parts.between_tests, 0.0) ** 0.5, note="of atanh ρ between test points"
        )
    return found


def tail_numbers(
    found: Mapping[str, Sequence[Outcome]],
    *,
    estimator: str,
    target: str,
    tail: float,
    percentile: float,
    bootstrap: Bootstrap,
) -> dict[str, Measurement]:
    """`tail/digits-1/before` and its like: Pearson among the most influential points less that among middling ones.

    Args:
        found: the outcomes of each cell, which removed every point.
        estimator: whose order, and whose predictions.
        target: which truth.
        tail: the share of all points in each stratum.
        percentile: around which the middling ones lie, from 0, the least influential, to 100.
        bootstrap: of the intervals.
    """
    numbers = {}
    middle = (percentile / 100 - tail / 2, percentile / 100 + tail / 2)
    for cell, outcomes in found.items():
        compared = [outcome.comparison("everything", estimator, target) for outcome in outcomes]
        parts = restriction(compared, top=tail, middle=middle)
        stem = f"tail/{cell}"
        for name in ("top", "middle", "corrected"):
            numbers[f"{stem}/{name}"] = mean(getattr(parts, name), bootstrap=bootstrap).described()
        before = "Pearson, top less middle"
        numbers[f"{stem}/before"] = parts.raw_difference(bootstrap=bootstrap).described(before).with_half_width()
        after = f"{before}, the middle's corrected for its narrower range"
        numbers[f"{stem}/after"] = parts.corrected_difference(bootstrap=bootstrap).described(after).with_half_width()
    return numbers


def difference_numbers(
    found: Mapping[str, Sequence[Outcome]],
    *,
    first: str,
    second: str,
    selection: str,
    target: str,
    bootstrap: Bootstrap,
) -> dict[str, Measurement]:
    """`difference/digits-1/ekfac/gradient_dot`: Spearman of the first estimator less that of the second."""
    numbers = {}
    for cell, outcomes in found.items():
        one, two = (
            correlations(outcomes, selection=selection, estimator=name, target=target) for name in (first, second)
        )
        less = difference(one, two, paired=True, bootstrap=bootstrap)
        name = f"difference/{cell}/{first}/{second}"
        numbers[name] = less.described("Spearman of the first less that of the second")
    return numbers


def network_numbers(
    outcomes: Sequence[Outcome], *, estimator: str, target: str, bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """`cnn/top/pearson` and its like, and how well the target of the random points repeats with another start."""
    numbers = {}
    for selection, short in (("top", "top"), ("random_points", "random")) if outcomes else ():
        table = agreement(outcomes, selection=selection, estimator=estimator, target=target, bootstrap=bootstrap)
        numbers |= {f"cnn/{short}/{measure}": each.described() for measure, each in table.items()}
    if couples := len(outcomes) // 2:
        first, second = outcomes[0 : 2 * couples : 2], outcomes[1 : 2 * couples : 2]
        repeats = repeatability(first, second, target=target, selection="random_points")
        numbers["cnn/random/repeatability"] = mean(repeats, bootstrap=bootstrap).described(
            f"Spearman of two starts' changes, {couples} couples of networks"
        )
    return numbers


def number_table(numbers: Mapping[str, Measurement], *, caption: str) -> Styler:
    """A row a number, with its interval, what it is made of, and how the interval was made."""
    rows = [
        {"number": name, "value": text(number), "made of": number.n or "–", "how": number.note}
        for name, number in numbers.items()
    ]
    return readable(pandas.DataFrame(rows), caption=caption)
