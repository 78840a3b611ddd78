"""Folders come to their place whole, and what a process left there is cleared once that process has ended."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from influencelab.runner.atomic_folder import (
    RUN_FOLDER,
    clean_up,
    read_progress,
    replace_folder,
    run_folder,
    sibling,
    staging,
)
from influencelab.runner.owner import abandoned, owner, place
from influencelab.runner.report import load
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.signals import Stopped, stopped_by_signals
from influencelab.statistics.measurement import Measurement


def published(results: Path, *, profile: str = "tiny", value: float = 1.0) -> Path:
    """A small published report; its folder."""
    draft = ReportWriter("fine", folder=results / "fine" / profile, parameters={})
    draft.number(Measurement(value), statistic="number")
    return draft.publish().folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def dead_process() -> str:
    """The owner's name of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = owner(process.pid)
    process.communicate(b"\n")
    return name


def test_what_a_killed_writer_left_is_cleared_and_what_a_live_one_writes_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "fine" / "tiny"
    dead = sibling(folder, "writing", made_by=dead_process())
    live_process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    live = sibling(folder, "writing", made_by=owner(live_process.pid))
    other = folder.with_name(dead.name.replace(".tiny.", ".tiny-1a2b3c4d."))
    for path in (dead, live, other):
        path.mkdir(parents=True)
    ReportWriter("fine", folder=folder, parameters={})
    assert (dead.exists(), live.exists(), other.exists()) == (False, True, True)
    live_process.communicate(b"\n")
    clean_up(folder)
    assert not live.exists()


def test_a_later_process_with_a_dead_writers_number_is_not_that_writer(tmp_path: Path) -> None:
    mine = owner(os.getpid())
    assert not abandoned(tmp_path, mine)
    here, pid, start = mine.split(".")
    assert abandoned(tmp_path, f"{here}.{pid}.{int(start) - 1}")


def test_what_another_machine_writes_stays_until_nothing_in_it_has_changed_for_a_week(tmp_path: Path) -> None:
    folder = tmp_path / "fine" / "tiny"
    # A number that is nobody's here, or a later process's, is a running one there; and so may be an unknown name's.
    names = [dead_process().replace(dead_process()[:12], "0" * 12), f"{'0' * 12}.{os.getpid()}.1", "4194305"]
    strangers = [sibling(folder, role, made_by=name) for role in ("writing", "run", "replaced") for name in names]
    for path in strangers:
        (path / "figures").mkdir(parents=True)
        (path / "figures" / "line.svg").touch()
    ReportWriter("fine", folder=folder, parameters={})
    assert all(path.exists() for path in strangers)
    week_ago = time.time() - 8 * 24 * 3600
    for path in strangers:
        os.utime(path, (week_ago, week_ago))
        os.utime(path / "figures", (week_ago, week_ago))
    clean_up(folder)
    assert all(path.exists() for path in strangers)
    for path in strangers:
        os.utime(path / "figures" / "line.svg", (week_ago, week_ago))
    clean_up(folder)
    assert [path.name for path in folder.parent.iterdir() if not path.name.startswith(".tiny.writing.")] == ["tiny"]


UNSHARED = """
import sys
from pathlib import Path
from influencelab.runner.atomic_folder import clean_up
from influencelab.runner.owner import place
clean_up(Path(sys.argv[1]))
print(place())
"""


def test_a_container_of_this_machine_sweeps_nothing_that_runs_outside_it(tmp_path: Path) -> None:
    folder = tmp_path / "fine" / "tiny"
    unshared = ["unshare", "--user", "--pid", "--fork", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*unshared, "true"], capture_output=True, check=False).returncode:
        unshared = []  # where the system has no namespaces of processes it is another process, no more
    with run_folder(folder) as run:
        done = subprocess.run(
            [*unshared, sys.executable, "-c", UNSHARED, folder], capture_output=True, text=True, check=True
        )
        assert run.exists()
    assert (done.stdout.strip() == place()) == (not unshared)
    assert not run.exists()


def test_a_report_whose_replacement_died_between_two_renames_comes_back(tmp_path: Path) -> None:
    folder = published(tmp_path)
    before = contents(folder)
    folder.rename(sibling(folder, "replaced", made_by=dead_process()))
    clean_up(folder)
    assert contents(folder) == before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: str(each))
