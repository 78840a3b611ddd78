"""A sweep that takes a while, run in a process of its own, so that it can be killed; and how to watch it."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from journal import journal
from small_trial import Clouds

from influencelab.experiments.code_version import VERSIONS, recipe_version
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_trials
from influencelab.experiments.trial import Trial
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.logistic import Logistic
from influencelab.recipe import Progress, Recipe
from influencelab.training.trainers.newton import Newton

TESTS = Path(__file__).parent
DECAYS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
# Seconds that anything may take before it is given up; a busy machine needs a part of it, an idle one hardly any.
PATIENCE = 3000


@dataclass(frozen=True)
class Gated(Recipe):
    """A trial that waits in its process until somebody opens its gate: every second one before it runs, others after.

    Attributes:
        trial: what it does.
        gates: a folder of the gates that are open; none where it never waits.
        number: which gate is its own.
    """

    trial: Trial
    gates: str = ""
    number: int = 0

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Run the trial, and wait at the gate."""
        if self.number % 2:
            self.wait()
        outcome = self.trial.run(device=device, progress=progress)
        self.wait()
        return outcome

    def wait(self) -> None:
        """Return once the gate is open."""
        end = time.monotonic() + PATIENCE
        while self.gates and not Path(self.gates, str(self.number)).exists() and time.monotonic() < end:
            time.sleep(0.02)


def open_gates(gates: Path, numbers: Iterable[int]) -> None:
    """Let the trials of these numbers through, now and whenever they come."""
    gates.mkdir(exist_ok=True)
    for number in numbers:
        (gates / str(number)).touch()


@dataclass(frozen=True)
class Fatal(Recipe):
    """A trial that ends its process at the first `deaths` attempts, as running out of memory does.

    Attributes:
        trial: what it does at last.
        marks: a folder that remembers its attempts.
        deaths: how many of them fail.
        beside: a store; from the second attempt on, death comes after others are kept there.
        others: how many.
    """

    trial: Trial
    marks: str
    deaths: int
    beside: str = ""
    others: int = 0

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Die, or run the trial."""
        folder = Path(self.marks)
        before = len(list(folder.iterdir()))
        if before < self.deaths:
            (folder / str(time.time_ns())).touch()
            end = time.monotonic() + (PATIENCE if before else 0)
            while time.monotonic() < end and len(list(Path(self.beside).rglob("*.entry"))) < self.others:
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.trial.run(device=device, progress=progress)


def trials(count: int, *, gates: str = "") -> list[Gated]:
    """Small trials, all different: weight decays within seeds. Data without scikit-learn, which is slow to load."""
    return [
        Gated(
            Trial(
                source=Clouds(n=30, seed=number // len(DECAYS)),
                task=Logistic(weight_decay=DECAYS[number % len(DECAYS)]),
                trainer=Newton(),
                estimators={"exact": Exact()},
            ),
            gates=gates,
            number=number,
        )
        for number in range(count)
    ]


def table(outcomes: list[Outcome]) -> str:
    """A line a trial: a sum in hexadecimal, and a hash of every bit of every tensor.

    Equal bits are the promise of a store: the same code on the same arrays, one thread each time.
    """
    lines = []
    for number, outcome in enumerate(outcomes):
        digest = hashlib.sha256()
        for name, tensor in sorted(outcome.entry().arrays.items()):
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        lines.append(f"{number} {float(outcome.actual['warm'].sum()).hex()} {digest.hexdigest()}")
    return "\n".join(lines)


def main() -> None:
    """Run the sweep that the command line names, and print its table."""
    folder, count, gates, workers, scheduler = sys.argv[1:]
    found = run_trials(
        trials(int(count), gates=gates),
        store=Store(Path(folder)),
        workers=int(workers),
        scheduler=scheduler,
    )
    print("", table(found), sep="\n")


@cache
def versions() -> str:
    """What a store remembers of the version of the code, which each process would else find out for itself."""
    with tempfile.TemporaryDirectory() as folder:
        memory = Path(folder, VERSIONS)
        recipe_version(trials(1)[0], memory=memory)
        return memory.read_text(encoding="utf-8")


def begin(
    folder: Path, *, count: int, gates: Path | str = "", workers: int = 1, scheduler: str = ""
) -> subprocess.Popen[str]:
    """Start the sweep in a process that leads a group of its own."""
    folder.mkdir(exist_ok=True)
    (folder / VERSIONS).write_text(versions(), encoding="utf-8")
    command = "import gated_sweep; gated_sweep.main()"
    words = [str(word) for word in (folder, count, gates, workers, scheduler)]
    path = os.pathsep.join([str(TESTS.parents[1]), str(TESTS)])
    return subprocess.Popen(
        [sys.executable, "-c", command, *words],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def result(running: subprocess.Popen[str]) -> str:
    """The table it prints at its end; a bar that came before is left out."""
    said, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0
    return "\n".join(line for line in said.splitlines() if " 0x" in line or " -0x" in line)


@cache
def undisturbed(count: int) -> str:
    """The table of trials that ran in this process, one after the other, on one thread and without a store."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return table([gated.run() for gated in trials(count)])
    finally:
        torch.set_num_threads(threads)


def until(reached: Callable[[], bool], running: subprocess.Popen[str]) -> bool:
    """Wait until something is so; False where the process ended before, or all patience did."""
    end = time.monotonic() + PATIENCE
    while not reached():
        if running.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def finished(store: Store) -> Counter[str]:
    """How often each trial was finished."""
    return Counter(note.key for note in journal(store) if note.event == "finished")


def under_way(store: Store) -> dict[str, int]:
    """The trials that were begun last and not finished since, and the processes that began them."""
    open_ones = {}
    for note in journal(store):
        if note.event == "begun":
            open_ones[note.key] = note.process
        else:
            open_ones.pop(note.key, None)
    return open_ones


def assert_each_done_once(store: Store, *, count: int, killed: int = 0) -> None:
    """Every trial is kept, none was finished twice, and none was begun again after it was finished.

    Args:
        store: where they are.
        count: how many there are.
        killed: how many processes were; each may have died between keeping a trial and saying so.
    """
    done = finished(store)
    assert set(done.values()) == {1}
    assert count - killed <= len(done) <= count
    assert sum(store.find(path.stem) is not None for path in store.folder.rglob("*.entry")) == count
    last = {note.key: note.event for note in journal(store)}
    assert all(last[key] == "finished" for key in done)
