"""The one call: a model that was fitted elsewhere in, scores of every training point for every test point out."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import influencelab
from influencelab.data.sparse_rows import row_size
from influencelab.errors import InvalidParameter, WrongType, named, require
from influencelab.experiments.streamed import estimated
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.estimators.conjugate_gradient import ConjugateGradient
from influencelab.influence.estimators.ekfac import EKFAC
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.solves import LONG, SPEED, seconds_of
from influencelab.models.layer_curvature import layered
from influencelab.models.measure import Measure
from influencelab.recipe import Progress
from influencelab.training.cholesky import LARGE
from influencelab.training.fit import Fit
from influencelab.training.trainers.newton import FACTORISED, by_products

__all__ = ["influence"]

AUTO = "auto"
# Parameters from which on conjugate gradients take longer than a factor of each layer.
MANY = 100_000
MEGABYTE = 2**20
# Random ones that stand in for leverages where points are many: each is then known to 9% of itself.
DRAWS = 256


def influence(
    model: Any,
    X: Any = None,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    sample_weight: Any = None,
    measure: Any = None,
    method: Any = AUTO,
    polish: bool = False,
    memory: float = 2 * 2**30,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """What removing each training point would do to each test point, of a model that is fitted already.

    Imagine fitting the model again without point i, by its own class and settings: `values[i, j]` is the predicted rise
    of the loss of test point j (positive where i helps), or of another measure. Ask `.check()` whether to believe it:
    that retrains some.

    Args:
        model: a fitted estimator of scikit-learn, with the data that it was fitted to; results of statsmodels, which
            hold it; or a `Fit`, which does too: `il.from_torch` makes one of a torch module.
        X: features of the training points; large sparse ones stay sparse for linear models.
        y: their labels or targets.
        X_test: features of the points that are watched.
        y_test: their labels or targets.
        sample_weight: as given to the model's own `fit`.
        measure: what is watched: of each test point its `loss`, `margin`, `probability` or `squared_residual`; of all
            `auroc` (smoothed) or `coefficients`; or any `Measure`, such as `il.Coefficients("age")`,
            `il.GroupMeanLoss(…)` or `il.GroupGap(first, second)`. By default the fit's own, which is `loss` unless a
            `Fit` says otherwise.
        method: `auto`, the name of an estimator, or one with settings of its own. By size, `auto` takes the Newton step
            where outputs are linear in the parameters, with leverages by random draws where both these and the points
            are many; else the exact inverse, conjugate gradients, or EK-FAC. The estimate says which and why
            (`chosen`), on the standard error stream too where it takes more than a moment.
        polish: whether to go on from coefficients that are no minimum on this data instead of refusing them.
        memory: bytes that tables of values may take; what is larger is computed in blocks of test points, and rests on
            the disk. The curvature's own p × p numbers, a factor and an inverse, come on top.
        out: a file `.npy` to which all n × m values go; it is there once they all are.
        progress: called as (test points done, test points in all) after each block.

    Raises:
        WrongType: no model that is read; the message says what would answer instead.
        InvalidParameter: unknown measure or method, data beside a `Fit`, no such file, or a budget of nothing.
        InvalidData, InvalidWeights: not the data that it can have been fitted to.
        NotConverged: the model is no minimum on this data.
    """
    given = {"X": X, "y": y, "X_test": X_test, "y_test": y_test, "sample_weight": sample_weight}
    fitted = watching(fit_of(model, given, polish=polish), measure)
    settings: dict[str, Any] = {"memory": memory, "out": out, "progress": progress}
    if method != AUTO:
        return estimated(estimator_of(method, fitted), fitted, **settings)
    estimator, why, seconds = choice(fitted)
    if seconds > LONG:
        print(f"influencelab: {estimator} takes about {seconds:,.0f} s: {why}.", file=sys.stderr)
    return replace(estimated(estimator, fitted, **settings), chosen=why)


def watching(fitted: Fit, measure: Any) -> Fit:
    """The same fit, of which this measure is asked, if one is given."""
    if measure is None:
        return fitted
    watched = influencelab.make(Measure, measure) if isinstance(measure, str) else measure
    require(watched, Measure, what="measure", cure="Name one of " + ", ".join(influencelab.names(Measure)) + ".")
    return replace(fitted, measure=watched)


def fit_of(model: Any, given: dict[str, Any], *, polish: bool) -> Fit:
    """The fit that a model is, by the library that it comes from."""
    if isinstance(model, Fit):
        if beside := [name for name, each in given.items() if each is not None]:
            raise InvalidParameter(f"A Fit holds its own data, and {beside[0]} came beside it. Give the fit alone.")
        if polish:
            raise InvalidParameter("A Fit stands where it is, and polish=True came beside it. Polish it as it is made.")
        return model
    if isinstance(model, torch.nn.Module):
        raise WrongType(
            f"{named(model)} does not say its loss. Make a fit of it: il.influence(il.from_torch(module, loss, X, y, "
            "X_test, y_test))."
        )
    if type(model).__module__.partition(".")[0] == "statsmodels":
        if beside := [name for name in ("X", "y", "sample_weight") if given[name] is not None]:
            raise InvalidParameter(f"Results of statsmodels hold their own data, and {beside[0]} came beside them.")
        return influencelab.from_statsmodels(model, given["X_test"], given["y_test"], polish=polish)
    if missing := [name for name in ("X", "y", "X_test", "y_test") if given[name] is None]:
        raise InvalidParameter(
            f"{missing[0]} is missing. Give the data that the model was fitted to and the points to watch: "
            "il.influence(model, X, y, X_test, y_test)."
        )
    return influencelab.from_sklearn(model, **given, polish=polish)


def estimator_of(method: Any, fitted: Fit) -> Estimator:
    """The estimator that was asked for, by the fit's own convention where it knows only one."""
    if not isinstance(method, str):
        require(method, Estimator, what="method", cure=f"Name one of {AUTO}, {known()}.")
        return method
    held = {"convention": fitted.convention} if method == "newton_step" and fitted.convention else {}
    return influencelab.make(Estimator, method, **held)