def test_a_signal_between_the_renames_of_a_report_waits_until_both_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    folder, rename, renamed = published(tmp_path), Path.rename, []
    draft = ReportWriter("fine", folder=folder, parameters={})
    draft.number(Measurement(2.0), statistic="number")

    def disturbed(path: Path, target: Path) -> None:
        rename(path, target)
        renamed.append(path.name)
        if path == folder:
            signal.raise_signal(sent)

    monkeypatch.setattr(Path, "rename", disturbed)
    with stopped_by_signals(), pytest.raises((KeyboardInterrupt, Stopped)):
        draft.publish()
    assert renamed == ["tiny", draft.staging.name]
    assert load(folder).numbers()["number"].value == 2.0
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_signal_while_another_one_clears_up_changes_nothing() -> None:
    with stopped_by_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_place_that_cannot_be_taken_keeps_what_is_there(tmp_path: Path) -> None:
    folder = published(tmp_path)
    before = contents(folder)
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "nowhere", folder)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_link_in_the_place_of_a_report_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    elsewhere = published(tmp_path / "elsewhere")
    before = contents(elsewhere)
    (tmp_path / "fine").mkdir()
    (tmp_path / "fine" / "tiny").symlink_to(elsewhere)
    folder = published(tmp_path, value=2.0)
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]
    assert not folder.is_symlink()
    assert contents(elsewhere) == before
    left = sibling(folder, "replaced", made_by=dead_process())
    left.symlink_to(tmp_path / "nowhere")
    clean_up(folder)
    assert not left.is_symlink()


def test_progress_is_read_while_a_report_is_written_and_gone_when_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "fine" / "tiny"
    with run_folder(folder) as run, pytest.MonkeyPatch.context() as patch:
        patch.setenv(RUN_FOLDER, str(run))
        draft = ReportWriter("fine", folder=folder, parameters={})
        assert read_progress(folder, runner=os.getpid()) is None
        draft.progress(3, 12, "retraining")
        said = read_progress(folder, runner=os.getpid())
        assert said is not None
        assert (said.fraction, said.label) == (0.25, "retraining")
        draft.running(0.5, 0.75)["progress"](0, 0, "trials")  # a part in which there is nothing to do is done
        said = read_progress(folder, runner=os.getpid())
        assert said is not None
        assert said.fraction == 0.75
        draft.number(Measurement(1.0), statistic="a")
        assert not list(draft.publish().folder.glob("progress*"))
    assert read_progress(folder, runner=os.getpid()) is None


def test_the_report_of_a_run_is_in_the_folder_of_the_run_and_one_of_another_folder_is_not(tmp_path: Path) -> None:
    before = contents(published(tmp_path))
    folder = tmp_path / "fine" / "tiny"
    with run_folder(folder) as run, pytest.MonkeyPatch.context() as patch:
        patch.setenv(RUN_FOLDER, str(run))
        assert published(tmp_path, value=2.0) == run / "tiny"
        assert published(tmp_path, profile="tiny-1a2b3c4d") == tmp_path / "fine" / "tiny-1a2b3c4d"
    assert contents(folder) == before


PUTTING = """
import sys
from pathlib import Path
from influencelab.runner.atomic_folder import replace_folder, staging
folder, name = Path(sys.argv[1]), sys.argv[2]
for _ in range(200):
    fresh = staging(folder)
    (fresh / "name").write_text(name)
    replace_folder(fresh, folder)
"""


def test_processes_that_put_folders_in_one_place_at_one_moment_all_end_well(tmp_path: Path) -> None:
    folder = tmp_path / "fine" / "tiny"
    run = [subprocess.Popen([sys.executable, "-c", PUTTING, folder, str(number)]) for number in range(3)]
    assert [process.wait() for process in run] == [0, 0, 0]
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]
    assert (folder / "name").read_text() in "012"


def test_a_place_that_another_took_and_left_again_is_taken_at_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fine" / "tiny"
    fresh = staging(folder)
    rename, refusals = Path.rename, [errno.ENOTEMPTY]

    def taken_once(path: Path, target: Path) -> Path:
        if path == fresh and refusals:
            raise OSError(refusals.pop(), "Directory not empty", str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", taken_once)
    replace_folder(fresh, folder)
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]
