"""Side-by-side timing: each case in a process of its own, so that its peak memory is its own too."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

Case = Callable[[], dict[str, float]]


def timed(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Median seconds of a few runs, after one that does not count."""
    work()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def once(work: Callable[[], object]) -> float:
    """Seconds of one run, for what is too long to repeat."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(cases: dict[str, Case], *, ratios: tuple[tuple[str, str], ...] = ()) -> None:
    """Run every case and print its figures and the ratios; or, as a child, run the one that is named."""
    if len(sys.argv) > 1:
        found = cases[sys.argv[1]]()
        found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    results = {}
    for name in cases:
        child = subprocess.run([sys.executable, sys.argv[0], name], stdout=subprocess.PIPE, text=True, check=True)
        results[name] = json.loads(child.stdout.splitlines()[-1])
        figures = "  ".join(f"{key} {value:.4g}" for key, value in results[name].items())
        print(f"{name:<44} {figures}", flush=True)
    for slow, fast in ratios:
        ratio = results[slow]["seconds"] / results[fast]["seconds"]
        print(f"{slow} / {fast}: {ratio:.1f} times the time", flush=True)
