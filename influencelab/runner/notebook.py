"""Notebook of a study: its question, parameters and profiles, read without running it, and the folder of studies."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from influencelab.errors import StudyFailed, UnknownName, unknown
from influencelab.recipe import Recipe
from influencelab.runner.parameter import Parameter, declared
from influencelab.runner.profile import PROFILES, Profile, is_profile, rank

# Parameters of where and how a study runs, not of what it computes: changing one changes no number.
RUN_PARAMETERS = ("profile", "results", "workers", "scheduler", "device")


@dataclass(frozen=True, eq=False)
class Notebook(Recipe):
    """Declarations of a study notebook.

    Attributes:
        path: the file.
        question: the heading of its first text cell.
        parameters: those of its cell tagged `parameters`, in order.
        profiles: those of its raw cell tagged `profiles`, smallest first.
    """

    path: Path
    question: str
    parameters: tuple[Parameter, ...]
    profiles: dict[str, Profile]

    def parameter(self, name: str) -> Parameter:
        """One parameter; an UnknownName error that lists those declared where there is none of that name."""
        known = {parameter.name: parameter for parameter in self.parameters}
        if name not in known:
            raise unknown("parameter", name, known, of=self.path.stem)
        return known[name]

    def values(self, profile: str) -> dict[str, Any]:
        """Every parameter's value at one profile: the profile's own, else the default.

        Raises:
            UnknownName: no such profile, or a profile that names an unknown parameter.
            InvalidParameter: a profile's value is not of the parameter's type.
        """
        if profile not in self.profiles:
            raise unknown("profile", profile, self.profiles, of=self.path.stem)
        given = self.profiles[profile].parameters
        chosen = {name: self.parameter(name).parse(value) for name, value in given.items()}
        return {parameter.name: parameter.default for parameter in self.parameters} | chosen


def read(path: Path) -> Notebook:
    """Read the declarations of a study notebook, without running it.

    Raises:
        UnknownName: no such file.
        StudyFailed: it is no notebook, or it lacks a heading, parameters or profiles.
    """
    if not path.is_file():
        raise UnknownName(f"There is no notebook {path}.")
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise StudyFailed(f"{path} is no Jupyter notebook ({error}). Restore it from version control.") from error
    return Notebook(
        path=path,
        question=question(cells, path),
        parameters=declared(tagged(cells, "code", "parameters", path), where=path.name),
        profiles=profiles(tagged(cells, "raw", "profiles", path), path),
    )


def text(cell: dict[str, Any]) -> str:
    """Source of a cell, which notebooks store as one text or as a list of lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def question(cells: list[dict[str, Any]], path: Path) -> str:
    """The heading of the first text cell."""
    first = next((text(cell) for cell in cells if cell["cell_type"] == "markdown"), "")
    heading = re.search(r"^#+\s+(.+)$", first, flags=re.MULTILINE)
    if not heading:
        raise StudyFailed(f"{path.name}: its first text cell has no heading. Begin it with `# ` and the question.")
    return heading.group(1).strip()


def tagged(cells: list[dict[str, Any]], kind: str, tag: str, path: Path) -> str:
    """The source of the one cell of a kind that carries a tag."""
    found = [text(cell) for cell in cells if cell["cell_type"] == kind and tag in cell["metadata"].get("tags", [])]
    if len(found) != 1:
        raise StudyFailed(f"{path.name} has {len(found)} {kind} cells tagged '{tag}', and a study has one.")
    return found[0]


def profiles(source: str, path: Path) -> dict[str, Profile]:
    """The profiles a raw cell declares in YAML, smallest first."""
    try:
        given = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise StudyFailed(f"{path.name}: its profiles are no YAML ({error}).") from error
    if not isinstance(given, dict) or not all(isinstance(values, dict) for values in given.values()):
        raise StudyFailed(f"{path.name}: its profiles are no YAML mapping like `tiny: {{size: 5, expected: …}}`.")
    stray = sorted(str(name) for name in given if not is_profile(str(name)))
    if stray:
        raise unknown("profile", stray[0], PROFILES)
    return {name: profile(name, extended(name, given, path=path), path) for name in sorted(given, key=rank)}


def extended(name: str, given: dict[str, Any], *, path: Path, through: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values of a profile: those of the one it `extends`, but for its cost, under its own."""
    own = dict(given[name])
    base = own.pop("extends", None)
    if base is None:
        return own
    if base in (name, *through):
        chain = " extends ".join([*through, name, base])
        raise StudyFailed(f"{path.name}: a profile extends itself ({chain}). Let one of them stand alone.")
    if base not in given:
        raise unknown("profile", str(base), given, of=path.stem)
    inherited = extended(base, given, path=path, through=(*through, name))
    return {key: value for key, value in inherited.items() if key != "expected"} | own


def profile(name: str, given: dict[str, Any], path: Path) -> Profile:
    """One profile: its parameters, and apart from them its expected cost."""
    expected = given.pop("expected", None)
    if not isinstance(expected, dict) or set(expected) != {"seconds", "memory_gb"}:
        raise StudyFailed(
            f"{path.name}: profile '{name}' does not say what it costs. "
            "Add `expected: {seconds: 20, memory_gb: 1}` as measured on two cores."
        )
    return Profile(name, given, float(expected["seconds"]), float(expected["memory_gb"]))


def studies_folder(start: Path | None = None) -> Path:
    """The folder named `studies` at or above a place (the working folder), else this checkout's; else UnknownName."""
    here = (start or Path.cwd()).resolve()
    checkout = Path(__file__).resolve().parents[2]
    above = [each for folder in (here, *here.parents) for each in (folder, folder / "studies")]
    for folder in [*above, checkout / "studies"]:
        if folder.name == "studies" and folder.is_dir() and any(folder.glob("*.ipynb")):
            return folder
    raise UnknownName(f"There is no folder of studies at or above {here}. Say where it is: --studies FOLDER.")
