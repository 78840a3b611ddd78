"""Studies and reports as JSON for the panel: paths begin at the file browser's folder, or are left out."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from influencelab.app.lab.home import Home
from influencelab.errors import InfluenceLabError, InvalidParameter, unknown
from influencelab.runner import json_file
from influencelab.runner.claim import Claim, judge
from influencelab.runner.parameter import RUN_PARAMETERS, Parameter
from influencelab.runner.profile import is_folder_name, profile_of, rank
from influencelab.runner.report import Report, load
from influencelab.runner.study import Plan, Study, studies, study
from influencelab.studies.catalogue import all_claims

# Parameters that the panel sets in other ways.
OWN = ("profile", "results")
# What the form says of a parameter.
FIELD = ("name", "type", "help", "example")
# How long the text of one value may be.
LONGEST = 2000


def catalogue(home: Home) -> dict[str, Any]:
    """Every study, and the notebooks among them that cannot be read as one."""
    claims = all_claims()
    cards, problems = [], []
    for each in studies(home.studies):
        try:
            cards.append(card(each, home, claims))
        except InfluenceLabError as error:
            problems.append({"name": each.name, "message": home.clean(str(error))})
    return {"studies": cards, "problems": problems}


def card(each: Study, home: Home, claims: Iterable[Claim]) -> dict[str, Any]:
    """One study: its question, form, sizes and reports, and the verdicts of the newest."""
    profiles = [
        {
            "name": profile.name,
            "seconds": profile.seconds,
            "memory_gb": profile.memory_gb,
            "values": {name: text(value) for name, value in each.values(profile.name).items() if name not in OWN},
        }
        for profile in each.profiles.values()
    ]
    found = folders(each.name, home)
    return {
        "name": each.name,
        "question": each.question,
        "path": home.shown(each.path),
        "parameters": [
            {**{name: getattr(parameter, name) for name in FIELD}, "where": parameter.name in RUN_PARAMETERS}
            for parameter in each.parameters
            if parameter.name not in OWN
        ],
        "profiles": profiles,
        "reports": [{"folder": folder.name, "when": stamp(folder) / 1e9} for folder in found],
        **newest(found, home, claims),
    }


def newest(found: list[Path], home: Home, claims: Iterable[Claim]) -> dict[str, Any]:
    """Verdicts of the newest report on the claims it measured; of a damaged one, what is wrong with it."""
    if not found:
        return {"newest": None, "verdicts": [], "damage": ""}
    try:
        report = opened(found[0])
    except InfluenceLabError as error:
        return {"newest": found[0].name, "verdicts": [], "damage": home.clean(str(error))}
    return {"newest": report.profile, "verdicts": verdicts(report, claims), "damage": ""}


def verdicts(report: Report, claims: Iterable[Claim]) -> list[dict[str, str]]:
    """The verdicts of one report on the claims whose number it has."""
    profile = profile_of(report.profile)
    judged = [judge(claim, report.measurements, profile) for claim in claims if claim.study == report.study]
    return [
        {
            "claim": verdict.claim.name,
            "statement": verdict.claim.statement,
            "paper": verdict.claim.paper,
            "accepted": verdict.claim.band,
            "measured": str(verdict.number),
            "verdict": verdict.said,
        }
        for verdict in judged
    ]


def described(report: Report, home: Home) -> dict[str, Any]:
    """One report: its cost, verdicts and numbers, and the files that can be opened."""
    claims = [claim for claim in all_claims() if claim.study == report.study]
    numbers = report.numbers(first=[claim.where for claim in claims])
    return {
        "study": report.study,
        "folder": report.profile,
        "when": stamp(report.folder) / 1e9,
        "seconds": report.manifest["seconds"],
        "peak_memory_mb": report.manifest["peak_memory_mb"],
        "changed": report.changed,
        "parameters": {name: text(value) for name, value in report.parameters.items()},
        "verdicts": verdicts(report, claims),
        "numbers": [{"name": name, "value": str(number), "n": number.n} for name, number in numbers.items()],
        "figures": list(pictures(report)),
        "place": home.shown(report.folder),
        "notebook": home.shown(report.notebook),
    }


def pictures(report: Report) -> dict[str, Path]:
    """The figures of a report as PNG, by name."""
    home = report.folder / "figures"
    found = [(path.relative_to(home).with_suffix("").as_posix(), path.with_suffix(".png")) for path in report.figures]
    return {name: path for name, path in found if path.is_file()}


def folders(name: str, home: Home) -> list[Path]:
    """The folders of a study's reports, the newest first."""
    found = [folder for folder in (home.results / name).glob("*/") if is_folder_name(folder.name)]
    found = [folder for folder in found if (folder / "manifest.json").is_file()]
    return sorted(found, key=lambda folder: (-stamp(folder), -rank(profile_of(folder.name)), folder.name))


