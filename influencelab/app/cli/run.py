"""`influencelab run`: studies side by side, and at the end what was measured and what it says of the claims."""

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import joblib
from tqdm import tqdm

from influencelab.app.cli.listing import left_out
from influencelab.app.cli.progress import Bar
from influencelab.app.cli.scorecard import questions_of, shown
from influencelab.app.cli.side_by_side import Share, share_of, side_by_side
from influencelab.app.cli.summary import summary
from influencelab.app.cli.terminal import cut, here, shortened
from influencelab.errors import InfluenceLabError, InvalidParameter, UnknownName
from influencelab.runner.report import Report
from influencelab.runner.signals import stopped_by_signals
from influencelab.runner.study import Plan, Study, studies, study
from influencelab.studies.catalogue import all_claims

# How many numbers of a report are printed; all are in its folder.
SHOWN = 12


def run(plans: Sequence[Plan], *, lacking: Sequence[str] = (), others: Sequence[str] = (), processes: int = 0) -> int:
    """Run the plans, whether one fails or not; the exit status is 0 if all ran to their end, else 1.

    Args:
        plans: what to run; as many at a time as there are processes for.
        lacking: studies that lack the profile; they are named, and not run.
        others: studies that are not of the core; likewise.
        processes: in all; 0 for one a core.
    """
    share = share_of(plans, processes or joblib.cpu_count())
    print(announcement(plans, share, lacking, others), flush=True)
    found: dict[Plan, Report | InfluenceLabError] = {}
    bar = Bar(sum(map(share.seconds, plans)), at_once=share.studies)

    def ended(plan: Plan, end: Report | InfluenceLabError, seconds: float) -> None:
        found[plan] = end
        failed = f"{plan.study.name} at {plan.folder.name}: FAILED"
        line = outcome(end, seconds, alone=len(plans) == 1) if isinstance(end, Report) else failed
        with tqdm.external_write_mode():
            print("\n".join([line, *(f"  note: {note.message}" for note in noted)]), flush=True)
        noted.clear()

    with bar.drawn, stopped_by_signals(), warnings.catch_warnings(record=True) as noted:
        side_by_side(plans, share=share, bar=bar, ended=ended)
    ends = [found[plan] for plan in plans]
    done = [end for end in ends if isinstance(end, Report)]
    if done:
        print(f"\n{summary(done, all_claims(), questions_of([plan.study for plan in plans]), here())}", flush=True)
    # Last of all, where it is read: why a study failed.
    failures = [end for end in ends if not isinstance(end, Report)]
    for failure in failures:
        print(shortened(f"\nFAILED {failure}"), file=sys.stderr)
    return 1 if failures else 0


def planned(
    names: Sequence[str],
    *,
    everything: bool,
    core: bool = False,
    profile: str,
    changes: Mapping[str, str],
    folder: Path | None,
    home: Path | None,
) -> list[Plan]:
    """Plans of the studies that were named, each once, or of all that have the profile, or of the core's.

    All are checked beforehand.

    A size that comes in slices is run slice by slice: `paper` is all of `paper_width`, `paper_decay` and so on.
    """
    known = studies(folder)
    if everything + core + bool(names) != 1:
        listed = ", ".join(each.name for each in known) or "none"
        raise InvalidParameter(f"Name the studies to run, or give --all, or --core. There are: {listed}.")
    if not names and not known:
        raise UnknownName("There is no study in that folder. A study is a notebook.")
    if core and not any(each.core for each in known):
        raise UnknownName("No study in that folder is of the core: none has a cell tagged 'profiles' and 'core'.")
    of_folder = [each for each in known if each.core or not core]
    chosen = [study(name, folder=folder) for name in dict.fromkeys(names)] if names else of_folder
    for line in left_out(folder) if not names else ():
        print(line, file=sys.stderr)
    sizes = {each.name: slices(each, profile) for each in chosen}
    if not names and any(sizes.values()):
        chosen = [each for each in chosen if sizes[each.name]]
    # Of a study that lacks the profile, the plan says which it has.
    return [each.plan(size, results=home, **changes) for each in chosen for size in sizes[each.name] or [profile]]


def lacking_profile(plans: Sequence[Plan], folder: Path | None, *, core: bool = False) -> tuple[list[str], list[str]]:
    """The studies that no plan runs: those that lack the profile, and where the core is run, those not of it."""
    planned_names = {plan.study.name for plan in plans}
    rest = [each for each in studies(folder) if each.name not in planned_names]
    others = [each.name for each in rest if core and not each.core]
    return [each.name for each in rest if each.name not in others], others


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


def announcement(plans: Sequence[Plan], share: Share, lacking: Sequence[str] = (), others: Sequence[str] = ()) -> str:
    """Text on the studies that will run and their expected cost, on those that lack the profile, and on others."""
    names = max(len(plan.study.name) for plan in plans)
    profiles = max(9, *(len(plan.folder.name) for plan in plans))
    lines = [
        f"  {plan.study.name:<{names}}  {plan.folder.name:<{profiles}} {share.seconds(plan):>6,.0f} s  "
        f"{plan.profile.memory_gb:>5g} GB"
        for plan in plans
    ]
    memory = sum(sorted(plan.profile.memory_gb for plan in plans)[-share.studies :])
    count = len({plan.study.name for plan in plans})
    runs = f" in {len(plans)} runs" if len(plans) > count else ""
    runs += f", {share.studies} at a time" if share.studies > 1 else ""
    total = f"Expected: {share.seconds_of_all(plans):,.0f} s, {memory:g} GB at most."
    without = [here().wrap(f"Left out, having no such profile: {', '.join(lacking)}.")] if lacking else []
    if others:
        without.append(here().wrap(f"Not of the core, and run by `make studies` or --all: {', '.join(others)}."))
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
