"""Pictures for explorer data: those of another data set of the same ids, and what a perturbation makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
from torch import Tensor

from influencelab.data.conversion import numbers_in
from influencelab.data.dataset import Dataset
from influencelab.data.perturbations._swap import Swap
from influencelab.data.perturbations.feature_move import FeatureMove
from influencelab.data.perturbations.replacement import Replacement
from influencelab.errors import InvalidData, InvalidParameter, WrongType, named, require
from influencelab.experiments.comparison import array
from influencelab.explorer.changed_pictures import changed_pictures, extremes
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.pairs_table import Points, places

# What training points were changed to: a perturbation, or new pictures by id or name, perhaps for one test point each.
Changed = FeatureMove | Replacement | Mapping[Any, Any]
# A training point and the test point that it is changed for, by id; None for all test points.
Pair = tuple[int, int | None]
New = dict[Pair, numpy.ndarray]
HOW_CHANGED = "Give a FeatureMove or a Replacement of the pictures, or a dict from ids to new pictures."


def with_pictures(
    explored: ExplorerData,
    *,
    images: Dataset | None = None,
    changed: Changed | None = None,
    data: Dataset | None = None,
) -> ExplorerData:
    """The same pairs, whose points are shown as pictures, those that were changed before and after.

    Args:
        explored: the pairs.
        images: a data set of pictures that has all their points, by id, such as the one that features were made of.
        changed: a perturbation of those pictures, one point an experiment; or new pictures by id or name. Pictures that
            were each made for one test point, as in an attack, come by pairs of a training and a test point.
        data: the data set of the pairs, whose pictures are meant where no `images` are given.

    Raises:
        WrongType: something else was given.
        InvalidData: points that are no pictures.
        InvalidParameter: a point that is not there, a change of other points than these, or two of one point.
    """
    if images is not None:
        require(images, Dataset, what="images")
        explored = replace(explored, points={name: shown(each, images) for name, each in explored.points.items()})
    if changed is None:
        return explored
    if not isinstance(changed, FeatureMove | Replacement | Mapping):
        raise WrongType(f"changed is {named(changed)}, expected what training pictures were changed to. {HOW_CHANGED}")
    points = {name: with_changes(each, changed, images or data) for name, each in explored.points.items()}
    if not any(each.changed for each in points.values()):
        raise InvalidParameter("None of the points that are changed is among those of the pairs.")
    return replace(explored, points=points)


def shown(points: Points, images: Dataset) -> Points:
    """The points as pictures of another data set."""
    if points.grouped:
        raise InvalidParameter(f"{points.name}: groups are removed here, and only points have pictures of their own.")
    parts = {}
    for part in ("train", "test"):
        x, ids = getattr(images, f"x_{part}"), getattr(images, f"{part}_ids").tolist()
        if x.dim() not in (3, 4):
            raise InvalidData(
                f"images: a point of {images.name} has shape {tuple(x.shape[1:])}, expected a picture: (height, width) "
                "or (colours, height, width)."
            )
        parts[part] = array(x[places(ids, getattr(points, f"{part}_ids").tolist())])
    return replace(points, **parts, train_texts=(), test_texts=(), features=())


def with_changes(points: Points, changed: Changed, base: Dataset | None) -> Points:
    """The points with those pictures of theirs that were changed."""
    if points.kind != "images" or points.train is None:
        raise InvalidData(
            f"{points.name}: its points are shown as {points.kind}, and only pictures can be shown before and after. "
            "Give images=, the data set of the pictures, or data= where its points are the pictures."
        )
    new, labels = named_pictures(changed, points) if isinstance(changed, Mapping) else perturbed(changed, base)
    order, tests = ({int(each): row for row, each in enumerate(ids)} for ids in (points.train_ids, points.test_ids))
    here = [each for each in new if each[0] in order and each[1] in {None, *tests}]
    if not here:
        return points
    rows = numpy.array([order[train] for train, _ in here], dtype=numpy.int64)
    shapes = {numpy.shape(new[each]) for each in here}
    if shapes != {points.train.shape[1:]}:
        raise InvalidParameter(
            f"changed has pictures of shape {min(shapes)}, expected {points.train.shape[1:]} as before. {HOW_CHANGED}"
        )
    return replace(
        points,
        changed=changed_pictures(
            rows,
            numpy.array([-1 if test is None else tests[test] for _, test in here], dtype=numpy.int64),
            points.train[rows],
            numpy.stack([new[each] for each in here]),
            labels=numpy.array([labels.get(each, numpy.nan) for each in here]),
            extremes=extremes(points.train),
        ),
    )


def named_pictures(changed: Mapping[Any, Any], points: Points) -> tuple[New, dict[Pair, float]]:
    """New pictures, where they were given by ids or names."""
    pairs = [each if isinstance(each, tuple) and len(each) == 2 else (each, None) for each in changed]
    train, test = [each for each, _ in pairs], [each for _, each in pairs if each is not None]
    for_all = len(test) < len(pairs)
    if test and for_all:
        raise InvalidParameter("changed has pictures for all test points and for some; give all by pairs, or none.")
    ids = [id_of(train, points, "train"), [None] * len(pairs) if for_all else id_of(test, points, "test")]
    values = [array(numbers_in(each, what="a picture of changed")) for each in changed.values()]
    return dict(zip(zip(*ids, strict=True), values, strict=True)), {}


def id_of(wanted: Sequence[Any], points: Points, part: str) -> list[int]:
    """The ids of points that were given by id or by name."""
    ids = getattr(points, f"{part}_ids")
    known = [*ids.tolist(), *getattr(points, f"{part}_names")]
    return [int(ids[place % len(ids)]) for place in places(known, wanted)]


def perturbed(changed: Swap, base: Dataset | None) -> tuple[New, dict[Pair, float]]:
    """What each changed point becomes, and its label where that is another one."""
    if base is None:
        raise InvalidParameter(
            "changed says which training points change by their positions: give the data set whose points they are, "
            "data= or images=."
        )
    if changed.n != base.n:
        raise InvalidParameter(f"changed is of {changed.n} training points, and {base.name} has {base.n}.")
    if (changed.changed < 0).any() or len(changed.points.unique()) < len(changed.points):
        raise InvalidParameter(
            "changed has an experiment of several points, or several of one point: before and after are shown for "
            "experiments of one point each. Leave its `rows` out, and name each point once."
        )
    before, labels = base.x_train[changed.points], base.y_train[changed.points]
    new_labels: Tensor = labels
    if isinstance(changed, FeatureMove):
        after = before + changed.moves.to(before) if changed.moves.shape == before.shape else changed.moves
    elif isinstance(changed, Replacement):
        after, new_labels = changed.x, changed.y.to(labels)
    else:
        raise WrongType(f"changed is {named(changed)}, expected a change of pictures. {HOW_CHANGED}")
    ids: list[Pair] = [(each, None) for each in base.train_ids[changed.points].tolist()]
    other = zip(ids, labels.tolist(), new_labels.tolist(), strict=True) if labels.dim() == 1 else ()
    return dict(zip(ids, array(after), strict=True)), {each: float(new) for each, old, new in other if new != old}
