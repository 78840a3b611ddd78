"""Whatever small convex problem comes, at any scale: each answer is right, refused, or warned of."""

import os

import pytest
from hypothesis import given, settings
from random_problems import Setting, any_setting, problem
from verdicts import truth_of, verdicts

# A thousand take about ten minutes: RANDOM_PROBLEMS=1000.
COUNT = int(os.environ.get("RANDOM_PROBLEMS", "50"))


@pytest.mark.slow
@settings(max_examples=COUNT)
@given(any_setting())
def test_no_answer_is_wrong_in_silence(setting: Setting):
    posed = problem(setting)
    found = verdicts(posed, truth_of(posed))
    assert not {name: said for name, said in found.items() if said.startswith("WRONG")}
