"""Whatever befalls a run, a report that is there stays, and a report that was made is not lost."""

import errno
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from influencelab.errors import InvalidParameter, StudyFailed
from influencelab.runner import study as module
from influencelab.runner.execution import injected, mark_dead, sign
from influencelab.runner.owner import abandoned
from influencelab.runner.report import load
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.study import Study, notebooks, problem, studies, study
from influencelab.statistics.measurement import Measurement

NOTEBOOKS = Path(__file__).parents[1] / "support" / "notebooks"


def publish(results: Path, name: str) -> None:
    """A report of a study at tiny, made by hand."""
    draft = ReportWriter(name, folder=results / name / "tiny", parameters={})
    draft.number(Measurement(1.0), statistic="by hand")
    draft.publish()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def values_in(book: nbformat.NotebookNode) -> list[str]:
    """The cells of values that a run put in."""
    return [cell.source for cell in book.cells if "injected-parameters" in cell.metadata.get("tags", [])]


def test_an_executed_copy_is_a_study_like_any_other(tmp_path: Path) -> None:
    copy = tmp_path / "fine.ipynb"
    nbformat.write(injected(NOTEBOOKS / "fine.ipynb", {"size": 4}), copy)
    mark_dead(copy)
    executed = Study(copy)
    assert problem(executed) == ""
    assert executed.question == study("fine", folder=NOTEBOOKS).question
    assert executed.values("tiny")["size"] == 3
    again = injected(copy, {"size": 7})
    assert values_in(again) == ["# As run\nsize = 7"]
    assert len(again.cells) == len(injected(NOTEBOOKS / "fine.ipynb", {}).cells)


@pytest.mark.notebook
def test_the_report_of_a_copy_under_another_name_is_its_own(tmp_path: Path) -> None:
    publish(tmp_path / "results", "fine")
    before = contents(tmp_path / "results")
    (tmp_path / "studies").mkdir()
    nbformat.write(injected(NOTEBOOKS / "fine.ipynb", {"size": 4}), tmp_path / "studies" / "fine_copy.ipynb")
    report = study("fine_copy", folder=tmp_path / "studies").run("tiny", size=5)
    assert report.folder.parent == tmp_path / "results" / "fine_copy"
    assert (report.study, report.numbers()["sum"].n) == ("fine_copy", 5)
    shutil.rmtree(report.folder.parent)
    assert contents(tmp_path / "results") == before


@pytest.mark.notebook
def test_a_run_that_fails_leaves_what_another_published_in_the_meantime(tmp_path: Path) -> None:
    def another(_: object) -> None:
        if not (tmp_path / "failing" / "tiny").exists():
            publish(tmp_path, "failing")

    with pytest.raises(StudyFailed, match="the second line is wrong"):
        study("failing", folder=NOTEBOOKS).run("tiny", results=tmp_path, progress=another)
    assert list(load(tmp_path / "failing" / "tiny").numbers()) == ["by hand"]
    assert sorted(path.name for path in (tmp_path / "failing").iterdir()) == ["tiny", "tiny.failed.ipynb"]


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), sqlite3.OperationalError("disk I/O error")]
)
def test_a_copy_that_cannot_be_signed_is_kept_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    copy = shutil.copy(NOTEBOOKS / "fine.ipynb", tmp_path)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(NotebookNotary, "sign", refuse)
    with pytest.warns(UserWarning, match=r"fine\.ipynb is not signed \(.*set HOME or JUPYTER_DATA_DIR"):
        sign(Path(copy))
    # As where its file cannot be written: the signature is kept in memory, and gone with it.
    monkeypatch.setattr(NotebookNotary, "sign", lambda *_: None)
    with pytest.warns(UserWarning, match="no signature was kept"):
        sign(Path(copy))


def test_what_the_system_refuses_is_one_line_with_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = study("fine", folder=NOTEBOOKS).plan("tiny", results=tmp_path)
    (tmp_path / "fine").write_text("a file where a folder should be")
    with pytest.raises(StudyFailed, match=rf"^fine: .*{tmp_path}/fine\. Mend that"):
        plan.execute()
    (tmp_path / "fine").unlink()
    (tmp_path / "fine").mkdir()
    (tmp_path / "fine" / "tiny").write_text("a file where the report should be")
    with pytest.raises(StudyFailed, match=rf"A file stands where .*{tmp_path}/fine/tiny\. Mend that"):
        plan.execute()
    (tmp_path / "fine" / "tiny").unlink()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.Plan, "attempt", full)
    with pytest.raises(StudyFailed, match=rf"^fine: No space left on device: {tmp_path}/fine/tiny\. Mend that"):
        plan.execute()
    assert list((tmp_path / "fine").iterdir()) == []


