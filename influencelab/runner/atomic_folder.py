"""Folders written next to their place and put there complete, and recovery after an interrupted writer.

Hidden siblings are named by their role and their owner: `.tiny.writing.<owner>` is what a process writes, `.tiny.run.…`
holds all of a run until it is over, and `.tiny.replaced.…` is the report that another takes the place of.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from influencelab.errors import MissingData
from influencelab.recipe import counted
from influencelab.runner import json_file
from influencelab.runner.owner import OWNER, abandoned, owner
from influencelab.runner.signals import held_back

PROGRESS = "progress.json"
# The variable by which the notebook of a run knows the folder that holds the run until it is over.
RUN_FOLDER = "INFLUENCELAB_RUN_FOLDER"
# How often two processes may put their folders in one place at the same moment before one gives up.
ATTEMPTS = 100


@dataclass(frozen=True)
class RunProgress:
    """Progress of a run, as its notebook reported it last.

    Attributes:
        done: jobs finished, such as models retrained.
        total: jobs in all.
        label: the current step, in a few words.
    """

    done: float
    total: float
    label: str = ""

    @property
    def fraction(self) -> float:
        """Share done, between 0 and 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    @property
    def text(self) -> str:
        """`12 of 50 trials`; the label alone where one whole thing is done bit by bit."""
        return counted(self.done, self.total, self.label)


def sibling(folder: Path, role: str, *, made_by: str) -> Path:
    """A hidden folder next to another, named by its role and its owner."""
    return folder.with_name(f".{folder.name}.{role}.{made_by}")


def unique(folder: Path, role: str) -> Path:
    """The name of a hidden folder next to another, of which this process may have several at once."""
    return sibling(folder, role, made_by=f"{owner(os.getpid())}.{secrets.token_hex(4)}")


def staging(folder: Path) -> Path:
    """A new, empty folder in which this process writes what will become `folder`."""
    clean_up(folder)
    fresh = sibling(folder, "writing", made_by=owner(os.getpid()))
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


@contextmanager
def run_folder(folder: Path) -> Iterator[Path]:
    """A hidden folder that holds all of one run whose report will be `folder`; it is gone when the run is over.

    Raises:
        OSError: it cannot be made, or something that is no folder stands in the report's place.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "A file stands where the report's folder should be", str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    clean_up(folder)
    made = unique(folder, "run")
    made.mkdir()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def own_run() -> Path | None:
    """The folder of the run that this process is the notebook of; None where a notebook is run by hand."""
    named = os.environ.get(RUN_FOLDER)
    return Path(named) if named and Path(named).is_dir() else None


def published_in(folder: Path) -> Path:
    """Where this process publishes a report: in the folder of its run, which puts it in its place, or there itself."""
    run = own_run()
    mine = run is not None and run.name.startswith(f".{folder.name}.run.") and run.parent == folder.parent.resolve()
    return run / folder.name if run is not None and mine else folder


def read_progress(folder: Path, *, runner: int) -> RunProgress | None:
    """Progress of the run of a folder by a process; None before its first report and once it is over."""
    with suppress(MissingData, OSError, psutil.Error):
        for run in folder.parent.glob(f".{folder.name}.run.{owner(runner)}.*"):
            found = json_file.read(run / PROGRESS)
            return RunProgress(found["done"], found["total"], found["label"])
    return None


def replace_folder(fresh: Path, folder: Path) -> None:
    """Put a finished folder in its place; what was there goes only when the new one stands.

    Of several processes that do so at one moment the last one's stays. If this process dies between the two renames,
    `clean_up` puts the old one back.
    """
    for _ in range(ATTEMPTS):
        aside = unique(folder, "replaced")
        with held_back():
            done = exchange(fresh, folder, aside)
            remove(aside)
        if done:
            return
    raise FileExistsError(
        errno.EEXIST, "Others put their folders there at the same moment, again and again", str(folder)
    )


def exchange(fresh: Path, folder: Path, aside: Path) -> bool:
    """Move what is in a place aside and a finished folder there; where that fails what was there comes back.

    False where another process has put its own there in the meantime.
    """
    with suppress(FileNotFoundError):
        folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError as error:
        # Whether one stands there now says nothing: a third process may have moved it aside since.
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        with suppress(OSError):
            aside.rename(folder)
        raise
    return True


def remove(path: Path) -> None:
    """Remove a folder with all that is in it, or a link to one, which stays; what cannot be removed stays too."""
    if path.is_symlink():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def clean_up(folder: Path) -> None:
    """Remove folders left next to a folder by processes that ended; restore it if one died while replacing it.

    Those of processes that cannot be seen from here, on another machine or in another container, stay for a week.
    """
    leftover = re.compile(rf"\.{re.escape(folder.name)}\.(writing|executing|run|replaced)\.({OWNER}|\d+).*")
    siblings = sorted(folder.parent.iterdir()) if folder.parent.is_dir() else []
    for path in siblings:
        match = leftover.fullmatch(path.name)
        if not match or not abandoned(path, match[2]):
            continue
        if match[1] == "replaced" and not folder.exists():
            # Another process may clean up at the same moment.
            with suppress(OSError):
                path.rename(folder)
        else:
            remove(path)
