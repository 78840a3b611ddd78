"""`influencelab run`: studies one after the other, the numbers of each, and the scorecard."""

import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from influencelab.app.cli.listing import left_out
from influencelab.app.cli.scorecard import shown
from influencelab.errors import InfluenceLabError, InvalidParameter, UnknownName
from influencelab.runner.atomic_folder import RunProgress
from influencelab.runner.report import Report, reports
from influencelab.runner.scorecard import rows, scorecard_text
from influencelab.runner.signals import stopped_by_signals
from influencelab.runner.study import Plan, studies, study
from influencelab.studies.catalogue import all_claims

# How many numbers of a report are printed; all are in its folder.
SHOWN = 12
# Highest share done of a study that has reported no progress: by the clock it is never done.
UNKNOWN = 0.95
FORMAT = "{desc} {percentage:3.0f}% |{bar:24}| {elapsed} so far, about {remaining} left {postfix}"


class Bar:
    """Progress bar over several studies, in the seconds they are expected to take; it changes by nature.

    Nothing is drawn where the error stream is no terminal.
    """

    def __init__(self, seconds: float) -> None:
        # Rates are averaged over the whole run: studies jump where they go from one table to the next.
        self.drawn = tqdm(total=seconds, desc="starting", bar_format=FORMAT, smoothing=0, disable=None, leave=False)
        self._done, self._expected, self._began = 0.0, 0.0, 0.0

    def begin(self, name: str, *, expected: float) -> None:
        """Start the next study; the one before is over, whether it failed or not."""
        self._done += self._expected
        self._expected, self._began = expected, time.perf_counter()
        self.drawn.n = max(self.drawn.n, self._done)
        self.drawn.set_postfix_str("", refresh=False)
        self.drawn.set_description(name)

    def move(self, progress: RunProgress | None) -> None:
        """Draw the study's progress as it reported it last, or else by the clock; counting anew moves nothing back."""
        clock = (time.perf_counter() - self._began) / max(self._expected, 1e-9)
        fraction = min(clock, UNKNOWN) if progress is None else progress.fraction
        self.drawn.n = max(self.drawn.n, self._done + self._expected * fraction)
        if progress is not None:
            self.drawn.set_postfix_str(f"({progress.label} {progress.done:g} of {progress.total:g})", refresh=False)
        self.drawn.refresh()


def run(plans: Sequence[Plan]) -> int:
    """Run the plans, whether one fails or not; the exit status is 0 if all ran to their end, else 1."""
    print(announcement(plans), flush=True)
    failures = []
    bar = Bar(sum(plan.profile.seconds for plan in plans))
    with bar.drawn, stopped_by_signals(), warnings.catch_warnings(record=True) as noted:
        for plan in plans:
            bar.begin(plan.study.name, expected=plan.profile.seconds)
            try:
                began = time.perf_counter()
                found = outcome(plan.execute(progress=bar.move), time.perf_counter() - began)
            except InfluenceLabError as error:
                failures.append(error)
                found = f"\n{plan.study.name}: FAILED"
            with tqdm.external_write_mode():
                print("\n".join([found, *(f"  note: {note.message}" for note in noted)]), flush=True)
            noted.clear()
    claims = [claim for claim in all_claims() if claim.study in {plan.study.name for plan in plans}]
    verdicts = scorecard_text(rows(reports(plans[0].folder.parent.parent), claims)) if claims else ""
    print(f"\nScorecard\n{verdicts}" if claims else "\nNo claim rests on what was run.", flush=True)
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
    """Plans of the studies that were named, each once, or of all; all are checked before any of them starts."""
    known = studies(folder)
    if everything == bool(names):
        listed = ", ".join(each.name for each in known) or "none"
        raise InvalidParameter(f"Name the studies to run, or give --all for all of them. There are: {listed}.")
    if not names and not known:
        raise UnknownName("There is no study in that folder. A study is a notebook.")
    chosen = [study(name, folder=folder) for name in dict.fromkeys(names)] if names else known
    for line in left_out(folder) if everything else ():
        print(line, file=sys.stderr)
    return [each.plan(profile, results=home, **changes) for each in chosen]


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
    ]
    for name, number in printed:
        lines.append(f"  {name:<{width}}  {number}{'' if number.n is None else f'  n = {number.n:,}'}")
    if len(numbers) > SHOWN:
        lines.append(f"  and {len(numbers) - SHOWN} more in {shown(report.folder / 'measurements.csv')}")
    return "\n".join(lines)
