"""What an estimator of anyone's must meet, as tests that pytest finds and as one call."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache, partial
from typing import Any
from unittest import SkipTest

import numpy
import torch
from jaxtyping import Float

from influencelab.data.conversion import numbers_in
from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import leave_one_out
from influencelab.errors import InfluenceLabError, NotConverged, require, unknown
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.testing import oracles
from influencelab.testing.bounds import INFLUENCE, Bounds, faults
from influencelab.testing.diagnosis import diagnosis, distance
from influencelab.testing.problems import PROBLEMS, logistic_problem
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.newton import Newton

# Every seventh point: random with respect to everything, as the points of a problem come in random order.
ROWS, FEWER = list(range(0, 200, 7)), list(range(0, 100, 9))
# The problem of clauses that need one only, and the damping and the total weight that two of them give.
ONE, DAMPING, TOTAL = "logistic with intercepts", 0.05, 2.0
# Shares of their size by which scores may differ from call to call, and by which they may where all else may differ.
REPEATED, LOOSEST = 1e-9, 0.1
PARTS = ("x_train", "y_train", "x_test", "y_test")
CURE = "Name one in the class, estimator = MyEstimator(), or a function that takes a fit and returns scores (n m)."


class EstimatorContract:
    """Tests of one estimator: on small problems it says what retraining gives, and it behaves as an estimator should.

    Derive a class of tests from it that pytest collects, and name the estimator there:

        class TestMine(influencelab.testing.EstimatorContract):
            estimator = MyEstimator()

    A test that fails says in plain words which clause is not met and, where the mistake is a known one, what it is.

    Attributes:
        estimator: an `Estimator`, or a function that takes a `Fit` and returns scores (n m): row i, column j is the
            predicted rise of the loss of test point j if training point i were removed.
        bounds: how far the scores may be from what retraining gives. `INFLUENCE` for what is right to first order,
            `NEWTON_STEP` for what also takes out the point's own curvature, `ORDER` for scores that only rank.
        convention: which removals are predicted: `drop`, or `renormalise`, where the weights of others grow.
    """

    estimator: Any = None
    bounds: Bounds = INFLUENCE
    convention: str = "drop"

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """A test a problem, where a test asks for one."""
        if "problem" in metafunc.fixturenames:
            metafunc.parametrize("problem", PROBLEMS)

    def test_scores_have_a_row_a_training_point_and_a_column_a_test_point(self) -> None:
        """Finite numbers, n × m."""
        self.scores(PROBLEMS[ONE]())

    def test_scores_are_what_retraining_gives(self, problem: str) -> None:
        """Order, size, sign and error of the scores, against an independent Newton without each of some points."""
        fitted = PROBLEMS[problem]()
        said, damping = self.predicted(fitted, ROWS)
        actual = damped(problem, damping)[ROWS] if damping else truth(problem, self.convention)
        wrong = diagnosis(fitted, said, actual, rows=ROWS, bounds=self.bounds)
        assert not wrong, f"On the problem '{problem}' scores are not what retraining gives. {wrong}"

    def test_unequal_training_weights_are_understood(self) -> None:
        """The weight of a point is the fit's own, and not 1/n."""
        fitted = weighted()
        said, damping = self.predicted(fitted, FEWER)
        if damping:
            raise SkipTest("Truth is that of models without damping.")
        actual = weighted_truth(self.convention)
        wrong = diagnosis(fitted, said, actual, rows=FEWER, bounds=self.bounds)
        mended = said * (fitted.weights[FEWER, None] / fitted.weights.mean()).numpy()
        if wrong and not faults(mended, actual, bounds=self.bounds):
            wrong = f"They are those of equal weights: take the weights of the fit, not 1/n. {wrong}"
        assert not wrong, f"Where training weights are unequal scores are not what retraining gives. {wrong}"

    def test_a_training_point_has_one_score_wherever_it_stands(self) -> None:
        """The same points in another order, and a model that was fitted to them so."""
        fitted = PROBLEMS[ONE]()
        order = torch.arange(fitted.data.n).flip(0)
        names = ("x_train", "y_train", "train_ids")
        turned = replace(fitted.data, **{name: getattr(fitted.data, name)[order] for name in names})
        again = self.scores(fit(fitted.task, turned, fitted.trainer))[order.numpy()]
        self.alike(self.scores(fitted), again, "Scores depend on the order in which training points stand")

    def test_a_test_point_has_one_score_whatever_else_is_watched(self) -> None:
        """Only two of the test points, in another order."""
        fitted = PROBLEMS[ONE]()
        some = torch.tensor([2, 0])
        names = ("x_test", "y_test", "test_ids")
        fewer = replace(fitted.data, **{name: getattr(fitted.data, name)[some] for name in names})
        again = self.scores(fit(fitted.task, fewer, fitted.trainer))
        whole = self.scores(fitted)[:, some.numpy()]
        self.alike(whole, again, "Scores of a test point depend on which other test points there are")

    def test_the_same_call_gives_the_same_scores(self) -> None:
        """Seeds are settings: nothing is drawn from the world."""
        first, second = (self.scores(PROBLEMS[ONE]()) for _ in range(2))
        gap = distance(second, first)
        assert gap <= REPEATED, f"The same call gives other scores, by {gap:.1e} of their size. Fix the seed."

    def test_the_fit_is_left_as_it_was(self) -> None:
        """Parameters, weights and data are read, not written."""
        given = fresh(PROBLEMS[ONE]())
        before = {name: part.clone() for name, part in tensors(given).items()}
        self.result(given)
        changed = [name for name, part in tensors(given).items() if not part.equal(before[name])]
        assert not changed, f"The fit was written over: {', '.join(changed)}. Work on copies."

    def test_a_fit_that_is_no_minimum_is_refused_unless_allowed(self) -> None:
        """The theory needs a minimum; a function, which has no setting to allow it, is not asked."""
        estimator = self.named()
        if not isinstance(estimator, Estimator):
            raise SkipTest("Only an Estimator has the setting allow_unconverged.")
        rough = fit(*logistic_problem(), Newton(tolerance=1e-10, max_steps=1))
        try:
            found = replace(estimator, allow_unconverged=False).estimate(rough)
        except NotConverged:
            return self.allows(replace(estimator, allow_unconverged=True), rough)
        if found.unit == "none":
            raise SkipTest("Scores that only rank claim nothing of minima.")
        raise AssertionError(
            f"A fit with ‖∇J‖ = {rough.grad_norm:.1e}, no minimum, was taken without a word. Begin with "
            "require_converged(fit, allow_unconverged=self.allow_unconverged)."
        )

    def allows(self, estimator: Estimator, rough: Fit) -> None:
        """Refuse an estimator that takes no such fit although it is asked to."""
        try:
            estimator.estimate(rough)
        except NotConverged as error:
            raise AssertionError(
                f"allow_unconverged=True was given, and the fit is refused all the same: {error}"
            ) from error

    def test_the_damping_that_it_says_is_the_damping_that_it_adds(self) -> None:
        """Of an estimator with a setting `damping`: (C + damping I)⁻¹, to first order."""
        estimator = self.named()
        if not isinstance(estimator, Estimator) or "damping" not in {field.name for field in fields(estimator)}:
            raise SkipTest("The estimator has no setting 'damping'.")
        fitted = PROBLEMS[ONE]()
        estimate = replace(estimator, damping=DAMPING).estimate(fitted)
        assert estimate.damping == DAMPING, f"It was asked for damping {DAMPING}, and says {estimate.damping}."
        if estimate.slopes is None:
            raise SkipTest("Truth is that of estimates to first order, which have slopes.")
        said = predicted(estimate, ROWS, "drop")
        wrong = diagnosis(fitted, said, damped(ONE, DAMPING)[ROWS], rows=ROWS, bounds=self.bounds)
        assert not wrong, f"The damping that it says is not what it adds to the curvature. {wrong}"

    def named(self) -> Any:
        """The estimator that the class names, also where it is a plain function."""
        given = inspect.getattr_static(type(self), "estimator", None)
        given = given.__func__ if isinstance(given, staticmethod) else given
        require(self.bounds, Bounds, what="bounds", cure="Give one such as influencelab.testing.INFLUENCE.")
        if self.convention not in CONVENTIONS:
            raise unknown("convention", str(self.convention), CONVENTIONS)
        if not callable(given) or isinstance(given, type):
            require(given, Estimator, what="estimator", cure=CURE)
        return given

    def result(self, fitted: Fit) -> Any:
        """What the estimator gives for a fit: an `Estimate`, or scores as an array (n m), of which all is checked."""
        estimator = self.named()
        found = estimator.estimate(fitted) if isinstance(estimator, Estimator) else estimator(fitted)
        values = numbers_in(found.values if isinstance(found, Estimate) else found, what="scores").detach().cpu()
        wanted, seen = (fitted.data.n, fitted.data.m), tuple(values.shape)
        turned = " They are transposed: give a row a training point and a column a test point." * (seen[::-1] == wanted)
        assert seen == wanted, f"Scores are {seen}, expected {wanted}, training × test points.{turned}"
        bad = int((~values.isfinite()).sum())
        assert not bad, f"{bad} of {values.numel()} scores are NaN or infinite. Refuse the fit, or solve with damping."
        return found if isinstance(found, Estimate) else values.double().numpy()

    def scores(self, fitted: Fit) -> Float[numpy.ndarray, "n m"]:
        """The values for a fit, of which the estimator is given a copy."""
        found = self.result(fresh(fitted))
        return found.values.detach().cpu().double().numpy() if isinstance(found, Estimate) else found

    def predicted(self, fitted: Fit, rows: list[int]) -> tuple[Float[numpy.ndarray, "r m"], float]:
        """The predicted rise of each test loss without each of these points, and the damping that was added."""
        found = self.result(fresh(fitted))
        if isinstance(found, Estimate):
            return predicted(found, rows, self.convention), found.damping
        return found[rows], 0.0

    def alike(self, one: numpy.ndarray, other: numpy.ndarray, what: str) -> None:
        """Refuse scores that should be the same, and differ by more than the scores may be from the truth."""
        gap, most = distance(other, one), min(self.bounds.error, LOOSEST)
        assert gap <= most, f"{what}: they differ by {gap:.2g} of their size (at most {most:.2g})."


