"""A store remembers statistics: to the last bit, and only of the same numbers compared in the same way."""

from dataclasses import asdict

import numpy
import pytest
from outcomes import network

from influencelab.experiments import remembered_statistics
from influencelab.experiments.remembered_statistics import remembered
from influencelab.experiments.store import Store
from influencelab.experiments.tables import agreements
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison

BOOTSTRAP = Bootstrap(resamples=60)


@pytest.fixture
def counted(monkeypatch):
    """How often statistics were computed."""
    found, original = [], Comparison.statistics
    monkeypatch.setattr(Comparison, "statistics", lambda self, way: found.append(1) or original(self, way))
    return found


def same(first, second) -> bool:
    """Equal bits are the promise: bytes that were stored and read."""
    numpy.testing.assert_equal(*({name: asdict(each) for name, each in found.items()} for found in (first, second)))
    return list(first) == list(second)


def test_what_is_read_is_what_was_found(tmp_path, counted):
    # One of the networks predicts the same of all points, so that correlations are NaN.
    networks = {(0,): network(0), (1,): network(1, constant=True)}
    first = agreements(networks, ("seed",), bootstrap=BOOTSTRAP, store=tmp_path)
    assert counted
    count = len(counted)
    again = agreements(networks, ("seed",), bootstrap=BOOTSTRAP, store=tmp_path)
    assert len(counted) == count
    plain = agreements(networks, ("seed",), bootstrap=BOOTSTRAP)
    assert all(same(one.statistics, two.statistics) for one, two in zip(first, again, strict=True))
    assert all(same(one.statistics, two.statistics) for one, two in zip(plain, again, strict=True))


def test_other_numbers_draws_or_code_are_computed(tmp_path, counted, monkeypatch):
    store, comparison = Store(tmp_path), network(0).comparison("everything", "exact")
    remembered(comparison, BOOTSTRAP, store=store)
    moved = network(0)
    moved.actual["warm"][0, 0] += 1e-12
    remembered(moved.comparison("everything", "exact"), BOOTSTRAP, store=store)
    remembered(comparison, Bootstrap(resamples=60, seed=1), store=store)
    monkeypatch.setattr(remembered_statistics, "code", lambda: "another")
    remembered(comparison, BOOTSTRAP, store=store)
    assert len(counted) == 4
