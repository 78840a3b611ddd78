"""A data set takes what people hold data in, as NumPy and pandas read it, and refuses the rest in words."""

from typing import Any

import jaxtyping
import numpy
import pandas
import pytest
import scipy.sparse
import torch

from influencelab.data.arrays import hold_out
from influencelab.data.conversion import positions
from influencelab.data.dataset import Dataset
from influencelab.errors import InfluenceLabError, InvalidData, WrongType

X = numpy.random.default_rng(0).normal(size=(12, 3))
Y = numpy.arange(12) % 3
WORDS = numpy.array(["setosa", "virginica", "versicolor"])[Y]  # not in the order of the alphabet
FRAME = pandas.DataFrame(X, columns=["a", "b", "c"], index=numpy.arange(100, 112))


@pytest.fixture(autouse=True)
def as_users_run_it(monkeypatch):
    """Without the shape checks of the tests, so that what a user meets is the library's own refusal."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def dataset(x: Any = X, y: Any = Y, x_test: Any = None, y_test: Any = None, **settings: Any) -> Dataset:
    """A data set whose test points are its training points, unless others are given."""
    return Dataset(x, y, x if x_test is None else x_test, y if y_test is None else y_test, **settings)


HOLDERS = {
    "NumPy": (X, Y),
    "lists": (X.tolist(), Y.tolist()),
    "tuples": (tuple(map(tuple, X.tolist())), tuple(Y.tolist())),
    "torch": (torch.tensor(X), torch.tensor(Y)),
    "lists of tensors": (list(torch.tensor(X)), list(torch.tensor(Y))),
    "pandas": (pandas.DataFrame(X), pandas.Series(Y)),
    "nullable columns": (pandas.DataFrame(X).convert_dtypes(), pandas.Series(Y, dtype="Int64")),
    "columns first": (numpy.asfortranarray(X), Y),
    "backwards": (X[::-1][::-1], Y[::-1][::-1]),
    "big-endian": (X.astype(">f8"), Y.astype(">i4")),
    "read only": (numpy.broadcast_to(X, X.shape), numpy.broadcast_to(Y, Y.shape)),
    "bytes as labels": (X, Y.astype(numpy.uint8)),
    "unsigned labels": (X, Y.astype(numpy.uint64)),
    "real numbers as objects": (X.astype(object), Y.astype(object)),
    "compressed rows": (scipy.sparse.csr_matrix(X), Y),
    "compressed columns": (scipy.sparse.csc_array(X), Y),
    "coordinates": (scipy.sparse.coo_array(X), Y),
    "coordinates of torch": (torch.tensor(X).to_sparse(), Y),
    "sparse columns": (pandas.DataFrame.sparse.from_spmatrix(scipy.sparse.csr_matrix(X)), Y),
    "labels with a gradient's graph": (torch.tensor(X, requires_grad=True), Y),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_one_data_set_comes_out_of_whatever_it_is_held_in(holder):
    data = dataset(*HOLDERS[holder])
    assert data.x_train.dtype == torch.float64
    assert data.y_train.dtype == torch.int64
    assert numpy.array_equal(data.x_train.numpy(), X)
    assert data.y_train.tolist() == data.y_test.tolist() == Y.tolist()
    assert (data.classes, data.train_ids.tolist()) == (3, list(range(12)))
    assert data.content_hash() == dataset(torch.tensor(X), torch.tensor(Y)).content_hash()


def test_float32_stays_and_real_targets_follow_it():
    for x in (X.astype("f4"), torch.tensor(X).float(), pandas.DataFrame(X.astype("f4"))):
        data = dataset(x, X[:, 0])
        assert data.x_train.dtype == data.y_train.dtype == torch.float32
        assert data.classes == 0


@pytest.mark.parametrize(
    "whole", [[[1, 2], [3, 4]], numpy.ones((2, 2), numpy.uint8), torch.ones(2, 2, dtype=torch.bool)]
)
def test_whole_numbers_become_real_features(whole):
    assert dataset(whole, [0, 1]).x_train.dtype == torch.float64


@pytest.mark.parametrize("half", [X.astype(numpy.float16), torch.tensor(X, dtype=torch.bfloat16)])
def test_numbers_of_half_the_digits_become_float64(half):
    assert dataset(half).x_train.dtype == torch.float64


def test_whole_numbers_that_int64_cannot_hold_do_not_become_negative():
    assert (dataset(numpy.full((12, 1), 2**63, numpy.uint64)).x_train == 2.0**63).all()


def test_a_flat_row_of_features_is_one_column():
    assert dataset(X[:, 0]).x_train.shape == (12, 1)


def test_arrays_are_copied_so_that_later_changes_do_not_reach_the_data():
    x, y = X.copy(), Y.copy()
    data = dataset(x, y)
    before = data.content_hash()
    x[:], y[:] = 9.0, 1
    assert data.content_hash() == before


def test_the_index_of_a_table_is_kept_as_ids_and_its_columns_as_names():
    data = dataset(FRAME, pandas.Series(Y, index=FRAME.index), FRAME[:4], Y[:4])
    assert data.train_ids.tolist() == list(range(100, 112))
    assert data.test_ids.tolist() == [100, 101, 102, 103]
    assert data.feature_names == ("a", "b", "c")
    assert dataset(X, pandas.Series(Y, index=FRAME.index)).train_ids.tolist() == list(range(100, 112))
    assert dataset(FRAME, Y, train_ids=range(12)).train_ids.tolist() == list(range(12))


def test_texts_are_numbered_by_the_alphabet_by_their_categories_or_as_asked():
    order = ["virginica", "setosa", "versicolor"]
    plain, asked = dataset(y=WORDS), dataset(y=list(WORDS), class_names=order)
    sorted_by = dataset(y=pandas.Series(pandas.Categorical(WORDS, categories=order)))
    assert plain.class_names == ("setosa", "versicolor", "virginica")
    assert asked.class_names == sorted_by.class_names == tuple(order)
    for data in (plain, asked, sorted_by):
        assert data.classes == 3
        assert data.shown_labels(data.y_train).tolist() == WORDS.tolist()


def test_texts_of_both_parts_are_numbered_together():
    data = dataset(X[:2], ["b", "c"], X[:2], ["a", "c"])
    assert (data.y_train.tolist(), data.y_test.tolist()) == ([1, 2], [0, 2])


def test_truth_values_are_two_classes():
    for y in (Y > 0, torch.tensor(Y > 0), (Y > 0).tolist(), pandas.Series(Y > 0, dtype="boolean")):
        data = dataset(y=y)
        assert data.y_train.tolist() == (Y > 0).astype(int).tolist()
        assert (data.classes, data.class_names) == (2, ("False", "True"))


REFUSED = {
    "sparse and too large": (
        {"x": scipy.sparse.csr_array((12, 10**10))},
        InvalidData,
        r"12 × 10000000000, which takes 596\.0 GB with models of so.*at most 25% of the .* GB.*TruncatedSVD",
    ),
    "sparse of torch and too large": (
        {"x": torch.sparse_coo_tensor(size=(12, 10**10))},
        InvalidData,
        "x_train is a sparse.*596",
    ),
    "sparse complex numbers": ({"x": scipy.sparse.csr_matrix(X * 1j)}, WrongType, "x_train .*complex128"),
    "no labels": ({"y": None}, WrongType, "y_train is None, expected numbers"),
    "nothing": ({"x": None}, WrongType, "x_train is None, expected numbers"),
    "text": ({"x": "iris.csv"}, WrongType, "the text 'iris.csv'.*expected numbers"),
    "complex numbers": ({"x": X + 1j}, WrongType, "complex128"),
    "complex tensor": ({"x": torch.tensor(X + 1j)}, WrongType, "complex"),
    "unequal rows": ({"x": [[1, 2], [3]]}, InvalidData, "rows of equal length"),
    "a column of words": ({"x": FRAME.assign(sex="f")}, WrongType, "Column 'sex' of x_train .*get_dummies"),
    "masked": ({"x": numpy.ma.masked_greater(X, 0)}, InvalidData, "masked values"),
    "missing values": ({"x": FRAME.where(FRAME > 0)}, InvalidData, "NaN or infinite features"),
    "missing nullable": (
        {"x": FRAME.where(FRAME > 0).convert_dtypes()},
        InvalidData,
        "NaN or infinite features",
    ),
    "rows in other order": (
        {"x": FRAME, "y": pandas.Series(Y, index=FRAME.index[::-1])},
        InvalidData,
        r"different names or orders.*y_train.loc\[x_train.index\]",
    ),
    "rows named twice": ({"x": FRAME.set_axis([0] * 12), "y": Y}, InvalidData, "two rows are called 0.*reset_index"),
    "columns in other order": (
        {"x": FRAME, "x_test": FRAME[["b", "a", "c"]]},
        InvalidData,
        r"x_test\[list\(x_train\)\]",
    ),
    "labels missing": ({"y": [None, *WORDS[1:]]}, InvalidData, "1 missing labels. Drop"),
    "labels of two kinds": ({"y": ["a", 1] * 6}, WrongType, "int, str, expected labels of one kind"),
    "texts and numbers": ({"y": WORDS, "y_test": Y}, WrongType, "one of y_train and y_test holds texts"),
    "a text that names no class": ({"y": WORDS, "class_names": ["setosa", "x"]}, InvalidData, "'versicolor'.*Name all"),
    "counts": ({"y": Y * 1000}, InvalidData, "up to 2000.*classes=0"),
    "real labels": ({"y": Y.astype(float), "classes": 3}, InvalidData, "real numbers.*Give integers"),
    "one class": ({"y": Y * 0}, InvalidData, "classes is 1"),
    "names of other features": ({"feature_names": ["a"]}, InvalidData, "1 feature_names, expected 3"),
    "ids of one text": ({"train_ids": WORDS}, InvalidData, "train_ids: two rows are called setosa"),
    "rows of one text": ({"x": FRAME.set_axis(list("abcdefghijkc"))}, InvalidData, "train_ids: two rows are called c"),
    "rows of one date": ({"x": FRAME.set_axis(pandas.to_datetime(["2020-01-02"] * 12))}, InvalidData, "2020-01-02"),
    "ids of one number": ({"train_ids": [7] * 12}, InvalidData, "two rows are called 7"),
    "ids of two kinds": ({"train_ids": ["a", 1] * 6}, WrongType, "train_ids holds int, str"),
    "too few names": ({"train_names": ["a", "b"]}, InvalidData, "2 train_names for 12 rows.*one for each row"),
    "names of other ids": (
        {"train_names": list("abcdefghijkl"), "train_ids": range(1, 13)},
        InvalidData,
        "ids up to 12, expected a name for each of the ids 0, 1",
    ),
    "complex labels": ({"y": Y * 1j}, WrongType, "y_train .*complex"),
    "no point": ({"x": [], "y": []}, InvalidData, "the train set is empty"),
    "one label": ({"y": 1}, WrongType, "y_train is one number, expected a label of each point"),
    "a table in one array": ({"y": numpy.zeros(12, [("a", float)])}, WrongType, "expected a flat row of labels"),
    "names of rows in two parts": ({"y": pandas.MultiIndex.from_product([[1, 2], range(6)])}, WrongType, "flat row"),
    "letters that are none": ({"y": ["\ud800", "b"] * 6}, WrongType, "flat row of labels"),
    "ids that int64 cannot hold": ({"train_ids": numpy.arange(12, dtype="u8") + 2**63}, WrongType, "whole numbers"),
    "numbers without end": ({"x": [[10**400]] * 12}, InvalidData, "too large for float64"),
    "a tensor without values": (
        {"x": torch.ones(12, 2, device="meta")},
        WrongType,
        "meta tensor, expected one of plain",
    ),
    "a text as names": (
        {"feature_names": "abc"},
        WrongType,
        "feature_names is the text 'abc', expected a row of names",
    ),
    "a number as names": ({"class_names": 3}, WrongType, "class_names is 3, expected a row of names"),
    "a text as a number": ({"classes": "3"}, WrongType, "classes is the text '3', expected a whole number"),
    "a column of labels": ({"y": Y[:, None]}, InvalidData, "each as a flat row"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_data_set_can_hold_is_refused_in_words(case):
    given, error, message = REFUSED[case]
    with pytest.raises(error, match=f"(?i){message}") as caught:
        dataset(**given)
    assert isinstance(caught.value, InfluenceLabError)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sparse_numbers_are_read_as_what_they_are():
    counts = scipy.sparse.random_array((12, 5), density=0.3, rng=numpy.random.default_rng(0))
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, scipy.sparse.coo_matrix, scipy.sparse.lil_array):
        assert numpy.array_equal(dataset(kind(counts)).x_train.numpy(), counts.toarray())
    assert numpy.array_equal(dataset(torch.tensor(X).to_sparse_csr()).x_train.numpy(), X)
    narrow, whole = (scipy.sparse.csr_array(counts).astype(kind) for kind in (numpy.float32, numpy.int8))
    assert (dataset(narrow).x_train.dtype, dataset(whole).x_train.dtype) == (torch.float32, torch.float64)
    twice = scipy.sparse.coo_array(([1.0, 2.0], ([0, 0], [0, 0])), shape=(12, 1))
    assert dataset(twice).x_train[0].tolist() == [3.0]
    parts = hold_out(counts, Y.tolist(), held_out=2, seed=0)
    assert numpy.array_equal(parts.x_train, counts.toarray()[parts.train_ids])


@pytest.mark.parametrize(
    "given",
    [
        [1, 2],
        (1, 2),
        range(1, 3),
        numpy.array([1, 2], dtype=numpy.uint8),
        torch.tensor([1, 2], dtype=torch.int32),
        pandas.Series([1, 2], index=[7, 8]),
        pandas.Index([1, 2]),
        {1: "a", 2: "b"},
        (place for place in (1, 2)),
        [numpy.int64(1), numpy.int64(2)],
    ],
)
def test_positions_are_any_whole_numbers_in_a_row(given):
    found = positions(given, what="rows")
    assert found.dtype == torch.int64
    assert found.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([True, False], "rows is a mask.*nonzero"),
        ([1.0, 2.0], "flat row, such as"),
        ([[1, 2]], "flat row"),
        (3, "one number.*flat row"),
        ("12", "the text"),
        (None, "None"),
        ([[1], [2, 3]], "whole numbers"),
    ],
)
def test_what_is_no_row_of_positions_is_refused(given, message):
    with pytest.raises(WrongType, match=message):
        positions(given, what="rows")


def test_no_position_at_all_is_a_row_too():
    assert len(positions([], what="rows")) == 0


def test_a_data_set_prints_in_a_line_and_shows_a_table():
    data = dataset(y=WORDS, name="<flowers>")
    assert len(repr(data)) < 300
    assert "12" in repr(data)
    assert "&lt;flowers&gt;" in data._repr_html_()
    assert "setosa" in data._repr_html_()
