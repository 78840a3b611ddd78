"""One notebook, one file or one letter that is not as it should be is named, and stops nothing else."""

import errno
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from influencelab.__main__ import app
from influencelab.app.cli.run import assignments, planned
from influencelab.app.cli.terminal import shortened
from influencelab.runner.json_file import write_text
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


def test_a_damaged_report_is_named_in_one_line_and_the_scorecard_is_shown(tmp_path: Path) -> None:
    (tmp_path / "leave_one_out" / "standard").mkdir(parents=True)
    (tmp_path / "leave_one_out" / "standard" / "manifest.json").write_text("{")
    shown = inside("scorecard", "--results", str(tmp_path))
    assert shown.exit_code == 0
    assert shown.stdout == inside("scorecard", "--results", str(tmp_path / "nowhere")).stdout
    assert len(shown.stderr.splitlines()) == 1
    assert "leave_one_out/standard/manifest.json is damaged" in shown.stderr
    assert inside("scorecard", "--write", "--results", str(tmp_path)).exit_code == 2
    assert not (tmp_path / "README.md").exists()


def test_paths_are_shortened_only_where_they_begin_at_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = f"It is in {tmp_path}/a, not in '/work{tmp_path}/b'."
    assert shortened(said) == f"It is in a, not in '/work{tmp_path}/b'."


def test_a_page_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.html"
    write_text(page, "earlier")
    (tmp_path / "link.html").symlink_to(page)

    def full(path: Path, *_: object, **__: object) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            write_text(page, "later")
    assert (page.read_text(), len(list(tmp_path.iterdir()))) == ("earlier", 2)
    write_text(tmp_path / "link.html", "later")
    assert page.read_text() == "later"
    write_text(Path(os.devnull), "anything")
    assert not Path(os.devnull).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_nothing(tmp_path: Path, closed: str) -> None:
    words = shlex.join([*COMMAND, "scorecard", "--results", str(tmp_path)])
    script = f"({words} {closed}); echo $?"
    done = subprocess.run(script, shell=True, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda each: each.name)
def test_a_signal_ends_any_command_with_one_line(monkeypatch: pytest.MonkeyPatch, sent: signal.Signals) -> None:
    monkeypatch.setattr("influencelab.app.cli.scorecard.printed", lambda *_, **__: signal.raise_signal(sent))
    stopped = inside("scorecard")
    assert (stopped.exit_code, stopped.stdout) == (128 + sent, "")
    assert stopped.stderr.strip() == "influencelab: stopped; earlier results are as they were."


def test_ctrl_c_before_anything_began_is_one_line() -> None:
    """As where it comes while the command line is read."""
    script = (
        "import runpy, sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'influencelab.app.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "runpy.run_module('influencelab', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (130, "\ninfluencelab: stopped before anything began.\n")


def test_a_working_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = f"mkdir {gone}; cd {gone}; rmdir {gone}; {shlex.join(COMMAND)} list"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(script, shell=True, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "influencelab: The working folder is gone. Change to one that exists: cd.\n"


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_of_few_letters_is_written_to(tmp_path: Path, encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    words = ["scorecard", "--results", str(tmp_path / "θ")]
    done = subprocess.run([*COMMAND, *words], capture_output=True, env=environment, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert any(letter in inside(*words).output for letter in "θλ−²≤")
