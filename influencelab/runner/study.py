"""Studies: notebooks that answer one question, run headless at a named size with checked parameters."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from influencelab.errors import InfluenceLabError, InvalidParameter, StudyFailed, UnknownName, in_words, unknown
from influencelab.recipe import Recipe
from influencelab.runner import json_file
from influencelab.runner.atomic_folder import RunProgress, read_progress, replace_folder, run_folder
from influencelab.runner.fork_server import ForkServer
from influencelab.runner.parameter import RUN_PARAMETERS, Parameter, declared
from influencelab.runner.profile import Profile, folder_name, profiles_in
from influencelab.runner.report import Report, load
from influencelab.runner.signals import stopped_by_signals

__all__ = ["Study"]

# The format of notebooks, and the tags of cells that a run puts into its copy: values, and marks of an error.
FORMAT = 4
OF_A_RUN = ("injected-parameters", "papermill-error-cell-tag")
Watch = Callable[[RunProgress | None], None]


@dataclass(frozen=True)
class Study(Recipe):
    """A notebook that answers one question, and what it declares, as it is on disk now.

    What it declares raises UnknownName where there is no such file, StudyFailed where it is no notebook or lacks a
    heading, parameters or profiles.

    Attributes:
        path: the notebook; its name is the study's.
    """

    path: Path

    @property
    def name(self) -> str:
        """`leave_one_out` for `studies/leave_one_out.ipynb`."""
        return self.path.stem

    @property
    def question(self) -> str:
        """The question it answers: the heading of its first text cell."""
        first = next((text for kind, text, _ in self.cells() if kind == "markdown"), "")
        heading = re.search(r"^#+\s+(.+)$", first, flags=re.MULTILINE)
        if not heading:
            raise StudyFailed(
                f"{self.path.name}: its first text cell has no heading. Begin it with `# ` and the question."
            )
        return heading.group(1).strip()

    @property
    def core(self) -> bool:
        """Whether it is one of the studies that settle the question, as its cell of profiles is tagged, and no use."""
        return any(kind == "raw" and {"profiles", "core"} <= set(tags) for kind, _, tags in self.cells())

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of its cell tagged `parameters`, in the notebook's order."""
        return declared(self.tagged("code", "parameters"), where=self.path.name)

    @property
    def profiles(self) -> dict[str, Profile]:
        """The sizes it can run at: those of its raw cell tagged `profiles`, smallest first."""
        return profiles_in(self.tagged("raw", "profiles"), where=self.path.name)

    def cells(self) -> list[tuple[str, str, list[str]]]:
        """Kind, text and tags of each cell, but of those that an earlier run put in."""
        try:
            book = json.loads(self.path.read_text(encoding="utf-8"))
            if book["nbformat"] != FORMAT:
                raise ValueError(f"format {book['nbformat']}, expected {FORMAT}")
            # Notebooks store a text as one or as a list of lines.
            cells = [
                (each["cell_type"], "".join(each["source"]), each["metadata"].get("tags", [])) for each in book["cells"]
            ]
            return [(kind, text, tags) for kind, text, tags in cells if not set(OF_A_RUN) & set(tags)]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise StudyFailed(
                f"{self.path} is no Jupyter notebook ({error}). Restore it from version control."
            ) from error
        except (FileNotFoundError, IsADirectoryError) as error:
            raise UnknownName(f"There is no notebook {self.path}.") from error
        except OSError as error:
            raise StudyFailed(in_words(error, self.path)) from error

    def tagged(self, kind: str, tag: str) -> str:
        """The text of the one cell of a kind that carries a tag."""
        found = [text for each, text, tags in self.cells() if each == kind and tag in tags]
        if len(found) != 1:
            raise StudyFailed(f"{self.path.name} has {len(found)} {kind} cells tagged '{tag}', and a study has one.")
        return found[0]

    def parameter(self, name: str) -> Parameter:
        """One parameter; an UnknownName error that lists those declared where there is none of that name."""
        known = {parameter.name: parameter for parameter in self.parameters}
        if name not in known:
            raise unknown("parameter", name, known, of=self.name)
        return known[name]

    def values(self, profile: str) -> dict[str, Any]:
        """Every parameter's value at one profile: the profile's own, refused if of another type, else the default."""
        if profile not in self.profiles:
            raise unknown("profile", profile, self.profiles, of=self.name)
        given = self.profiles[profile].parameters
        chosen = {name: self.parameter(name).parse(value) for name, value in given.items()}
        return {parameter.name: parameter.default for parameter in self.parameters} | chosen

    def check(self) -> None:
        """Read all that it declares, and refuse what no run could use, with the errors that `plan` raises."""
        _ = self.question
        for name in ("profile", "results"):
            self.parameter(name)
        for profile in self.profiles:
            self.values(profile)

    def plan(self, profile: str = "quick", *, results: Path | None = None, **changes: object) -> "Plan":
        """Plan of a run, with every parameter checked before it starts.

        Args:
            profile: one of the study's profiles.
            results: the folder of all results; `results` next to the folder of studies unless given.
            changes: parameters that differ from the profile's, as values or as text (`flag="false"`).

        Raises:
            UnknownName: no such profile or parameter; the message lists what there is.
            InvalidParameter: a value that is not of the parameter's declared type.
        """
        values = self.values(profile)
        for name in ("profile", "results"):
            self.parameter(name)
        given = {name: self.parameter(name).parse(value) for name, value in changes.items()}
        changed = {name: value for name, value in given.items() if value != values[name]}
        folder = folder_name(profile, {name: changed[name] for name in changed if name not in RUN_PARAMETERS})
        home = (results or self.path.resolve().parent.parent / "results").resolve()
        check_name(home / self.name)
        where = {"profile": folder, "results": str(home)}
        return Plan(self, self.profiles[profile], values | changed | where, home / self.name / folder)

    def run(
        self, profile: str = "quick", *, results: Path | None = None, progress: Watch | None = None, **changes: object
    ) -> Report:
        """Run the notebook from top to bottom and return its report; see `plan` and `Plan.execute`."""
        return self.plan(profile, results=results, **changes).execute(progress=progress)


