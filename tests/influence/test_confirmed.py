"""Products with a dense matrix are those of the operator that it should be, also where it is wrong."""

import pytest
import torch

from influencelab.influence import confirmed

GENERATOR = torch.Generator().manual_seed(0)
MATRIX = torch.randn(30, 30, generator=GENERATOR, dtype=torch.float64)
VECTORS = torch.randn(30, 7, generator=GENERATOR, dtype=torch.float64)


@pytest.mark.parametrize("damping", [0.0, 0.3])
@pytest.mark.parametrize("wrong", [0.0, 1e-9, 1.0, float("nan")])
def test_products_are_the_operators_however_wrong_the_matrix_is(wrong, damping):
    asked = []

    def multiply(vectors):
        asked.append(vectors.shape[1])
        return MATRIX @ vectors + damping * vectors

    given = MATRIX.clone()
    given[3, 4] += wrong
    found = confirmed.products(multiply, given, VECTORS, damping=damping)
    assert torch.allclose(found, MATRIX @ VECTORS + damping * VECTORS, rtol=1e-12, atol=1e-12)
    assert asked == ([1] if wrong == 0 else [1, 7])
