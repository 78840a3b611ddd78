"""A study runs with checked, typed parameters, and what it leaves is a whole report or the report there was."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat.sign import NotebookNotary

from influencelab.errors import InvalidParameter, StudyFailed, UnknownName
from influencelab.runner.atomic_folder import RunProgress
from influencelab.runner.report import Report
from influencelab.runner.report_writer import ReportWriter, start_report
from influencelab.runner.study import Study, studies, study
from influencelab.statistics.measurement import Measurement

NOTEBOOKS = Path(__file__).parents[1] / "support" / "notebooks"


COST = "expected: {seconds: 1, memory_gb: 1}"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def publish(results: Path, name: str) -> dict[str, bytes]:
    """An earlier report of a study at tiny; what is in the results folder."""
    draft = ReportWriter(name, folder=results / name / "tiny", parameters={})
    draft.number(Measurement(1.0), statistic="earlier")
    draft.publish()
    return contents(results)


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None]) -> Study:
    """The fine study with its notebook changed."""
    book = json.loads((NOTEBOOKS / "fine.ipynb").read_text())
    change(book)
    path = folder / "fine.ipynb"
    path.write_text(json.dumps(book))
    return Study(path)


def test_a_notebook_declares_its_question_parameters_and_profiles() -> None:
    fine = study("fine", folder=NOTEBOOKS)
    assert fine.question == "Does a study run from top to bottom?"
    assert [parameter.name for parameter in fine.parameters] == [
        *("profile", "results", "size", "flag", "rates", "workers"),
    ]
    assert list(fine.profiles) == ["tiny", "standard"]
    assert (fine.profiles["tiny"].seconds, fine.profiles["tiny"].memory_gb) == (5, 0.2)
    assert fine.values("standard")["rates"] == (0.01, 0.001)
    names = ["failing", "fine", "killed", "slow", "stepwise", "unpublished"]
    assert [found.name for found in studies(NOTEBOOKS)] == names


@pytest.mark.parametrize(
    ("cell", "source", "error", "message"),
    [
        (1, "tiny: [", StudyFailed, "no YAML"),
        (1, "tiny", StudyFailed, "no YAML mapping"),
        (1, "tiny: {size: 3}", StudyFailed, "does not say what it costs"),
        (1, "huge: {}", UnknownName, "tiny, quick, standard, paper"),
        (1, f"tiny: {{extends: tiny, {COST}}}", StudyFailed, "tiny extends tiny"),
        (
            1,
            f"tiny: {{extends: quick, {COST}}}\nquick: {{extends: tiny, {COST}}}",
            StudyFailed,
            "tiny extends quick ext",
        ),
        (1, f"tiny: {{extends: quik, {COST}}}\nquick: {{{COST}}}", UnknownName, "Did you mean 'quick'"),
        (1, f"tiny: {{extends: quick}}\nquick: {{{COST}}}", StudyFailed, "'tiny' does not say what it costs"),
        (1, "tiny: {sise: 3, expected: {seconds: 1, memory_gb: 1}}", UnknownName, "Did you mean 'size'"),
        (1, "tiny: {size: 1.5, expected: {seconds: 1, memory_gb: 1}}", InvalidParameter, "declared int"),
        (2, "size = 3", UnknownName, "no parameter 'profile'"),
    ],
)
def test_a_malformed_study_is_refused_before_it_runs(
    tmp_path: Path, cell: int, source: str, error: type[Exception], message: str
) -> None:
    def change(book: dict[str, Any]) -> None:
        book["cells"][cell]["source"] = source

    with pytest.raises(error, match=message):
        rewritten(tmp_path, change).plan("tiny")


def test_a_profile_that_extends_another_takes_its_values_and_changes_some(tmp_path: Path) -> None:
    def change(book: dict[str, Any]) -> None:
        book["cells"][1]["source"] = (
            f"tiny: {{size: 4, rates: [2.0], {COST}}}\n"
            "standard: {extends: quick, size: 6, expected: {seconds: 9, memory_gb: 2}}\n"
            "quick: {extends: tiny, flag: false, expected: {seconds: 5, memory_gb: 1}}\n"
        )

    declared = rewritten(tmp_path, change)
    taken = {name: declared.values(name) for name in declared.profiles}
    assert {name: (each["size"], each["rates"], each["flag"], each["workers"]) for name, each in taken.items()} == {
        "tiny": (4, (2.0,), True, 1),
        "quick": (4, (2.0,), False, 1),
        "standard": (6, (2.0,), False, 1),
    }
    assert [declared.profiles[name].seconds for name in ("tiny", "quick", "standard")] == [1, 5, 9]


def test_a_study_without_its_tagged_cells_or_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyFailed, match="no heading"):
        _ = rewritten(tmp_path, lambda book: book["cells"][0].update(source="No heading")).question
    with pytest.raises(StudyFailed, match="has 0 raw cells tagged 'profiles'"):
        rewritten(tmp_path, lambda book: book["cells"].pop(1)).plan("tiny")
    (tmp_path / "fine.ipynb").write_text("plain text")
    with pytest.raises(StudyFailed, match="no Jupyter notebook"):
        Study(tmp_path / "fine.ipynb").plan("tiny")


def test_unknown_names_are_refused_with_those_there_are() -> None:
    fine = study("fine", folder=NOTEBOOKS)
    with pytest.raises(UnknownName, match=r"failing, fine, killed, slow, stepwise, unpublished\. Did you mean 'fine'"):
        study("fin", folder=NOTEBOOKS)
    with pytest.raises(UnknownName, match=r"fine has no profile 'paper'\. There are: tiny, standard"):
        fine.plan("paper")
    with pytest.raises(UnknownName, match=r"fine has no parameter 'sise'\. There are: .*Did you mean 'size'"):
        fine.plan("tiny", sise=3)
    with pytest.raises(UnknownName, match="fine has no parameter 'device'"):
        fine.plan("tiny", device="cuda")
    with pytest.raises(UnknownName, match="'profile'"):
        fine.parameter("profil")


def test_only_what_changes_the_numbers_makes_a_run_a_changed_one(tmp_path: Path) -> None:
    fine = study("fine", folder=NOTEBOOKS)

    def folder(**changes: object) -> str:
        return fine.plan("tiny", results=tmp_path, **changes).folder.name

    assert folder() == folder(size="3") == folder(flag="true", workers="4") == "tiny"
    changed = folder(size="4", flag="false")
    assert changed.startswith("tiny-")
    assert changed == folder(flag=False, size=4)
    assert len({changed, folder(size=4), folder(flag=False), folder(rates="[0.1]"), "tiny"}) == 5
    plan = fine.plan("standard", results=tmp_path, flag="no")
    assert plan.parameters == {
        "profile": plan.folder.name,
        "results": str(tmp_path),
        "size": 9,
        "flag": False,
        "rates": (0.01, 0.001),
        "workers": 1,
    }


def test_a_report_takes_the_values_of_what_its_notebook_declares_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(NOTEBOOKS)
    here = {"profile": "tiny", "results": str(tmp_path), "size": 3, "flag": True, "rates": [1], "workers": 1}
    writer = start_report("fine", here | {"il": "a module", "other": 5})
    writer.number(Measurement(1.0), statistic="sum")
    assert writer.publish().parameters == {"size": 3, "flag": True, "rates": [1.0], "workers": 1}
    with pytest.raises(InvalidParameter, match=r"fine\.ipynb declares the parameter 'size', which has no value here"):
        start_report("fine", {name: value for name, value in here.items() if name != "size"})
    with pytest.raises(InvalidParameter, match="'size' is declared int, and 'many' is none"):
        start_report("fine", here | {"size": "many"})
    with pytest.raises(UnknownName, match=r"There is no notebook .*absent\.ipynb"):
        start_report("absent", here)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[RunProgress | None]]:
    """The fine study, run once; its folder has braces and a blank, as a user's may."""
    said: list[RunProgress | None] = []
    results = tmp_path_factory.mktemp("results {of} mine")
    report = study("fine", folder=NOTEBOOKS).run("tiny", results=results, progress=said.append, workers=2, rates=[2])
    return report, said


