"""Every study runs headless at its smallest size, says the same twice, and takes what it has from the store."""

import subprocess
import sys
from dataclasses import dataclass
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


def ran(names: list[str], results: Path) -> dict[str, str]:
    """The numbers of each study after a run of all of them at `tiny`, to the last bit, without what a clock said."""
    command = [sys.executable, "-m", "influencelab", "run", *names, "--profile", "tiny", "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tables = {name: load(results / name / "tiny").measurements for name in names}
    return {name: table[table["unit"] != "s"].to_csv() for name, table in tables.items()}


@dataclass(frozen=True)
class Twice:
    """Numbers of every study from nothing and again with half of the store lost; what was lost, and was done again."""

    results: Path
    first: dict[str, str]
    again: dict[str, str]
    lost: list[str]
    redone: list[str]


@pytest.fixture(scope="module")
def twice(tmp_path_factory) -> Twice:
    """All studies in one run, as `make study` does: what studies share is trained once."""
    results = tmp_path_factory.mktemp("results")
    store, first = Store(results / ".store"), ran(STUDIES, results)
    lost = sorted({note.key for note in journal(store)})[::2]
    for key in lost:
        store.path(key).unlink()
    lines = len(journal(store))
    again = ran(STUDIES, results)
    redone = sorted(note.key for note in journal(store)[lines:] if note.event == "finished")
    return Twice(results, first, again, lost, redone)


@pytest.fixture(scope="module")
def results(twice) -> Path:
    """The folder that holds every study's report at `tiny`."""
    return twice.results


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_a_run_with_half_its_store_lost_says_the_same_to_the_last_bit(name, twice):
    """Equal bits are the promise: the same code on the same arrays, by as many threads."""
    assert twice.again[name] == twice.first[name]


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_a_report_has_figures_and_its_executed_notebook(name, results):
    report = load(results / name / "tiny")
    assert report.figures
    assert report.notebook.is_file()
    for figure in report.figures:
        assert figure.with_suffix(".png").is_file()


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
def test_a_run_with_half_its_store_lost_does_no_more_than_that_half(twice):
    assert twice.lost
    assert twice.redone == twice.lost


@pytest.mark.notebook
def test_a_run_from_an_empty_store_says_the_same_to_the_last_bit(twice, tmp_path):
    names = ["explore", "where_the_error_comes_from"]
    found = ran(names, tmp_path)
    assert found == {name: twice.first[name] for name in names}


# `explore` looks at what others found.
@pytest.mark.parametrize("name", [name for name in STUDIES if name != "explore"])
def test_every_study_tests_a_claim(name):
    assert [claim for claim in all_claims() if claim.study == name]
