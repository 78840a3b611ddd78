"""The contract for anyone's estimator: right ones meet it, and each mistake is refused in words that name it."""

import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import count
from unittest import SkipTest

import jaxtyping
import numpy
import pytest
import torch

import influencelab as il
from influencelab.errors import UnknownName, WrongType
from influencelab.testing import INFLUENCE, NEWTON_STEP, ORDER, EstimatorContract, examine
from influencelab.testing.contract import ROWS, calls, truth
from influencelab.testing.diagnosis import diagnosis
from influencelab.testing.impostors import IMPOSTORS, NEED_CLASSES, Impostor
from influencelab.testing.problems import PROBLEMS, SEVERAL_OUTPUTS

# Each with the bounds that it is held to and the removals that it predicts.
RIGHT = {
    "exact": (il.Exact(), INFLUENCE, "drop"),
    "exact, renormalised": (il.Exact(), INFLUENCE, "renormalise"),
    "conjugate gradients": (il.ConjugateGradient(), INFLUENCE, "drop"),
    "arnoldi": (il.Arnoldi(), INFLUENCE, "drop"),
    "newton step": (il.NewtonStep(), NEWTON_STEP, "drop"),
    "newton step, renormalised": (il.NewtonStep(convention="renormalise"), NEWTON_STEP, "renormalise"),
}
DAMPED = [name for name in IMPOSTORS if "damping" in name]


def right(fitted):
    """Scores of a function that makes no mistake."""
    return il.Exact().estimate(fitted).values.numpy()


class TestOurs(EstimatorContract):
    """What a user writes; of an estimator that has every setting, so that no clause is left out."""

    estimator = il.Exact()


class Function(EstimatorContract):
    """The same of a plain function, which is not bound to the class."""

    estimator = right


@pytest.mark.parametrize("name", RIGHT)
def test_our_estimators_meet_the_contract(name):
    estimator, bounds, convention = RIGHT[name]
    assert examine(estimator, bounds=bounds, convention=convention) == {}


def test_a_function_is_asked_all_but_what_its_settings_would_say():
    refused = []
    for name, clause in calls(Function()):
        try:
            clause()
        except SkipTest:
            refused.append(name)
    assert len(refused) == 2


def test_scores_that_only_rank_are_held_to_their_order_alone():
    assert examine(lambda fitted: 7 * right(fitted) + 1e-4, bounds=ORDER) == {}
    wrong = examine(il.GradientDot(), bounds=ORDER)
    assert "a fit that is no minimum is refused unless allowed" not in wrong
    assert "curvature is left out" in wrong["scores are what retraining gives: binary logistic"]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_impostor_is_refused_and_named_on_every_problem(problem):
    fitted, actual = PROBLEMS[problem](), truth(problem)
    for mistake, make in IMPOSTORS.items():
        if mistake in DAMPED or (mistake in NEED_CLASSES and problem not in SEVERAL_OUTPUTS):
            continue
        said = make(fitted).values.numpy()[ROWS]
        assert str(make.__doc__) in diagnosis(fitted, said, actual, rows=ROWS, bounds=INFLUENCE), mistake


@pytest.mark.parametrize("mistake", DAMPED)
def test_an_impostor_of_another_damping_is_refused_and_named(mistake):
    wrong = examine(Impostor(mistake=mistake))
    assert any(str(IMPOSTORS[mistake].__doc__) in words for words in wrong.values()), wrong


@dataclass(frozen=True)
class Careless(il.Estimator):
    """It says a damping and adds a hundredth of it, and takes any fit."""

    damping: float = 0.0

    def estimate(self, fit):
        """The exact inverse at a damping of its own."""
        found = il.Exact(damping=self.damping / 100, allow_unconverged=True).estimate(fit)
        return replace(found, damping=self.damping)


def test_an_estimator_that_says_another_damping_and_takes_any_fit_fails_those_two_clauses_alone():
    wrong = examine(Careless())
    assert set(wrong) == {
        "a fit that is no minimum is refused unless allowed",
        "the damping that it says is the damping that it adds",
    }
    assert "require_converged" in wrong["a fit that is no minimum is refused unless allowed"]
    assert "is not what it adds" in wrong["the damping that it says is the damping that it adds"]


def written_over(fitted):
    """Right scores, and a penalty added to θ in place."""
    found = right(fitted)
    fitted.theta.mul_(1.5)
    return found


