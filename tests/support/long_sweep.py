"""A sweep that takes a while, run in a process of its own, so that it can be killed; and how to watch it."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from influencelab.data.sources.iris import Iris
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_trials
from influencelab.experiments.trial import Outcome, Trial
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.logistic import Logistic
from influencelab.progress import Progress
from influencelab.recipe import Recipe
from influencelab.training.trainers.newton import Newton

TESTS = Path(__file__).parent
DECAYS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
# More than fifty trials and sixty seconds of work.
COUNT, SECONDS = 54, 1.2


@dataclass(frozen=True)
class Unhurried(Recipe):
    """A trial that takes at least so long."""

    trial: Trial
    seconds: float

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Run the trial, and wait for the rest of the time."""
        began = time.perf_counter()
        outcome = self.trial.run(device=device, progress=progress)
        time.sleep(max(0.0, self.seconds - (time.perf_counter() - began)))
        return outcome


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
            end = time.monotonic() + (100 if before else 0)
            while time.monotonic() < end and len(list(Path(self.beside).rglob("*.entry"))) < self.others:
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.trial.run(device=device, progress=progress)


def trials(count: int, *, seconds: float) -> list[Unhurried]:
    """Small trials, all different: weight decays within seeds of the subset."""
    return [
        Unhurried(
            Trial(
                source=Iris(scaling="standard", train_size=30, test_size=4, seed=number // len(DECAYS)),
                task=Logistic(weight_decay=DECAYS[number % len(DECAYS)]),
                trainer=Newton(),
                estimators={"exact": Exact()},
            ),
            seconds=seconds,
        )
        for number in range(count)
    ]


def table(outcomes: list[Outcome]) -> str:
    """A line a trial: a sum in hexadecimal, and a hash of every bit of every tensor."""
    lines = []
    for number, outcome in enumerate(outcomes):
        digest = hashlib.sha256()
        for name, tensor in sorted(outcome.entry().arrays.items()):
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        lines.append(f"{number} {float(outcome.actual['warm'].sum()).hex()} {digest.hexdigest()}")
    return "\n".join(lines)


def main() -> None:
    """Run the sweep that the command line names, and print its table."""
    folder, count, seconds, workers, scheduler = sys.argv[1:]
    found = run_trials(
        trials(int(count), seconds=float(seconds)),
        store=Store(Path(folder)),
        workers=int(workers),
        scheduler=scheduler,
    )
    print("", table(found), sep="\n")


def begin(
    folder: Path, *, count: int, seconds: float = 0.0, workers: int = 1, scheduler: str = ""
) -> subprocess.Popen[str]:
    """Start the sweep in a process that leads a group of its own."""
    command = "import long_sweep; long_sweep.main()"
    words = [str(word) for word in (folder, count, seconds, workers, scheduler)]
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
    said, _ = running.communicate(timeout=600)
    assert running.returncode == 0
    return "\n".join(line for line in said.splitlines() if " 0x" in line or " -0x" in line)


def uninterrupted(folder: Path, *, count: int) -> str:
    """The table of a run that nothing disturbs; it does not dawdle, which changes no number."""
    return result(begin(folder, count=count))


def until(reached: Callable[[], bool], running: subprocess.Popen[str]) -> bool:
    """Wait until something is so; False where the process ended before."""
    while not reached():
        if running.poll() is not None:
            return False
        time.sleep(0.02)
    return True


def finished(store: Store) -> Counter[str]:
    """How often each trial was finished."""
    return Counter(note.key for note in store.journal() if note.event == "finished")


def under_way(store: Store) -> dict[str, int]:
    """The trials that were begun last and not finished since, and the processes that began them."""
    open_ones = {}
    for note in store.journal():
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
    assert sum(store.holds(path.stem) for path in store.folder.rglob("*.entry")) == count
    last = {note.key: note.event for note in store.journal()}
    assert all(last[key] == "finished" for key in done)