@dataclass(frozen=True, eq=False)
class Plan(Recipe):
    """One run of one study, with every parameter settled.

    Attributes:
        study: what runs.
        profile: its size and expected cost.
        parameters: the value of every parameter.
        folder: of its report.
    """

    study: Study
    profile: Profile
    parameters: dict[str, Any]
    folder: Path

    @property
    def failed(self) -> Path:
        """Path of the executed notebook if the run fails."""
        return self.folder.with_name(f"{self.folder.name}.failed.ipynb")

    def execute(self, *, progress: Watch | None = None, server: ForkServer | None = None) -> Report:
        """Run it. An earlier report stays as it is until the new one is complete.

        Args:
            progress: called a few times a second with the notebook's progress; None before its first report.
            server: what its kernel is forked from; a process of its own unless given.

        Raises:
            StudyFailed: a cell raised, the kernel died, the notebook published no report of this run, or a file could
                not be read or written. The message says where the executed copy is.
            KeyboardInterrupt, Stopped: the run was stopped; nothing of it is left but what the store keeps.
        """

        def watch() -> None:
            if progress:
                progress(read_progress(self.folder, runner=os.getpid()))

        earlier = changed_at(self.failed)
        try:
            with stopped_by_signals(), run_folder(self.folder) as run:
                report = self.attempt(run, watch, server)
                replace_folder(report.folder, self.folder)
            # Not what another run left in the meantime.
            if changed_at(self.failed) == earlier:
                self.failed.unlink(missing_ok=True)
        except OSError as error:
            raise StudyFailed(f"{self.study.name}: {in_words(error, self.folder)}") from error
        return replace(report, folder=self.folder)

    def attempt(self, run: Path, watch: Callable[[], None], server: ForkServer | None) -> Report:
        """Run the notebook in the folder of this run; its report there, with the executed copy."""
        from influencelab.runner.execution import execute

        executed = run / f"{self.study.name}.ipynb"
        try:
            execute(self.study.path, self.parameters, output=executed, watch=watch, server=server)
            report = self.published(run)
            executed.replace(report.notebook)
        except Exception as error:  # of whatever kind, the studies after it run
            reason = in_words(error, self.folder).rstrip(".")
            raise StudyFailed(f"{self.study.name}: {reason}. {self.keep(executed)}") from error
        return report

    def keep(self, executed: Path) -> str:
        """Keep what a failed run executed, and say where."""
        if not executed.is_file() or executed.stat().st_size == 0:
            return "Nothing of it was run."
        try:
            executed.replace(self.failed)
        except OSError as error:
            return f"What ran could not be kept: {in_words(error, self.failed)}"
        return f"What ran is kept in {self.failed}."

    def published(self, run: Path) -> Report:
        """The report that the notebook published in the folder of its run, with the parameters it ran with."""
        place = run / self.folder.name
        if not place.is_dir():
            raise StudyFailed(
                f"it ended without publishing a report. End it with `publish()` on the draft of "
                f"`start_report('{self.study.name}', globals())`"
            )
        report = load(place)
        for name in self.parameters.keys() - set(RUN_PARAMETERS):
            given, recorded = json_file.to_jsonable(self.parameters[name]), report.parameters.get(name)
            if given != recorded:
                raise StudyFailed(f"its report records {name} = {recorded!r}, and it ran with {given!r}")
        return report


