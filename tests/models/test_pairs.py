"""Sums and forms of many matrices by products of each two features are those by outer products."""

import numpy
import pytest
import torch
from problems import binary_problem, class_data, ridge_problem

from influencelab.models.closed_forms import linear, pairs
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.ridge import Ridge


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize("width", [1, 2, 9])
def test_sums_and_forms_are_those_by_outer_products(width, step, monkeypatch):
    monkeypatch.setattr(pairs, "PRODUCTS", step)
    random = numpy.random.default_rng(0)
    x, weights, matrices = (random.normal(size=size) for size in ((23, width), (4, 23), (4, width, width)))
    found = pairs.sums(torch.from_numpy(weights), torch.from_numpy(x))
    assert found.numpy() == pytest.approx(numpy.einsum("rb,bd,be->rde", weights, x, x), rel=1e-12, abs=1e-12)
    assert torch.equal(found, found.mT)  # one number stands at both places
    found = pairs.forms(torch.from_numpy(matrices), torch.from_numpy(x))
    assert found.numpy() == pytest.approx(numpy.einsum("rde,bd,be->br", matrices, x, x), rel=1e-12, abs=1e-12)


CASES = {
    "binary": (BinaryLogistic(0.1), binary_problem(n=20)[1]),
    "classes": (Logistic(0.1), class_data(3, n=20)),
    "no intercept": (Logistic(0.1, intercept=False), class_data(3, n=20)),
    "squares": (Ridge(0.1), ridge_problem(n=20)[1]),
}


@pytest.mark.parametrize(("task", "data"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("chunk", [7, 10**6])
def test_several_models_at_once_have_the_curvature_that_differentiation_gives_each(task, data, chunk, monkeypatch):
    monkeypatch.setattr(linear, "CHUNK", chunk)
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(5, len(task.start(data, 0)), generator=generator, dtype=torch.float64)
    weights = torch.rand(5, 20, generator=generator, dtype=torch.float64)
    closed, automatic = task.derivatives(data), LossDerivatives(task, data, 1)
    found = closed.hessians(theta, weights, kind="hessian")
    assert found.allclose(automatic.hessians(theta, weights, kind="hessian"), rtol=0, atol=1e-12)
    vectors = theta.flip(0)
    products = closed.model_products(theta, weights, vectors, slice(0, 20))
    assert products.allclose((found @ vectors[..., None])[..., 0], rtol=0, atol=1e-12)
