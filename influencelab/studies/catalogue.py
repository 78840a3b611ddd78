"""What all studies claim and found, gathered from their folders: a new study is in no list."""

import importlib.util
import pkgutil
from collections import Counter
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


def gathered(name: str) -> list[Any]:
    """What all studies list under this name in `claims.py` of their folders."""
    folders = sorted(module.name for module in pkgutil.iter_modules(studies.__path__) if module.ispkg)
    places = [f"{studies.__name__}.{folder}.claims" for folder in folders]
    modules = [importlib.import_module(place) for place in places if importlib.util.find_spec(place)]
    return [each for module in modules for each in getattr(module, name, ())]


def verdicts(report: Report) -> Styler:
    """What one run says about the claims that its study tests; those it measured come first."""
    profile = profile_of(report.profile)
    judged = [judge(claim, report.lines, profile) for claim in all_claims() if claim.study == report.study]
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