def test_a_run_that_breaks_in_any_way_is_a_failure_of_that_study_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object, **__: object) -> None:
        raise KeyError("a fault\nof two lines")

    monkeypatch.setattr("influencelab.runner.execution.execute", odd)
    with pytest.raises(StudyFailed, match=r"^fine: KeyError: .*\. Nothing of it was run\.$"):
        study("fine", folder=NOTEBOOKS).plan("tiny", results=tmp_path).execute()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda book: book.update(metadata=None),
        lambda book: book["cells"][4].pop("outputs"),
        lambda book: book["cells"][4].update(source="x = '\ud800'"),
    ],
    ids=["no metadata", "no outputs", "letters that are none"],
)
def test_a_notebook_that_no_kernel_can_run_is_said_to_be_none(tmp_path: Path, spoil: Callable[[Any], object]) -> None:
    book = json.loads((NOTEBOOKS / "fine.ipynb").read_text())
    spoil(book)
    (tmp_path / "fine.ipynb").write_text(json.dumps(book))
    with pytest.raises(StudyFailed, match=r"^fine: fine.ipynb is no valid notebook \(.*Nothing of it was run\.$"):
        study("fine", folder=tmp_path).run("tiny", results=tmp_path)


def test_what_only_somebody_else_may_read_is_named_or_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: Path, *_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", locked)
    assert problem(study("fine", folder=NOTEBOOKS)).startswith(f"Permission denied: {NOTEBOOKS}/fine.ipynb")
    monkeypatch.setattr(Path, "stat", locked)
    assert not abandoned(tmp_path, "a stranger's")


def test_a_folder_that_this_locale_cannot_write_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"The letters of '.*\\udcff/fine' are none in this locale"):
        study("fine", folder=NOTEBOOKS).plan("tiny", results=tmp_path / "\udcff")


SLIPS: dict[str, Callable[[str], str]] = {
    "a magic": lambda cell: "%matplotlib inline\n" + cell,
    "an open bracket": lambda cell: cell.replace("size: int = 3", "size: int = ("),
    "an open string": lambda cell: cell.replace("size: int = 3", 'size: str = "'),
    "an indent": lambda cell: "  " + cell,
    "no literal": lambda cell: cell.replace("size: int = 3", "size: int = {[1]: 2}"),
    "no such type": lambda cell: cell.replace("size: int", "size: whole"),
    "a null": lambda cell: cell + "\0",
}


def slip(folder: Path, place: int, change: Callable[[str], str]) -> Study:
    """The fine study, with a cell changed."""
    book = json.loads((NOTEBOOKS / "fine.ipynb").read_text())
    book["cells"][place]["source"] = change("".join(book["cells"][place]["source"]))
    path = folder / "slip.ipynb"
    path.write_text(json.dumps(book))
    return Study(path)


@pytest.mark.parametrize("kind", SLIPS)
def test_a_slip_in_a_parameters_cell_is_a_problem_of_that_notebook_alone(tmp_path: Path, kind: str) -> None:
    shutil.copy(NOTEBOOKS / "fine.ipynb", tmp_path)
    wrong = problem(slip(tmp_path, 2, SLIPS[kind]))
    assert wrong
    assert "\n" not in wrong
    assert [each.name for each in studies(tmp_path)] == ["fine"]
    assert [each.name for each in notebooks(tmp_path)] == ["fine", "slip"]


@pytest.mark.parametrize(
    "profiles",
    [
        *("tiny: [1", "3", "tiny: {expected: {seconds: soon, memory_gb: 1}}", "tiny: {3: 4}", "3: {}"),
        *("tiny: {extends: [a]}", "tiny: {expected: {seconds: null, memory_gb: 1}}"),
        *("tiny: 2001-99-99", "tiny: !!int x", "tiny: !!timestamp x", "[" * 5000),
    ],
)
def test_a_slip_in_its_profiles_is_too(tmp_path: Path, profiles: str) -> None:
    assert problem(slip(tmp_path, 1, lambda _: profiles))


@pytest.mark.parametrize(
    "book",
    [
        *({}, [], {"cells": 3, "nbformat": 4}, {"cells": [3], "nbformat": 4}, {"cells": [], "nbformat": 3}),
        {"cells": [{"cell_type": "code", "source": "", "metadata": []}], "nbformat": 4},
        {"cells": [{"cell_type": "code", "source": 5, "metadata": {}}], "nbformat": 4},
    ],
)
def test_what_is_no_notebook_is_one(tmp_path: Path, book: Any) -> None:
    path = tmp_path / "slip.ipynb"
    path.write_text(json.dumps(book))
    assert "is no Jupyter notebook" in problem(Study(path))
    path.write_bytes(b"\xff\xfe")
    assert "is no Jupyter notebook" in problem(Study(path))
    path.unlink()
    path.mkdir()
    (tmp_path / "._fine.ipynb").touch()
    assert [each.name for each in notebooks(tmp_path)] == ["slip"]
    assert "There is no notebook" in problem(Study(path))
