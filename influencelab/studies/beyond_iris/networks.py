"""The data sets and the networks of the study, and their trials."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.data.sources.bodyfat import Bodyfat
from influencelab.data.sources.breast_cancer import BreastCancer
from influencelab.data.sources.diabetes import Diabetes
from influencelab.data.sources.digits import Digits
from influencelab.data.sources.iris import Iris
from influencelab.data.sources.mnist import Mnist
from influencelab.data.sources.pooled import Pooled
from influencelab.data.sources.standard_target import StandardTarget
from influencelab.data.sources.wine import Wine
from influencelab.errors import InvalidParameter, UnknownName
from influencelab.experiments.grid import Key, grid, with_setting
from influencelab.experiments.selections.random_points import RandomPoints
from influencelab.experiments.sweep import with_available_data
from influencelab.experiments.trial import Trial
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.tasks.block_mlp import BlockMLP
from influencelab.models.tasks.mlp import MLP
from influencelab.training.trainers.sequential import Sequential

TESTS = 20
DEFAULT = 5e-3


class Points(NamedTuple):
    """Some points of a data set.

    Attributes:
        data: the data set, which is what a mean over data sets counts once, however many sizes of it there are.
        source: of 20 test points, drawn anew by its seed as the training points are.
        train: how many training points.
        regression: whether targets are real.
    """

    data: str
    source: Source
    train: int
    regression: bool = False


def tabular(data: str, kind: type[Source], train: int) -> Points:
    """Classes of a table whose columns differ in unit."""
    return Points(data, kind(scaling="standard", train_size=train, test_size=TESTS), train)


def digits(train: int) -> Points:
    """Digits of 8 × 8 pixels."""
    return Points("digits", Digits(scaling="unit", train_size=train, test_size=TESTS), train)


def mnist(train: int) -> Points:
    """Digits of 28 × 28 pixels, averaged to 7 × 7, so that their networks have Hessians that can be written out."""
    return Points("mnist", Pooled(inner=Mnist(), side=4, scaling="unit", train_size=train, test_size=TESTS), train)


def values(data: str, kind: type[Source], train: int) -> Points:
    """Real targets, in standard deviations, so that a weight decay means what it means elsewhere."""
    inner = kind(scaling="standard", train_size=train, test_size=TESTS)
    return Points(data, StandardTarget(inner=inner), train, regression=True)


SETS: Mapping[str, Points] = MappingProxyType(
    {
        "iris": tabular("iris", Iris, 130),
        "wine": tabular("wine", Wine, 120),
        "breast_cancer": tabular("breast_cancer", BreastCancer, 130),
        "digits_130": digits(130),
        "digits_500": digits(500),
        "digits_1500": digits(1500),
        "mnist_1000": mnist(1000),
        "mnist_5000": mnist(5000),
        "diabetes": values("diabetes", Diabetes, 300),
        "bodyfat": values("bodyfat", Bodyfat, 200),
    }
)
# Of `tanh_equal` the width is that of one hidden layer: deeper ones are as narrow as the same parameters make them.
EQUAL = "tanh_equal"
NETWORKS: Mapping[str, MLP | BlockMLP] = MappingProxyType(
    {
        "tanh": MLP(DEFAULT),
        EQUAL: MLP(DEFAULT),
        "softplus": MLP(DEFAULT, activation="softplus"),
        "gelu": MLP(DEFAULT, activation="gelu"),
        "residual": BlockMLP(DEFAULT, block="residual"),
        "normalised": BlockMLP(DEFAULT, block="normalised"),
    }
)


def trials(
    data: Sequence[str],
    networks: Sequence[str],
    *,
    depths: Sequence[int],
    widths: Sequence[int],
    decays: Sequence[float],
    seeds: int,
    removals: int,
    optional: bool = False,
) -> dict[Key, Trial]:
    """Networks by (`wine, tanh`), depth, width, weight decay and seed, which draws split, removals and start.

    Optional data that cannot be had are left out, with a warning.
    """
    for named, known, what in ((data, SETS, "data set"), (networks, NETWORKS, "network")):
        for name in named:
            if name not in known:
                raise UnknownName(f"There is no {what} '{name}' here. There are: {', '.join(known)}.")
    one = {name: trial_on(SETS[name], removals=removals) for name in data}
    found: dict[Key, Trial] = {}
    for name, trial in with_available_data(one, optional=optional).items():
        arms = {
            f"{name}, {network}": replace(trial, task=replace(NETWORKS[network], regression=SETS[name].regression))
            for network in networks
        }
        settings = {"depth": depths, "width": widths, "weight_decay": decays}
        axes = {f"task.{setting}": values for setting, values in settings.items()} | {"seed": range(seeds)}
        first = trial.source.load() if EQUAL in networks else None
        for key, each in grid(arms, axes).items():
            varied = with_setting(each, "source", drawn(each.source, each.seed))
            if first is not None and key[0].endswith(EQUAL):
                varied = with_setting(varied, "task.width", equal_width(first, depth=key[1], width=key[2]))
            found[key] = varied
    return found


def trial_on(points: Points, *, removals: int) -> Trial:
    """Brought to a minimum, and retrained from there to a minimum without each of so many points."""
    return Trial(
        source=points.source,
        task=NETWORKS["tanh"],
        trainer=Sequential(),
        estimators={"exact": Exact(allow_unconverged=True)},
        selections=(RandomPoints(count=min(removals, points.train)),),
        targets={"warm": SecondOrder(trainer=Sequential())},
    )


def drawn(source: Source, seed: int) -> Source:
    """The source, and what it may be made of, with another draw of its training and test points."""
    inner = getattr(source, "inner", None)
    return replace(source, seed=seed) if inner is None else with_setting(source, "inner", drawn(inner, seed))


def equal_width(data: Dataset, *, depth: int, width: int) -> int:
    """The width of `depth` hidden layers with as many parameters as one of `width` units, as nearly as can be.

    Raises:
        InvalidParameter: a depth or width below 1.
    """
    if min(depth, width) < 1:
        raise InvalidParameter(f"depth is {depth} and width {width}; expected at least 1 of each.")
    ends = data.x_train.shape[1:].numel() + 1 + max(data.classes, 1)
    # (depth − 1)(w² + w) + ends · w, and the biases of the outputs, which all have.
    square, linear = depth - 1, ends + depth - 1
    if not square:
        return width
    return max(1, round((math.sqrt(linear**2 + 4 * square * ends * width) - linear) / (2 * square)))
