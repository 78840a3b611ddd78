"""Figures drawn again: from what a report holds, in its place, and nothing else of it changes."""

import shutil
from pathlib import Path

import pytest
from figure_rules import caption_faults

from influencelab.runner.report import load
from influencelab.studies.redraw import redraw

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def report(tmp_path):
    """A copy of a committed report."""
    folder = tmp_path / "last_layer" / "standard"
    shutil.copytree(RESULTS / "last_layer" / "standard", folder)
    return load(folder)


def test_a_report_keeps_its_numbers_and_its_run_and_has_its_figures_anew(report):
    names = ("measurements.parquet", "pairs.parquet", "facts.json")
    before = {name: (report.folder / name).read_bytes() for name in names}
    name = "agreement_by_depth"
    path = report.folder / "figures" / f"{name}.png"
    path.write_bytes(b"not a figure")
    again = redraw(report)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert {name: (again.folder / name).read_bytes() for name in names} == before
    assert again.manifest["redrawn"]["figures"] == [name]
    kept = {key: value for key, value in again.manifest.items() if key not in ("files", "redrawn")}
    assert kept == {key: value for key, value in report.manifest.items() if key not in ("files", "redrawn")}
    assert not list(caption_faults(again.captions[name]))
    assert load(again.folder).captions == again.captions


def test_a_report_whose_study_draws_nothing_again_is_left_alone(tmp_path):
    folder = tmp_path / "depth_and_weight_decay" / "standard"
    shutil.copytree(RESULTS / "depth_and_weight_decay" / "standard", folder)
    before = (folder / "manifest.json").read_bytes()
    assert redraw(load(folder)).folder == folder
    assert (folder / "manifest.json").read_bytes() == before


def test_every_committed_figure_that_can_be_drawn_again_has_a_caption_for_a_stranger():
    folders = [path.parent for path in RESULTS.glob("*/*/captions.json")]
    assert {folder.parent.name for folder in folders} >= {"leave_one_out", "smooth_hinge", "test_points_and_tails"}
    for report in map(load, folders):
        assert {path.stem for path in report.figures} == set(report.captions)
        assert [fault for caption in report.captions.values() for fault in caption_faults(caption)] == []
