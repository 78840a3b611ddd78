"""`influencelab sketch`: scores of every row of a file, on the command line."""

import numpy
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from regressions import CLASSES, COUNTS, X
from typer.testing import CliRunner

import influencelab as il
from influencelab.app.cli.main import app
from influencelab.app.cli.rows_bar import RowsBar
from influencelab.glm.tables import parquet_table

NAMES = ["age", "dose", "weight", "time"]


@pytest.fixture
def data(tmp_path):
    """A Parquet file of rows."""
    path = tmp_path / "patients.parquet"
    pandas.DataFrame(X, columns=NAMES).assign(ill=CLASSES, visits=COUNTS).to_parquet(path)
    return path


def asked(*words: object):
    """What the command printed, and its status."""
    done = CliRunner().invoke(app, ["sketch", *map(str, words)])
    return done.output, done.exit_code


def test_exact_scores_are_written_and_the_first_rows_shown_with_their_values(data, tmp_path):
    out = tmp_path / "scores.parquet"
    said, status = asked(data, "--target", "ill", "--weights", "visits", "--out", out, "--top", 3)
    assert status == 0, said
    wanted = il.cook_distances(X, CLASSES, weights=COUNTS)
    scores = pandas.read_parquet(out)
    assert scores["cook"].to_numpy() == pytest.approx(wanted, rel=1e-9)
    assert scores["row"].tolist() == list(range(len(X)))
    assert "Scores are exact" in said
    assert all(name in said for name in (*NAMES, "response"))
    first = int(numpy.argmax(wanted))
    assert f"\n{first} " in said
    assert f"{X[first, 0]:.3f}"[:5] in said


def test_a_sketch_goes_to_csv_and_names_its_interval(data, tmp_path):
    out = tmp_path / "scores.csv"
    words = ("--target", "visits", "--family", "poisson", "--k", 3, "--projection", "gaussian", "--sketches", 4)
    said, status = asked(data, *words, "--out", out, "--weight-decay", 0.01)
    assert status == 0, said
    assert "Scores are sketched" in said
    assert list(pandas.read_csv(out)) == ["row", "cook", "leverage", "pearson", "cook_low", "cook_high"]


def test_of_wide_rows_each_is_shown_by_its_own_largest_features(tmp_path):
    x, own = numpy.zeros((len(X), 300)), 4 + numpy.arange(len(X)) % 296
    x[:, :4] = X
    x[numpy.arange(len(X)), own] = 9
    frame = pandas.DataFrame(x, columns=[f"c{place}" for place in range(300)]).assign(ill=CLASSES)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    said, status = asked(tmp_path / "rows.csv", "--target", "ill", "--weight-decay", 0.01, "--top", 5)
    assert status == 0, said
    for line in said.splitlines()[-5:]:
        assert f" c{own[int(line.split()[0])]} 9, c" in line
    assert "more columns" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "illl"), "Did you mean 'ill'"),
        ((), "Which column is the response?"),
        (("--target", "ill", "--family", "binomal"), "No family is named 'binomal'"),
        (("--target", "visits"), "has the response"),
        (("--target", "ill", "--out", "/none/scores.csv"), "There is no folder /none"),
        (("--target", "ill", "--out", "scores.txt"), "expected .parquet or .csv"),
        (("--target", "ill", "--k", 99), "k is 99 and there are"),
        (("--target", "ill", "--link", "cubic"), "There are:"),
        (("--target", "ill", "--scheduler", "nonsense"), "expected an address such as tcp://"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(data, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    told, status = asked(data, *words)
    assert status == 2
    assert said in told
    assert [path.name for path in tmp_path.iterdir()] == [data.name]


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("a")
    assert "ends like no table" in asked(path)[0]
    assert "There is no file" in asked(tmp_path / "none.csv")[0]


@pytest.fixture
def in_chunks(monkeypatch):
    """Twenty rows in a chunk, of files of four features."""
    monkeypatch.setattr(parquet_table, "CHUNK", 80)


@pytest.mark.usefixtures("in_chunks")
@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("ways", [(), ("--k", 3)])
def test_what_was_interrupted_goes_on_and_nothing_is_half_written(data, tmp_path, monkeypatch, share, ways):
    wanted, out = tmp_path / "wanted.parquet", tmp_path / "scores.parquet"
    words, chunks = (data, "--target", "ill", *ways, "--out"), []
    with monkeypatch.context() as patch:
        patch.setattr(RowsBar, "__call__", lambda *_: chunks.append(1))
        assert asked(*words, wanted)[1] == 0
    undisturbed = len(chunks)

    def stop(*_):
        chunks.append(1)
        if len(chunks) == undisturbed + int(share * undisturbed):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RowsBar, "__call__", stop)
        said, status = asked(*words, out)
        assert status == 130
        assert "the same command goes on from there" in said
        (parts,) = tmp_path.glob(".scores.parquet.*.parts")
        assert not out.exists()
        assert asked(*words, out)[1] == 0
    assert len(chunks) < 3 * undisturbed
    assert not parts.exists()
    # Equal bits are the promise: the same arithmetic on the same chunks.
    assert out.read_bytes() == wanted.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {data.name, wanted.name, out.name}


@pytest.mark.usefixtures("in_chunks")
def test_other_settings_begin_anew(data, tmp_path, monkeypatch):
    words, out = ("--target", "ill", "--weights", "visits"), tmp_path / "scores.csv"

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("influencelab.app.cli.sketch.glm_influence", stop)
        assert asked(data, *words, "--out", out)[1] == 130
    assert asked(data, *words, "--weight-decay", 0.1, "--out", out)[1] == 0
    wanted = il.row_influence(il.regress(X, CLASSES, weights=COUNTS, weight_decay=0.1)).cook()
    assert pandas.read_csv(out)["cook"].to_numpy() == pytest.approx(wanted, rel=1e-8)


@pytest.mark.usefixtures("in_chunks")
def test_a_gap_in_chunk_37_is_named_and_nothing_is_written(tmp_path):
    path, out = tmp_path / "patients.parquet", tmp_path / "scores.parquet"
    frame = pandas.DataFrame(numpy.tile(X, (3, 1)), columns=NAMES).assign(ill=numpy.tile(CLASSES, 3))
    frame.loc[37 * 20 + 5, "dose"] = numpy.nan
    # A number that is none, and not a value that is missing.
    arrays = {name: pyarrow.array(frame[name].to_numpy(), from_pandas=False) for name in frame}
    pyarrow.parquet.write_table(pyarrow.table(arrays), path)
    said, status = asked(path, "--target", "ill", "--out", out)
    assert status == 2
    assert "row 745 has nan in column dose" in " ".join(said.split())
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
