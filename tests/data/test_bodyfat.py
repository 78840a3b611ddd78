"""Body fat is read from any form of its file, downloaded where there is none, and never another table."""

import os
from pathlib import Path

import numpy
import pooch
import pytest
from bodyfat_files import csv_text, invented_men, statlib_text, use_invented_men
from idx_files import cut_network

import influencelab as il
from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import bodyfat
from influencelab.errors import MissingData

REAL = Path(os.environ.get(FOLDER_VARIABLE, "") or "none") / "ridge" / "bodyfat.csv"


def rows(data) -> numpy.ndarray:
    """Target and features of all men, in the order of the file."""
    ids = numpy.concatenate([data.train_ids, data.test_ids])
    both = [numpy.concatenate([getattr(data, f"{part}_{side}") for side in ("train", "test")]) for part in "xy"]
    return numpy.column_stack([both[1], both[0]])[numpy.argsort(ids)]


@pytest.mark.parametrize(
    ("place", "written"),
    [("bodyfat/bodyfat", statlib_text), ("ridge/bodyfat.csv", csv_text), ("bodyfat.txt", statlib_text)],
)
def test_every_form_of_the_file_gives_the_same_men(tmp_path, monkeypatch, place, written):
    table = use_invented_men(tmp_path / "first", monkeypatch)
    path = tmp_path / "other" / place
    path.parent.mkdir(parents=True)
    path.write_text(written(table))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "other"))
    assert cut_network(monkeypatch) == []
    data = il.Bodyfat(held_out=20).load()
    assert (data.n, data.m, data.classes) == (60, 20, 0)
    # Equal bits: copies.
    assert numpy.array_equal(rows(data), table[:, [1, *range(3, 15)]])
    assert len(bodyfat.FEATURES) == data.x_train.shape[1]


def test_another_table_is_not_taken(tmp_path, monkeypatch):
    table = use_invented_men(tmp_path, monkeypatch)
    table[3, 4] += 0.01
    (tmp_path / "bodyfat" / "bodyfat").write_text(statlib_text(table))
    cut_network(monkeypatch)
    with pytest.raises(
        MissingData, match=r"could not be downloaded to .*ConnectionError.*home of bodyfat is .*INFLUENCELAB_DATA"
    ):
        il.Bodyfat().load()
    assert [path.name for path in (tmp_path / "bodyfat").iterdir()] == ["bodyfat"]


def test_it_is_downloaded_once_and_only_if_it_is_the_published_table(tmp_path, monkeypatch):
    table = use_invented_men(tmp_path / "first", monkeypatch)
    kept = tmp_path / "kept"
    monkeypatch.setenv(FOLDER_VARIABLE, str(kept))
    texts = [statlib_text(invented_men(79)), statlib_text(table)]
    asked = []

    def served(_downloader, url, target, _pooch):
        asked.append(url)
        Path(target).write_text(texts[len(asked) - 1])

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", served)
    with pytest.raises(MissingData, match="is not the published table"):
        il.Bodyfat().load()
    assert list((kept / "bodyfat").iterdir()) == []
    first, second = il.Bodyfat().load(), il.Bodyfat().load()
    assert first.content_hash() == second.content_hash()
    assert asked == 2 * [bodyfat.HOME]
    assert [path.name for path in (kept / "bodyfat").iterdir()] == ["bodyfat"]


@pytest.mark.skipif(not REAL.is_file(), reason="the real file is not at hand")
def test_the_real_file_holds_the_two_odd_men_of_the_paper():
    data = il.Bodyfat().load()
    assert (data.n, data.m) == (200, 52)
    men = rows(data)
    # Weight of row 39 and height of row 42, counted from 1.
    assert (men[38, 1], men[41, 2]) == (363.15, 29.5)
    assert men[:, 0].max() == 47.5
