"""Folders written next to their place and put there complete, and recovery after an interrupted writer."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from influencelab.errors import MissingData
from influencelab.recipe import counted
from influencelab.runner import json_file

PROGRESS = "progress.json"


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


def sibling(folder: Path, *, role: str, writer: int) -> Path:
    """A hidden folder next to another, named by its role and by the process that made it."""
    return folder.with_name(f".{folder.name}.{role}.{writer}")


def staging(folder: Path) -> Path:
    """A new, empty folder in which this process writes what will become `folder`."""
    clean_up(folder)
    fresh = sibling(folder, role="writing", writer=os.getpid())
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


def read_progress(folder: Path, *, writer: int) -> RunProgress | None:
    """Progress of the process that writes a folder; None before its first report and once the folder is in place."""
    try:
        found = json_file.read(sibling(folder, role="writing", writer=writer) / PROGRESS)
    except (MissingData, FileNotFoundError):
        # The writer may put the folder in its place at any moment, also while this reads.
        return None
    return RunProgress(found["done"], found["total"], found["label"])


def replace_folder(fresh: Path, folder: Path) -> None:
    """Put a finished folder in its place; what was there goes only when the new one stands.

    If this process dies between the two renames, `clean_up` puts the old one back.
    """
    aside = sibling(folder, role="replaced", writer=os.getpid())
    if folder.exists():
        folder.rename(aside)
    fresh.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def clean_up(folder: Path) -> None:
    """Remove folders left next to a folder by writers that died; restore it if one died while replacing it."""
    leftover = re.compile(rf"\.{re.escape(folder.name)}\.(writing|executing|replaced)\.(\d+)")
    siblings = sorted(folder.parent.iterdir()) if folder.parent.is_dir() else []
    for path in siblings:
        match = leftover.fullmatch(path.name)
        if not match or alive(int(match[2]), path):
            continue
        if match[1] == "replaced" and not folder.exists():
            path.rename(folder)
        else:
            shutil.rmtree(path)


def alive(writer: int, path: Path) -> bool:
    """Whether the process that made a folder still runs; a later process with its number is another one."""
    try:
        process = psutil.Process(writer)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= path.stat().st_ctime
    except psutil.NoSuchProcess:
        return False
