"""`influencelab run`: studies one after the other, and at the end what was measured and what it says of the claims."""

import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from influencelab.app.cli.listing import left_out
from influencelab.app.cli.progress import Bar
from influencelab.app.cli.scorecard import questions_of, shown
from influencelab.app.cli.summary import summary
from influencelab.app.cli.terminal import cut, here
from influencelab.errors import InfluenceLabError, InvalidParameter, UnknownName
from influencelab.runner.report import Report
from influencelab.runner.signals import stopped_by_signals
from influencelab.runner.study import Plan, Study, studies, study
from influencelab.studies.catalogue import all_claims

# How many numbers of a report are printed; all are in its folder.
SHOWN = 12


def run(plans: Sequence[Plan], *, lacking: Sequence[str] = ()) -> int:
    """Run the plans, whether one fails or not; the exit status is 0 if all ran to their end, else 1.

    Studies that lack the profile are named, and not run.
    """
    print(announcement(plans, lacking), flush=True)
    failures, done = [], []
    bar = Bar(sum(plan.profile.seconds for plan in plans))
    with bar.drawn, stopped_by_signals(), warnings.catch_warnings(record=True) as noted:
        for plan in plans:
            bar.begin(plan.study.name, expected=plan.profile.seconds)
            try:
                began = time.perf_counter()
                done.append(plan.execute(progress=bar.move))
                found = outcome(done[-1], time.perf_counter() - began, alone=len(plans) == 1)
            except InfluenceLabError as error:
                failures.append(error)
                found = f"{plan.study.name} at {plan.folder.name}: FAILED"
            with tqdm.external_write_mode():
                print("\n".join([found, *(f"  note: {note.message}" for note in noted)]), flush=True)
            noted.clear()
    if done:
        print(f"\n{summary(done, all_claims(), questions_of([plan.study for plan in plans]), here())}", flush=True)
    # Last of all, where it is read: why a study failed.
    for failure in failures:
        print(f"\nFAILED {failure}".replace(f"{Path.cwd()}/", ""), file=sys.stderr)
    return 1 if failures else 0


def planned(
    names: Sequence[str],
    *,
    everything: bool,
    profile: str,
    changes: Mapping[str, str],
    folder: Path | None,
    home: Path | None,
) -> list[Plan]:
    """Plans of the studies that were named, each once, or of all that have the profile; all are checked beforehand.

    A size that comes in slices is run slice by slice: `paper` is all of `paper_width`, `paper_decay` and so on.
    """
    known = studies(folder)
    if everything == bool(names):
        listed = ", ".join(each.name for each in known) or "none"
        raise InvalidParameter(f"Name the studies to run, or give --all for all of them. There are: {listed}.")
    if not names and not known:
        raise UnknownName("There is no study in that folder. A study is a notebook.")
    chosen = [study(name, folder=folder) for name in dict.fromkeys(names)] if names else known
    for line in left_out(folder) if everything else ():
        print(line, file=sys.stderr)
    sizes = {each.name: slices(each, profile) for each in chosen}
    if everything and any(sizes.values()):
        chosen = [each for each in chosen if sizes[each.name]]
    # Of a study that lacks the profile, the plan says which it has.
    return [each.plan(size, results=home, **changes) for each in chosen for size in sizes[each.name] or [profile]]


def lacking_profile(plans: Sequence[Plan], folder: Path | None) -> list[str]:
    """The studies that no plan runs."""
    planned_names = {plan.study.name for plan in plans}
    return [each.name for each in studies(folder) if each.name not in planned_names]


def slices(each: Study, profile: str) -> list[str]:
    """The study's profile of this name, or all slices of this size where it has no such profile."""
    return (
        [profile] if profile in each.profiles else [name for name in each.profiles if name.partition("_")[0] == profile]
    )


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """`name=value` texts as a mapping; no name twice, and none that has an option of its own."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InvalidParameter(f"'-p {text}' sets nothing. Write -p name=value, such as -p seed=1.")
        if name in ("profile", "results"):
            raise InvalidParameter(f"'{name}' has an option of its own. Write --{name} {value}.")
        if name in found:
            raise InvalidParameter(f"Parameter '{name}' is given twice. Give it once.")
        found[name] = value
    return found


def announcement(plans: Sequence[Plan], lacking: Sequence[str] = ()) -> str:
    """Text on the studies that will run and their expected cost, and on those that lack the profile."""
    names = max(len(plan.study.name) for plan in plans)
    profiles = max(9, *(len(plan.folder.name) for plan in plans))
    lines = [
        f"  {plan.study.name:<{names}}  {plan.folder.name:<{profiles}} {plan.profile.seconds:>6,.0f} s  "
        f"{plan.profile.memory_gb:>5g} GB"
        for plan in plans
    ]
    seconds, memory = sum(plan.profile.seconds for plan in plans), max(plan.profile.memory_gb for plan in plans)
    count = len({plan.study.name for plan in plans})
    total = f"Expected on two cores: {seconds:,.0f} s, {memory:g} GB at most."
    runs = f" in {len(plans)} runs" if len(plans) > count else ""
    without = [here().wrap(f"Left out, having no such profile: {', '.join(lacking)}.")] if lacking else []
    return "\n".join([f"Running {count} {'study' if count == 1 else 'studies'}{runs}. {total}", *lines, *without])


def outcome(report: Report, seconds: float, *, alone: bool) -> str:
    """A line on a report; of the only one also its place, and some of its numbers, those that claims rest on first."""
    count = len(report.measurements)
    head = f"{report.study} at {report.profile}: {seconds:.1f} s, {count:,} {'number' if count == 1 else 'numbers'}"
    if not alone:
        return f"{head}, in {shown(report.folder)}"
    claims = [claim for claim in all_claims() if claim.study == report.study]
    numbers = report.numbers(first=[each.where for claim in claims for each in claim.cells])
    printed = {
        name: f"{number}{'' if number.n is None else f'  n = {number.n:,}'}"
        for name, number in list(numbers.items())[:SHOWN]
    }
    room = here().width - max(map(len, printed.values())) - 4
    width = min(room, max(map(len, printed)))
    lines = [head, f"  executed notebook  {shown(report.notebook)}", f"  report             {shown(report.folder)}"]
    lines += [f"  {cut(name, width):<{width}}  {number}" for name, number in printed.items()]
    if len(numbers) > SHOWN:
        lines.append(f"  and {len(numbers) - SHOWN} more in {shown(report.folder / 'measurements.csv')}")
    return "\n".join(lines)
