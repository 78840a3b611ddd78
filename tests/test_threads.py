"""How many threads work takes: one where it is small, the user's own where it is large, and afterwards as before."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import numpy
import pytest
import threadpoolctl
import torch
from outcomes import network
from problems import logistic_problem
from small_trial import TRIAL

import influencelab as il
from influencelab import threads
from influencelab.errors import WrongType
from influencelab.experiments.code_version import recipe_version
from influencelab.experiments.job import Job, finish_alone, finish_remote, run_serial
from influencelab.experiments.outcome import outcome_of
from influencelab.experiments.store import from_bytes
from influencelab.influence.estimator import Solver
from influencelab.influence.retrainer import Retrainer
from influencelab.models import derivatives
from influencelab.recipe import unheard
from influencelab.runner.provenance import describe_run
from influencelab.statistics.agreement import statistic
from influencelab.training.first_order import side_by_side

TASK, DATA = logistic_problem(n=12, m=3)
USERS = 3  # threads that the user asked for


def libraries() -> set[int]:
    """The numbers of threads of all libraries, for the Python thread that asks."""
    pools = {pool["num_threads"] for pool in threadpoolctl.threadpool_info()} | {torch.get_num_threads()}
    # MKL is inside torch, where threadpoolctl does not see it.
    return pools | {int(number) for number in re.findall(r"_max_threads\(\) : (\d+)", torch.__config__.parallel_info())}


@pytest.fixture(autouse=True)
def users_number():
    """A user with three threads, as on a machine of three cores."""
    before = torch.get_num_threads()
    with threadpoolctl.threadpool_limits(USERS):
        torch.set_num_threads(USERS)
        yield
        assert libraries() == {USERS}
        torch.set_num_threads(before)


@pytest.fixture
def seen(monkeypatch):
    """What the libraries were at whenever derivatives of the loss were asked for."""
    found = []
    for name in ("gradients", "measures", "hessians", "products", "point_slopes", "measure_gradients"):
        original = getattr(derivatives, name)
        monkeypatch.setattr(
            derivatives, name, lambda *given, of=original, **named: found.append(libraries()) or of(*given, **named)
        )
    return found


@pytest.fixture
def fitted():
    return il.fit(TASK, DATA, il.Newton())


DOORS = {
    "fit": lambda fit: il.fit(TASK, DATA, il.Newton()),
    "estimator": lambda fit: il.Exact().estimate(fit),
    "iterative estimator": lambda fit: il.ConjugateGradient().estimate(fit),
    "sensitivity": lambda fit: il.Exact().sensitivity(fit),
    "retrainer": lambda fit: il.SecondOrder().retrain(fit, il.leave_one_out(12)),
    "curvature": lambda fit: il.Curvature(fit).spectrum(),
    "products": lambda fit: il.Curvature(fit) @ fit.theta[:, None],
}


@pytest.mark.parametrize("door", DOORS)
def test_small_work_takes_one_thread(door, fitted, seen):
    DOORS[door](fitted)
    assert seen
    assert all(numbers == {1} for numbers in seen)


@pytest.mark.parametrize("door", DOORS)
def test_large_work_takes_what_the_user_gave(door, fitted, seen, monkeypatch):
    monkeypatch.setattr(threads, "LARGE", 12 * len(fitted.theta) ** 2)
    DOORS[door](fitted)
    assert seen
    assert all(numbers == {USERS} for numbers in seen)


def test_many_models_or_test_points_make_work_large():
    def inside(**columns):
        with threads.by_size(1000, 10, **columns):
            return libraries()

    assert inside() == inside(columns=10**4) == {1}
    assert inside(columns=10**5) == {USERS}


def test_digits_are_small_and_mnist_is_large():
    def inside(points, parameters):
        with threads.by_size(points, parameters, columns=100):
            return libraries()

    assert inside(1797, 650) == {1}
    assert inside(55_000, 7_840) == {USERS}


def test_statistics_take_one_thread():
    def asked(comparison, weights):
        found.append(libraries())
        return numpy.ones((len(weights), comparison.m))

    found = []
    statistic(network(0).comparison("everything", "exact"), asked)
    assert found
    assert all(numbers == {1} for numbers in found)


def test_an_error_leaves_the_users_number(fitted, monkeypatch):
    def broken(*_, **__):
        raise ArithmeticError

    with pytest.raises(WrongType):
        il.Exact().estimate(DATA)  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr(derivatives, "measure_gradients", broken)
    with pytest.raises(ArithmeticError):
        il.Exact().estimate(fitted)
    assert libraries() == {USERS}


def test_every_estimator_and_retrainer_enters_by_these_doors():
    assert {"estimate"} <= set(vars(Solver))
    assert hasattr(Solver.estimate, "__wrapped__")
    assert hasattr(Retrainer.retrain, "__wrapped__")


def test_python_threads_that_overlap_leave_the_users_number():
    meet, entered = Barrier(2, timeout=60), Barrier(2, timeout=60)

    def first():
        with threads.one_thread():
            entered.wait()
            meet.wait()
            assert torch.get_num_threads() == 1
        meet.wait()

    def second():
        entered.wait()
        with threads.one_thread():
            meet.wait()
            meet.wait()  # the first has left
            assert torch.get_num_threads() == 1

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(first), pool.submit(second)]:
            each.result(timeout=60)
    assert libraries() == {USERS}


def test_python_threads_that_begin_meanwhile_have_the_users_number():
    found = []
    with threads.one_thread():
        beside = Thread(target=lambda: found.append(torch.get_num_threads()))
        beside.start()
        beside.join()
    assert found == [USERS]


def test_parts_that_wait_for_nobody_are_done_side_by_side_by_one_thread_each():
    meet = Barrier(USERS, timeout=60)

    def part(_):
        meet.wait()  # as many at once as the user has threads, or this ends in an error
        return torch.tensor([torch.get_num_threads()]), ()

    with threads.by_size(1, 1):
        found = side_by_side(part, range(USERS))
    assert [numbers.tolist() for numbers, _ in found] == [[1]] * USERS


def facts_of(job, way):
    """The facts of a job that is done in one of the three places."""
    if way == "cluster":
        _, content = finish_remote(job)
        return from_bytes(content).facts  # pyright: ignore[reportAttributeAccessIssue]
    list(run_serial([job], progress=lambda _: unheard)) if way == "here" else finish_alone(job)
    return outcome_of(job.store.find(job.key)).facts


@pytest.mark.slow
@pytest.mark.parametrize("way", ["here", "process", "cluster"])
def test_a_job_takes_one_thread_wherever_it_runs_and_the_manifest_says_so(way, tmp_path, seen, monkeypatch):
    monkeypatch.setattr(threads, "LARGE", 0)
    job = Job("0" * 64, TRIAL, il.Store(tmp_path), "cpu", recipe_version(TRIAL))
    facts = facts_of(job, way)
    assert all(numbers == {1} for numbers in seen)
    assert facts["threads"] == describe_run()["threads"]["trials"] == 1
    assert describe_run()["threads"]["torch"] == USERS