CALLS = count()
MISTAKES = {
    "transposed": (lambda fitted: right(fitted).T, "They are transposed: give a row a training point"),
    "one column": (lambda fitted: right(fitted)[:, 0], r"Scores are \(200,\), expected \(200, 4\)"),
    "not a number": (lambda fitted: right(fitted) * numpy.nan, r"800 of 800 scores are NaN"),
    "sign": (lambda fitted: -right(fitted), "Values are negative influences: the sign is turned"),
    "sign of a Newton step": (
        lambda fitted: -il.NewtonStep().estimate(fitted).values,
        "Values are negative influences: the sign is turned",
    ),
    "sum in place of mean": (lambda fitted: 200 * right(fitted), "the weight 1/n of a training point is missing"),
    "three times": (lambda fitted: 3 * right(fitted), r"values are 2\.9\d* times too large"),
    "constant": (lambda fitted: right(fitted) + 0.25, r"A constant is added to all values of a test point: 0\.25"),
    "equal weights": (
        lambda fitted: right(fitted) / fitted.weights[:, None].numpy() * float(fitted.weights.mean()),
        "those of equal weights: take the weights of the fit",
    ),
    "rows by their labels": (
        lambda fitted: right(fitted)[numpy.argsort(fitted.data.y_train.numpy(), kind="stable")],
        "depend on the order in which training points stand",
    ),
    "compared with others": (
        lambda fitted: right(fitted) - right(fitted).mean(1, keepdims=True),
        "depend on which other test points there are",
    ),
    "drawn anew": (lambda fitted: right(fitted) * (1 + 1e-6 * next(CALLS)), "Fix the seed"),
    "no numbers": (lambda _: "scores", "scores is the text 'scores', expected numbers"),
    "written over": (written_over, "The fit was written over: theta. Work on copies"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_a_function_is_said_in_plain_words(mistake):
    estimator, words = MISTAKES[mistake]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError("\n".join(examine(estimator).values()))


def test_an_approximate_estimator_is_told_its_mistake_too():
    """Scores that no impostor has to the digit, such as of an iteration stopped early, with the sign turned."""
    noise = 1 + 0.03 * torch.randn(200, 4, generator=torch.Generator().manual_seed(0)).numpy()
    assert examine(lambda fitted: noise[: fitted.data.n, : fitted.data.m] * right(fitted)).keys() <= {
        "a training point has one score wherever it stands"
    }
    wrong = examine(lambda fitted: -noise[: fitted.data.n, : fitted.data.m] * right(fitted))
    assert "the sign is turned" in wrong["scores are what retraining gives: ridge"]


@pytest.mark.parametrize(
    ("estimator", "settings", "error", "words"),
    [
        (None, {}, WrongType, "estimator is None, expected an Estimator. Name one in the class"),
        (il.Exact, {}, WrongType, r"is the class Exact, expected an Estimator. Call it: Exact\(…\)"),
        ("exact", {}, WrongType, "is the text 'exact'"),
        (right, {"bounds": 0.1}, WrongType, r"bounds is 0\.1, expected a Bounds"),
        (right, {"convention": "keep"}, UnknownName, "No convention is named 'keep'"),
    ],
)
def test_what_is_no_estimator_is_refused(estimator, settings, error, words, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as users run it
    with pytest.raises(error, match=words):
        examine(estimator, **settings)


def test_every_test_of_the_contract_is_a_clause_of_the_one_call():
    clauses = [name for name, _ in calls(TestOurs())]
    tests = [name for name in vars(EstimatorContract) if name.startswith("test_")]
    assert len(clauses) == len(set(clauses)) == len(tests) + len(PROBLEMS) - 1


NEWCOMER = """import influencelab.testing
from mine import Wrong, right

class TestRight(influencelab.testing.EstimatorContract):
    estimator = right

class TestWrong(influencelab.testing.EstimatorContract):
    estimator = Wrong()
"""
MINE = """from dataclasses import dataclass, replace

import influencelab as il

def right(fitted):
    return il.Exact().estimate(fitted).values

@dataclass(frozen=True)
class Wrong(il.Estimator):
    def estimate(self, fit):
        found = il.Exact(allow_unconverged=self.allow_unconverged).estimate(fit)
        return replace(found, values=-found.values, slopes=-found.slopes)
"""


@pytest.mark.slow
def test_a_newcomers_five_lines_are_tests_and_their_failures_say_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)  # such as --shuffle, which is known here alone
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "test_mine.py").write_text(NEWCOMER)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "5 failed, 16 passed, 3 skipped" in done.stdout, done.stdout
    assert "Values are negative influences: the sign is turned" in done.stdout
    assert "TestRight::test_scores" not in done.stdout
