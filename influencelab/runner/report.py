"""A study's results as one published folder, checked when it is read."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas

from influencelab.errors import MissingData, in_words
from influencelab.runner import json_file
from influencelab.runner.profile import PROFILES, is_folder_name, profile_of, rank, size_of
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import Lines, Where, describe, measurement_of, records, select

__all__ = ["Report"]

# The explorer's file in a report's folder.
EXPLORER = "explorer.safetensors"
MEASUREMENTS, FACTS, PARAMETERS = "measurements.parquet", "facts.json", "parameters.json"
CAPTIONS = "captions.json"
# What every report holds, what its manifest says, and the next step where they are not there.
KEPT = {MEASUREMENTS, FACTS, PARAMETERS}
WRITTEN = {"study", "profile", "datasets", "seeds", "seconds", "versions", "code", "machine", "peak_memory_mb"}
AGAIN = "Run the study again, or delete"


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """Results of one run of a study, read from its folder.

    Attributes:
        folder: `results/<study>/<profile>`.
        study: the notebook's name.
        profile: the folder's name: a profile, or `<profile>-<8 digits>` where parameters were changed.
        parameters: the values the study ran with.
        measurements: the tidy table of its numbers, a row a number and a column a setting (`statistics.measurements`).
        facts: of the run itself: counts of converged models, seconds of a step, peak memory.
        manifest: versions, code, machine, data hashes, seeds, seconds, and the hash of every file.
    """

    folder: Path
    study: str
    profile: str
    parameters: dict[str, Any]
    measurements: pandas.DataFrame
    facts: dict[str, Any]
    manifest: dict[str, Any]

    @cached_property
    def lines(self) -> Lines:
        """The measurements, from which claims select."""
        return Lines(self.measurements)

    def __repr__(self) -> str:
        """Short enough for the end of a notebook; the folder holds the rest."""
        return f"Report({self.study} at {self.profile}: {len(self.measurements)} numbers in {self.folder})"

    @property
    def changed(self) -> bool:
        """Whether parameters differ from the profile's, so that the numbers are not the profile's."""
        return self.profile != profile_of(self.profile)

    @property
    def date(self) -> str:
        """When it was published, in ISO 8601: a day, or a moment; empty where that is not known."""
        return str(self.manifest.get("published", ""))

    def numbers(self, *, first: Sequence[Where] = ()) -> dict[str, Measurement]:
        """Every number by its settings in words: those with the settings `first`, then all in the table's order."""
        leading = [line for where in first for line in select(self.measurements, where)]
        return {describe(line): measurement_of(line) for line in (*leading, *records(self.measurements))}

    def pairs(self) -> pandas.DataFrame:
        """Predicted and actual changes, a row per removal and test point; MissingData where the study stores none."""
        return pandas.read_parquet(self.kept("pairs.parquet", "no pairs"))

    def by_test_point(self) -> pandas.DataFrame:
        """Statistics of each network at each test point; MissingData where the study stores none."""
        return pandas.read_parquet(self.kept("by_test_point.parquet", "no statistics by test point"))

    def explorer_file(self) -> bytes:
        """The bytes of its explorer data (`explorer.data.from_bytes`); a MissingData error where there are none."""
        return self.kept(EXPLORER, "nothing for the explorer").read_bytes()

    def kept(self, name: str, lack: str) -> Path:
        """The path of a file that not every study stores."""
        path = self.folder / name
        if not path.is_file():
            place = f"{self.study} at {self.profile}"
            raise MissingData(f"{place} keeps {lack}: {path} does not exist. Run the study again if it writes one.")
        return path

    @property
    def figures(self) -> list[Path]:
        """The figures as SVG, by name; each next to a PNG of the same name."""
        return sorted((self.folder / "figures").glob("**/*.svg"))

    @property
    def captions(self) -> dict[str, str]:
        """What each figure shows, by its name (a path in `figures/` without suffix), where the study says it."""
        path = self.folder / CAPTIONS
        return json_file.read(path) if path.is_file() else {}

    @property
    def notebook(self) -> Path:
        """The executed notebook; there is none where the results were cloned or made by hand."""
        return self.folder / f"{self.study}.ipynb"


def load(folder: Path) -> Report:
    """Read a report; a MissingData error that names the file where one is not what was published, or missing."""
    manifest = json_file.read(folder / "manifest.json")
    files = manifest.get("files")
    if not isinstance(files, dict) or not set(files) >= KEPT or not set(manifest) >= WRITTEN:
        raise MissingData(f"{folder / 'manifest.json'} is not what this version writes. {AGAIN} {folder}.")
    for name, published in files.items():
        path = folder / name
        if not path.is_file():
            raise MissingData(f"{path} is missing from a published report. {AGAIN} {folder}.")
        if file_hash(path) != published:
            raise MissingData(f"{path} is not what was published: it was edited or damaged. {AGAIN} {folder}.")
    return Report(
        folder=folder,
        study=manifest["study"],
        profile=folder.name,
        parameters=json_file.read(folder / PARAMETERS),
        measurements=pandas.read_parquet(folder / MEASUREMENTS),
        facts=json_file.read(folder / FACTS),
        manifest=manifest,
    )


def reports(
    results: Path, *, profiles: Sequence[str] = PROFILES, say: Callable[[str], object] | None = None
) -> list[Report]:
    """Every report of these sizes, changed parameters or not, by study and then from the smallest profile up.

    One that cannot be read is left out, and `say` is called with a line that names the file; else its error is raised.
    """
    found = [folder for folder in results.glob("*/*") if is_folder_name(folder.name)]
    found = [folder for folder in found if size_of(profile_of(folder.name)) in profiles]
    whole = []
    for folder in sorted(found, key=lambda path: (path.parent.name, rank(profile_of(path.name)), path.name)):
        try:
            if folder.is_dir():
                whole.append(load(folder))
        except OSError as error:
            if say is None:
                raise
            say(in_words(error, folder))
    return whole


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
