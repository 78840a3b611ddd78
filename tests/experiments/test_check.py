"""A check of some removals says whether to believe an estimate, and is right about good models and bad ones."""

from dataclasses import replace
from functools import partial

import numpy
import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.experiments.check import NOT, OPEN, RANKS, SIZE, judged
from influencelab.models.task import Task
from influencelab.statistics.measurement import Measurement
from influencelab.testing.impostors import IMPOSTORS, Impostor

SOURCES = {
    "iris": partial(il.Iris, scaling="standard"),
    "wine": partial(il.Wine, scaling="standard"),
    "cancer": partial(il.BreastCancer, scaling="standard"),
}


checked = partial(il.check, bootstrap=il.Bootstrap(resamples=100))


def problem(name: str, *, decay: float, seed: int = 0) -> tuple[Task, il.Dataset]:
    """A linear model on real data."""
    data = SOURCES[name](seed=seed).load()
    task = il.BinaryLogistic if data.classes == 2 else il.Logistic
    return task(weight_decay=decay), data


def estimated(fit: il.Fit, **settings: object) -> il.Estimate:
    return il.NewtonStep(allow_unconverged=True, **settings).estimate(fit)


def mostly_long(cases: list) -> list:
    """The cases, of which every fourth is quick."""
    long = [pytest.mark.slow, pytest.mark.exhaustive]
    return [pytest.param(case, marks=long if number % 4 else ()) for number, case in enumerate(cases)]


def named(fault: partial) -> str:
    return f"{fault.func.__name__}-{fault.args}-{fault.keywords}"


CONVERGED = [(name, decay, seed) for name in SOURCES for decay in (1e-3, 1e-2, 1e-1) for seed in (0, 1)]


@pytest.mark.parametrize("case", mostly_long(CONVERGED), ids=str)
def test_a_converged_model_is_believed(case):
    name, decay, seed = case
    fit = il.fit(*problem(name, decay=decay, seed=seed), il.Newton())
    # Of few points the interval may be too wide to say; more of them say it.
    found = next(found for points in (20, 60) if (found := checked(estimated(fit), points=points)).believe != OPEN)
    assert found.believe == SIZE
    assert found.sentence.startswith("Believe order and size: ")


@pytest.mark.parametrize("seed", range(2))
def test_a_network_at_a_minimum_is_believed_at_least_in_its_order(seed):
    data = il.Iris(scaling="standard").load()
    fit = il.fit(il.MLP(width=4, weight_decay=0.01), data, il.Sequential(), seed=seed)
    assert fit.converged
    assert checked(il.Exact().estimate(fit)).believe in (SIZE, RANKS)


def stopped(name: str, *, steps: int = 5) -> il.Fit:
    """A model after a few steps of gradient descent."""
    task, data = problem(name, decay=1e-3)
    return il.fit(task, data, il.GradientDescent(steps=steps))


def other_penalty(name: str) -> il.Fit:
    """Parameters that were fitted with ten times the penalty."""
    task, data = problem(name, decay=1e-2)
    theirs = il.fit(task, data, il.Newton())
    return il.fit_at(replace(task, weight_decay=1e-3), data, theirs.theta, trainer=il.Newton())


def lost_weights(name: str) -> il.Fit:
    """Parameters that were fitted with weights of points that are not handed in."""
    task, data = problem(name, decay=1e-2)
    weights = numpy.random.default_rng(0).gamma(1.0, size=data.n)
    theirs = il.fit(task, data, il.Newton(), weights=weights / weights.sum())
    return il.fit_at(task, data, theirs.theta, trainer=il.Newton())


def stopped_network(name: str, *, seed: int = 0) -> il.Fit:
    """A network with kinks, stopped early."""
    data = SOURCES[name]().load()
    task = il.MLP(width=5, activation="relu", weight_decay=1e-3)
    return il.fit(task, data, il.GradientDescent(learning_rate=0.1, steps=50), seed=seed)


FAULTS = [partial(fault, name) for fault in (stopped, other_penalty, lost_weights, stopped_network) for name in SOURCES]
FAULTS += [partial(stopped, name, steps=50) for name in SOURCES]
FAULTS += [partial(stopped_network, name, seed=seed) for name in ("iris", "wine") for seed in (1, 2)]
FAULTS += [partial(stopped_network, "wine", seed=3)]


@pytest.mark.parametrize(
    "fault", mostly_long(FAULTS), ids=lambda fault: f"{fault.func.__name__}-{fault.args}-{fault.keywords}"
)
@pytest.mark.filterwarnings("ignore")
def test_a_model_with_a_fault_is_not_believed(fault):
    points = 5 if fault.func is stopped_network else 20  # it takes thousands of steps to see that none is a minimum
    found = checked(il.Exact(allow_unconverged=True, damping=1e-3).estimate(fault()), points=points)
    assert found.believe == NOT
    assert found.sentence.startswith("Do not believe these scores: ")


# Other dampings are other questions, not wrong answers to this one.
@pytest.mark.parametrize("mistake", sorted(name for name in IMPOSTORS if "damping" not in name))
def test_an_estimator_that_is_wrong_is_not_believed_in_its_size(mistake):
    fit = il.fit(*problem("iris", decay=1e-2), il.Newton())
    assert checked(Impostor(mistake=mistake).estimate(fit)).believe != SIZE


@pytest.mark.parametrize(
    ("order", "slope", "believed"),
    [
        ((0.9, 0.99), (0.9, 1.1), SIZE),
        ((0.9, 0.99), (1.3, 2.0), RANKS),
        ((0.9, 0.99), (1.1, 1.5), OPEN),
        ((0.7, 0.9), (0.9, 1.1), OPEN),
        ((0.2, 0.7), (0.9, 1.1), NOT),
        ((0.9, 0.99), None, RANKS),
    ],
)
def test_what_is_believed_is_what_whole_intervals_show(order, slope, believed):
    def between(ends: tuple[float, float]) -> Measurement:
        return Measurement(sum(ends) / 2, *ends)

    assert judged(between(order), slope and between(slope), between((-0.01, 0.01))) == believed


def test_scores_that_only_rank_have_no_size_to_believe():
    fit = il.fit(*problem("iris", decay=1e-1), il.Newton())
    found = checked(il.GradientCosine().estimate(fit))
    assert found.slope is found.offset is None
    assert found.believe in (NOT, OPEN, RANKS)
    assert "times the size" not in found.sentence


def test_the_draw_is_that_of_the_seed_and_all_points_are_the_most():
    estimate = estimated(il.fit(*problem("iris", decay=1e-1), il.Newton()))
    first, again, other = (checked(estimate, seed=seed).comparison.train_ids.tolist() for seed in (0, 0, 1))
    assert first == again != other
    assert checked(estimate, points=10**6).comparison.r == estimate.fit.data.n


def test_too_few_points_are_refused():
    estimate = estimated(il.fit(*problem("iris", decay=1e-1), il.Newton()))
    with pytest.raises(InvalidParameter, match="expected 5 or more"):
        checked(estimate, points=4)


@pytest.mark.filterwarnings("ignore")
def test_effects_that_are_all_nothing_are_no_reason_to_believe():
    _, data = problem("iris", decay=1e-1)
    blind = replace(data, x_test=torch.zeros_like(data.x_test))
    fit = il.fit(il.Logistic(weight_decay=1e-1, intercept=False), blind, il.Newton())
    assert checked(estimated(fit)).believe == NOT
