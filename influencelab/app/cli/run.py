"""`influencelab run`: studies one after the other, the numbers of each, and the scorecard."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from influencelab.app.cli.bar import Bar
from influencelab.app.cli.text import shortened, shown
from influencelab.errors import InfluenceLabError, InvalidParameter, UnknownName
from influencelab.runner.report import Report, reports
from influencelab.runner.scorecard import rows, scorecard_text
from influencelab.runner.study import Plan, studies, study
from influencelab.statistics.measurement import Measurement
from influencelab.studies.catalogue import all_claims

# How many numbers of a report are printed; all are in its folder.
SHOWN = 12


def run(plans: Sequence[Plan]) -> int:
    """Run the plans, whether one fails or not; the exit status is 0 if all ran to their end, else 1."""
    print(announcement(plans), flush=True)
    failures = []
    with closing(Bar(sum(plan.profile.seconds for plan in plans))) as bar:
        for plan in plans:
            bar.begin(plan.study.name)
            try:
                began = time.perf_counter()
                report = plan.execute(progress=partial(bar.move, expected=plan.profile.seconds))
                found = outcome(report, time.perf_counter() - began)
            except InfluenceLabError as error:
                failures.append(shortened(str(error)))
                found = f"\n{plan.study.name}: FAILED"
            bar.end(expected=plan.profile.seconds)
            bar.print(found)
    print(f"\n{verdicts(plans)}", flush=True)
    for failure in failures:
        print(f"\nFAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


def planned(
    names: Sequence[str],
    *,
    everything: bool,
    profile: str,
    changes: Mapping[str, str],
    folder: Path | None,
    results: Path | None,
) -> list[Plan]:
    """Plans of the studies that were named, each once, or of all; all are checked before any of them starts."""
    known = studies(folder)
    if everything == bool(names):
        listed = ", ".join(each.name for each in known) or "none"
        raise InvalidParameter(f"Name the studies to run, or give --all for all of them. There are: {listed}.")
    if not names and not known:
        raise UnknownName("There is no study in that folder. A study is a notebook.")
    chosen = [study(name, folder=folder) for name in dict.fromkeys(names)] if names else known
    return [each.plan(profile, results=results, **changes) for each in chosen]


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """`name=value` texts as a mapping; no name twice, and none that has an option of its own."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise InvalidParameter(f"'-p {text}' sets nothing. Write -p name=value, such as -p seed=1.")
        if name in ("profile", "results"):
            raise InvalidParameter(f"'{name}' has an option of its own. Write --{name} {value}.")
        if name in found:
            raise InvalidParameter(f"Parameter '{name}' is given twice. Give it once.")
        found[name] = value
    return found


def announcement(plans: Sequence[Plan]) -> str:
    """Text on the studies that will run and their expected cost."""
    width = max(len(plan.study.name) for plan in plans)
    lines = [
        f"  {plan.study.name:<{width}}  {plan.folder.name:<9} {plan.profile.seconds:>6,.0f} s  "
        f"{plan.profile.memory_gb:>5g} GB  {plan.study.question}"
        for plan in plans
    ]
    seconds, memory = sum(plan.profile.seconds for plan in plans), max(plan.profile.memory_gb for plan in plans)
    total = f"Expected on two cores: {seconds:,.0f} s, {memory:g} GB at most."
    return "\n".join([f"Running {len(plans)} {'study' if len(plans) == 1 else 'studies'}. {total}", *lines])


def outcome(report: Report, seconds: float) -> str:
    """Text on a report: its place, seconds, and some of its numbers, those that claims rest on first."""
    numbers = report.numbers(first=[claim.where for claim in all_claims() if claim.study == report.study])
    printed = list(numbers.items())[:SHOWN]
    width = max(len(name) for name, _ in printed)
    lines = [
        f"\n{report.study} at {report.profile}: {seconds:.1f} s",
        f"  executed notebook  {shown(report.notebook)}",
        f"  report             {shown(report.folder)}",
        *(f"  {name:<{width}}  {number}{count(number)}" for name, number in printed),
    ]
    if len(numbers) > SHOWN:
        lines.append(f"  and {len(numbers) - SHOWN} more in {shown(report.folder / 'measurements.csv')}")
    return "\n".join(lines)


def count(number: Measurement) -> str:
    """`  n = 500`, where the number says so."""
    return "" if number.n is None else f"  n = {number.n:,}"


def verdicts(plans: Sequence[Plan]) -> str:
    """The scorecard of the claims that these studies test, at every profile there are results of."""
    names = {plan.study.name for plan in plans}
    claims = [claim for claim in all_claims() if claim.study in names]
    if not claims:
        return "No claim rests on what was run."
    return f"Scorecard\n{scorecard_text(rows(reports(plans[0].folder.parent.parent), claims))}"
