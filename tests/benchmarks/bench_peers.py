"""Other libraries beside ours on the same problems: seconds, memory, error against float64 truth, slope of retraining.

Theirs are installed once into an environment inside `.venv`, torch of our own version first; what they return is
brought to our sign and unit by `import_scores`. It takes two cores a few minutes.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy
from bench_estimates import textbook
from measure import timed
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import influencelab as il

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "peers"
# None of them may bring another torch or torchvision: they come alone, after what they need.
ALONE = ("pyinfluence==0.5.0", "captum==0.9.0", "dattri==0.3.0", "pyDVL==0.10.0")
NEEDED = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "tqdm", "joblib", "psutil", "packaging")
NEEDED += ("pyyaml", "cloudpickle", "more-itertools", "pyDeprecate", "dask", "distributed", "zarr", "numcodecs")
# Seconds that a library may take for one problem.
LIMIT = 600


def environment() -> Path:
    """The interpreter beside which the other libraries are, installed if they are not."""
    python = PEERS / "bin" / "python"
    if not (PEERS / "done").exists():
        venv.create(PEERS, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
        subprocess.run([*pip, *NEEDED], check=True)
        subprocess.run([*pip, "--no-deps", *ALONE], check=True)
        (PEERS / "done").touch()
    return python


def digits(tests: int):
    """Ten classes of 1,500 points, every parameter penalised; truth by the textbook."""
    data = il.Digits(scaling="unit", train_size=1500, test_size=tests).load()
    fitted = il.fit(il.Logistic(weight_decay=0.01, penalise_intercept=True), data, il.Newton())
    return fitted, {"theta": fitted.theta.view(10, -1).numpy(), "decay": 0.01}, textbook(fitted)


def tumours(tests: int):
    """Two classes of 469 points, as scikit-learn fits them; truth by the exact inverse."""
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    model = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000).fit(x[:469], y[:469])
    fitted = il.from_sklearn(model, x[:469], y[:469], x[469 : 469 + tests], y[469 : 469 + tests])
    return fitted, {"c": 1.0}, il.Exact().estimate(fitted).values.numpy()


PROBLEMS = {
    "digits, 1 test point": (lambda: digits(1), ("pydvl", "dattri", "captum")),
    "digits, 100 test points": (lambda: digits(100), ("pydvl", "dattri", "captum")),
    "breast cancer, 100 test points": (lambda: tumours(100), ("pyinfluence", "refits")),
}


def theirs(name: str, folder: Path, python: Path, fitted) -> tuple[dict[str, float], numpy.ndarray]:
    """Figures and scores of one library."""
    script, out = Path(__file__).parent / "peers" / "scores.py", folder / "scores.npy"
    done = subprocess.run(
        [python, script, name, folder / "problem.npz", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    library = "pyinfluence" if name == "refits" else name
    scores = il.import_scores(numpy.load(out), fitted, library=library).values.numpy()
    return json.loads(done.stdout.splitlines()[-1]), scores


def retraining(fitted) -> tuple[dict[str, float], numpy.ndarray]:
    """Every leave-one-out model, to its minimum."""
    removals = il.leave_one_out(fitted.data.n, convention=fitted.convention or "drop")
    seconds = timed(lambda: il.SecondOrder().retrain(type(fitted)(**vars(fitted)), removals))
    return {"seconds": seconds}, il.SecondOrder().retrain(fitted, removals).values.numpy()


def ours(fitted, method: str) -> tuple[dict[str, float], numpy.ndarray]:
    """One of ours, from nothing that is factorised already."""
    estimator = il.make(il.Estimator, method)
    seconds = timed(lambda: estimator.estimate(type(fitted)(**vars(fitted))))
    return {"seconds": seconds}, estimator.estimate(fitted).values.numpy()


def main() -> None:
    """A line a library and problem."""
    python = environment()
    print(f"{'problem':<32}{'library':<14}{'seconds':>9}{'MB':>7}{'error':>10}{'slope':>7}  of ours", flush=True)
    for problem, (make, names) in PROBLEMS.items():
        fitted, extra, truth = make()
        data = fitted.data
        ones = [numpy.ones((len(part), 1)) for part in (data.x_train, data.x_test)]
        parts = [part.flatten(1).numpy() for part in (data.x_train, data.x_test)]
        x, x_test = (numpy.hstack([part, one]) for part, one in zip(parts, ones, strict=True))
        rows = list(range(0, data.n, max(1, data.n // 50)))
        removals = il.leave_one_out(data.n, rows=rows, convention=fitted.convention or "drop")
        actual = il.SecondOrder().retrain(fitted, removals).values.numpy()
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            labels = {"y": data.y_train.numpy(), "y_test": data.y_test.numpy()}
            numpy.savez(folder / "problem.npz", x=x, x_test=x_test, **labels, **extra)
            found = {f"ours, {method}": ours(fitted, method) for method in ("exact", "newton_step")}
            if "refits" in names:
                found["ours, retrained"] = retraining(fitted)
            found |= {name: theirs(name, folder, python, fitted) for name in names}
        first = found["ours, exact"][0]["seconds"]
        for name, (figures, scores) in found.items():
            error = numpy.linalg.norm(scores - truth) / numpy.linalg.norm(truth)
            pairs = [pair for pair in zip(scores[rows].T, actual.T, strict=True) if numpy.ptp(pair[0]) > 0]
            slope = numpy.median([numpy.polyfit(*pair, 1)[0] for pair in pairs]) if pairs else numpy.nan
            memory = f"{figures['peak_mb']:.0f}" if "peak_mb" in figures else ""
            ratio = f"{figures['seconds'] / first:.1f} ×"
            print(f"{problem:<32}{name:<20}{figures['seconds']:>9.3f}{memory:>7}{error:>10.1e}{slope:>7.3f}  {ratio}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
