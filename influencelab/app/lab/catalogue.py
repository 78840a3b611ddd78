"""Studies and reports as JSON for the panel: paths begin at the file browser's folder, or are left out."""

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from influencelab.app.lab.home import Home
from influencelab.errors import InfluenceLabError, InvalidParameter, in_words, unknown
from influencelab.runner import json_file
from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.parameter import RUN_PARAMETERS, Parameter, adapter
from influencelab.runner.profile import RECORD, is_folder_name, profile_of, rank
from influencelab.runner.report import EXPLORER, Report, load
from influencelab.runner.study import Plan, Study, notebooks, study
from influencelab.runner.verdict import judge
from influencelab.studies.catalogue import all_claims, all_findings

# Parameters that the panel sets in other ways.
OWN = ("profile", "results")
# How long the text of one value may be.
LONGEST = 2000


def catalogue(home: Home) -> dict[str, Any]:
    """Every study, and the notebooks among them that cannot be read as one."""
    claims = all_claims()
    cards, problems = [], []
    for each in notebooks(home.studies):
        try:
            each.check()
            cards.append(card(each, home, claims))
        except (InfluenceLabError, OSError) as error:
            problems.append({"name": each.name, "message": home.clean(in_words(error, each.path))})
    return {"studies": cards, "problems": problems}


def card(each: Study, home: Home, claims: Iterable[Claim]) -> dict[str, Any]:
    """One study: its question, form, sizes and reports, and the verdicts of the newest."""
    found = folders(each.name, home)
    profiles = [
        {
            **{name: getattr(profile, name) for name in ("name", "seconds", "memory_gb")},
            "values": {name: text(value) for name, value in each.values(profile.name).items() if name not in OWN},
        }
        for profile in each.profiles.values()
    ]
    parameters = [
        {name: getattr(parameter, name) for name in ("name", "type", "help", "example")}
        | {"schema": adapter(parameter.type).json_schema(), "where": parameter.name in RUN_PARAMETERS}
        for parameter in each.parameters
        if parameter.name not in OWN
    ]
    return {
        "name": each.name,
        "question": each.question,
        "path": home.shown(each.path),
        "parameters": parameters,
        "profiles": profiles,
        "reports": [{"folder": folder.name, "date": date(folder, stamp(folder))} for folder in found],
        **newest(found, home, claims),
    }


def newest(found: list[Path], home: Home, claims: Iterable[Claim]) -> dict[str, Any]:
    """Verdicts of the newest report on the claims it measured; of a damaged one, what is wrong with it."""
    answer: dict[str, Any] = {"newest": found[0].name if found else None, "verdicts": [], "damage": ""}
    try:
        return answer | {"verdicts": verdicts(read(found[0], stamp(found[0])), claims)} if found else answer
    except (InfluenceLabError, OSError) as error:
        return answer | {"damage": home.clean(in_words(error, found[0]))}


def verdicts(report: Report, claims: Iterable[Claim]) -> list[dict[str, str]]:
    """The verdicts of one report on the claims whose number it has."""
    profile = profile_of(report.profile)
    judged = [judge(claim, report.lines, profile) for claim in claims if claim.study == report.study]
    return [
        {
            "claim": verdict.claim.name,
            "statement": verdict.claim.statement,
            "paper": verdict.claim.paper,
            "accepted": verdict.claim.band,
            "measured": verdict.number,
            "verdict": verdict.said,
        }
        for verdict in judged
        if verdict.measured
    ]


def described(name: str, folder: str, home: Home) -> dict[str, Any]:
    """One report: its date and cost, what it found, its numbers, and the files that can be opened."""
    report = report_of(name, folder, home)
    claims = [claim for claim in all_claims() if claim.study == report.study]
    numbers = report.numbers(first=[each.where for claim in claims for each in claim.cells])
    return {
        "study": report.study,
        "folder": report.profile,
        "date": report.date,
        "commit": report.manifest["code"]["commit"] or "",
        "seconds": report.manifest["seconds"],
        "peak_memory_mb": report.manifest["peak_memory_mb"],
        "changed": report.changed,
        "parameters": {name: text(value) for name, value in report.parameters.items()},
        "findings": findings(report, home),
        "verdicts": verdicts(report, claims),
        "numbers": [{"name": name, "value": str(number), "n": number.n} for name, number in numbers.items()],
        "figures": [{"name": name, "caption": report.captions.get(name, "")} for name in pictures(report)],
        "explorable": (report.folder / EXPLORER).is_file(),
        "place": home.shown(report.folder),
        "notebook": home.shown(report.notebook),
    }