def check_name(path: Path) -> None:
    """Refuse a path that no notebook can hold as text, as its run writes it down."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InvalidParameter(
            f"The letters of {str(path)!a} are none in this locale. "
            "Name the folder or the study otherwise, or set LC_ALL=C.UTF-8."
        ) from error


def changed_at(file: Path) -> int | None:
    """When a file was changed last; None where there is none."""
    return file.stat().st_mtime_ns if file.is_file() else None


def studies_folder(start: Path | None = None) -> Path:
    """The folder named `studies` at or above a place (the working folder), else this checkout's; else UnknownName."""
    here = (start or Path.cwd()).resolve()
    checkout = Path(__file__).resolve().parents[2]
    above = [each for folder in (here, *here.parents) for each in (folder, folder / "studies")]
    for folder in [*above, checkout / "studies"]:
        if folder.name == "studies" and folder.is_dir() and any(folder.glob("*.ipynb")):
            return folder
    raise UnknownName(f"There is no folder of studies at or above {here}. Say where it is: --studies FOLDER.")


def notebooks(folder: Path | None = None) -> list[Study]:
    """Every notebook of a folder, by name; the nearest `studies` folder unless given. UnknownName for no folder."""
    home = folder or studies_folder()
    if not home.is_dir():
        raise UnknownName(f"There is no folder {home}. Say where the studies are: --studies FOLDER.")
    return [Study(path) for path in sorted(home.glob("*.ipynb")) if not path.name.startswith(".")]


def studies(folder: Path | None = None) -> list[Study]:
    """Every study of a folder, by name: its notebooks but those with a `problem`."""
    return [each for each in notebooks(folder) if not problem(each)]


def problem(notebook: Study) -> str:
    """What keeps a notebook from being a study, in one line; empty where nothing does."""
    try:
        notebook.check()
    except InfluenceLabError as error:
        return " ".join(str(error).removeprefix(f"{notebook.path.name}: ").split())
    return ""


def study(name: str, *, folder: Path | None = None) -> Study:
    """One notebook by name; an UnknownName error that lists those there are where it is none of them."""
    known = {found.name: found for found in notebooks(folder)}
    if name not in known:
        raise unknown("study", name, known)
    return known[name]
