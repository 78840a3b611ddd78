"""Scores of other libraries for `libraries_compared`, made anew: `python tests/benchmarks/peers/keep_scores.py`.

Each call runs in a process of the peers' environment (`bench_peers.environment`, made if it is not there); what comes
back goes to the study's folder in single precision, with versions, seconds and memory. It takes two cores a minute.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy

HERE = Path(__file__).parent
# Each call by its name: the library, the package that is installed, the function that makes scores, the problem.
CALLS = {
    "pydvl": ("pydvl", "pyDVL", "pydvl", "digits"),
    "dattri": ("dattri", "dattri", "dattri", "digits"),
    "dattri, six batches": ("dattri", "dattri", "dattri_in_batches", "digits"),
    "captum": ("captum", "captum", "captum", "digits"),
    "captum, its defaults": ("captum", "captum", "captum_by_default", "digits"),
    "kronfluence": ("kronfluence", "kronfluence", "kronfluence", "network"),
    "kronfluence, every class": ("kronfluence", "kronfluence", "kronfluence_every_class", "network"),
    "pyinfluence": ("pyinfluence", "pyinfluence", "pyinfluence", "breast cancer"),
    "pyinfluence, refits": ("pyinfluence", "pyinfluence", "refits", "breast cancer"),
}


def dattri_in_batches(problem):
    """`IFAttributorExplicit` with training points in six batches, as a loader gives them."""
    import scores
    from torch.utils.data import DataLoader, TensorDataset

    def six(train, test):
        size = -(-len(train[0]) // 6)
        return DataLoader(TensorDataset(*train), batch_size=size), DataLoader(TensorDataset(*test), batch_size=64)

    scores.loaders = six
    return scores.dattri(problem)


def captum_by_default(problem):
    """`NaiveInfluenceFunction` with nothing set that has a default, but for a loss that gives each point's own."""
    import torch
    from captum.influence._core.influence_function import NaiveInfluenceFunction
    from scores import module
    from torch.utils.data import TensorDataset

    model, train, test = module(problem)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model.pt"
        torch.save(model.state_dict(), place)
        influence = NaiveInfluenceFunction(
            model,
            TensorDataset(*train),
            str(place),
            loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"),
            batch_size=len(train[0]),
            sample_wise_grads_per_batch=True,
        )
        return influence.influence(test).numpy()


def one(function: str, place: str, out: str) -> None:
    """Scores of one call to a file; its least processor time of three and its peak of memory to the standard output."""
    import scores

    # Of one thread, and so little longer where others are at work too; `scores` times what it does not count by it.
    clock = time.process_time
    scores.time = SimpleNamespace(perf_counter=clock)
    problem = dict(numpy.load(place))
    work = {**vars(scores), **globals()}[function]
    seconds, values = [], numpy.zeros(0)
    for _ in range(3):  # the first time loads what a library loads late
        started = clock()
        found = work(problem)
        values, took = found if isinstance(found, tuple) else (found, clock() - started)
        seconds.append(took)
    numpy.save(out, values)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    print(json.dumps({"seconds": min(seconds), "megabytes": peak}))


def version(python: Path, package: str) -> str:
    """Of a package in the other environment."""
    code = f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Every call in a process of its own, on one thread each."""
    sys.path.insert(0, str(HERE.parent))
    from bench_peers import environment

    from influencelab.runner.provenance import describe_run
    from influencelab.studies.libraries_compared.analysis import FOLDER
    from influencelab.studies.libraries_compared.problems import PROBLEMS, arrays

    python, kept, calls = environment(), {}, []
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in PROBLEMS.items():
            given: Any = arrays(make())
            numpy.savez(Path(folder) / f"{name}.npz", **given)
        for call, (library, package, function, problem) in CALLS.items():
            out = Path(folder) / "scores.npy"
            command = [python, Path(__file__), function, Path(folder) / f"{problem}.npz", out]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, env=alone
            )
            kept[f"{problem}/{call}"] = numpy.load(out).astype(numpy.float32)
            names = {"data": problem, "call": call, "library": library, "version": version(python, package)}
            calls.append({**names, **json.loads(done.stdout.splitlines()[-1])})
            print(calls[-1], flush=True)
    FOLDER.mkdir(exist_ok=True)
    numpy.savez_compressed(FOLDER / "scores.npz", **kept)
    machine = {name: describe_run()["machine"][name] for name in ("cores", "cpu")}
    record = {"calls": calls, "torch": version(python, "torch"), "threads": 1, "machine": machine}
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (FOLDER / "record.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    one(*sys.argv[1:]) if len(sys.argv) > 1 else main()
