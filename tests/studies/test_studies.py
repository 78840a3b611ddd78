"""Every study runs headless at its smallest size, says the same twice, and takes what it has from the store."""

import subprocess
import sys
from pathlib import Path

import pytest
from figure_rules import faults
from journal import journal

from influencelab.experiments.store import Store
from influencelab.runner.report import load
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.study import Study, studies
from influencelab.studies.catalogue import all_claims

ROOT = Path(__file__).parents[2]
STUDIES = [study.name for study in studies(ROOT / "studies")]


def ran(name: str, results: Path):
    """The report of a run at `tiny`."""
    command = [sys.executable, "-m", "influencelab", "run", name, "--profile", "tiny", "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return load(results / name / "tiny")


def written(report) -> str:
    """Its numbers to the last bit; what a clock said is not among them."""
    return report.measurements[report.measurements["unit"] != "s"].to_csv()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One folder of results: what studies share is trained once."""
    return tmp_path_factory.mktemp("results")


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_a_run_with_half_its_store_lost_says_the_same_to_the_last_bit_and_does_no_more_than_that_half(name, results):
    """Equal bits are the promise: the same code on the same arrays, by as many threads."""
    store = Store(results / ".store")
    before = {note.key for note in journal(store)}
    report = ran(name, results)
    first = written(report)
    assert report.figures
    assert report.notebook.is_file()
    for figure in report.figures:
        assert figure.with_suffix(".png").is_file()
    lost = sorted({note.key for note in journal(store)} - before)[::2]
    for key in lost:
        store.path(key).unlink()
    lines = len(journal(store))
    assert written(ran(name, results)) == first
    assert sorted(note.key for note in journal(store)[lines:] if note.event == "finished") == lost


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_of_a_study_keeps_the_house_style(name, results, monkeypatch):
    """Opened as figures, not as pixels: the cells of the notebook in this process, with trials from the store."""
    drawn = {}
    keep = ReportWriter.figure

    def figure(draft, name, figure, *, caption=""):
        drawn[name] = figure
        return keep(draft, name, figure, caption=caption)

    monkeypatch.setattr(ReportWriter, "figure", figure)
    monkeypatch.chdir(ROOT / "studies")
    study = Study(ROOT / "studies" / f"{name}.ipynb")
    values = {**study.values("tiny"), "profile": "tiny", "results": str(results)}
    for kind, text, tags in study.cells():
        if kind == "code" and "parameters" not in tags:
            exec(text, values)
    assert {name: faults(each) for name, each in drawn.items() if each is not None and faults(each)} == {}
    assert set(load(results / name / "tiny").captions) == {name for name, each in drawn.items() if each is not None}


@pytest.mark.notebook
@pytest.mark.parametrize("name", ["explore", "where_the_error_comes_from"])
def test_a_run_from_an_empty_store_says_the_same_to_the_last_bit(name, results, tmp_path):
    assert written(ran(name, tmp_path)) == written(load(results / name / "tiny"))


# `explore` looks at what others found.
@pytest.mark.parametrize("name", [name for name in STUDIES if name != "explore"])
def test_every_study_tests_a_claim(name):
    assert [claim for claim in all_claims() if claim.study == name]
