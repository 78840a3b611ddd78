"""Other libraries beside ours on the same problems: seconds, memory, error against float64 truth, slope of retraining.

Theirs are installed once into an environment inside `.venv`, torch of our own version first; what they return is
brought to our sign and unit by `import_scores`. Of a few calls in a row the fastest counts, of theirs also with one
thread, since threads wait for each other where the machine is busy. Theirs read a model of scikit-learn in their one
call, and so ours is timed with `from_sklearn` too. It takes two cores a quarter of an hour; words choose the problems
that they are in, as in `python bench_peers.py digits`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from bench_estimates import textbook
from scipy.linalg import cho_factor, cho_solve
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import influencelab as il

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "peers"
# None of them may bring another torch or torchvision: they come alone, after what they need.
ALONE = ("pyinfluence==0.5.0", "captum==0.9.0", "dattri==0.3.0", "pyDVL==0.10.0", "kronfluence==1.0.1")
NEEDED = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "tqdm", "joblib", "psutil", "packaging")
NEEDED += ("pyyaml", "cloudpickle", "more-itertools", "pyDeprecate", "dask", "distributed", "zarr", "numcodecs")
NEEDED += ("accelerate", "einops", "einconv", "opt-einsum", "safetensors")
# Seconds that a library may take for one problem.
LIMIT = 600


def environment() -> Path:
    """The interpreter beside which the other libraries are, installed if they are not."""
    python = PEERS / "bin" / "python"
    done, wanted = PEERS / "done", " ".join((*NEEDED, *ALONE))
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        venv.create(PEERS, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
        subprocess.run([*pip, *NEEDED], check=True)
        subprocess.run([*pip, "--no-deps", *ALONE], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python


class Problem(NamedTuple):
    """A fit, and what all are asked of it.

    Attributes:
        fitted: ours.
        extra: what others need beside the data.
        truth: of their scores, in our sign and unit.
        constant: whether others take the intercept as a last feature.
        read: how a model that scikit-learn fitted becomes ours.
    """

    fitted: il.Fit
    extra: dict[str, Any]
    truth: numpy.ndarray
    constant: bool = True
    read: Callable[[], il.Fit] | None = None


def softmax(data: il.Dataset) -> Problem:
    """Several classes, every parameter penalised."""
    fitted = il.fit(il.Logistic(weight_decay=0.01, penalise_intercept=True), data, il.Newton())
    extra = {"theta": fitted.theta.view(data.classes, -1).numpy(), "decay": 0.01}
    return Problem(fitted, extra, textbook(fitted) if len(fitted.theta) < 2000 else exact(fitted))


def digits(tests: int) -> Problem:
    """Ten classes of 1,500 points; truth by the textbook."""
    return softmax(il.Digits(scaling="unit", train_size=1500, test_size=tests).load())


def mnist_size(tests: int) -> Problem:
    """Ten classes of 10,000 points as MNIST's are in size and spread, p = 7,850; truth by the exact inverse."""
    generator = numpy.random.default_rng(0)
    centres, noise = generator.random((10, 784)), generator.normal(size=(10_000 + tests, 784))
    labels = generator.integers(0, 10, len(noise))
    x = (centres[labels] + 0.8 * noise) / 28
    return softmax(il.Dataset(x[tests:], labels[tests:], x[:tests], labels[:tests], classes=10))


def tumours(n: int, tests: int) -> Problem:
    """Two classes of so many of 569 points, as scikit-learn fits them; the last points are watched, known or not."""
    x, y = load_breast_cancer(return_X_y=True)
    rows = numpy.r_[:n, len(x) - tests : len(x)]
    return two_classes(StandardScaler().fit_transform(x)[rows], y[rows], tests)


def made(n: int, p: int, tests: int) -> Problem:
    """Two classes of points drawn about a plane."""
    x, y = make_classification(n + tests, p, n_informative=p // 2, random_state=0)
    return two_classes(StandardScaler().fit_transform(x), y, tests)


def two_classes(x: numpy.ndarray, y: numpy.ndarray, tests: int) -> Problem:
    """Logistic regression as scikit-learn fits it; truth by the exact inverse."""
    n = len(x) - tests
    model = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000).fit(x[:n], y[:n])
    given = model, x[:n], y[:n], x[n:], y[n : n + tests]
    fitted = il.from_sklearn(*given)
    return Problem(fitted, {"c": 1.0}, exact(fitted), read=lambda: il.from_sklearn(*given))


