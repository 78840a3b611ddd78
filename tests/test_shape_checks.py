"""The check of shapes and types while tests run: it refuses a wrong shape in every test, and does not last for ever."""

import numpy
import pytest
from jaxtyping import TypeCheckError
from shape_checks import CALLS

from influencelab.statistics.replicates import row_means


@pytest.mark.parametrize("calls_before", [0, CALLS - 1])
def test_a_wrong_shape_is_refused_among_the_first_calls(calls_before):
    for _ in range(calls_before):
        row_means(numpy.ones((2, 3)))
    with pytest.raises(TypeCheckError, match="row_means"):
        row_means(numpy.ones(3))


def test_later_calls_are_not_checked():
    for _ in range(CALLS):
        row_means(numpy.ones((2, 3)))
    with pytest.raises(IndexError):
        row_means(numpy.ones(()))


def test_the_next_test_is_checked_again():
    with pytest.raises(TypeCheckError, match="row_means"):
        row_means(numpy.ones(()))
