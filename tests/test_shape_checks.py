"""The check of shapes and types while tests run: it refuses a wrong one in every test, and does not last for ever."""

import pytest
import torch
from shape_checks import CALLS

from influencelab.models.losses.squared_error import SquaredError

RIGHT, WRONG = torch.zeros(4), torch.zeros(1)


def values(targets: torch.Tensor, times: int = 1) -> list[torch.Tensor]:
    return [SquaredError().values(torch.zeros(1, 4), targets) for _ in range(times)]


@pytest.mark.parametrize("before", [0, CALLS - 1])
def test_a_wrong_shape_is_refused_among_the_first_calls(before):
    values(RIGHT, before)
    with pytest.raises(TypeError, match="values"):
        values(WRONG)


def test_later_calls_are_not_checked():
    values(RIGHT, CALLS)
    assert len(values(WRONG)) == 1


def test_the_next_test_is_checked_again():
    with pytest.raises(TypeError, match="values"):
        values(WRONG)