def network(tests: int) -> Problem:
    """A network of 1,210 parameters on digits, at a minimum; truth by the Gauss-Newton curvature's inverse."""
    data = il.Digits(scaling="unit", train_size=1500, test_size=tests).load()
    fitted = il.fit(il.MLP(width=16, weight_decay=0.01), data, il.Sequential())
    first = fitted.theta[: 16 * 65].view(16, 65).numpy()
    layers = {"layer0": first, "layer1": fitted.theta[16 * 65 :].view(10, 17).numpy()}
    truth = il.Exact(curvature="gauss_newton").estimate(fitted).values.numpy()
    return Problem(fitted, {**layers, "decay": 0.01}, truth, constant=False)


def exact(fitted: il.Fit) -> numpy.ndarray:
    """Influence by our exact inverse, which the tests hold to the textbook's."""
    return il.Exact().estimate(fitted).values.numpy()


CLASSES = ("pydvl", "dattri", "captum")
LINEAR = ("exact", "newton_step")
PROBLEMS = {
    "digits, 1 test point": (lambda: digits(1), (*LINEAR, "conjugate_gradient"), CLASSES),
    "digits, 100 test points": (lambda: digits(100), LINEAR, CLASSES),
    "MNIST's size, 1 test point": (lambda: mnist_size(1), ("conjugate_gradient",), CLASSES),
    "MNIST's size, 100 test points": (lambda: mnist_size(100), ("exact",), CLASSES),
    "breast cancer, 100 test points": (lambda: tumours(469, 100), LINEAR, ("pyinfluence", "refits")),
    "breast cancer, all 569 points": (lambda: tumours(569, 100), LINEAR, ("pyinfluence", "refits")),
    "2,000 × 100, 100 test points": (lambda: made(2000, 100, 100), LINEAR, ("pyinfluence",)),
    "10,000 × 500, 100 test points": (lambda: made(10_000, 500, 100), LINEAR, ("pyinfluence",)),
    "network, 100 test points": (lambda: network(100), ("ekfac",), ("kronfluence", "kronfluence_every_class")),
}


def theirs(name: str, folder: Path, python: Path, fitted) -> tuple[dict[str, float], numpy.ndarray]:
    """Figures and scores of one library."""
    script, out = Path(__file__).parent / "peers" / "scores.py", folder / "scores.npy"
    call, found = [python, script, name, folder / "problem.npz", out], []
    for threads in ({}, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}):
        done = subprocess.run(call, env=os.environ | threads, capture_output=True, text=True, check=True, timeout=LIMIT)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    library = {"refits": "pyinfluence"}.get(name, name.partition("_")[0])
    scores = il.import_scores(numpy.load(out), fitted, library=library).values.numpy()
    return {key: min(each[key] for each in found) for key in found[0]}, scores


def arithmetic(fitted, c: float) -> tuple[dict[str, float], numpy.ndarray]:
    """What no library can do without, in NumPy: the Hessian of two classes, its factor, and the scores."""
    data, scale = fitted.data, c * fitted.data.n
    theta, x = fitted.theta.numpy(), fitted.task.features(data.x_train).numpy()
    x_test, y, y_test = fitted.task.features(data.x_test).numpy(), data.y_train.numpy(), data.y_test.numpy()
    penalty = fitted.task.penalised(data).numpy() / scale

    def scores() -> numpy.ndarray:
        chance, chance_test = (1 / (1 + numpy.exp(-part @ theta)) for part in (x, x_test))
        hessian = (x * (chance * (1 - chance) / data.n)[:, None]).T @ x + numpy.diag(penalty)
        solved = cho_solve(cho_factor(hessian), ((chance_test - y_test)[:, None] * x_test).T)
        return (chance - y)[:, None] / data.n * (x @ solved)

    return timed(scores), scores()


def timed(work: Callable[[], object]) -> dict[str, float]:
    """The least seconds of a few runs after one that does not count: by the clock, and of processors."""
    work()
    seconds, busy = [], []
    while len(seconds) < 5 and sum(seconds) < 20:
        started, used = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - used)
    return {"seconds": min(seconds), "processor": min(busy)}


