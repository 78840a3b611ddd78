"""Predicted and actual changes of one network in long form, and the points they speak of, for display."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
from jaxtyping import Bool, Float, Float32, Int, Num, UInt8

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.explorer.changed_pictures import ChangedPictures
from influencelab.explorer.contributions import Contributions, Curves
from influencelab.explorer.sprites import laid_out, levels, smaller

Setting = str | int | float
# What the estimator is called whose damping can be chosen.
ANY_DAMPING = "exact, any damping"
# The unit of losses, and what is done to training points, where a file says none.
UNIT, DEED = "nats", "removed"
FAMILIES = ("predicted", "actual", "moved", "removed")
# How many features of a point are shown as a table at most, and how many where they have names.
READABLE, NAMED = 30, 200


def nothing() -> Float32[numpy.ndarray, " 0"]:
    """The column of a quantity that is not kept."""
    return numpy.zeros(0, numpy.float32)


@dataclass(frozen=True, eq=False)
class DampingSteps:
    """Exact influence of some of the pairs at many dampings, all from one spectrum.

    Attributes:
        shares: dampings as shares of the fit's largest eigenvalue, ascending.
        dampings: the same in the curvature's own unit: what was added to every eigenvalue.
        rows: which pairs, by their places in the table.
        predicted: predicted[l, q] of pair rows[q] at damping l, in `unit`: what a dense solve at that damping gives.
    """

    shares: Float[numpy.ndarray, " l"]
    dampings: Float[numpy.ndarray, " l"]
    rows: Int[numpy.ndarray, " q"]
    predicted: Float32[numpy.ndarray, "l q"]

    def nearest(self, share: float) -> int:
        """The place of the damping nearest to a share of the largest eigenvalue, by ratio."""
        return int(numpy.abs(numpy.log(self.shares / share)).argmin())


@dataclass(frozen=True, eq=False)
class PairsTable:
    """Predicted and actual rises of test losses of one network, for t pairs of a removal and a test point.

    Attributes:
        settings: what sets the network apart: depth, weight decay, seed, …
        points: the name of its `Points`.
        train: each pair's removal, by its place in the points.
        test: each pair's test point, by its place in the points.
        predicted: by estimator, in `unit` for most.
        actual: by target, in `unit`; NaN where the retrained model did not converge.
        moved: by target, whether the retrained model converged in another basin than the fit's.
        removed: by the name of a set of removals, whether the set takes the pair in.
        unscaled: the estimators whose scores only rank, so that their size means nothing.
        unit: of the losses and of their changes, empty where unknown.
        damping_steps: exact influence at many dampings, where it is kept.
        train_loss: of each training point under the fit, in `unit`; empty where it is not kept.
        self_influence: the predicted rise of each training point's own loss without it, in `unit`; empty likewise.
        test_loss: of each test point under the fit, in `unit`; empty likewise.
        repeatability: by target, mean Spearman correlation over test points of two seeds' truths, where there are two.
        noise: by target, in `unit`, the standard deviation of one pair's truth over seeds (root mean square).
        contributions: what features add to some of the predictions, where they are kept.
        curves: of training points, where there are any.
        deed: what was done to training points, in one word.
    """

    settings: Mapping[str, Setting]
    points: str
    train: Int[numpy.ndarray, " t"]
    test: Int[numpy.ndarray, " t"]
    predicted: Mapping[str, Float32[numpy.ndarray, " t"]]
    actual: Mapping[str, Float32[numpy.ndarray, " t"]]
    moved: Mapping[str, Bool[numpy.ndarray, " t"]]
    removed: Mapping[str, Bool[numpy.ndarray, " t"]]
    unscaled: tuple[str, ...] = ()
    unit: str = UNIT
    damping_steps: DampingSteps | None = None
    train_loss: Float32[numpy.ndarray, " n"] = field(default_factory=nothing)
    self_influence: Float32[numpy.ndarray, " n"] = field(default_factory=nothing)
    test_loss: Float32[numpy.ndarray, " m"] = field(default_factory=nothing)
    repeatability: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, float] = field(default_factory=dict)
    contributions: Contributions | None = None
    curves: Curves | None = None
    deed: str = DEED

    def __post_init__(self) -> None:
        if not self.predicted or not self.actual or not self.removed:
            raise InvalidData("A table of pairs needs an estimator, a target and a set of removals, each with a name.")
        columns = [each for family in FAMILIES for each in getattr(self, family).values()]
        sizes = {len(each) for each in (*columns, self.train, self.test)}
        if len(sizes) != 1:
            raise InvalidData(f"The columns of a table of pairs have {sorted(sizes)} entries; give each one a pair.")

    def only(self, kept: Bool[numpy.ndarray, " t"]) -> "PairsTable":
        """Some of the pairs."""
        families = {name: {key: each[kept] for key, each in getattr(self, name).items()} for name in FAMILIES}
        steps = self.damping_steps
        if steps:
            mine, places = kept[steps.rows], numpy.cumsum(kept) - 1
            steps = replace(steps, rows=places[steps.rows[mine]], predicted=steps.predicted[:, mine])
        return replace(self, train=self.train[kept], test=self.test[kept], damping_steps=steps, **families)


@dataclass(frozen=True, eq=False)
class Points:
    """Training and test points that pairs speak of; all but ids may be unknown.

    Attributes:
        name: of the data, such as `digits`.
        train_ids: where each training point stands in its source; the number of each group that is removed as one.
        test_ids: the same for test points.
        train_labels: classes or targets; NaN where unknown, and for groups.
        test_labels: the same for test points.
        classes: how many classes there are; 0 for targets, groups, and where it is unknown.
        train: what each training point is, before scaling: pictures (n h w), features (n d), or None.
        test: the same for test points.
        features: the name of each of the d features, with its unit.
        train_texts: the words of each training point, where it is a text; else empty.
        test_texts: the same for test points.
        grouped: whether a training "point" is a group of points.
        train_names: what each training point is called, where that is no id; else empty.
        test_names: the same for test points.
        changed: what some training points were changed to, where these are pictures.
        class_names: of the classes, where they have names; else empty.
    """

    name: str
    train_ids: Int[numpy.ndarray, " n"]
    test_ids: Int[numpy.ndarray, " m"]
    train_labels: Float[numpy.ndarray, " n"]
    test_labels: Float[numpy.ndarray, " m"]
    classes: int = 0
    train: Num[numpy.ndarray, " n *shape"] | None = None
    test: Num[numpy.ndarray, " m *shape"] | None = None
    features: tuple[str, ...] = ()
    train_texts: tuple[str, ...] = ()
    test_texts: tuple[str, ...] = ()
    grouped: bool = False
    train_names: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()
    changed: ChangedPictures | None = None
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part, count in (("train", len(self.train_ids)), ("test", len(self.test_ids))):
            held = [getattr(self, part), getattr(self, f"{part}_labels")]
            held += [getattr(self, f"{part}_{kind}") or None for kind in ("texts", "names")]
            sizes = [len(each) for each in held if each is not None]
            if any(size != count for size in sizes):
                raise InvalidData(
                    f"{self.name}: {count} {part} ids come with {sizes} values; give one of each a point."
                )

    def without_pictures(self) -> "Points":
        """The same without what pictures show; itself where points are none."""
        if all(part is None or part.ndim < 3 for part in (self.train, self.test)) and self.changed is None:
            return self
        return replace(self, train=None, test=None, changed=None)

    @property
    def kind(self) -> str:
        """`images`, `texts`, `features` or `none`: how a point is shown."""
        if self.train_texts:
            return "texts"
        if self.train is None or self.test is None:
            return "none"
        return "images" if self.train.ndim > 2 else "features"

    def only(self, train: Int[numpy.ndarray, " t"], test: Int[numpy.ndarray, " s"]) -> "Points":
        """Some of the points, by their places here."""
        changes: dict[str, Any] = {"changed": self.changed and self.changed.only(train, test)}
        for part, rows in (("train", train), ("test", test)):
            for name in (part, f"{part}_ids", f"{part}_labels"):
                held = getattr(self, name)
                changes[name] = None if held is None else held[rows]
            for name in (f"{part}_texts", f"{part}_names"):
                words = getattr(self, name)
                changes[name] = tuple(words[row] for row in rows) if words else ()
        return replace(self, **changes)

    def called(self, part: str) -> numpy.ndarray:
        """What `train` or `test` points are called: their names, else their ids."""
        return numpy.asarray(getattr(self, f"{part}_names") or getattr(self, f"{part}_ids"))

    def pictures(self) -> UInt8[numpy.ndarray, "k h w *colours"]:
        """Every picture in 256 levels, training points first; the darkest value any has is 0, the brightest 255."""
        if self.kind != "images" or self.train is None or self.test is None:
            raise InvalidData(f"{self.name} holds no pictures.")
        both = smaller(laid_out(numpy.concatenate([self.train, self.test])))
        return levels(both, both.min(), both.max())


def places(ids: Iterable[int | str], wanted: Iterable[int | str]) -> list[int]:
    """The places of the wanted points among all, by id or name; an InvalidParameter error where one is missing."""
    known = {identity: place for place, identity in enumerate(ids)}
    missing = [each for each in wanted if each not in known]
    if missing:
        raise InvalidParameter(f"Point {missing[0]} is not among the {len(known)} of this network.")
    return [known[each] for each in wanted]


def readable(shape: Sequence[int], *, named: bool = False) -> bool:
    """Whether points of this shape can be shown: as pictures, or as a table, which may be longer where names help."""
    return len(shape) > 1 or (len(shape) == 1 and shape[0] <= (NAMED if named else READABLE))
