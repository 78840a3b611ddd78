"""Small problems at any scale: what a user may bring, and the same in exact decimal numbers."""

from dataclasses import dataclass
from typing import Any

import decimal_oracles as oracle
import numpy
from hypothesis import strategies

from influencelab.data.dataset import Dataset
from influencelab.models.task import Task
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.ridge import Ridge
from influencelab.models.tasks.smooth_hinge import SmoothHinge

UNITS = (1.0, 1e3, 1e-3, 1e6, 1e-6, 1e9, 1e-9, 1e12, 1e-12)
CHOICES: dict[str, tuple[Any, ...]] = {
    "task": ("ridge", "binary", "softmax", "hinge"),
    "n": (6, 2, 3, 4, 8, 10),
    "d": (2, 1, 3, 5),
    "m": (1, 2, 3),
    "weight_decay": (0.1, 1.0, 1e-3, 0.0, 1e-6, 1e-9, 1e-12, 1e3, 1e6, 1e12),
    "x_unit": UNITS,
    "column_unit": (1.0, 1.0, *UNITS),
    "y_unit": UNITS,
    "offset": (0.0, 0.0, 10.0, 1e4),
    "labels": ("overlapping", "separable", "absent", "one class"),
    "columns": ("independent", "copied", "sum", "constant", "zero", "nearly copied"),
    "rows": ("distinct", "duplicate", "opposite"),
    "numbers": ("float64", "float64", "float32", "integers"),
    "intercept": (True, False),
    "penalise_intercept": (False, True),
    "weights": ("even", "some zero", "uneven"),
    "t": (1.0, 0.1, 0.01),
}


@dataclass(frozen=True)
class Setting:
    """One choice of each, and the seed of the numbers."""

    task: str
    n: int
    d: int
    m: int
    weight_decay: float
    x_unit: float
    column_unit: float
    y_unit: float
    offset: float
    labels: str
    columns: str
    rows: str
    numbers: str
    intercept: bool
    penalise_intercept: bool
    weights: str
    t: float
    seed: int = 0


def any_setting() -> strategies.SearchStrategy[Setting]:
    """Any combination."""
    drawn = {name: strategies.sampled_from(choices) for name, choices in CHOICES.items()}
    return strategies.builds(Setting, **drawn, seed=strategies.integers(0, 999))


@dataclass(frozen=True, eq=False)
class Problem:
    """The task, the data and the weights as a user gives them, and the exact model with its test points."""

    task: Task
    data: Dataset
    weights: numpy.ndarray | None
    model: oracle.Model
    x_test: numpy.ndarray
    y_test: numpy.ndarray


def features(setting: Setting, rng: numpy.random.Generator) -> numpy.ndarray:
    """Training and test points."""
    x = rng.normal(size=(setting.n + setting.m, setting.d)) + setting.offset
    if setting.numbers == "integers":
        x = numpy.rint(3 * x)
    last = setting.d - 1
    if setting.columns == "copied" and last:
        x[:, last] = x[:, 0]
    elif setting.columns == "nearly copied" and last:
        x[:, last] = x[:, 0] + 1e-5 * x[:, last]
    elif setting.columns == "sum" and last > 1:
        x[:, last] = numpy.rint(4 * x[:, 0]) + numpy.rint(4 * x[:, 1])
        x[:, :2] = numpy.rint(4 * x[:, :2])
    elif setting.columns == "constant":
        x[:, last] = 1.0
    elif setting.columns == "zero":
        x[:, last] = 0.0
    if setting.rows == "duplicate":
        x[1] = x[0]
    elif setting.rows == "opposite" and setting.n > 2:
        x[1], x[2] = -x[0], x[0]
    return x


def labels(setting: Setting, x: numpy.ndarray, rng: numpy.random.Generator) -> tuple[numpy.ndarray, int]:
    """Targets, or classes and how many there are."""
    score = (x - setting.offset) @ rng.normal(size=setting.d)
    if setting.task == "ridge":
        return setting.y_unit * (score + 0.5 * rng.normal(size=len(x))), 0
    classes = 3 if setting.task == "softmax" else 2
    if setting.labels == "separable":
        y = numpy.digitize(score, numpy.quantile(score, numpy.arange(1, classes) / classes))
    else:
        y = rng.integers(0, classes, size=len(x))
    if setting.labels == "absent":
        y[: setting.n][y[: setting.n] == 1] = 0
    if setting.labels == "one class":
        y[: setting.n] = 0
    return y, classes


def problem(setting: Setting) -> Problem:
    """The problem of a setting."""
    rng, n = numpy.random.default_rng(setting.seed), setting.n
    x = features(setting, rng)
    y, classes = labels(setting, x, rng)
    x = x * setting.x_unit
    x[:, 0] *= setting.column_unit
    x = x.astype(numpy.float32) if setting.numbers == "float32" else x
    whole = setting.numbers == "integers" and numpy.abs(x).max() < 2**53 and (x == numpy.rint(x)).all()
    given = x.astype(numpy.int64) if whole else x
    y = y.astype(x.dtype) if classes == 0 else y
    weights = None
    if setting.weights != "even":
        weights = rng.uniform(0.5, 2, size=n) / n
        weights[0] = 0.0 if setting.weights == "some zero" else weights[0]
    task = task_of(setting)
    data = Dataset(given[:n], y[:n], given[n:], y[n:], classes=classes)
    used = weights if weights is None or x.dtype == numpy.float64 else weights.astype(x.dtype)
    exact = oracle.exact(x)
    if setting.intercept:
        exact = numpy.column_stack([exact, numpy.full(len(x), oracle.ONE, dtype=object)])
    rows = 3 if setting.task == "softmax" else 1
    penalty = numpy.full((rows, exact.shape[1]), oracle.exact(setting.weight_decay).item(), dtype=object)
    if setting.intercept and not setting.penalise_intercept:
        penalty[:, -1] = oracle.ZERO
    shares = numpy.full(n, oracle.ONE / n, dtype=object) if used is None else oracle.exact(used)
    targets = oracle.exact(y) if classes == 0 else y
    loss = {"ridge": "squared", "binary": "binary", "softmax": "softmax", "hinge": "hinge"}[setting.task]
    model = oracle.Model(
        exact[:n], targets[:n], shares, penalty.ravel(), loss, c=rows, t=oracle.exact(setting.t).item()
    )
    return Problem(task, data, weights, model, exact[n:], targets[n:])


def task_of(setting: Setting) -> Task:
    """The recipe of the model."""
    common = {"intercept": setting.intercept, "penalise_intercept": setting.penalise_intercept}
    if setting.task == "hinge":
        return SmoothHinge(setting.weight_decay, t=setting.t, **common)
    kinds = {"ridge": Ridge, "binary": BinaryLogistic, "softmax": Logistic}
    return kinds[setting.task](setting.weight_decay, **common)
