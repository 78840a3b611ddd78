"""Hospital patients: the published encoding by pandas' indicators, the published split, a table in an archive."""

import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy
import pandas
import pooch
import pytest
import torch
from idx_files import cut_network
from patient_files import CHOSEN, COUNTED, NAME, PER_CLASS, SOURCE, as_text, expect, patients, use_patients

from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import diabetes130
from influencelab.data.sources.diabetes130 import Diabetes130
from influencelab.errors import InvalidParameter, MissingData

MIRROR = os.environ.get(FOLDER_VARIABLE, "")


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A small table where the published one is looked for."""
    cut_network(monkeypatch)
    return use_patients(tmp_path, monkeypatch)


def indicators(table: pandas.DataFrame) -> pandas.DataFrame:
    """Counts, and pandas' indicators of the other columns: the second alone of two values."""
    parts = [table[COUNTED]]
    for name in CHOSEN:
        values = pandas.Categorical(table[name])
        if name != "weight":
            parts.append(pandas.get_dummies(values, prefix=name, drop_first=len(values.categories) == 2))
    return pandas.concat(parts, axis=1).astype(float)


def test_features_are_counts_and_an_indicator_of_each_value(table):
    wanted, data = indicators(table), Diabetes130().load()
    names = Diabetes130().feature_names
    assert sorted(names) == sorted(wanted.columns)
    assert {"max_glu_serum_None", "race_?", "discharge_disposition_id_11", "examide_No"} <= set(names)
    rows = torch.cat([data.x_train, data.x_test]).numpy()
    by_row = [tuple(row) for row in wanted[list(names)].to_numpy()]
    assert sorted(map(tuple, rows)) == sorted(by_row)
    labels = dict(zip(by_row, table["readmitted"] == "<30", strict=True))
    assert [labels[tuple(row)] for row in rows] == torch.cat([data.y_train, data.y_test]).bool().tolist()


def test_the_split_is_balanced_and_drawn_as_numpys_old_generator_draws_it(table):
    soon = (table["readmitted"] == "<30").to_numpy()
    numpy_state = numpy.random.RandomState(2)  # the published code calls the global functions of the same generator
    yes, no = numpy.where(soon)[0], numpy.where(~soon)[0]
    numpy_state.shuffle(yes)
    numpy_state.shuffle(no)
    train = numpy.append(yes[:PER_CLASS], no[:PER_CLASS])
    numpy_state.shuffle(train)
    data, wanted = Diabetes130().load(), indicators(table)[list(Diabetes130().feature_names)].to_numpy()
    assert torch.bincount(data.y_train).tolist() == [PER_CLASS, PER_CLASS]
    assert data.x_train.numpy().tolist() == wanted[train].tolist()
    assert data.m == len(table) - 2 * PER_CLASS
    assert Diabetes130(split=3).load().x_train.numpy().tolist() != wanted[train].tolist()


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("settings", [{"per_class": -1}, {"per_class": 22}, {"split": -1}])
def test_a_split_that_leaves_no_test_point_of_a_class_is_refused(settings):
    with pytest.raises(InvalidParameter, match=r"expected 0, or 1 … 21 admissions"):
        Diabetes130(**settings).load()
    assert Diabetes130(per_class=21).load().n == 42


def archive(content: bytes, name: str = f"folder/{NAME}") -> bytes:
    """A zip archive that holds one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr(name, content)
    return packed.getvalue()


def serve(content: bytes, patch: pytest.MonkeyPatch) -> list[str]:
    """Every download gives these bytes; the list fills with what was asked for."""
    asked = []

    def write(_downloader, url, target, *_others):
        asked.append(url)
        Path(target).write_bytes(content)

    patch.setattr(pooch.HTTPDownloader, "__call__", write)
    return asked


@pytest.mark.parametrize("ends", [b"\r\n", b"\n"])
def test_the_table_is_taken_out_of_the_publishers_archive_once_however_its_lines_end(tmp_path, monkeypatch, ends):
    table = patients()
    expect(table, monkeypatch)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    asked = serve(archive(as_text(table).replace(b"\r\n", ends)), monkeypatch)
    first = Diabetes130(per_class=5).load()
    assert asked == [diabetes130.ARCHIVE]
    assert [path.name for path in (tmp_path / SOURCE).iterdir()] == [NAME]
    assert (tmp_path / SOURCE / NAME).read_bytes() == as_text(table)
    assert Diabetes130(per_class=5).load().content_hash() == first.content_hash()
    assert len(asked) == 1


@pytest.mark.parametrize("content", [b"no archive", archive(b"another table"), archive(b"", "other.csv")])
def test_an_archive_without_the_table_is_refused_and_leaves_nothing(tmp_path, monkeypatch, content):
    expect(patients(), monkeypatch)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    serve(content, monkeypatch)
    with pytest.raises(MissingData, match=rf"{SOURCE}/{NAME}") as caught:
        Diabetes130().load()
    assert diabetes130.ARCHIVE in str(caught.value)
    assert diabetes130.HOME in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_without_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert cut_network(monkeypatch) == []
    with pytest.raises(MissingData, match=r"ConnectionError.*INFLUENCELAB_DATA"):
        Diabetes130().load()


def test_a_packed_table_is_used_in_place_and_a_damaged_one_refused(table, tmp_path):
    expected, path = Diabetes130().load().content_hash(), tmp_path / SOURCE / NAME
    path.unlink()
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(as_text(table)))
    assert Diabetes130().load().content_hash() == expected
    packed.unlink()
    path.write_bytes(as_text(table)[:-9])
    with pytest.raises(MissingData, match="damaged or another file"):
        Diabetes130().load()


@pytest.mark.slow
@pytest.mark.skipif(not (MIRROR and (Path(MIRROR) / SOURCE).is_dir()), reason="the published table is not at hand")
def test_the_published_table_has_the_published_children():
    data, names = Diabetes130().load(), Diabetes130().feature_names
    assert (data.n, data.m, data.x_train.shape[1], len(names)) == (20_000, 81_766, 127, 127)
    child = names.index("age_[0-10)")
    children = data.x_train[:, child] == 1
    assert (int(children.sum()), int(data.y_train[children].sum())) == (24, 3)
    assert float(data.x_test[1742, child]) == 1.0
    # Rows of the four children after all others who were not readmitted but the last were left out, as printed.
    left_out = (children & (data.y_train == 0)).nonzero()[:, 0][:-1]
    kept = numpy.delete(numpy.arange(data.n), left_out.numpy())
    assert sorted(children[kept].nonzero()[:, 0].tolist()) == [9366, 11116, 13685, 19590]
