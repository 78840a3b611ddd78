"""Rows on disk: one fit from any of them, and files that cannot be read."""

import gzip
import time

import jaxtyping
import numpy
import pandas
import pyarrow
import pyarrow.parquet
import pytest
import scipy.sparse
from regressions import COUNTS, N, X
from sklearn.datasets import dump_svmlight_file

import influencelab as il
from influencelab.errors import InvalidData, MissingData, UnknownName, WrongType

NAMES = ["age", "dose", "weight", "time"]
EXPOSURE = numpy.linspace(-0.5, 0.5, N)
FRAME = pandas.DataFrame(X, columns=NAMES).assign(deaths=COUNTS, exposure=EXPOSURE)


@pytest.fixture(scope="module")
def wanted():
    return il.regress(X, COUNTS, family=il.Poisson(), offsets=EXPOSURE)


@pytest.fixture
def frame(tmp_path):
    """A function that writes a frame in some form and gives the table of it."""

    def write(form: str, given: pandas.DataFrame = FRAME, **settings):
        path = tmp_path / f"rows.{form}"
        columns = {"target": "deaths", "offsets": "exposure" if "exposure" in given else "", **settings}
        if form == "parquet":
            given.to_parquet(path, row_group_size=41)
            return il.ParquetTable(str(path), **columns)
        if form == "folder":
            path.mkdir()
            for part in range(3):
                given.iloc[part * 100 : part * 100 + 100].to_parquet(path / f"{part}.parquet")
            return il.ParquetTable(str(path), **columns)
        text = given.to_csv(index=False)
        if form == "csv.gz":
            path.write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text)
        return il.CsvTable(str(path), **columns)

    return write


@pytest.mark.parametrize("form", ["parquet", "folder", "csv", "csv.gz"])
def test_named_columns_give_the_fit_of_arrays(frame, wanted, form):
    table = frame(form, **({"rows": 17} if form in ("parquet", "folder") else {"block": 4000}))
    found = il.regress(table, family=il.Poisson())
    assert sum(1 for _ in table.chunks()) > 2
    assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-9)
    assert found.columns == (*NAMES, "intercept")
    cook = il.row_influence(found).cook()
    assert cook == pytest.approx(il.row_influence(wanted).cook(), rel=1e-7)


def test_columns_are_chosen_by_name(frame):
    table = frame("parquet", features=("dose", "age"))
    found = il.regress(table, family=il.Poisson())
    other = il.regress(X[:, [1, 0]], COUNTS, family=il.Poisson(), offsets=EXPOSURE)
    assert found.coefficients == pytest.approx(other.coefficients, rel=1e-9)
    weighted = frame("csv", FRAME.assign(exposure=EXPOSURE + 1), offsets="", weights="exposure")
    other = il.regress(X, COUNTS, family=il.Poisson(), weights=EXPOSURE + 1)
    assert il.regress(weighted, family=il.Poisson()).coefficients == pytest.approx(other.coefficients, rel=1e-9)


def test_svmlight_files_stay_sparse(tmp_path):
    x = X * (numpy.random.default_rng(1).uniform(size=X.shape) < 0.4)
    path = tmp_path / "rows.svmlight"
    dump_svmlight_file(x, COUNTS, str(path), zero_based=False)
    table = il.SvmlightTable(str(path), block=3000)
    chunks = list(table.chunks())
    assert len(chunks) > 2
    assert all(scipy.sparse.issparse(each.x) for each in chunks)
    found, other = (il.regress(*each, family=il.Poisson()) for each in ((table,), (x, COUNTS)))
    assert found.coefficients == pytest.approx(other.coefficients, rel=1e-8)


def written_sparse(path, x, **columns):
    """A Parquet file of sparse rows."""
    rows = [numpy.flatnonzero(row) for row in x]
    frame = pandas.DataFrame({"places": rows, "values": [row[at] for row, at in zip(x, rows, strict=True)], **columns})
    frame.to_parquet(path, row_group_size=90)
    return str(path)


def test_lists_of_places_and_values_are_sparse_rows(tmp_path):
    x = X * (numpy.random.default_rng(1).uniform(size=X.shape) < 0.4)
    path = written_sparse(tmp_path / "rows.parquet", x, deaths=COUNTS, exposure=EXPOSURE)
    for settings in ({"rows": 40}, {"width": 4}):
        table = il.SparseParquetTable(path, "deaths", offsets="exposure", **settings)
        assert all(scipy.sparse.issparse(each.x) for each in table.chunks())
        found = il.regress(table, family=il.Poisson())
        other = il.regress(x, COUNTS, family=il.Poisson(), offsets=EXPOSURE)
        assert found.coefficients == pytest.approx(other.coefficients, rel=1e-9)
    ones = il.SparseParquetTable(path, "deaths", values="")
    other = il.regress((x != 0).astype(float), COUNTS, family=il.Poisson())
    assert il.regress(ones, family=il.Poisson()).coefficients == pytest.approx(other.coefficients, rel=1e-9)
    first = numpy.flatnonzero(x[:, 3])[0]
    with pytest.raises(InvalidData, match=rf"row {first} has the place 3, expected 0 … 2"):
        list(il.SparseParquetTable(path, "deaths", width=3).chunks())
    with pytest.raises(InvalidData, match="column 'deaths' holds double, expected lists"):
        list(il.SparseParquetTable(path, "deaths", values="deaths").chunks())


