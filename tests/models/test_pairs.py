"""Sums and forms of many matrices by products of each two features are those by outer products."""

import numpy
import pytest
import torch

from influencelab.models.closed_forms import pairs


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
