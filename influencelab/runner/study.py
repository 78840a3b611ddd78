"""Studies: notebooks that answer one question, run headless at a named size with checked parameters."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from influencelab.errors import StudyFailed, UnknownName, unknown
from influencelab.recipe import Recipe
from influencelab.runner import json_file
from influencelab.runner.atomic_folder import RunProgress, clean_up, read_progress, sibling
from influencelab.runner.parameter import RUN_PARAMETERS, Parameter, declared
from influencelab.runner.profile import Profile, folder_name, profiles_in
from influencelab.runner.report import Report, load

__all__ = ["Study"]


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
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of its cell tagged `parameters`, in the notebook's order."""
        return declared(self.tagged("code", "parameters"), where=self.path.name)

    @property
    def profiles(self) -> dict[str, Profile]:
        """The sizes it can run at: those of its raw cell tagged `profiles`, smallest first."""
        return profiles_in(self.tagged("raw", "profiles"), where=self.path.name)

    def cells(self) -> list[tuple[str, str, list[str]]]:
        """Kind, text and tags of each cell."""
        if not self.path.is_file():
            raise UnknownName(f"There is no notebook {self.path}.")
        try:
            cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
            # Notebooks store a text as one or as a list of lines.
            return [(cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", [])) for cell in cells]
        except (ValueError, KeyError, TypeError) as error:
            raise StudyFailed(
                f"{self.path} is no Jupyter notebook ({error}). Restore it from version control."
            ) from error

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
        where = {"profile": folder, "results": str(home)}
        return Plan(self, self.profiles[profile], values | changed | where, home / self.name / folder)

    def run(
        self,
        profile: str = "quick",
        *,
        results: Path | None = None,
        progress: Callable[[RunProgress | None], None] | None = None,
        **changes: object,
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

    def execute(self, *, progress: Callable[[RunProgress | None], None] | None = None) -> Report:
        """Run it. An earlier report stays as it is until the new one is complete.

        Args:
            progress: called a few times a second with the notebook's progress; None before its first report.

        Raises:
            StudyFailed: a cell raised, the kernel died, or the notebook published no report of this run. The message
                ends with where the executed copy is.
            KeyboardInterrupt: the run was stopped; nothing of it is left.
        """
        from influencelab.runner.execution import execute

        def watch(writer: int | None) -> None:
            if progress:
                progress(read_progress(self.folder, writer=writer) if writer else None)

        with kept_unless_done(self.folder) as before:
            desk = sibling(self.folder, role="executing", writer=os.getpid())
            desk.mkdir(exist_ok=True)
            executed = desk / f"{self.study.name}.ipynb"
            try:
                execute(self.study.path, self.parameters, output=executed, watch=watch)
                report = self.fresh(before)
                executed.replace(report.notebook)
            except StudyFailed as error:
                if executed.is_file():
                    executed.replace(self.failed)
                raise StudyFailed(
                    f"{self.study.name}: {str(error).rstrip('.')}. What ran is kept in {self.failed}."
                ) from error
            finally:
                shutil.rmtree(desk)
        self.failed.unlink(missing_ok=True)
        return report

    def fresh(self, before: object) -> Report:
        """The report of this run, which changed the folder's state and records the parameters it ran with."""
        if state(self.folder) == before:
            raise StudyFailed(
                f"it ended without publishing a report. End it with `publish()` on the draft of "
                f"`start_report('{self.study.name}', globals())`"
            )
        report = load(self.folder)
        for name in self.parameters.keys() - set(RUN_PARAMETERS):
            given, recorded = json_file.to_jsonable(self.parameters[name]), report.parameters.get(name)
            if given != recorded:
                raise StudyFailed(f"its report records {name} = {recorded!r}, and it ran with {given!r}")
        return report


def state(folder: Path) -> object:
    """Identity of the report in a folder, which differs whenever another was published; None where there is none."""
    manifest = folder / "manifest.json"
    return (manifest.stat().st_ino, manifest.stat().st_mtime_ns) if manifest.is_file() else None


@contextmanager
def kept_unless_done(folder: Path) -> Iterator[object]:
    """Give the state of a folder, and restore its contents if the work inside does not come to its end.

    A notebook can fail, or be stopped, after it published.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clean_up(folder)
    before, copy = state(folder), sibling(folder, role="replaced", writer=os.getpid())
    if before:
        shutil.copytree(folder, copy)
    try:
        yield before
    except BaseException:
        if state(folder) != before:
            shutil.rmtree(folder, ignore_errors=True)
            if before:
                copy.rename(folder)
        raise
    finally:
        shutil.rmtree(copy, ignore_errors=True)
        clean_up(folder)


def studies_folder(start: Path | None = None) -> Path:
    """The folder named `studies` at or above a place (the working folder), else this checkout's; else UnknownName."""
    here = (start or Path.cwd()).resolve()
    checkout = Path(__file__).resolve().parents[2]
    above = [each for folder in (here, *here.parents) for each in (folder, folder / "studies")]
    for folder in [*above, checkout / "studies"]:
        if folder.name == "studies" and folder.is_dir() and any(folder.glob("*.ipynb")):
            return folder
    raise UnknownName(f"There is no folder of studies at or above {here}. Say where it is: --studies FOLDER.")


def studies(folder: Path | None = None) -> list[Study]:
    """Every study of a folder, by name; the nearest `studies` folder unless given. UnknownName for no folder."""
    home = folder or studies_folder()
    if not home.is_dir():
        raise UnknownName(f"There is no folder {home}. Say where the studies are: --studies FOLDER.")
    return [Study(path) for path in sorted(home.glob("*.ipynb"))]


def study(name: str, *, folder: Path | None = None) -> Study:
    """One study by name; an UnknownName error that lists those there are where it is none of them."""
    known = {found.name: found for found in studies(folder)}
    if name not in known:
        raise unknown("study", name, known)
    return known[name]
