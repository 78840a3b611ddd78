"""What all studies claim and found, gathered from their folders: a new study is in no list."""

import importlib.util
import pkgutil
from types import ModuleType

import pandas
from pandas.io.formats.style import Styler

from influencelab import studies
from influencelab.errors import InvalidParameter
from influencelab.runner.claim import NOT_RUN, Claim, judge
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.profile import profile_of
from influencelab.runner.report import Report
from influencelab.statistics.display import readable

__all__ = ["verdicts"]


def all_claims() -> tuple[Claim, ...]:
    """The claims of every study: the tuple `CLAIMS` of `claims.py` in its folder.

    Raises:
        InvalidParameter: two claims have one name.
    """
    claims = [claim for module in modules("claims") for claim in module.CLAIMS]
    names = [claim.name for claim in claims]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidParameter(f"Two claims are named '{twice[0]}'. Rename one of them.")
    return tuple(claims)


def all_findings() -> tuple[Finding | FindingTable, ...]:
    """The findings of every study, sentences before tables: `FINDINGS` and `TABLES` of `findings.py` in its folder."""
    found = modules("findings")
    sentences = [finding for module in found for finding in module.FINDINGS]
    tables = [table for module in found for table in getattr(module, "TABLES", ())]
    return (*sentences, *tables)


def modules(name: str) -> list[ModuleType]:
    """The modules of this name in the folders of the studies that have one."""
    folders = sorted(module.name for module in pkgutil.iter_modules(studies.__path__) if module.ispkg)
    places = [f"{studies.__name__}.{folder}" for folder in folders]
    return [
        importlib.import_module(f"{place}.{name}")
        for place in places
        if importlib.util.find_spec(f"{place}.{name}") is not None
    ]


def verdicts(report: Report) -> Styler:
    """What one run says about the claims that its study tests; those it measured come first."""
    profile = profile_of(report.profile)
    tested = [claim for claim in all_claims() if claim.study == report.study]
    judged = [judge(claim, report.measurements, profile) for claim in tested]
    judged.sort(key=lambda verdict: verdict.number is None)
    shown = [
        {
            "claim": verdict.claim.statement,
            "paper": verdict.claim.paper,
            "accepted": verdict.claim.band,
            "measured": "" if verdict.number is None else str(verdict.number),
            "verdict": f"{NOT_RUN} at {profile}" if verdict.number is None else verdict.said,
        }
        for verdict in judged
    ]
    changed = ", with changed parameters: not on the scorecard" if report.changed else ""
    return readable(pandas.DataFrame(shown), caption=f"The report is in {'/'.join(report.folder.parts[-3:])}{changed}")
