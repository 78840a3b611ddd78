"""The front page: its examples run, and its table of estimators says what the library refuses."""

import re
from pathlib import Path

import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "example",
    [pytest.param(each, marks=[pytest.mark.slow] * ("Digits" in each)) for each in EXAMPLES],
    ids=["digits", "own data", "fitted by scikit-learn"],
)
def test_an_example_of_the_front_page_runs_and_predicts_what_retraining_gives(example):
    values = {}
    exec(example, values)
    estimate, model = values["estimate"], values["estimate"].fit
    truth = values.get("truth") or il.check(estimate).retrained
    assert truth.converged.all()
    comparison = il.compare(estimate, truth)
    assert model.converged
    assert comparison.statistics(il.Bootstrap(resamples=40))["slope"].median.value == pytest.approx(1.0, abs=0.3)


def fitted(task, trainer, *, labels):
    """A fit of thirty points with these labels."""
    x = torch.randn(35, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return il.fit(task, il.Dataset(x[:30], labels(x)[:30], x[30:], labels(x)[30:]), trainer)


def test_estimators_refuse_what_the_table_says_they_refuse():
    named = {
        name for row in re.findall(r"^\| ([^|]*)\|", README, flags=re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert {"Exact", "NewtonStep", "ConjugateGradient", "LastLayer", "TracIn", "Unrolled", "SameLabel"} <= named
    real = fitted(il.Ridge(weight_decay=0.1), il.Newton(), labels=lambda x: x[:, 0])
    two = fitted(il.BinaryLogistic(weight_decay=0.1), il.Newton(), labels=lambda x: x[:, 0] > 0)
    with pytest.raises(InvalidData, match="classes"):
        il.SameLabel().estimate(real)
    for estimator in (il.TracIn(), il.Unrolled()):
        with pytest.raises(InvalidParameter, match=r"(?i)by '?newton"):
            estimator.estimate(two)
    for estimator in (
        il.Exact(),
        il.NewtonStep(),
        il.ConjugateGradient(),
        il.LastLayer(),
        il.EKFAC(),
        il.GradientDot(),
    ):
        for fit in (real, two):
            assert estimator.estimate(fit).values.shape == (30, 5)
