"""The table of all classes that adapters read, measured: `python tests/support/class_table.py` writes it anew."""

import sys
import warnings
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy
from bent_refits import BENT, sides
from own_refits import CASES, STOCHASTIC, Points, fitted, losses, points_of, refitted, takes_weights, tight
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import NuSVC

import influencelab as il

PAGE = Path(il.__file__).parent / "adapters" / "README.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"
REMOVED, WEIGHED = 20, 2
# Outputs that are nearer to the kink of their loss than this lie in it.
KINK = 3e-5
HEAD = "| class | options | removals | slope − 1 | offset | order | in weights |\n|---|---|---|---|---|---|---|\n"
BENT_HEAD = "| class | options | bend | slope | order |\n|---|---|---|---|---|\n"


class Figures(NamedTuple):
    """What predictions of one option are, against fits of the own class; medians over test points.

    Attributes:
        convention: of removals, that of the own refit.
        slope: of the truth against Newton steps, less 1.
        offset: of the same line, as a share of the root mean square of the truth.
        order: Spearman's correlation.
        weights: error of slopes in a point's weight, as a share of the largest.
        at_fit: error of losses at the fit, as a share of each plus 0.001.
    """

    convention: str
    slope: float
    offset: float
    order: float
    weights: float
    at_fit: float


def figures(name: str, which: int) -> Figures:
    """One option on one data set."""
    estimator, kind = CASES[name]
    points = points_of(kind, which)
    model = fitted(estimator, points)
    given = points.weights if takes_weights(model) else None
    polish = isinstance(model, STOCHASTIC)
    fit = il.from_sklearn(model, points.x, points.y, points.x_test, points.y_test, given, polish=polish)
    start, again = numpy.ones(len(points.y)) if given is None else given, tight(model, points)

    def watched(weights):
        return losses(refitted(again, points, weights), points.x_test, points.y_test)

    at_fit = watched(start)
    error = float((numpy.abs(fit.measures().numpy() - at_fit) / (numpy.abs(at_fit) + 1e-3)).max())
    rows = numpy.random.default_rng(1).choice(len(start), REMOVED, replace=False)
    predicted = il.NewtonStep(convention=str(fit.convention)).estimate(fit).values.numpy()[rows]
    truth = numpy.array([watched(numpy.where(numpy.arange(len(start)) == row, 0.0, start)) - at_fit for row in rows])
    moving = rows[numpy.abs(predicted).max(1) > 0][:WEIGHED]
    slope, offset, order = lines(predicted, truth)
    return Figures(str(fit.convention), slope - 1, offset, order, first_order(fit, moving, start, watched), error)


def lines(predicted: numpy.ndarray, truth: numpy.ndarray) -> tuple[float, float, float]:
    """Slope, offset and order, each the median over test points: each is curved a little of its own.

    Test points whose loss is 0, whichever point is removed, are left out, and changes of 0 but for rounding are equal.
    """
    some = numpy.abs(truth).max(0) > 1e-10
    pairs = list(zip(predicted.T[some], truth.T[some], strict=True))
    found = numpy.array([numpy.polyfit(p, t, 1) for p, t in pairs])
    orders = [spearmanr(*(numpy.round(each / numpy.abs(each).max(), 9) for each in pair))[0] for pair in pairs]
    size = numpy.sqrt((truth[:, some] ** 2).mean(0))
    return (
        float(numpy.median(found[:, 0])),
        float(numpy.median(numpy.abs(found[:, 1]) / size)),
        float(numpy.median(orders)),
    )


def first_order(fit: il.Fit, rows: numpy.ndarray, start: numpy.ndarray, watched) -> float:
    """The largest error of slopes in a point's weight, against differences of fits with another weight of it."""
    estimate, worst = il.Exact().estimate(fit), 0.0
    # Of a loss with bends a step is so short that few points pass one.
    step = 0.002 if fit.task.output_loss.width == 0 else 0.02
    for row in rows:
        change = step * start[row]
        values = {k: watched(start + k * change * (numpy.arange(len(start)) == row)) for k in (-2, -1, 1, 2)}
        wanted = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * change)
        # What a removal takes away is the weight times the slope.
        found = -estimate.values[row].numpy() / start[row]
        if fit.convention == "renormalise":
            found = found * (1 - float(fit.weights[row]))
        worst = max(worst, float(numpy.abs(found - wanted).max() / numpy.abs(wanted).max()))
    return worst


