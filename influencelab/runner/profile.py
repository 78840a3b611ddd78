"""Profiles: the four named sizes of a study, their slices, and the names of results folders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from influencelab.errors import unknown
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
    if not is_profile(profile):
        raise unknown("profile", profile, PROFILES)
    return profile.partition("_")[0]


def is_profile(name: str) -> bool:
    """Whether a study may declare a profile of this name."""
    return re.fullmatch(NAME, name) is not None


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