def known() -> str:
    """All estimators, as an error lists them."""
    return ", ".join(influencelab.names(Estimator))


def choice(fitted: Fit) -> tuple[Estimator, str, float]:
    """The estimator that suits the size of a fit, why, and about how many seconds it takes on one core."""
    data, p = fitted.data, len(fitted.theta)
    outputs = fitted.task.output_loss.size(data)
    row = row_size(data.x_train, dense=p)
    gradients = 2.0 * data.n * (outputs + len(fitted.measures())) * row
    # The curvature and every point's own leverage, a block for each pair of outputs, of which half mirror the others,
    # and nearly half of each block the rest.
    factored = (1.2 * data.n * (1 + 1 / outputs) * row * p + p**3 + gradients) / SPEED
    # A factor and an inverse, beside a matrix that is kept where it is not large.
    memory = f"{max(1, round((2 + (p**2 < LARGE)) * 8 * p**2 / MEGABYTE)):,} MB"
    if fitted.task.linear and p <= FACTORISED:
        why = f"since the outputs are linear in {p:,} parameters, whose curvature fits in {memory}"
        return NewtonStep(convention=fitted.convention or "drop"), why, factored
    if p <= FACTORISED:
        return Exact(), f"since the curvature of {p:,} parameters fits in {memory}", factored
    if by_products(fitted.task, fitted.theta):
        return by_solving(fitted)
    if p > MANY and not fitted.task.linear and layered(fitted.task, data, fitted.theta):
        why = f"since {p:,} parameters are too many for more than a factor of each layer"
        return EKFAC(), why, 10 * gradients / SPEED
    why = f"since the curvature of {p:,} parameters would take {memory}"
    return ConjugateGradient(), why, 200 * gradients / SPEED


def by_solving(fitted: Fit) -> tuple[Estimator, str, float]:
    """The Newton step where conjugate gradients solve: for each point, or for random draws where points are many."""
    n, convention = fitted.data.n, fitted.convention or "drop"
    why = f"since the outputs are linear in {len(fitted.theta):,} parameters, and {n:,} points "
    if (by_points := seconds_of(fitted, n)) <= LONG:
        return NewtonStep(convention=convention), f"{why}few enough to solve for each", by_points
    why += f"many: each leverage is known to {(2 / DRAWS) ** 0.5:.0%} of itself, by {DRAWS} draws"
    return NewtonStep(convention=convention, draws=DRAWS), why, seconds_of(fitted, DRAWS + len(fitted.measures()))