def retraining(fitted) -> tuple[dict[str, float], numpy.ndarray]:
    """Every leave-one-out model, to its minimum."""
    removals = il.leave_one_out(fitted.data.n, convention=fitted.convention or "drop")
    figures = timed(lambda: il.SecondOrder().retrain(copy(fitted), removals))
    return figures, il.SecondOrder().retrain(fitted, removals).values.numpy()


def ours(fitted, method: str, read: Callable[[], il.Fit] | None = None) -> tuple[dict[str, float], numpy.ndarray]:
    """One of ours, from nothing that is factorised already: of a fit, or of a model that is read first."""
    estimator = il.make(il.Estimator, method)
    figures = timed(lambda: estimator.estimate(copy(fitted) if read is None else read()))
    return figures, estimator.estimate(fitted).values.numpy()


def main() -> None:
    """A line a library and problem."""
    python, asked = environment(), sys.argv[1:]
    for name, (make, methods, names) in PROBLEMS.items():
        if all(word in name for word in asked):
            shown(name, make(), methods, names, python)


def shown(title: str, problem: Problem, methods: Sequence[str], names: Sequence[str], python: Path) -> None:
    """Everybody's figures on one problem."""
    fitted, extra, truth, constant, read = problem
    data = fitted.data
    head = f"{'seconds':>9}{'CPU':>9}{'MB':>7}{'error':>10}{'slope':>7}   times the first, by the clock and CPU"
    print(f"\n{title:<34}{head}", flush=True)
    found = {f"ours, {method}": ours(fitted, method) for method in methods}
    if read:
        found["ours, from_sklearn and exact"] = ours(fitted, "exact", read)
        found["arithmetic alone, NumPy"] = arithmetic(fitted, extra["c"])
    if "refits" in names:
        found["ours, retrained"] = retraining(fitted)
    rows = list(range(0, data.n, max(1, data.n // 50)))
    removals = il.leave_one_out(data.n, rows=rows, convention=fitted.convention or "drop")
    actual = il.SecondOrder().retrain(fitted, removals).values.numpy()
    x, x_test = (part.flatten(1).numpy() for part in (data.x_train, data.x_test))
    if constant:
        x, x_test = (numpy.hstack([part, numpy.ones((len(part), 1))]) for part in (x, x_test))
    with tempfile.TemporaryDirectory() as place:
        folder, labels = Path(place), {"y": data.y_train.numpy(), "y_test": data.y_test.numpy()}
        numpy.savez(folder / "problem.npz", x=x, x_test=x_test, **labels, **extra)
        first = next(iter(found.values()))[0]
        for name in (*found, *names):
            try:
                figures, scores = found[name] if name in found else theirs(name, folder, python, fitted)
            except subprocess.TimeoutExpired:
                print(f"{name:<34}no answer in {LIMIT} s", flush=True)
                continue
            except subprocess.CalledProcessError as error:
                print(f"{name:<34}{(error.stderr.strip().splitlines() or ['killed'])[-1][:80]}", flush=True)
                continue
            found[name] = figures, scores
            error = numpy.linalg.norm(scores - truth) / numpy.linalg.norm(truth)
            pairs = [pair for pair in zip(scores[rows].T, actual.T, strict=True) if numpy.ptp(pair[0]) > 0]
            slope = numpy.median([numpy.polyfit(*pair, 1)[0] for pair in pairs]) if pairs else numpy.nan
            memory = f"{figures['peak_mb']:.0f}" if "peak_mb" in figures else ""
            ratio = "  ".join(f"{figures[key] / first[key]:.1f} ×" for key in first)
            times = f"{figures['seconds']:>9.4f}{figures['processor']:>9.4f}{memory:>7}"
            print(f"{name:<34}{times}{error:>10.1e}{slope:>7.3f}   {ratio}", flush=True)
    if (same := "kronfluence_every_class") in found:
        apart = numpy.linalg.norm(found["ours, ekfac"][1] - found[same][1]) / numpy.linalg.norm(found[same][1])
        print(f"EK-FAC of ours and of kronfluence with every class differ by {apart:.1e} of its length", flush=True)


if __name__ == "__main__":
    main()
