"""Studies side by side: so many at a time, each in a thread that waits for its kernel, and all of them end together."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from influencelab.app.cli.progress import Bar
from influencelab.errors import InfluenceLabError
from influencelab.runner import json_file
from influencelab.runner.atomic_folder import RunProgress
from influencelab.runner.fork_server import fork_server
from influencelab.runner.provenance import sources_hash
from influencelab.runner.report import Report
from influencelab.runner.signals import Stopped
from influencelab.runner.study import Plan

# How often it is looked how far the studies are, in seconds.
POLL = 0.2
# Profiles say what they cost on so many cores.
CORES = 2
# What studies load, which takes some eight seconds.
LOADED = (
    "ipykernel.kernelapp",
    "influencelab.experiments.plots",
    "influencelab.experiments.sweep",
    "influencelab.explorer.build",
    "influencelab.explorer.widget.explorer",
    "influencelab.studies.catalogue",
    "sklearn.datasets",
    "torch._dynamo",
)
Ended = Callable[[Plan, Report | InfluenceLabError, float], None]


@dataclass(frozen=True)
class Share:
    """How many studies run at a time, and how many processes each may take; a profile's own number where there is one.

    Attributes:
        studies: at a time.
        processes: of each study that can take several; 0 for what its profile says.
    """

    studies: int
    processes: int = 0

    def of(self, plan: Plan) -> Plan:
        """The plan with its share of the processes."""
        if not self.processes or "workers" not in plan.parameters:
            return plan
        return replace(plan, parameters=plan.parameters | {"workers": self.processes})

    def seconds(self, plan: Plan) -> float:
        """How long the plan should take with its share; its profile says it for its own number of processes."""
        if self.of(plan) is plan:
            return plan.profile.seconds
        return plan.profile.seconds * min(plan.parameters["workers"] or CORES, CORES) / self.processes

    def seconds_of_all(self, plans: Sequence[Plan]) -> float:
        """How long all should take: as long as the longest, or as the work of each place."""
        each = [self.seconds(plan) for plan in plans]
        return max(*each, sum(each) / self.studies)


def share_of(plans: Sequence[Plan], processes: int) -> Share:
    """One study a process, and what is left over to each; on a GPU, whose memory they would share, one at a time."""
    studies = 1 if {plan.parameters.get("device", "cpu") for plan in plans} != {"cpu"} else min(processes, len(plans))
    return Share(studies, processes // studies if studies > 1 else 0)


def longest_first(plans: Sequence[Plan], share: Share) -> list[Plan]:
    """The plans in the order to begin in: those that this code ran before take what they took then without trials."""
    sources = sources_hash()
    again = {plan: seconds_again(plan, sources) for plan in plans}
    seconds = {plan: share.seconds(plan) if known is None else known for plan, known in again.items()}
    return sorted(plans, key=lambda plan: seconds[plan], reverse=True)


def seconds_again(plan: Plan, sources: str) -> float | None:
    """How long its last run by these sources took without its trials, which are stored since then; None if none did."""
    try:
        manifest = json_file.read(plan.folder / "manifest.json")
        again = float(manifest["seconds"]) - float(manifest["trial_seconds"])
        return again if manifest["code"]["sources"] == sources else None
    except (OSError, LookupError, TypeError, ValueError):
        return None


def side_by_side(plans: Sequence[Plan], *, share: Share, bar: Bar, ended: Ended) -> None:
    """Run the plans, the longest first; `ended` is called with each, its report or why it failed, and its seconds.

    Whatever ends this call, such as Ctrl-C, ends every study that runs.
    """
    stopping = threading.Event()
    said: dict[Plan, RunProgress | None] = {}

    def run(plan: Plan) -> tuple[Report | InfluenceLabError, float]:
        def watch(progress: RunProgress | None) -> None:
            if stopping.is_set():
                raise Stopped(signal.SIGTERM)
            said[plan] = progress

        began = time.perf_counter()
        watch(None)
        try:
            found = share.of(plan).execute(progress=watch, server=server)
        except InfluenceLabError as error:
            found = error
        return found, time.perf_counter() - began

    slices = len({plan.study.name for plan in plans}) < len(plans)
    names = {plan: f"{plan.study.name}{f'/{plan.folder.name}' if slices else ''}" for plan in plans}
    with (
        fork_server(LOADED, kernels=len(plans)) as server,
        ThreadPoolExecutor(share.studies, thread_name_prefix="study") as pool,
    ):
        left = {pool.submit(run, plan): plan for plan in longest_first(plans, share)}
        try:
            while left:
                over, _ = wait(left, timeout=POLL, return_when=FIRST_COMPLETED)
                for plan in [each for each in left.values() if each in said]:
                    bar.move(names[plan], said[plan], expected=share.seconds(plan))
                for plan, future in [(left.pop(future), future) for future in over]:
                    bar.end(names[plan])
                    ended(plan, *future.result())
        finally:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
