"""A report while a study's notebook writes it: begun, filled in, published whole or not at all."""

import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas
from matplotlib.figure import Figure

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.recipe import stage
from influencelab.runner import json_file
from influencelab.runner.atomic_folder import PROGRESS, own_run, published_in, replace_folder, staging
from influencelab.runner.pieces import Pieces, pieces_of
from influencelab.runner.profile import profile_of
from influencelab.runner.provenance import describe_run
from influencelab.runner.report import CAPTIONS, EXPLORER, FACTS, MEASUREMENTS, PARAMETERS, Report, file_hash, load
from influencelab.runner.report_files import LARGEST, refuse_large, save_figure
from influencelab.runner.study import Study, studies_folder
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import check_tidy, joined, row, tidy

__all__ = ["start_report"]

STORE_FOLDER = ".store"
# Parameters that say where a run computes, and change no number.
COMPUTING = ("workers", "scheduler", "device")
NAME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]*(/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)*")


@runtime_checkable
class Explorable(Protocol):
    """Anything that writes an explorer's file, such as `ExplorerData`."""

    def to_file(self, *, title: str, largest: int) -> bytes:
        """As much of it as fits into so many bytes, under this title."""
        ...


class ReportWriter:
    """A report being written.

    A writer changes by nature: it is neither recipe nor result. Everything goes to a hidden folder beside the report's
    place until `publish` puts it there; a run that stops before leaves the last report as it was. Of a notebook that is
    run from top to bottom the report comes to its place when all has run.

    Attributes:
        folder: where the report will stand.
        place: where this process publishes it: there, or in the folder of its run.
        staging: the hidden folder it is written in.
    """

    def __init__(self, study: str, *, folder: Path, parameters: Mapping[str, Any], pieces: int = 0) -> None:
        self.study = study
        self.folder = folder
        self.place = published_in(folder)
        self.staging = staging(self.place)
        self._parameters = json_file.to_jsonable(parameters)
        self._measurements: list[pandas.DataFrame] = []
        self._facts: dict[str, Any] = {}
        self._captions: dict[str, str] = {}
        self._started, self._trial_seconds = time.perf_counter(), 0.0
        self._pieces = Pieces(pieces)

    def measure(self, measurements: pandas.DataFrame) -> None:
        """Keep measurements, a tidy table as `statistics.measurements.tidy` makes it; a claim selects rows of it.

        Raises:
            InvalidData: one combination of settings has two numbers.
        """
        check_tidy(measurements)
        self._measurements.append(measurements)
        self._piece()

    def number(self, measurement: Measurement, **settings: Any) -> None:
        """Keep one number with its settings, such as `number(Measurement(1.2), data="digits", statistic="slope")`."""
        self.measure(tidy([row(measurement, **settings)]))

    def fact(self, name: str, value: Any) -> None:
        """Keep a fact about the run that no claim rests on: seconds of a step, how many models converged."""
        self._facts[checked(name, "fact")] = json_file.to_jsonable(value)

    def figure(self, name: str, figure: Figure | None, *, caption: str = "") -> Figure | None:
        """Keep a figure as SVG and as PNG (150 dots per inch), and return it, so that a notebook shows it.

        Args:
            name: of its files.
            figure: what was drawn; None where there was nothing to draw, of which nothing is kept.
            caption: what each mark is and what one should see, for a reader who knows nothing else of the study; the
                figure's own label unless given, which functions of the library set.

        Raises:
            InvalidData: the SVG is too large to commit.
        """
        self._check_open()
        self._piece()
        if figure is None:
            return None
        save_figure(self.staging, checked(name, "figure"), figure)
        if words := caption or str(figure.get_label()):
            self._captions[name] = words
        return figure

    def pairs(self, pairs: pandas.DataFrame, *, name: str = "pairs") -> None:
        """Keep predicted beside actual changes, a row per removal and test point, or another long table by its name.

        Raises:
            InvalidData: no rows, a column without a single value, or more than 1 MB.
        """
        self._check_open()
        empty = pairs.columns[pairs.isna().all()]
        if len(empty):
            raise InvalidData(
                f"The pairs have no value in column '{empty[0]}'. Leave it out, or find out why it is NaN."
            )
        path = self.staging / f"{checked(name, 'table')}.parquet"
        pairs.to_parquet(path, compression="zstd", index=False)
        refuse_large(path, cure="Keep float32 values and categories, or a sample of the rows (say which).")
        self._piece()

    def explore(self, data: Explorable) -> None:
        """Keep what an explorer shows of the run: as much as fits into 1 MB, with a note of what was left out."""
        self._check_open()
        (self.staging / EXPLORER).write_bytes(
            data.to_file(title=f"{self.study} at {self.folder.name}", largest=LARGEST)
        )
        self._piece()

    def progress(self, done: float, total: float = 1.0, label: str = "") -> None:
        """Say how far the run is, for the bar of whoever started it; nobody asks where it is run by hand."""
        self._check_open()
        if run := own_run():
            json_file.write(run / PROGRESS, {"done": done, "total": total, "label": label})

    def running(self, first: float = 0.0, last: float = 0.85, *, then: float = 1.0) -> dict[str, Any]:
        """Where and how this part of the run is computed, for `run_grid(trials, **draft.running(0.2, 0.9))`.

        The store, the bar's part, and what the notebook declares of `workers`, `scheduler` and `device`.

        Args:
            first: the share of the run's time that is over when this part begins.
            last: the same when it ends.
            then: the same when the tables and figures after it are done.
        """
        declared = {name: self._parameters[name] for name in COMPUTING if name in self._parameters}
        self._pieces.begin(last, then)
        began, before, shown = time.perf_counter(), self._trial_seconds, stage(self.progress, first, last)

        def progress(done: float, total: float = 1.0, label: str = "") -> None:
            self._trial_seconds = before + time.perf_counter() - began
            shown(done, total, label)

        return {"store": self.store, "progress": progress, **declared}

    def _piece(self) -> None:
        """Report one more table or figure, where it is known how many there are."""
        if self._pieces.total:
            share = self._pieces.add()
            if self._pieces.begun:
                self.progress(share, 1.0, self._pieces.text)

    @property
    def store(self) -> Path:
        """The folder of finished trials, shared by all studies of one results folder."""
        return self.folder.parent.parent / STORE_FOLDER

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
        if not any(map(len, self._measurements)):
            raise InvalidData(f"The report of {self.study} holds no number. Give it some with `measure` first.")
        whole = joined(self._measurements)
        whole.insert(0, "study", pandas.Series(self.study, index=whole.index, dtype="string"))
        check_tidy(whole)
        # As Parquet, which programs read, and as CSV, which people read.
        whole.to_parquet(self.staging / MEASUREMENTS, compression="zstd", index=False)
        whole.to_csv((self.staging / MEASUREMENTS).with_suffix(".csv"), index=False, lineterminator="\n")
        json_file.write(self.staging / FACTS, self._facts)
        json_file.write(self.staging / CAPTIONS, self._captions)
        json_file.write(self.staging / PARAMETERS, self._parameters)
        files = sorted(path for path in self.staging.rglob("*") if path.is_file())
        manifest = {
            "study": self.study,
            "profile": self.folder.name,
            "published": datetime.now(UTC).isoformat(timespec="seconds"),
            "datasets": dict(datasets),
            "seeds": list(seeds),
            "seconds": round(time.perf_counter() - self._started, 2),
            "trial_seconds": round(self._trial_seconds, 2),
            **describe_run(),
            "files": {path.relative_to(self.staging).as_posix(): file_hash(path) for path in files},
        }
        json_file.write(self.staging / "manifest.json", manifest)
        replace_folder(self.staging, self.place)
        return load(self.place)

    def _check_open(self) -> None:
        """Refuse to write where nothing can be written any more."""
        if not self.staging.is_dir():
            raise InvalidParameter(
                f"The report of {self.study} was published already, or begun anew elsewhere. "
                f"Begin another: `start_report('{self.study}', globals())`."
            )