def findings(report: Report, home: Home) -> list[str]:
    """What was found, in sentences: by all reports of record for one of them, and else by this report alone."""
    names = [each for each in folders(report.study, home) if each.name in RECORD or each.name.startswith("paper_")]
    found = [read(each, stamp(each)) for each in names] if report.folder in names else [report]
    found.sort(key=lambda each: rank(profile_of(each.profile)))
    known = [each for each in all_findings() if isinstance(each, Finding) and each.study == report.study]
    return [text for each in known if (text := each.written(found))]


def pictures(report: Report) -> dict[str, Path]:
    """The figures of a report as PNG, by name."""
    home = report.folder / "figures"
    found = [(path.relative_to(home).with_suffix("").as_posix(), path.with_suffix(".png")) for path in report.figures]
    return {name: path for name, path in found if path.is_file()}


def folders(name: str, home: Home) -> list[Path]:
    """The folders of a study's reports, the newest first."""
    found = [folder for folder in (home.results / name).glob("*/") if is_folder_name(folder.name)]
    found = [folder for folder in found if (folder / "manifest.json").is_file()]
    found.sort(key=lambda folder: (-rank(profile_of(folder.name)), folder.name))
    # Of one day: the largest first.
    return sorted(found, key=lambda folder: date(folder, stamp(folder)), reverse=True)


@lru_cache(maxsize=256)
def date(folder: Path, _published: int) -> str:
    """When a report was made, read once until another is published; nothing where that is not known."""
    try:
        return str(json_file.read(folder / "manifest.json").get("published", ""))
    except (InfluenceLabError, OSError):
        return ""


def stamp(folder: Path) -> int:
    """Time at which a report came to its place, in nanoseconds since 1970: of a clone, the time of cloning."""
    return (folder / "manifest.json").stat().st_mtime_ns


def report_of(name: str, folder: str, home: Home) -> Report:
    """One report by names that are compared with those there are (else UnknownName), never joined to a path."""
    found = {each.name: each for each in folders(study(name, folder=home.studies).name, home)}
    if folder not in found:
        raise unknown("report", folder, found, of=name)
    return read(found[folder], stamp(found[folder]))


@lru_cache(maxsize=32)
def read(folder: Path, _published: int) -> Report:
    """A report, read and checked once until another is published."""
    return load(folder)


def planned(asked: object, home: Home) -> tuple[Plan, dict[str, str]]:
    """The run that a page asks for, checked as the command line will check it, and its changes, which it will be given.

    An InvalidParameter error where it is no such request, or a value is none of the declared type; an UnknownName error
    where there is no such study, profile or parameter.
    """
    match asked:
        case {"study": str(name), "profile": str(profile), "parameters": dict(given), **rest} if not rest:
            chosen = study(name, folder=home.studies)
        case _:
            raise InvalidParameter('A run is asked for as {"study": …, "profile": …, "parameters": {name: value}}.')
    changes = {key: value_of(chosen.parameter(key), value) for key, value in given.items()}
    plan, standard = chosen.plan(profile, results=home.results, **changes), chosen.values(profile)
    return plan, {key: value for key, value in changes.items() if plan.parameters[key] != standard[key]}


def value_of(parameter: Parameter, value: object) -> str:
    """The text of one value."""
    if parameter.name in OWN:
        raise InvalidParameter(f"'{parameter.name}' is no field of the form: a run of the panel has its own place.")
    if not isinstance(value, str):
        raise InvalidParameter(f"Parameter '{parameter.name}' is a {type(value).__name__}, expected its value as text.")
    # An alias lets a short text stand for a huge list; no parameter needs one.
    if len(value) > LONGEST or (parameter.type.startswith(("list", "tuple")) and set("&*") & set(value)):
        raise InvalidParameter(f"Parameter '{parameter.name}' is too long, or holds signs that no list needs.")
    return value


def text(value: Any) -> str:
    """A value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(json_file.to_jsonable(value), ensure_ascii=False)