def test_files_are_streamed_and_not_held(tmp_path):
    """Of forty groups of rows few are in memory at any time, however long the work on each of them takes."""
    group, rows = 4000, numpy.random.default_rng(0).normal(size=(4000, 12))
    path = tmp_path / "long.parquet"
    arrays = {name: pyarrow.array(column) for name, column in zip("abcdefghijky", rows.T, strict=True)}
    with pyarrow.parquet.ParquetWriter(path, pyarrow.table(arrays).schema, compression="none") as writer:
        for _ in range(40):
            writer.write_table(pyarrow.table(arrays), row_group_size=group)
    before = pyarrow.total_allocated_bytes()
    held = []
    for _ in il.ParquetTable(str(path), "y", rows=group).chunks():
        held.append(pyarrow.total_allocated_bytes() - before)
        # What reads ahead gets the time to do so; what does not needs none.
        time.sleep(0.01)
    assert len(held) == 40
    assert max(held) < path.stat().st_size / 5


def test_a_file_of_a_folder_that_lacks_a_column_is_named(tmp_path):
    FRAME.to_parquet(tmp_path / "first.parquet")
    FRAME.drop(columns="dose").to_parquet(tmp_path / "second.parquet")
    with pytest.raises(UnknownName, match=r"second\.parquet has no column 'dose'"):
        il.regress(il.ParquetTable(str(tmp_path), "deaths"), family=il.Poisson())


def test_npz_files_hold_sparse_or_dense_rows(tmp_path, wanted):
    sparse, target, dense = (tmp_path / name for name in ("x.npz", "y.npy", "both.npz"))
    scipy.sparse.save_npz(sparse, scipy.sparse.csr_matrix(X))
    numpy.save(target, COUNTS)
    numpy.savez(dense, X=X, y=COUNTS, offsets=EXPOSURE)
    assert il.regress(il.NpzTable(str(dense)), family=il.Poisson()).coefficients == pytest.approx(wanted.coefficients)
    found = il.regress(il.NpzTable(str(sparse), str(target)), family=il.Poisson())
    assert found.coefficients == pytest.approx(il.regress(X, COUNTS, family=il.Poisson()).coefficients)
    with pytest.raises(InvalidData, match="expected arrays named X and y"):
        il.regress(il.NpzTable(str(sparse)), family=il.Poisson())


def test_a_function_gives_rows_in_pieces(wanted, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)

    def pieces():
        for first in range(0, N, 70):
            some = slice(first, first + 70)
            yield X[some], COUNTS[some], numpy.ones(len(X[some])), EXPOSURE[some]

    found = il.regress(il.IteratedTable(pieces, columns=tuple(NAMES)), family=il.Poisson())
    assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-9)
    with pytest.raises(WrongType, match="pieces anew at each call"):
        il.IteratedTable(pieces())  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidData, match="expected a tuple"):
        il.regress(il.IteratedTable(lambda: [X]), family=il.Poisson())  # pyright: ignore[reportArgumentType]


def test_bad_files_are_named_with_row_and_column(frame, tmp_path):
    gap = FRAME.copy()
    gap.loc[137, "dose"] = numpy.nan
    with pytest.raises(InvalidData, match=r"row 137 has (nan|no value) in column '?dose"):
        il.regress(frame("parquet", gap, rows=10), family=il.Poisson())
    with pytest.raises(InvalidData, match="column 'time' holds string"):
        il.regress(frame("csv", FRAME.assign(time="noon")), family=il.Poisson())
    with pytest.raises(UnknownName, match=r"has no column 'death'.*Did you mean 'deaths'"):
        il.regress(frame("parquet", target="death"), family=il.Poisson())
    with pytest.raises(MissingData, match="There is no file"):
        il.regress(il.CsvTable(str(tmp_path / "none.csv"), "y"))
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    with pytest.raises(InvalidData, match="is no Parquet file"):
        il.regress(il.ParquetTable(str(broken), "y"))
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("a,b,y\n1,2,0\n1,2\n")
    with pytest.raises(InvalidData, match=r"cannot be read on|no CSV file"):
        il.regress(il.CsvTable(str(ragged), "y"))
    words = tmp_path / "words.svmlight"
    words.write_text("1 1:2\n0 one:2\n")
    with pytest.raises(InvalidData, match="a line after byte 0 cannot be read"):
        il.regress(il.SvmlightTable(str(words)))
