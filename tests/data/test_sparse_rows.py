"""Sparse features are a tensor like any other: what it stores decides the cost, never the numbers."""

import copy
import pickle

import numpy
import pandas
import pytest
import scipy.sparse
import torch

import influencelab as il
from influencelab.data import affordable, sparse_rows
from influencelab.data.sparse_rows import SparseRows
from influencelab.errors import InvalidData, Unavailable, WrongType

MATRIX = scipy.sparse.random_array((7, 5), density=0.4, format="csr", rng=numpy.random.default_rng(0))
MATRIX.data -= 0.3
X, DENSE = SparseRows(MATRIX), torch.from_numpy(MATRIX.toarray())
WIDE, TALL = (torch.randn(shape, generator=torch.Generator().manual_seed(0)).double() for shape in ((3, 5), (5, 2)))
COLUMN, ROW = WIDE[:, :1].abs().repeat(7, 1)[:7], WIDE[:1]
PLACES, MASK = torch.tensor([4, 0, 4]), torch.tensor([True, False, True, True, False, False, True])
FORMS = {
    "times": lambda x: x @ TALL,
    "times a vector": lambda x: x @ TALL[:, 0],
    "times its columns": lambda x: WIDE @ x.T,
    "times its rows": lambda x: x.T[:, :3] @ WIDE,
    "a grid times": lambda x: WIDE.expand(2, 3, 5).contiguous() @ x.T,
    "with itself": lambda x: x.T @ x,
    "rows": lambda x: x[2:5],
    "all rows": lambda x: x[:],
    "every other row": lambda x: x[::2],
    "columns": lambda x: x[:, 1:-1],
    "last column": lambda x: x[:, -1],
    "a row": lambda x: x[-1],
    "places": lambda x: x[PLACES],
    "a list": lambda x: x[[1, 2]],
    "a grid of places": lambda x: x[PLACES.repeat(2, 1)],
    "a mask": lambda x: x[MASK],
    "a mask of columns": lambda x: x[:, MASK[:5]],
    "one constant more": lambda x: torch.cat([x, x.new_full((7, 1), 2.5)], dim=1),
    "and once more": lambda x: torch.cat([x, x.new_ones(7, 1)], dim=1) @ torch.cat([TALL, TALL[:1]]),
    "one column more": lambda x: torch.cat([x, COLUMN], dim=1),
    "below": lambda x: torch.cat([x, x[:2], DENSE[:1]]),
    "flat": lambda x: x.flatten(1),
    "size": lambda x: x.abs(),
    "squares": lambda x: x.square(),
    "scaled": lambda x: 2.0 * x,
    "scaled rows": lambda x: COLUMN * x,
    "scaled columns": lambda x: x * ROW,
    "divided columns": lambda x: x / ROW,
    "numbers times numbers": lambda x: x * x.abs(),
    "sums": lambda x: x.sum(1),
    "sums of columns": lambda x: x.sum(0, keepdim=True),
    "sum": lambda x: x.sum(),
    "lengths": lambda x: x.norm(dim=1),
    "largest": lambda x: x.amax(0),
    "float32": lambda x: x.float(),
    "itself": lambda x: x.double().cpu().detach().contiguous(),
    "zeros": lambda x: x.new_zeros(2, 3),
    "what has no form": lambda x: x.exp(),
    "neither": lambda x: torch.einsum("bd,kd->kb", x, WIDE),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_operation_is_that_of_the_same_numbers_with_their_zeros(form):
    found, wanted = FORMS[form](X), FORMS[form](DENSE)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    whole = found.to_dense() if isinstance(found, SparseRows) else found
    assert torch.allclose(whole, wanted, rtol=1e-14 if wanted.dtype == torch.float64 else 1e-6, atol=1e-15)


@pytest.mark.parametrize("form", ["rows", "places", "columns", "one constant more", "below", "squares", "float32"])
def test_what_is_sparse_stays_so(form):
    assert isinstance(FORMS[form](X), SparseRows)


def test_products_are_differentiated():
    theta = WIDE.clone().requires_grad_()
    (theta @ X.T).square().sum().backward()
    assert torch.allclose(theta.grad, 2 * WIDE @ DENSE.T @ DENSE)


def test_it_is_not_changed_in_place():
    with pytest.raises(WrongType, match=r"not changed in place.*to_dense"):
        X.mul_(2)
    assert torch.equal(X.to_dense(), DENSE)


def test_copies_and_what_is_sent_elsewhere_are_the_same():
    for again in (pickle.loads(pickle.dumps(X)), copy.deepcopy(X), copy.copy(X), X.clone()):
        assert isinstance(again, SparseRows)
        assert torch.equal(again.to_dense(), DENSE)
    assert numpy.array_equal(X.numpy(), DENSE.numpy())
    assert numpy.array_equal(numpy.asarray(X), DENSE.numpy())
    assert repr(X) == f"SparseRows(7 × 5 of torch.float64, {MATRIX.nnz} stored)"


def test_it_has_no_other_device():
    with pytest.raises(Unavailable, match=r"stay on the CPU.*to_dense"):
        X.to("meta")


COUNTS = scipy.sparse.random_array((2000, 600), density=0.01, format="csr", rng=numpy.random.default_rng(1))
LABELS = numpy.arange(2000) % 2
HELD = {
    "compressed rows": scipy.sparse.csr_matrix(COUNTS),
    "compressed columns": scipy.sparse.csc_array(COUNTS),
    "coordinates": scipy.sparse.coo_array(COUNTS),
    "coordinates of torch": torch.from_numpy(COUNTS.toarray()).to_sparse(),
    "lists": scipy.sparse.lil_array(COUNTS),
    "columns of pandas": pandas.DataFrame.sparse.from_spmatrix(COUNTS),
}


def data_of(x):
    return il.Dataset(x, LABELS[: x.shape[0]], x[:2], [0, 1])


@pytest.mark.parametrize("held", HELD)
def test_large_sparse_features_stay_sparse_however_they_are_held(held):
    data = il.Dataset(HELD[held], LABELS, COUNTS[:2], [0, 1])
    assert isinstance(data.x_train, SparseRows)
    assert not isinstance(data.x_test, SparseRows)
    assert numpy.array_equal(data.x_train.numpy(), COUNTS.toarray())
    assert data.x_train.stored == COUNTS.nnz
    assert "12,000 numbers stored" in data.summary()["sparse"]
    assert data.content_hash() == il.Dataset(COUNTS, LABELS, COUNTS[:2], [0, 1]).content_hash()


def test_numbers_are_as_narrow_as_they_came_and_whole_ones_real():
    narrow, whole = (COUNTS.astype(kind) for kind in (numpy.float32, numpy.int64))
    assert il.Dataset(narrow, LABELS, narrow[:2], [0, 1]).x_train.dtype == torch.float32
    assert il.Dataset(whole, LABELS, whole[:2], [0, 1]).x_train.dtype == torch.float64
    twice = scipy.sparse.coo_array(([1.0, 2.0], ([0, 0], [0, 0])), shape=(2000, 600))
    assert il.Dataset(twice, LABELS, twice.tocsr()[:2], [0, 1]).x_train[0, 0] == 3.0


def test_one_other_number_is_another_hash():
    other = COUNTS.copy()
    other.data[5] += 1e-9
    moved = COUNTS[:, [1, 0, *range(2, 600)]]
    hashes = {il.Dataset(each, LABELS, COUNTS[:2], [0, 1]).content_hash() for each in (COUNTS, other, moved)}
    assert len(hashes) == 3


def test_what_is_dense_or_small_has_its_zeros():
    assert not isinstance(data_of(COUNTS[:500]).x_train, SparseRows)
    full = scipy.sparse.csr_array(numpy.ones((2000, 600)))
    assert not isinstance(data_of(full).x_train, SparseRows)


def test_what_does_not_fit_with_its_zeros_stays_sparse_however_full(monkeypatch):
    full = scipy.sparse.csr_array(numpy.eye(1100, 1000) + (numpy.arange(1000) % 4 == 0))
    monkeypatch.setattr(sparse_rows, "available", lambda: 8e6)
    data = data_of(full)
    assert isinstance(data.x_train, SparseRows)
    monkeypatch.setattr(affordable, "SHARE", 1e-12)
    with pytest.raises(InvalidData, match=r"sparse matrix of 1100 × 1000, which takes .*Take a linear model"):
        data.written_out()


def test_missing_and_infinite_numbers_are_refused_by_row():
    for number in (numpy.nan, numpy.inf):
        bad = COUNTS.copy()
        bad.data[bad.indptr[7]] = number
        with pytest.raises(InvalidData, match=r"1 points with NaN or infinite features, the first at row 7"):
            data_of(bad)


def test_other_tasks_are_fitted_to_the_zeros_too():
    fitted = il.fit(il.MLP(0.1, depth=1, width=1), data_of(COUNTS), il.Adam(steps=1))
    assert not isinstance(fitted.data.x_train, SparseRows)
    assert numpy.array_equal(fitted.data.x_train.numpy(), COUNTS.toarray())
