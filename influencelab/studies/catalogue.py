"""What all studies claim and found, gathered from their folders: a new study is in no list."""

import importlib.util
import pkgutil
from collections import Counter
from types import ModuleType
from typing import Any

import pandas
from pandas.io.formats.style import Styler

from influencelab import studies
from influencelab.errors import InvalidParameter
from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.profile import profile_of
from influencelab.runner.report import Report
from influencelab.runner.verdict import NOT_RUN, judge
from influencelab.statistics.display import readable

__all__ = ["verdicts"]


def all_claims() -> tuple[Claim, ...]:
    """The claims of every study, its `CLAIMS`.

    Raises:
        InvalidParameter: two claims have one name.
    """
    claims = gathered("CLAIMS")
    twice = [name for name, count in Counter(claim.name for claim in claims).items() if count > 1]
    if twice:
        raise InvalidParameter(f"Two claims are named '{min(twice)}'. Rename one of them.")
    return tuple(claims)


def all_findings() -> tuple[Finding | FindingTable, ...]:
    """The findings of every study, its sentences `FINDINGS` before its `TABLES`."""
    return (*gathered("FINDINGS"), *gathered("TABLES"))


def all_captions() -> dict[tuple[str, str], str]:
    """What each figure shows, in a sentence, by study and name: the `CAPTIONS` of the studies' `figures.py`."""
    found = {study: getattr(module, "CAPTIONS", {}) for study, module in modules("figures").items()}
    return {(study, name): caption for study, captions in found.items() for name, caption in captions.items()}


def gathered(name: str) -> list[Any]:
    """What all studies list under this name in `claims.py` of their folders."""
    return [each for module in modules("claims").values() for each in getattr(module, name, ())]


def modules(name: str) -> dict[str, ModuleType]:
    """The files of this name in the studies' folders, by study."""
    folders = sorted(module.name for module in pkgutil.iter_modules(studies.__path__) if module.ispkg)
    places = {folder: f"{studies.__name__}.{folder}.{name}" for folder in folders}
    return {
        folder: importlib.import_module(place) for folder, place in places.items() if importlib.util.find_spec(place)
    }


def verdicts(report: Report) -> Styler:
    """What one run says about the claims that its study tests; those it measured come first."""
    profile = profile_of(report.profile)
    judged = [judge(claim, report.measurements, profile) for claim in all_claims() if claim.study == report.study]
    shown = [
        {
            "claim": verdict.claim.statement,
            "paper": verdict.claim.paper,
            "accepted": verdict.claim.band,
            "measured": verdict.number,
            "verdict": verdict.said if verdict.measured else f"{NOT_RUN} at {profile}",
        }
        for verdict in sorted(judged, key=lambda verdict: not verdict.measured)
    ]
    changed = ", with changed parameters: not on the scorecard" if report.changed else ""
    # While its notebook runs, a report lies in a hidden folder.
    place = "/".join([part for part in report.folder.parts if not part.startswith(".")][-3:])
    return readable(pandas.DataFrame(shown), caption=f"The report is in {place}{changed}")
