"""Pairs and weights that mean nothing are refused with the cure."""

import jaxtyping
import numpy
import pytest
from scipy_statistics import made

from influencelab.errors import InvalidData, InvalidWeights
from influencelab.statistics.agreement import MEASURES


@pytest.mark.parametrize(("r", "m"), [(0, 2), (5, 0)])
def test_tables_without_removals_or_test_points_are_refused(r, m):
    with pytest.raises(InvalidData, match=f"{r} removals and {m} test points"):
        made(numpy.zeros((r, m)), numpy.zeros((r, m)))


@pytest.mark.parametrize(
    ("actual", "labels", "said"), [((4, 1), 4, r"one shape \(r, m\)"), ((4, 2), 3, r"one per removal: \(4,\)")]
)
def test_pairs_of_unequal_shapes_are_refused_in_words(monkeypatch, actual, labels, said):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as for a user, whose shapes are not checked
    with pytest.raises(InvalidData, match=said):
        made(numpy.ones((4, 2)), numpy.ones(actual), labels=numpy.zeros(labels, dtype=int))


def test_pairs_of_the_mask_that_are_not_finite_are_refused():
    bad = numpy.ones((4, 2))
    bad[2, 1] = numpy.nan
    with pytest.raises(InvalidData, match=r"1 pairs of the mask .* actual value, the first at removal 2, test point 1"):
        made(numpy.ones((4, 2)), bad)


@pytest.mark.parametrize("weights", [-numpy.ones((1, 4)), numpy.full((1, 4), numpy.nan), numpy.ones((1, 5))])
@pytest.mark.parametrize("name", MEASURES)
def test_weights_that_are_no_counts_are_refused(name, weights):
    pairs = made(numpy.ones((4, 2)), numpy.ones((4, 2)), labels=numpy.zeros(4, dtype=int))
    with pytest.raises(InvalidWeights):
        MEASURES[name](pairs, weights)
