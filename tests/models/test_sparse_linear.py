"""Several outputs on the signs of an absolute penalty: those of the plain task where entries are free."""

import pytest
import torch
from problems import class_data

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives

DATA = class_data(3, classes=3, n=20, features=2)
WEIGHTS = torch.linspace(0.5, 1.5, 20, dtype=torch.float64)[None] / 20
SIGNS = ((1, 2, 0), (2, -1, 0), (-1, 1, 0))
WHOLE = torch.tensor([[0.7, 0.0, 0.4], [0.0, -0.9, -0.3], [-1.1, 0.2, 0.6]], dtype=torch.float64)
FREE = torch.tensor(SIGNS).flatten() != 2
THETA = WHOLE.flatten()[FREE]
TASK = il.SparseLinear(0.1, l1=0.3, signs=SIGNS)


def test_the_objective_is_the_plain_one_and_the_absolute_penalty():
    found = derivatives.objectives(TASK, DATA, THETA[None], WEIGHTS)
    plain = derivatives.objectives(il.Logistic(0.1), DATA, WHOLE.flatten()[None], WEIGHTS)
    assert float(found) == pytest.approx(float(plain) + 0.3 * float(WHOLE[:, :2].abs().sum()), rel=1e-12)
    assert not TASK.plain
    assert il.SparseLinear(0.1, signs=SIGNS).plain
    assert TASK.outputs(THETA, DATA.x_test).numpy() == pytest.approx(
        il.Logistic(0.1).outputs(WHOLE.flatten(), DATA.x_test).numpy()
    )


def test_gradients_products_and_hessians_are_central_differences():
    gradient = derivatives.gradients(TASK, DATA, THETA[None], WEIGHTS)[0]
    hessian = derivatives.hessians(TASK, DATA, THETA[None], WEIGHTS)[0]
    vectors = torch.randn(2, len(THETA), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for place, step in enumerate(1e-5 * torch.eye(len(THETA), dtype=torch.float64)):
        ends = torch.stack([THETA + step, THETA - step])
        values = derivatives.objectives(TASK, DATA, ends, WEIGHTS.expand(2, -1))
        slopes = derivatives.gradients(TASK, DATA, ends, WEIGHTS.expand(2, -1))
        assert float(gradient[place]) == pytest.approx(float(values[0] - values[1]) / 2e-5, rel=1e-7, abs=1e-9)
        assert hessian[place].numpy() == pytest.approx(((slopes[0] - slopes[1]) / 2e-5).numpy(), rel=1e-6, abs=1e-9)
    products = derivatives.products(TASK, DATA, THETA, WEIGHTS[0], vectors)
    assert products.numpy() == pytest.approx((vectors @ hessian).numpy(), rel=1e-12)
    values, slopes = derivatives.objectives_and_gradients(TASK, DATA, THETA[None], WEIGHTS)
    assert slopes[0].numpy() == pytest.approx(gradient.numpy(), rel=1e-12)
    over, samples = TASK.derivatives(DATA), torch.tensor([[0, 3, 5], [2, 2, 7]])
    rows = over.gradients(THETA.expand(2, -1), WEIGHTS.expand(2, -1), samples)
    for row, sample in zip(rows, samples, strict=True):
        some = derivatives.point_gradients(TASK, DATA, THETA, sample) * WEIGHTS[0, sample, None]
        assert row.numpy() == pytest.approx(some.sum(0).numpy(), rel=1e-10)
    found = over.sample_products(THETA, WEIGHTS[0], vectors.expand(2, -1, -1), samples=samples, kind="hessian")
    for product, sample in zip(found, samples, strict=True):
        other = WEIGHTS[0, sample] * (20 / 3)
        wanted = il.Logistic(0.0).derivatives(DATA)
        again = torch.zeros(1, 20, dtype=torch.float64).index_add_(1, sample, other[None])
        block = wanted.hessians(WHOLE.flatten()[None], again, kind="hessian")[0][FREE][:, FREE]
        assert product.numpy() == pytest.approx((vectors @ block).numpy(), rel=1e-10)


def test_signs_that_are_none_or_of_other_outputs_are_refused():
    for settings in ({"l1": -1.0, "signs": SIGNS}, {"signs": ((3, 1),)}, {"signs": ((1, 1), (1,))}, {}):
        with pytest.raises(InvalidParameter, match="expected l1 ≥ 0 and rows of one length"):
            il.SparseLinear(0.1, **settings)
    with pytest.raises(InvalidParameter, match="signs have 2 rows; made up needs 3 outputs"):
        il.SparseLinear(0.1, signs=SIGNS[:2]).start(DATA, 0)
