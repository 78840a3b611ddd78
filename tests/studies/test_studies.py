"""Every study runs from nothing at its smallest size, in house style, and what a store has is not computed again."""

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
from influencelab.experiments.trial import Trial
from influencelab.runner.report import load
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.study import Study, studies
from influencelab.statistics.comparison import Comparison
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


def lose_half(store: Store) -> list[str]:
    """Remove every second trial of a store; their keys."""
    lost = sorted({note.key for note in journal(store)})[::2]
    for key in lost:
        store.path(key).unlink()
    return lost


def finished(store: Store) -> list[str]:
    """The trials that were finished there, in the order of time."""
    return [note.key for note in journal(store) if note.event == "finished"]


@dataclass(frozen=True)
class Ran:
    """Every study after a run.

    Attributes:
        results: what they left.
        drawn: what is wrong with each figure, by study.
    """

    results: Path
    drawn: dict[str, dict[str, list[str]]]


@pytest.fixture(scope="session")
def ran(tmp_path_factory) -> Ran:
    """All studies from nothing, on one store: what they share is trained once. For the session, in whatever order."""
    results = tmp_path_factory.mktemp("first")
    return Ran(results, {name: run_here(name, results) for name in STUDIES})


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_of_a_study_is_in_its_report_and_keeps_the_house_style(name, ran):
    report = load(ran.results / name / "tiny")
    assert report.figures
    for figure in report.figures:
        assert figure.with_suffix(".png").is_file()
    assert set(report.captions) == set(ran.drawn[name])
    assert [fault for found in ran.drawn[name].values() for fault in found] == []


@pytest.mark.notebook
@pytest.mark.parametrize("name", ["leave_one_out", "smooth_hinge"])
def test_a_second_run_trains_and_compares_nothing_and_says_the_same(name, ran, tmp_path, monkeypatch):
    """Equal bits are the promise: numbers that were stored and read."""
    shutil.copytree(ran.results / ".store", tmp_path / ".store")
    before = journal(Store(tmp_path / ".store"))
    monkeypatch.setattr(Trial, "run", lambda *_, **__: pytest.fail("a trial was run"))
    monkeypatch.setattr(Comparison, "statistics", lambda *_: pytest.fail("statistics were computed"))
    run_here(name, tmp_path)
    assert numbers(name, tmp_path) == numbers(name, ran.results)
    assert journal(Store(tmp_path / ".store")) == before


@pytest.mark.notebook
def test_a_study_alone_says_the_same_and_with_half_its_store_lost_does_that_half_again(ran, tmp_path):
    """Equal bits are the promise: the same code on the same arrays, by as many threads."""
    name, store = "last_layer", Store(tmp_path / ".store")
    run_here(name, tmp_path)
    assert numbers(name, tmp_path) == numbers(name, ran.results)
    before, lost = finished(store), lose_half(store)
    assert lost
    shutil.rmtree(tmp_path / name)
    run_here(name, tmp_path)
    assert numbers(name, tmp_path) == numbers(name, ran.results)
    assert sorted(finished(store)[len(before) :]) == lost


@dataclass(frozen=True)
class Again:
    """Every study once more, with half of the store lost.

    Attributes:
        results: what they left.
        lost: the trials that were lost.
        redone: those that were done again.
    """

    results: Path
    lost: list[str]
    redone: list[str]


@pytest.fixture(scope="session")
def again(ran, tmp_path_factory) -> Again:
    """In kernels, as a user runs them."""
    results = tmp_path_factory.mktemp("again")
    shutil.copytree(ran.results / ".store", results / ".store")
    store = Store(results / ".store")
    before, lost = finished(store), lose_half(store)
    run_all(results)
    return Again(results, lost, sorted(finished(store)[len(before) :]))


@pytest.mark.exhaustive
@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_a_kernel_with_half_the_store_lost_says_the_same_to_the_last_bit(name, ran, again):
    """Equal bits are the promise: the same code on the same arrays, by as many threads."""
    assert numbers(name, again.results) == numbers(name, ran.results)
    report = load(again.results / name / "tiny")
    assert report.notebook.is_file()
    assert set(report.captions) == set(ran.drawn[name])


@pytest.mark.exhaustive
@pytest.mark.notebook
def test_a_run_with_half_its_store_lost_does_no_more_than_that_half(again):
    assert again.lost
    assert again.redone == again.lost


# `explore` looks at what others found.
@pytest.mark.parametrize("name", [name for name in STUDIES if name != "explore"])
def test_every_study_tests_a_claim(name):
    assert [claim for claim in all_claims() if claim.study == name]
