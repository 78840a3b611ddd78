"""Reports for publishing: no pictures of others, and nothing else changed."""

import shutil
from pathlib import Path

import pytest

from influencelab.app.publish import published
from influencelab.explorer.data import LEFT_OUT, from_bytes
from influencelab.runner.report import EXPLORER, load

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def copy(tmp_path):
    """A function that copies a committed report."""

    def copied(name: str):
        folder = tmp_path / name
        shutil.copytree(RESULTS / name, folder)
        return load(folder)

    return copied


def test_pictures_are_left_out_and_pairs_stay(copy):
    report = copy("convolutional_network/standard")
    before, manifest = from_bytes(report.explorer_file()), report.manifest
    assert any(points.train is not None and points.train.ndim == 3 for points in before.points.values())
    again = published(report)
    after = from_bytes(again.explorer_file())
    assert all(points.train is None and points.test is None for points in after.points.values())
    assert after.pairs == before.pairs
    assert LEFT_OUT in after.notes
    assert after.to_bytes() == (again.folder / EXPLORER).read_bytes()
    assert again.manifest["left_out"] == "the pictures of the explorer"
    assert {key: again.manifest[key] for key in manifest if key != "files"} == {
        key: manifest[key] for key in manifest if key != "files"
    }


def test_patients_are_no_pictures(copy):
    report = copy("domain_mismatch/standard")
    before = report.explorer_file()
    (report.folder / "domain_mismatch.ipynb").write_text("{}")
    again = published(report)
    assert again.explorer_file() == before
    assert "left_out" not in again.manifest
    assert not list(again.folder.glob("*.ipynb"))
