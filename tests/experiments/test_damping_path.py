"""A damping path is exact influence at each damping, its dampings shares of the fit's own largest eigenvalue."""

from dataclasses import replace

import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.experiments.damping_path import DampingPath, ExactAtShare

SHARES = (1e-12, 1e-3, 1e6)


TRIAL = il.Trial(
    source=il.Iris(scaling="standard", train_size=30, test_size=5),
    task=il.MLP(weight_decay=1e-2, depth=1, width=2),
    trainer=il.Sequential(),
    estimators={"exact": il.Exact(), "gradient_dot": il.GradientDot()},
)


@pytest.fixture(scope="module")
def outcome():
    return DampingPath(TRIAL, shares=SHARES).run()


def test_a_path_trains_once(monkeypatch):
    trained, train = [], il.Sequential.train
    monkeypatch.setattr(il.Sequential, "train", lambda *each: trained.append(1) or train(*each))
    DampingPath(replace(TRIAL, selections=(il.RandomPoints(count=2),)), shares=SHARES).run()
    assert len(trained) == 1


def test_every_damping_follows_from_the_stored_fit_alone(outcome, monkeypatch):
    monkeypatch.setattr(il.Sequential, "train", lambda *_: pytest.fail("something was trained"))
    fitted = TRIAL.fit_of(outcome)
    removals = TRIAL.removals_of(outcome, fitted.data)
    for share in SHARES:
        found = ExactAtShare(share=share).estimate(fitted).predict(removals)
        torch.testing.assert_close(found, outcome.predicted[f"hessian/{share:g}"], rtol=1e-8, atol=1e-14)


def test_damping_is_a_share_of_the_largest_eigenvalue(outcome):
    largest = outcome.facts["largest_curvature"]
    for share in SHARES:
        assert outcome.facts["estimates"][f"gauss_newton/{share:g}"]["damping"] == pytest.approx(share * largest)


def test_almost_no_damping_is_plain_influence(outcome):
    torch.testing.assert_close(outcome.predicted["hessian/1e-12"], outcome.predicted["exact"], rtol=1e-6, atol=1e-12)


def test_huge_damping_is_the_gradient_product_divided_by_it(outcome):
    damping = outcome.facts["estimates"]["hessian/1e+06"]["damping"]
    expected = outcome.predicted["gradient_dot"] / damping
    torch.testing.assert_close(outcome.predicted["hessian/1e+06"], expected, rtol=1e-4, atol=1e-16)


def test_dimension_falls_from_all_parameters_to_none(outcome):
    left = [outcome.facts["damping_path"][f"hessian/{share:g}"]["effective_dimension"] for share in SHARES]
    assert left[0] == pytest.approx(outcome.facts["p"], abs=1e-3)
    assert left[0] > left[1] > left[2]
    assert left[2] < 1e-3


def test_shares_must_be_positive():
    trial = il.Trial(il.Iris(), il.MLP(weight_decay=1e-2), il.Sequential(), {"exact": il.Exact()})
    with pytest.raises(InvalidParameter, match="shares"):
        DampingPath(trial, shares=(0.0,))
