"""What the library says of a random problem, against exact arithmetic: right, refused, warned, or wrong."""

import time
import warnings
from dataclasses import dataclass

import decimal_oracles as oracle
import numpy
from random_problems import Problem

from influencelab.data.removals import leave_one_out
from influencelab.errors import (
    InfluenceLabError,
    InvalidData,
    LostDigits,
    NoMinimum,
    NotConverged,
    NotFinite,
    NullSpaceMass,
)
from influencelab.experiments.comparison import compare
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton

TOLERANCE, SECONDS = 1e-6, 60.0
# Eigenvalues below which rounding decides, by the size of a number in bytes.
SINGULAR = {8: 1e-9, 4: 1e-3}
# What retraining misses by default is stated, 1e-5 of each change; it misses less where it is asked to.
TIGHT = SecondOrder(relative=1e-7, floor=1e-7)
# Shares of a test gradient that a decimal solve of exact data may miss where a solution exists.
MISSED = oracle.Decimal("1e-20")


@dataclass(frozen=True)
class Truth:
    """What is right: whether a minimum is there, the values (None: undetermined), and for retraining a row each."""

    exists: bool
    influence: numpy.ndarray | None = None
    steps: list | None = None
    changes: list | None = None


def truth_of(problem: Problem) -> Truth:
    """By decimal arithmetic alone."""
    model = problem.model
    minimum = oracle.minimise(model)
    if not minimum.exists:
        return Truth(False)
    values, steps, missed = oracle.influence(model, minimum.theta, problem.x_test, problem.y_test)
    if missed > MISSED:
        return Truth(True)
    before = oracle.losses(model, minimum.theta, problem.x_test, problem.y_test)
    changes = []
    for row in range(len(model.w)):
        left = oracle.without(model, row)
        after = oracle.minimise(left, minimum.theta)
        fixed = after.exists and oracle.influence_missed(left, after.theta, problem.x_test, problem.y_test) <= MISSED
        moved = oracle.losses(model, after.theta, problem.x_test, problem.y_test) - before
        changes.append(moved.astype(float) if fixed else None)
    return Truth(True, values.astype(float), [s if s is None else s.astype(float) for s in steps], changes)


def verdicts(problem: Problem, truth: Truth) -> dict[str, str]:
    """By what was asked for: right, refused, warned, or what is wrong."""
    started, found = time.process_time(), {}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            fitted = fit(problem.task, problem.data, Newton(), weights=problem.weights)
        except NotFinite as error:
            return {"fit": f"refused: {error}"}
    found["fit"] = of_fit(fitted, heard, truth)
    if found["fit"].startswith("WRONG"):
        return found
    results = {}
    for name, estimator, right in (
        ("exact", Exact(), truth.influence),
        ("newton_step", NewtonStep(), truth.steps),
    ):
        results[name], found[name] = asked(lambda e=estimator: e.estimate(fitted), right, truth, problem=problem)
    removals = leave_one_out(problem.data.n)
    for name, retrainer, tolerance in (("retrained", SecondOrder(), 2e-5), ("tightly", TIGHT, TOLERANCE)):
        ask = lambda r=retrainer: r.retrain(fitted, removals)  # noqa: E731
        results[name], found[name] = asked(ask, truth.changes, truth, problem=problem, tolerance=tolerance)
    if results["exact"] is not None and results["tightly"] is not None:
        found["slope"] = of_slope(results, truth, [found["exact"], found["tightly"]])
    # Of this process: what else the machine does is no fault of it.
    if time.process_time() - started > SECONDS:
        found["time"] = "WRONG: more than a minute"
    return found


def of_fit(fitted, heard, truth: Truth) -> str:
    """Whether it is called a minimum if and only if it is one."""
    named = [each for each in heard if issubclass(each.category, NoMinimum)]
    if not truth.exists:
        return "WRONG: converged, and there is no minimum" if fitted.converged else ("named" if named else "refused")
    if named:
        return f"WRONG: there is a minimum: {named[0].message}"
    return "right" if fitted.converged else "refused: not converged"