@pytest.mark.notebook
def test_a_run_publishes_what_it_was_asked_for(ran: tuple[Report, list[RunProgress | None]]) -> None:
    report, _ = ran
    assert report.changed
    assert report.parameters == {"size": 3, "flag": True, "rates": [2.0], "workers": 2}
    assert report.numbers()["sum"].value == 12
    assert report.facts["kinds"] == ["int", "bool", "tuple", 2]
    assert [path.name for path in report.folder.parent.iterdir()] == [report.folder.name]


@pytest.mark.notebook
def test_the_executed_notebook_lies_in_the_report_and_is_trusted(ran: tuple[Report, list[RunProgress | None]]) -> None:
    report, _ = ran
    executed = nbformat.read(report.notebook, as_version=4)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5]
    assert "rates = (2.0,)" in code[1].source
    assert NotebookNotary().check_signature(executed)
    executed.cells[0].source += "edited"
    code[-1].source += "edited"
    assert not NotebookNotary().check_signature(executed)


@pytest.mark.notebook
def test_progress_is_asked_for_while_the_notebook_runs(ran: tuple[Report, list[RunProgress | None]]) -> None:
    _, said = ran
    assert len(said) >= 3
    texts = {"1 of 2 numbers", *(f"{count} of 3 tables and figures" for count in (1, 2, 3))}
    assert {one.text for one in said if one} <= texts
    assert all(one.fraction < 1 for one in said if one)