def examine(estimator: Any, *, bounds: Bounds = INFLUENCE, convention: str = "drop") -> dict[str, str]:
    """What is wrong with an estimator, without pytest: each clause of `EstimatorContract` that is not met, and why.

    Args:
        estimator: an `Estimator`, or a function of a `Fit`.
        bounds: how far the scores may be from what retraining gives.
        convention: which removals are predicted.

    Raises:
        WrongType: no estimator.
        UnknownName: no such convention.
    """
    held = {"estimator": estimator, "bounds": bounds, "convention": convention}
    examined = type("Examined", (EstimatorContract,), held)()
    examined.named()
    wrong = {}
    for clause, call in calls(examined):
        try:
            call()
        except (AssertionError, InfluenceLabError) as error:
            wrong[clause] = str(error)
        except SkipTest:
            pass
    return wrong


def calls(examined: EstimatorContract) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every clause by its name in words, on every problem that it asks for."""
    for name, method in inspect.getmembers(examined, inspect.ismethod):
        words = name.removeprefix("test_").replace("_", " ")
        if name == "test_scores_are_what_retraining_gives":
            yield from ((f"{words}: {problem}", partial(method, problem)) for problem in PROBLEMS)
        elif name.startswith("test_"):
            yield words, method


def predicted(estimate: Estimate, rows: list[int], convention: str) -> Float[numpy.ndarray, "r m"]:
    """What an estimate says of the removal of each of these points."""
    removals = leave_one_out(estimate.fit.data.n, rows=rows, convention=convention)
    return estimate.predict(removals).detach().cpu().double().numpy()


def tensors(fitted: Fit) -> dict[str, torch.Tensor]:
    """All numbers that an estimator might write over."""
    data = {name: getattr(fitted.data, name) for name in PARTS}
    return {"theta": fitted.theta, "weights": fitted.weights, **data}


def fresh(fitted: Fit) -> Fit:
    """The same fit with tensors of its own, since problems are shared."""
    data = replace(fitted.data, **{name: getattr(fitted.data, name).clone() for name in PARTS})
    return replace(fitted, theta=fitted.theta.clone(), weights=fitted.weights.clone(), data=data)


@cache
def truth(problem: str, convention: str = "drop") -> Float[numpy.ndarray, "r m"]:
    """What the independent Newton says of the removal of each of ROWS."""
    fitted = PROBLEMS[problem]()
    model, points = oracles.linear(fitted.task, fitted.data), oracles.points_of(fitted.data)
    return oracles.removal_changes(model, points, [[row] for row in ROWS], convention=convention)


@cache
def damped(problem: str, damping: float) -> Float[numpy.ndarray, "n m"]:
    """What every removal does to first order at this damping, by dense algebra."""
    fitted = PROBLEMS[problem]()
    model, points = oracles.linear(fitted.task, fitted.data), oracles.points_of(fitted.data)
    return oracles.influence(model, fitted.theta.numpy(), points, damping=damping)


@cache
def weighted() -> Fit:
    """A model whose training points weigh from once to three times as much, 2 in all and not 1."""
    task, data = logistic_problem(n=100, m=3, weight_decay=0.3 * TOTAL)
    weights = torch.linspace(0.5, 1.5, 100, dtype=torch.float64)
    return fit(task, data, Newton(tolerance=1e-10), weights=weights * TOTAL / weights.sum())


@cache
def weighted_truth(convention: str) -> Float[numpy.ndarray, "r m"]:
    """What the independent Newton says of the removal of each of FEWER from it."""
    fitted = weighted()
    model, points = oracles.linear(fitted.task, fitted.data), oracles.points_of(fitted.data, fitted.weights.numpy())
    return oracles.removal_changes(model, points, [[row] for row in FEWER], convention=convention)