def bent_figures(name: str, which: int) -> tuple[float, float, float]:
    """Width of the bend, slope and order of one option on one data set, for points that the true loss pulls at."""
    estimator, kind = BENT[name]
    points = points_of(kind, which)
    weights = points.weights if takes_weights(estimator) else numpy.ones(len(points.y))
    given = weights if takes_weights(estimator) else None
    model = bent_fit(estimator, points, weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = il.from_sklearn(model, points.x, points.y, points.x_test, points.y_test, given, polish=True)
    counted = counts(model, weights)
    at_fit = true_losses(model, points, counted)
    # Those in a kink lie beside it by what the solver leaves, on either side, as the processor will.
    used = numpy.flatnonzero(past_kink(model, points.x, points.y).max(1) > -KINK)
    rows = numpy.random.default_rng(1).choice(used, REMOVED, replace=False)
    predicted, truth = il.NewtonStep().estimate(fit).values.numpy()[rows], []
    for row in rows:
        without = numpy.where(numpy.arange(len(points.y)) == row, 0.0, weights)
        truth.append(true_losses(bent_fit(estimator, points, without), points, counted) - at_fit)
    slope, _, order = lines(predicted, numpy.array(truth))
    return fit.task.output_loss.width, slope, order


def bent_fit(estimator, points: Points, weights: numpy.ndarray):
    """A tight fit with these weights."""
    if isinstance(estimator, OneVsRestClassifier):
        model = clone(estimator).set_params(estimator__tol=1e-7).fit(points.x, points.y)
        for place, machine in enumerate(model.estimators_):
            machine.fit(points.x, (points.y == place).astype(int), weights)
        return model
    return clone(estimator).set_params(tol=1e-7).fit(points.x, points.y, weights)


def true_losses(model, points: Points, counted: numpy.ndarray) -> numpy.ndarray:
    """The true loss of each test point, that of each machine as often as it counts."""
    return numpy.maximum(past_kink(model, points.x_test, points.y_test), 0) @ counted


def counts(model, weights) -> numpy.ndarray:
    """How often each machine counts: by the C that nu came to, and once otherwise."""
    if not isinstance(model, NuSVC) or len(model.classes_) == 2:
        return numpy.ones(sides(model, numpy.zeros(1)).shape[1] if hasattr(model, "classes_") else 1)
    ends, largest = numpy.append(0, numpy.cumsum(model.n_support_)), []
    shares = numpy.abs(model.dual_coef_) / weights[model.support_]
    for one, other in combinations(range(len(model.classes_)), 2):
        first, second = (slice(ends[each], ends[each + 1]) for each in (one, other))
        largest.append(max(shares[other - 1, first].max(), shares[one, second].max()))
    return numpy.array(largest) / numpy.mean(largest)


def past_kink(model, x, y) -> numpy.ndarray:
    """How far each output is past the kink of its loss, which is that where it is positive; a column a machine."""
    if not hasattr(model, "classes_"):
        return numpy.abs(model.predict(x) - y)[:, None] - model.epsilon
    side = sides(model, y)
    past = 1 - side * model.decision_function(x).reshape(len(y), -1)
    return numpy.where(side == 0, -numpy.inf, past)


def classes(cases) -> dict[str, list[str]]:
    """The options of each class, in the order of the alphabet."""
    named = sorted({type(estimator).__name__ for estimator, _ in cases.values()})
    return {cls: [name for name, (each, _) in cases.items() if type(each).__name__ == cls] for cls in named}


def table() -> Iterator[str]:
    """Both tables, line by line."""
    yield HEAD
    for cls, names in classes(CASES).items():
        found = [figures(name, which) for name in names for which in (0, 1)]
        worst = [max(abs(each[place]) for each in found) for place in (1, 2, 4)]
        order = min(each.order for each in found)
        held = " or ".join(sorted({f"`{each.convention}`" for each in found}))
        polished = " after `polish=True`" if cls in {each.__name__ for each in STOCHASTIC} else ""
        figured = f"{up(worst[0])} | {up(worst[1])} | {numpy.floor(1000 * order) / 1000:.3f} | {up(worst[2])}"
        yield f"| `{cls}`{polished} | {len(names)} | {held} | {figured} |\n"
    yield "\n" + BENT_HEAD
    for cls, names in classes(BENT).items():
        found = numpy.array([bent_figures(name, which) for name in names for which in (0, 1)])
        spans = [f"{low:.2g} … {high:.2g}" for low, high in zip(found.min(0), found.max(0), strict=True)]
        yield f"| `{cls}` | {len(names)} | {' | '.join(spans)} |\n"


def up(value: float) -> str:
    """Two digits, none of them smaller than the number; what is rounding is below 1e-9."""
    if value < 1e-9:
        return "< 1e-9"
    unit = 10.0 ** (numpy.floor(numpy.log10(value)) - 1)
    return f"{numpy.ceil(value / unit) * unit:.1e}"


def bounds(text: str) -> dict[str, list[str]]:
    """The cells of each row of the page by class, those of absolute and hinge losses after the others."""
    part = text.split(BEGIN)[1].split(END)[0]
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")] for line in part.splitlines() if line.startswith("| `")
    ]
    return {row[0].split("`")[1] + ("" if len(row) == 7 else ", bent"): row[1:] for row in rows}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    before, after = PAGE.read_text(encoding="utf-8").split(BEGIN)[0], PAGE.read_text(encoding="utf-8").split(END)[1]
    rows = []
    for line in table():
        rows.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
    PAGE.write_text(before + BEGIN + "".join(rows) + END + after, encoding="utf-8")
