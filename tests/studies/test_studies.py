"""Every study runs headless at its smallest size, says the same twice, and takes what it has from the store."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import shape_checks
from figure_rules import faults
from journal import journal
from matplotlib import pyplot

from influencelab.experiments.store import Store
from influencelab.runner.report import load
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.study import Study, studies
from influencelab.studies.catalogue import all_claims

ROOT = Path(__file__).parents[2]
STUDIES = [study.name for study in studies(ROOT / "studies")]


def numbers(name: str, results: Path) -> str:
    """The numbers of a study's report at `tiny`, to the last bit, without what a clock said."""
    table = load(results / name / "tiny").measurements
    return table[table["unit"] != "s"].to_csv()


def run_all(results: Path) -> None:
    """Run all studies at `tiny` as `make study` does, each in a kernel of its own."""
    command = [sys.executable, "-m", "influencelab", "run", "--all", "--profile", "tiny", "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run_here(name: str, results: Path) -> dict[str, list[str]]:
    """Run the cells of one study at `tiny` in this process; what is wrong with each figure, opened, not as pixels."""
    drawn, keep = {}, ReportWriter.figure
    shape_checks.calls.clear()

    def figure(draft, name, figure, *, caption=""):
        drawn[name] = figure
        return keep(draft, name, figure, caption=caption)

    study = Study(ROOT / "studies" / f"{name}.ipynb")
    values = {**study.values("tiny"), "profile": "tiny", "results": str(results)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReportWriter, "figure", figure)
        patch.chdir(ROOT / "studies")
        for kind, text, tags in study.cells():
            if kind == "code" and "parameters" not in tags:
                exec(text, values)
    found = {name: faults(figure) for name, figure in drawn.items() if figure is not None}
    pyplot.close("all")
    return found


@dataclass(frozen=True)
class Twice:
    """Every study from nothing in kernels, and again in this process with half of the store lost.

    Attributes:
        first: the results of the first run.
        again: those of the second.
        drawn: what is wrong with each figure of the second, by study.
        lost: the trials that were lost.
        redone: those that were done again.
    """

    first: Path
    again: Path
    drawn: dict[str, dict[str, list[str]]]
    lost: list[str]
    redone: list[str]


@pytest.fixture(scope="module")
def twice(tmp_path_factory) -> Twice:
    """All studies in one run: what studies share is trained once."""
    first, again = (tmp_path_factory.mktemp(name) for name in ("first", "again"))
    run_all(first)
    shutil.copytree(first / ".store", again / ".store")
    store = Store(again / ".store")
    lost = sorted({note.key for note in journal(store)})[::2]
    for key in lost:
        store.path(key).unlink()
    lines = len(journal(store))
    drawn = {name: run_here(name, again) for name in STUDIES}
    redone = sorted(note.key for note in journal(store)[lines:] if note.event == "finished")
    return Twice(first, again, drawn, lost, redone)


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_a_run_with_half_its_store_lost_says_the_same_to_the_last_bit(name, twice):
    """Equal bits are the promise: the same code on the same arrays, by as many threads."""
    assert numbers(name, twice.again) == numbers(name, twice.first)


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_a_report_has_figures_and_its_executed_notebook(name, twice):
    report = load(twice.first / name / "tiny")
    assert report.figures
    assert report.notebook.is_file()
    for figure in report.figures:
        assert figure.with_suffix(".png").is_file()


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_of_a_study_keeps_the_house_style(name, twice):
    assert [fault for found in twice.drawn[name].values() for fault in found] == []
    assert set(load(twice.first / name / "tiny").captions) == set(twice.drawn[name])


@pytest.mark.notebook
def test_a_run_with_half_its_store_lost_does_no_more_than_that_half(twice):
    assert twice.lost
    assert twice.redone == twice.lost


@pytest.mark.notebook
def test_a_run_from_an_empty_store_says_the_same_to_the_last_bit(twice, tmp_path):
    names = ["explore", "where_the_error_comes_from"]
    for name in names:
        run_here(name, tmp_path)
    assert [numbers(name, tmp_path) for name in names] == [numbers(name, twice.first) for name in names]


# `explore` looks at what others found.
@pytest.mark.parametrize("name", [name for name in STUDIES if name != "explore"])
def test_every_study_tests_a_claim(name):
    assert [claim for claim in all_claims() if claim.study == name]
