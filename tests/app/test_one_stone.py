"""One notebook, one file or one letter that is not as it should be is named, and stops nothing else."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from influencelab.__main__ import app
from influencelab.app.cli.run import assignments, planned
from influencelab.runner.study import study

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "tests" / "support" / "notebooks"
COMMAND = [sys.executable, "-m", "influencelab"]


def inside(*words: str) -> Result:
    """Run the command line inside this process."""
    return CliRunner().invoke(app, list(words))


def test_a_notebook_that_is_no_study_is_named_and_the_others_are_listed_and_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(NOTEBOOKS / "fine.ipynb", tmp_path)
    (tmp_path / "Untitled.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4}')
    line = "influencelab: Untitled.ipynb is no study, and is left out: its first text cell has no heading."
    shown = inside("list", "--studies", str(tmp_path))
    assert (shown.exit_code, shown.stdout.split()[0], len(shown.stdout.splitlines())) == (0, "fine", 1)
    assert shown.stderr.startswith(line)
    every = planned([], everything=True, profile="tiny", changes={}, folder=tmp_path, home=None)
    assert [plan.study.name for plan in every] == ["fine"]
    assert capsys.readouterr().err.startswith(line)
    assert inside("list", "Untitled", "--studies", str(tmp_path)).exit_code == 2


def test_a_text_keeps_the_spaces_it_is_given(tmp_path: Path) -> None:
    assert assignments(["text= x ", "equation=a = b", " size =3"]) == {"text": " x ", "equation": "a = b", "size": "3"}
    copied = (
        (NOTEBOOKS / "fine.ipynb").read_text().replace("rates: tuple", 'text: str = \\"\\"\\n",\n    "rates: tuple')
    )
    (tmp_path / "fine.ipynb").write_text(copied)
    plan = study("fine", folder=tmp_path).plan("tiny", **assignments(["text= x ", "size= 4"]))
    assert (plan.parameters["text"], plan.parameters["size"]) == (" x ", 4)


def test_what_the_system_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", "results/README.md")

    monkeypatch.setattr("influencelab.app.cli.scorecard.written", full)
    refused = inside("scorecard", "--write")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("influencelab: No space left on device: results/README.md. Mend that")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_of_few_letters_is_written_to(tmp_path: Path, encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    words = ["scorecard", "--results", str(tmp_path / "θ")]
    done = subprocess.run([*COMMAND, *words], capture_output=True, env=environment, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert any(letter in inside(*words).output for letter in "θλ−²≤")