@pytest.mark.notebook
def test_a_study_that_fails_after_it_published_leaves_the_earlier_report(tmp_path: Path) -> None:
    before = publish(tmp_path, "failing")
    plan = study("failing", folder=NOTEBOOKS).plan("tiny", results=tmp_path)
    with pytest.raises(StudyFailed, match=r"failing: ValueError: the second line is wrong\. What ran is kept in"):
        plan.execute()
    after = contents(tmp_path)
    failed = after.pop("failing/tiny.failed.ipynb").decode()
    assert after == before
    assert "nothing is wrong with the first line" in failed


@pytest.mark.notebook
def test_a_killed_kernel_is_a_failure_and_its_copy_says_so(tmp_path: Path) -> None:
    before = publish(tmp_path, "killed")
    plan = study("killed", folder=NOTEBOOKS).plan("tiny", results=tmp_path)
    with pytest.raises(StudyFailed, match=r"the kernel died \(killed, or out of memory\?\)"):
        plan.execute()
    copy = nbformat.read(plan.failed, as_version=4)
    assert copy.metadata.papermill.exception is True
    assert "The kernel died" in copy.cells[0].source
    status = [cell.metadata.papermill.status for cell in copy.cells if cell.cell_type == "code"]
    assert status == ["completed", "completed", "completed", "failed", "pending"]
    worker = int((tmp_path / "worker.txt").read_text())
    assert not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE
    after = contents(tmp_path)
    del after["killed/tiny.failed.ipynb"], after["worker.txt"]
    assert after == before


@pytest.mark.notebook
def test_a_study_that_publishes_nothing_failed_even_where_an_older_report_stands(tmp_path: Path) -> None:
    before = publish(tmp_path, "unpublished")
    with pytest.raises(StudyFailed, match=r"ended without publishing a report\. End it with `publish"):
        study("unpublished", folder=NOTEBOOKS).run("tiny", results=tmp_path)
    after = contents(tmp_path)
    del after["unpublished/tiny.failed.ipynb"]
    assert after == before


def test_a_report_that_records_other_parameters_than_it_ran_with_is_refused(tmp_path: Path) -> None:
    plan = study("fine", folder=NOTEBOOKS).plan("tiny", results=tmp_path)

    def publish_with(**parameters: object) -> None:
        draft = ReportWriter("fine", folder=tmp_path / "fine" / "tiny", parameters=parameters)
        draft.number(Measurement(1.0), statistic="sum")
        draft.publish()

    publish_with(size=3, flag=True, rates=(0.1, 0.01))
    assert plan.published(tmp_path / "fine").profile == "tiny"
    publish_with(size=4, flag=True, rates=(0.1, 0.01))
    with pytest.raises(StudyFailed, match="records size = 4, and it ran with 3"):
        plan.published(tmp_path / "fine")
    publish_with(size=3, flag=True)
    with pytest.raises(StudyFailed, match="records rates = None"):
        plan.published(tmp_path / "fine")


@pytest.mark.slow
def test_what_runs_notebooks_loads_without_the_grammar_it_does_not_need() -> None:
    program = """
import sys
import influencelab.runner.execution
assert "papermill" in sys.modules and "jsonschema" in sys.modules
assert "rfc3987_syntax" not in sys.modules
import rfc3987_syntax
print("importable afterwards")
"""
    home = NOTEBOOKS.parent.parent
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=home, check=False)
    assert done.stdout == "importable afterwards\n", done.stderr