def start_report(study: str, values: Mapping[str, Any]) -> ReportWriter:
    """Begin the report of a study; its notebook calls `start_report("leave_one_out", globals())`.

    Run by hand, results go to the `results` folder beside the `studies` folder at or above the working folder, and
    parameters that were edited away from the profile's send them to a folder of their own, as on the command line.
    Run from top to bottom, the report is the running notebook's, also where that is a copy of another.

    Args:
        study: the notebook's name.
        values: where the values of the parameters are that the notebook declares, by name.

    Raises:
        UnknownName: no such profile, or no `studies` folder or notebook.
        InvalidParameter: a declared parameter has no value, or one of another type.
    """
    run = own_run()
    study = run.parent.name if run else study
    beside = Path(f"{study}.ipynb")
    notebook = Study(beside if beside.is_file() else studies_folder() / beside)
    names = [parameter.name for parameter in notebook.parameters]
    missing = [name for name in ("profile", "results", *names) if name not in values]
    if missing:
        raise InvalidParameter(
            f"{study}.ipynb declares the parameter '{missing[0]}', which has no value here. Save the notebook, run its "
            "parameters cell, and begin the report again."
        )
    folder, results = str(values["profile"]), str(values["results"])
    given = {name: values[name] for name in names if name not in ("profile", "results")}
    plan = notebook.plan(profile_of(folder), results=Path(results) if results else None, **given)
    # A run has settled its folder; by hand it follows from the parameters.
    place = plan.folder.with_name(folder) if results else plan.folder
    parameters = {name: plan.parameters[name] for name in given}
    return ReportWriter(study, folder=place, parameters=parameters, pieces=pieces_of(notebook))


def checked(name: str, what: str) -> str:
    """A name that can be a key and a path: words of letters, digits, `_ . + -`, joined by `/`."""
    if not NAME.fullmatch(name):
        raise InvalidParameter(
            f"'{name}' is no name for a {what}: use letters, digits and _ . + -, in parts joined by /, "
            "like digits/top/exact/slope/0.001."
        )
    return name