def stamp(folder: Path) -> int:
    """Time of publication of a report, in nanoseconds since 1970."""
    return (folder / "manifest.json").stat().st_mtime_ns


def report_of(name: str, folder: str, home: Home) -> Report:
    """One report by names that are compared with those there are (else UnknownName), never joined to a path."""
    found = {each.name: each for each in folders(study(name, folder=home.studies).name, home)}
    if folder not in found:
        raise unknown("report", folder, found, of=name)
    return opened(found[folder])


def opened(folder: Path) -> Report:
    """A report, read and checked once until another is published."""
    return read(folder, stamp(folder))


@lru_cache(maxsize=32)
def read(folder: Path, _published: int) -> Report:
    """A report, as it was when it was published."""
    return load(folder)


def planned(asked: object, home: Home) -> tuple[Plan, dict[str, str]]:
    """The run that a page asks for, checked before it is queued, and its changes as the command line takes them.

    Raises:
        InvalidParameter: it is no such request, or a value is none of the declared type.
        UnknownName: no such study, profile or parameter.
    """
    match asked:
        case {"study": str(name), "profile": str(profile), "parameters": dict(given), **rest} if not rest:
            chosen = study(name, folder=home.studies)
        case _:
            raise InvalidParameter('A run is asked for as {"study": …, "profile": …, "parameters": {name: value}}.')
    standard = chosen.values(profile)
    changes = {key: value_of(chosen.parameter(key), value) for key, value in given.items()}
    plan = chosen.plan(profile, results=home.results, **changes)
    return plan, {key: text(plan.parameters[key]) for key in changes if plan.parameters[key] != standard[key]}


def value_of(parameter: Parameter, value: object) -> Any:
    """One value as its declared type, refused if the command line would read it as another one."""
    if parameter.name in OWN:
        raise InvalidParameter(f"'{parameter.name}' is no field of the form: a run of the panel has its own place.")
    written = text(value) if isinstance(value, str | int | float | bool | list | None) else ""
    if not written and value != "":
        raise InvalidParameter(f"Parameter '{parameter.name}' is neither text nor a number nor a list of them.")
    # An alias lets a short text stand for a huge list; no parameter needs one.
    if len(written) > LONGEST or (parameter.type.startswith(("list", "tuple")) and set("&*") & set(written)):
        raise InvalidParameter(f"Parameter '{parameter.name}' is too long, or holds signs that no list needs.")
    parsed = parameter.parse(value)
    if parameter.parse(text(parsed).strip()) != parsed:
        raise InvalidParameter(f"Parameter '{parameter.name}' begins or ends with spaces. Leave them out.")
    return parsed


def text(value: Any) -> str:
    """A value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(json_file.to_jsonable(value), ensure_ascii=False)


def settings(report: Report, home: Home) -> Mapping[str, Any]:
    """The parameters of a report as values of their declared types, with the profile they started from."""
    declared = {each.name: each for each in study(report.study, folder=home.studies).parameters}
    known = {name: declared[name].parse(value) for name, value in report.parameters.items() if name in declared}
    return {"profile": profile_of(report.profile)} | known