def asked(ask, right, truth: Truth, *, problem: Problem, tolerance: float = TOLERANCE):
    """The result of one call, and the verdict on it."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            result = ask()
        except InfluenceLabError as error:
            return None, of_refusal(error, right, truth, problem)
    said = [each for each in heard if issubclass(each.category, LostDigits)]
    trusted = getattr(result, "trusted", None)
    ours = result.values.double().numpy()
    if not truth.exists or right is None:
        silent = trusted is None or bool(trusted.any())
        return result, "WRONG: values, and there are none" if silent and not said else "refused"
    if trusted is not None:
        rows = trusted.numpy()
        wrongly = [k for k in numpy.flatnonzero(rows) if right[k] is None]
        if wrongly:
            if said:
                return result, "warned"
            return result, f"WRONG: rows {wrongly} have no truth"
        left = [k for k in range(len(right)) if right[k] is not None and not rows[k]]
        ours, theirs = ours[rows], numpy.array([right[k] for k in numpy.flatnonzero(rows)])
        if not rows.any():
            return result, "refused" if left else "right"
    else:
        if any(each is None for each in right):
            return result, "warned" if said else "WRONG: some removal has no value"
        theirs = numpy.array([numpy.asarray(each, float) for each in right])
    # What retraining may leave is a share of the effects of all removals, of those it gives up too.
    error = error_of(ours, theirs, largest=numpy.array([each for each in right if each is not None]))
    if error <= tolerance:
        return result, "right, warned" if said else "right"
    return result, f"warned: {error:.0e}" if said else f"WRONG by {error:.1e} of {numpy.abs(theirs).max():.1e}"


def error_of(ours, theirs, *, largest) -> float:
    """The largest error as a share of the largest of some values."""
    size = numpy.where(numpy.abs(largest) < 1e-60, 0.0, numpy.abs(largest)).max()
    gap = numpy.where(numpy.abs(ours - theirs) < 1e-60, 0.0, numpy.abs(ours - theirs)).max()
    return float(gap / size) if size > 0 else float(gap > 0)


def of_refusal(error: InfluenceLabError, right, truth: Truth, problem: Problem) -> str:
    """Whether the reason is the right one."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, NotConverged):
        return "refused" if ("no minimum" in said) <= (not truth.exists) else f"WRONG reason, {said}"
    if isinstance(error, NullSpaceMass):
        return "refused" if right is None or nearly_singular(problem) else f"WRONG reason, {said}"
    if isinstance(error, NotFinite):
        lost = right is None or any(each is None for each in right)
        return "refused" if lost or nearly_singular(problem) else f"WRONG reason, {said}"
    return f"WRONG kind, {said}"


def nearly_singular(problem: Problem) -> bool:
    """Whether some removal leaves a curvature that no float can tell from a singular one.

    In its own units, or in those of the fit's curvature, of which a removal's is what is left.
    """
    model, theta = problem.model, oracle.minimise(problem.model).theta
    bends = oracle.all_parts(model, theta, model.x, model.y)[2]
    whole = oracle.hessian(model, bends, model.w).diagonal()
    for row in range(len(model.w)):
        matrix = oracle.hessian(model, bends, oracle.without(model, row).w)
        for size in (matrix.diagonal(), whole):
            units = numpy.array([1 / each.sqrt() if each else each for each in size], dtype=object)
            values = numpy.linalg.eigvalsh((units[:, None] * matrix * units).astype(float))
            if values[0] < SINGULAR[problem.data.x_train.dtype.itemsize]:
                return True
    return False


def of_slope(results, truth: Truth, verdicts_before) -> str:
    """The slope of truth on prediction, per test point, where both are right."""
    if not all(each.startswith("right") for each in verdicts_before):
        return "unasked"
    try:
        found = compare(results["exact"], results["tightly"]).statistics()["slope"].per_test
    except InvalidData:
        return "refused"
    rows = results["tightly"].trusted.numpy()
    actual = numpy.array([truth.changes[k] for k in numpy.flatnonzero(rows)])
    predicted = truth.influence[rows]
    centred = predicted - predicted.mean(0)
    with numpy.errstate(all="ignore"):
        # Squares of what is below 1e-160 are 0.
        size = numpy.abs(centred).max(0)
        shape = centred / size
        spread = numpy.sqrt((shape**2).mean(0)) * size
        slopes = (shape * actual).sum(0) / (shape**2).sum(0) / size
        # Rounding of values counts against their spread.
        allowed = TOLERANCE * (numpy.abs(slopes) + 1) * numpy.abs(predicted).max() / spread
        allowed = allowed + TOLERANCE * numpy.abs(actual).max() / spread
    wrong = numpy.isfinite(found) & ~(numpy.abs(found - slopes) <= 3 * allowed)
    return f"WRONG slope {found} for {slopes}" if wrong.any() else "right"
