"""A report while a study's notebook writes it: begun, filled in, published whole or not at all."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import pandas
from matplotlib.figure import Figure

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.experiments.store import Store
from influencelab.explorer.data import ExplorerData
from influencelab.runner import json_file, notebook
from influencelab.runner.atomic_folder import PROGRESS, Progress, replace_folder, staging
from influencelab.runner.profile import folder_name, profile_of
from influencelab.runner.provenance import describe_run
from influencelab.runner.report import EXPLORATION, Report, file_hash, load
from influencelab.statistics.measurement import Measurement

__all__ = ["start_report"]

# Committed results stay small: a table of pairs or a figure of more bytes than this is refused.
LARGEST = 10**6
STORE_FOLDER = ".store"
NAME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]*(/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)*")


class ReportWriter:
    """A report being written.

    A writer changes by nature: it is neither recipe nor result, and the one class beside the curvature operator that
    is not frozen. Everything goes to a hidden folder beside the report's place until `publish` puts it there; a run
    that stops before leaves the last report as it was.

    Attributes:
        folder: where the report will stand.
        staging: the hidden folder it is written in.
    """

    def __init__(self, study: str, *, folder: Path, parameters: Mapping[str, Any]) -> None:
        self.study = study
        self.folder = folder
        self.staging = staging(folder)
        self._parameters = json_file.to_jsonable(parameters)
        self._numbers: dict[str, Measurement] = {}
        self._facts: dict[str, Any] = {}
        self._started = time.perf_counter()

    def number(self, name: str, number: Measurement) -> None:
        """Keep one number; a claim finds it by this name, such as `digits/top/exact/slope/0.001`."""
        self._numbers[checked(name, "number")] = number

    def numbers(self, numbers: Mapping[str, Measurement]) -> None:
        """Keep several numbers."""
        for name, number in numbers.items():
            self.number(name, number)

    def fact(self, name: str, value: Any) -> None:
        """Keep a fact about the run that no claim rests on: seconds of a step, how many models converged."""
        self._facts[checked(name, "fact")] = json_file.to_jsonable(value)

    def figure(self, name: str, figure: Figure) -> Figure:
        """Keep a figure as SVG and as PNG (150 dots per inch), and return it, so that a notebook shows it.

        Raises:
            InvalidData: the SVG is too large to commit.
        """
        self._check_open()
        path = self.staging / "figures" / f"{checked(name, 'figure')}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        # No date and no random ids: the same figure is the same file.
        with matplotlib.rc_context({"svg.hashsalt": name}):
            figure.savefig(path, metadata={"Date": None})
        figure.savefig(path.with_suffix(".png"), dpi=150, metadata={"Software": None})
        refuse_large(path, cure="Draw its points with rasterized=True.")
        return figure

    def pairs(self, pairs: pandas.DataFrame) -> None:
        """Keep predicted beside actual changes, a row per removal and test point.

        Raises:
            InvalidData: no rows, a column without a single value, or more than 1 MB.
        """
        self._check_open()
        empty = pairs.columns[pairs.isna().all()]
        if len(empty):
            raise InvalidData(
                f"The pairs have no value in column '{empty[0]}'. Leave it out, or find out why it is NaN."
            )
        path = self.staging / "pairs.parquet"
        pairs.to_parquet(path, compression="zstd", index=False)
        refuse_large(path, cure="Keep float32 values and categories, or a sample of the rows (say which).")

    def explore(self, exploration: ExplorerData) -> None:
        """Keep what an explorer shows of the run: as much as fits into 1 MB, with a note of what was left out."""
        self._check_open()
        titled = replace(exploration, title=f"{self.study} at {self.folder.name}")
        (self.staging / EXPLORATION).write_bytes(titled.within(LARGEST).compressed())

    def progress(self, done: float, total: float, label: str = "") -> None:
        """Say how far the run is, for the bar of whoever started it."""
        self._check_open()
        said = Progress(done, total, label)
        json_file.write(self.staging / PROGRESS, {"done": said.done, "total": said.total, "label": said.label})

    def stage(self, first: float, last: float) -> Callable[[float, float, str], None]:
        """`progress` for one part of the run, such as `stage(0.2, 1.0)` for all but the first fifth."""
        return lambda done, total, label: self.progress(first + (last - first) * done / max(total, 1), 1, label)

    @property
    def store(self) -> Store:
        """Where finished trials are kept, shared by all studies of one results folder."""
        return Store(self.folder.parent.parent / STORE_FOLDER)

    def publish(self, *, datasets: Iterable[tuple[str, str]] = (), seeds: Iterable[int] = ()) -> Report:
        """Put the report in its place, whole; it replaces the one before.

        Args:
            datasets: name and content hash of each data set the numbers rest on.
            seeds: every seed they rest on.

        Raises:
            InvalidData: it holds no number.
            InvalidParameter: it was published before.
        """
        self._check_open()
        if not self._numbers:
            raise InvalidData(f"The report of {self.study} holds no number. Give it one with `number` first.")
        numbers = {name: vars(number) for name, number in sorted(self._numbers.items())}
        json_file.write(self.staging / "numbers.json", {"numbers": numbers, "facts": self._facts})
        json_file.write(self.staging / "parameters.json", self._parameters)
        (self.staging / PROGRESS).unlink(missing_ok=True)
        manifest = {
            "study": self.study,
            "profile": self.folder.name,
            "datasets": dict(datasets),
            "seeds": list(seeds),
            "seconds": round(time.perf_counter() - self._started, 2),
            **describe_run(),
            "files": file_hashes(self.staging),
        }
        json_file.write(self.staging / "manifest.json", manifest)
        replace_folder(self.staging, self.folder)
        return load(self.folder)

    def _check_open(self) -> None:
        """Refuse to write where nothing can be written any more."""
        if not self.staging.is_dir():
            raise InvalidParameter(
                f"The report of {self.study} was published already, or begun anew elsewhere. Begin another: `begin(…)`."
            )


def start_report(study: str, *, profile: str, parameters: Mapping[str, Any], results: str | Path = "") -> ReportWriter:
    """Begin the report of a study; called by its notebook.

    Run by hand, results go to the `results` folder beside the `studies` folder at or above the working folder, and
    parameters that were edited away from the profile's send them to a folder of their own, as on the command line.

    Args:
        study: the notebook's name.
        profile: its parameter `profile`.
        parameters: the values of its other parameters.
        results: its parameter `results`, the folder of all results; empty when it is run by hand.

    Raises:
        UnknownName: no such profile, or no `studies` folder.
    """
    profile_of(profile)
    if results:
        return ReportWriter(study, folder=Path(results).resolve() / study / profile, parameters=parameters)
    studies = notebook.studies_folder()
    path = studies / f"{study}.ipynb"
    changes = edited(notebook.read(path), profile, parameters) if path.is_file() else {}
    folder = studies.parent / "results" / study / folder_name(profile, changes)
    return ReportWriter(study, folder=folder, parameters=parameters)


def edited(declared: notebook.Notebook, profile: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters whose values are not the profile's."""
    expected = declared.values(profile)
    compared = set(expected).intersection(parameters).difference(notebook.RUN_PARAMETERS)
    return {
        name: json_file.to_jsonable(parameters[name])
        for name in sorted(compared)
        if json_file.to_jsonable(parameters[name]) != json_file.to_jsonable(expected[name])
    }


def checked(name: str, what: str) -> str:
    """A name that can be a key and a path: words of letters, digits, `_ . + -`, joined by `/`."""
    if not NAME.fullmatch(name):
        raise InvalidParameter(
            f"'{name}' is no name for a {what}: use letters, digits and _ . + -, in parts joined by /, "
            "like digits/top/exact/slope/0.001."
        )
    return name


def refuse_large(path: Path, *, cure: str) -> None:
    """Remove and refuse a file that is too large to commit."""
    size = path.stat().st_size
    if size > LARGEST:
        path.unlink()
        raise InvalidData(
            f"{path.name} takes {size / 10**6:.1f} MB, more than the {LARGEST / 10**6:.0f} MB kept. {cure}"
        )


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder by its relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in files}
