"""Profiles: the four named sizes of a study and their slices, as its notebook declares them, and results folders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from influencelab.errors import StudyFailed, unknown
from influencelab.recipe import Recipe, fingerprint

# From seconds to the size the papers published, smallest first.
PROFILES = ("tiny", "quick", "standard", "paper")
# Those whose results are committed and stand on the scorecard of record.
RECORD = ("standard", "paper")
# The published size may be too long for one sitting: `paper_width` is one slice of it.
NAME = rf"({'|'.join(PROFILES)}|paper_[a-z]+)"


@dataclass(frozen=True, eq=False)
class Profile(Recipe):
    """One size of one study: the notebook parameters that make it, and its cost on two cores.

    Attributes:
        name: one of `PROFILES`, or a slice of the largest, such as `paper_width`.
        parameters: the values that differ from the notebook's defaults.
        seconds: expected duration of a run.
        memory_gb: expected peak memory, in GB (10⁹ bytes).
    """

    name: str
    parameters: dict[str, object]
    seconds: float
    memory_gb: float


def size_of(profile: str) -> str:
    """The one of `PROFILES` that a profile is, or is a slice of: `paper` for `paper_width`; UnknownName if none."""
    if not re.fullmatch(NAME, profile):
        raise unknown("profile", profile, PROFILES)
    return profile.partition("_")[0]


def rank(profile: str) -> int:
    """0 for tiny to 3 for paper and its slices; UnknownName for no profile."""
    return PROFILES.index(size_of(profile))


def folder_name(profile: str, changes: Mapping[str, object]) -> str:
    """Name of the folder of a run's results: `quick`, or `quick-1a2b3c4d` where parameters differ from the profile's.

    The eight digits are the hash of the changes, so equal changes share a folder and a changed run never replaces
    the profile's own results.
    """
    return f"{profile}-{fingerprint(dict(sorted(changes.items())))[:8]}" if changes else profile


def is_folder_name(name: str) -> bool:
    """Whether `folder_name` could have made this name."""
    return re.fullmatch(rf"{NAME}(-[0-9a-f]{{8}})?", name) is not None


def profile_of(folder: str) -> str:
    """The profile in a results folder's name: `quick` for both `quick` and `quick-1a2b3c4d`; UnknownName if none."""
    if not is_folder_name(folder):
        raise unknown("profile", folder, PROFILES)
    return folder.partition("-")[0]


@lru_cache(maxsize=64)
def profiles_in(source: str, *, where: str) -> dict[str, Profile]:
    """The profiles that a raw cell declares in YAML, smallest first; StudyFailed errors say where they are wrong."""
    try:
        given = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise StudyFailed(f"{where}: its profiles are no YAML ({' '.join(str(error).split())}).") from error
    mappings = [given, *given.values()] if isinstance(given, dict) else [given]
    if not all(isinstance(each, dict) and all(isinstance(key, str) for key in each) for each in mappings):
        raise StudyFailed(f"{where}: its profiles are no YAML mapping like `tiny: {{size: 5, expected: …}}`.")
    return {name: profile(name, given, where=where) for name in sorted(given, key=rank)}


def profile(name: str, given: Mapping[str, Any], *, where: str) -> Profile:
    """One profile: its own values over those of the one it `extends`, whose cost it does not take."""
    values, chain = dict(given[name]), [name]
    while (base := values.pop("extends", None)) is not None:
        chain.append(str(base))
        if chain[-1] in chain[:-1]:
            loop = " extends ".join(chain)
            raise StudyFailed(f"{where}: a profile extends itself ({loop}). Let one of them stand alone.")
        if chain[-1] not in given:
            raise unknown("profile", chain[-1], given, of=Path(where).stem)
        values = {key: value for key, value in given[chain[-1]].items() if key != "expected"} | values
    expected = values.pop("expected", None)
    costs = expected if isinstance(expected, dict) else {}
    if set(costs) != {"seconds", "memory_gb"} or not all(type(cost) in (int, float) for cost in costs.values()):
        raise StudyFailed(
            f"{where}: profile '{name}' does not say what it costs. "
            "Add `expected: {seconds: 20, memory_gb: 1}` as measured on two cores."
        )
    return Profile(name, values, float(costs["seconds"]), float(costs["memory_gb"]))
