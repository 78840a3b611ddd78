"""Pictures of points whose features are others, and pictures before and after a change, as an explorer keeps them."""

from dataclasses import replace
from typing import Any

import jaxtyping
import numpy
import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, WrongType
from influencelab.explorer.changed_pictures import CUT, FACTORS, SIDE, changed_pictures, extremes
from influencelab.explorer.data import ExplorerData, from_bytes
from influencelab.explorer.from_table import from_comparison
from influencelab.explorer.pairs_table import Points
from influencelab.explorer.sprites import LARGEST, laid_out, pictures_in, smaller, sprite_sheet
from influencelab.statistics.comparison import Comparison

N, M = 12, 3
GENERATOR = torch.Generator().manual_seed(0)
PICTURES = torch.randint(0, 256, (N + M, 5, 4), generator=GENERATOR).double()
# Ids that are no positions.
IMAGES = il.Dataset(
    x_train=PICTURES[:N],
    y_train=[0, 1] * (N // 2),
    x_test=PICTURES[N:],
    y_test=[0, 1, 0],
    train_ids=torch.arange(N) * 7 + 100,
    test_ids=torch.arange(M) + 5,
)
FEATURES = replace(IMAGES, x_train=PICTURES[:N].flatten(1)[:, :3], x_test=PICTURES[N:].flatten(1)[:, :3])
MOVES = torch.randint(-2, 3, (4, 5, 4), generator=GENERATOR).double()
MOVE = il.FeatureMove(points=torch.tensor([3, 0, 7, 5]), moves=MOVES, n=N)

# One point in two experiments.
TWO = il.FeatureMove(points=torch.tensor([3, 3]), moves=MOVES[:2], n=N)


@pytest.fixture
def _as_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """What checks types in tests would refuse wrong ones before the library does."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def pairs(rows: list[int]) -> Comparison:
    """Some effects of changing these training points."""
    values = numpy.random.default_rng(0).normal(size=(2, len(rows), M))
    return Comparison(
        predicted=values[0],
        actual=values[1],
        mask=numpy.ones((len(rows), M), dtype=bool),
        train_ids=IMAGES.train_ids[rows].numpy(),
        train_labels=IMAGES.y_train[rows].numpy(),
        test_ids=IMAGES.test_ids.numpy(),
        test_labels=IMAGES.y_test.numpy(),
        classes=2,
        estimator="exact",
    )


def points_of(found: ExplorerData) -> Points:
    """The only points there are, as they are read again from the file."""
    (points,) = from_bytes(found.to_bytes()).points.values()
    return points


def test_features_are_shown_as_the_pictures_of_the_same_ids() -> None:
    rows = [8, 2, 5]
    # In another order, and with pictures that no pair speaks of.
    order = torch.randperm(N, generator=GENERATOR)
    mixed = replace(
        IMAGES, x_train=IMAGES.x_train[order], y_train=IMAGES.y_train[order], train_ids=IMAGES.train_ids[order]
    )
    points = points_of(from_comparison(pairs(rows), FEATURES, images=mixed))
    assert points.kind == "images"
    expected = numpy.concatenate([PICTURES[sorted(rows)].numpy(), PICTURES[N:].numpy()])
    low, high = expected.min(), expected.max()
    assert numpy.abs(points.pictures() - (expected - low) / (high - low) * 255).max() <= 0.5
    assert points_of(from_comparison(pairs(rows), FEATURES)).kind == "features"


@pytest.mark.parametrize("how", ["move", "replacement", "dict"])
def test_before_after_and_fifty_times_the_difference_are_those_of_the_pixels(how: str) -> None:
    rows = MOVE.points.tolist()
    new = IMAGES.x_train[rows] + MOVES
    given: Any = {
        "move": MOVE,
        "replacement": il.Replacement(points=torch.tensor(rows), x=new, y=torch.tensor([0, 0, 1, 0]), n=N),
        "dict": {int(IMAGES.train_ids[row]): new[place] for place, row in enumerate(rows)},
    }[how]
    points = points_of(from_comparison(pairs(rows), FEATURES, images=IMAGES, changed=given))
    changed = points.changed
    assert changed is not None
    assert changed.factor == 50
    ids = points.train_ids[changed.rows].tolist()
    for place, row in enumerate(rows):
        at = ids.index(int(IMAGES.train_ids[row]))
        assert (changed.before[at] == IMAGES.x_train[row].numpy()).all()
        assert (changed.after[at] == numpy.clip(new[place].numpy(), 0, 255)).all()
        # Two levels are a hundred: nothing is cut, and grey is no change.
        assert (changed.difference[at] == 128 + 50 * MOVES[place].numpy()).all()
        other = how == "replacement" and [0, 0, 1, 0][place] != int(IMAGES.y_train[row])
        assert numpy.isnan(changed.labels[at]) != other
    # Part of the points takes part of the pictures along.
    part = (
        from_comparison(pairs(rows), FEATURES, images=IMAGES, changed=given)
        .points["data"]
        .only(numpy.array([1, 2]), numpy.array([0]))
    )
    assert part.changed is not None
    assert sorted(part.changed.rows.tolist()) == [0, 1]
    for row, after in zip(part.changed.rows, part.changed.after, strict=True):
        whole = changed.after[ids.index(int(part.train_ids[row]))]
        assert (after == whole).all()


def test_pictures_that_were_made_for_one_test_point_each_are_kept_by_pair() -> None:
    train, test = IMAGES.train_ids.tolist(), IMAGES.test_ids.tolist()
    given = {
        (train[3], test[0]): PICTURES[3] + 1,
        (train[3], test[2]): PICTURES[3] + 2,
        (train[8], test[2]): PICTURES[8],
    }
    whole = from_comparison(pairs([3, 8, 1]), IMAGES, changed=given)
    changed = points_of(whole).changed
    assert changed is not None
    found = {
        (points_of(whole).train_ids[row], points_of(whole).test_ids[place]): after
        for row, place, after in zip(changed.rows, changed.tests, changed.after, strict=True)
    }
    assert found.keys() == given.keys()
    assert all((found[each] == numpy.clip(given[each].numpy(), 0, 255)).all() for each in given)
    part = whole.points["data"].only(numpy.array([1, 2]), numpy.array([2])).changed
    assert part is not None
    assert sorted(zip(part.rows.tolist(), part.tests.tolist(), strict=True)) == [(0, 0), (1, 0)]
    with pytest.raises(InvalidParameter, match="give all by pairs, or none"):
        from_comparison(pairs([3, 8]), IMAGES, changed={(train[3], test[0]): PICTURES[3], train[8]: PICTURES[8]})
    with pytest.raises(InvalidParameter, match="Point 77 is not among"):
        from_comparison(pairs([3]), IMAGES, changed={(train[3], 77): PICTURES[3]})


def test_a_large_change_is_shown_smaller_and_says_by_how_much() -> None:
    before, labels = numpy.full((2, 4, 4), 100.0), numpy.full(2, numpy.nan)
    for size, factor in ((2, 50), (6, 20), (100, 1), (155, 0.5)):
        found = changed_pictures(
            numpy.arange(2), -numpy.ones(2, int), before, before + size, labels=labels, extremes=(0, 255)
        )
        assert found.factor == factor
        assert (found.difference == round(128 + factor * size)).all()
    # One pixel in a hundred may be cut.
    after = before.repeat(8, 1).repeat(8, 2) + 1
    after[:, :2, :5] = 255
    assert 10 / after[0].size <= CUT
    wide = before.repeat(8, 1).repeat(8, 2)
    assert (
        changed_pictures(numpy.arange(2), -numpy.ones(2, int), wide, after, labels=labels, extremes=(0, 255)).factor
        == FACTORS[0]
    )


def test_changes_of_large_pictures_that_alternate_do_not_vanish_with_their_size() -> None:
    wide = 2 * SIDE
    before = numpy.full((1, wide, wide, 3), 100.0)
    sign = numpy.where(numpy.indices((wide, wide)).sum(0) % 2, 1.0, -1.0)[None, :, :, None]
    found = changed_pictures(
        numpy.zeros(1, int), -numpy.ones(1, int), before, before + sign, labels=numpy.zeros(1), extremes=(0, 255)
    )
    assert found.difference.shape == (1, SIDE, SIDE, 3)
    assert (numpy.abs(found.difference.astype(int) - 128) == 50).all()
    assert (found.before == 100).all()


@pytest.mark.parametrize("shape", [(3, 6, 5), (6, 5, 3), (6, 5), (2, 6, 5), (6, 5, 9)])
def test_colours_are_kept_wherever_they_stand_and_sheets_give_back_every_pixel(shape: tuple[int, ...]) -> None:
    raw = numpy.random.default_rng(0).integers(0, 256, (43, *shape)).astype(float)
    points = Points(
        name="pictures",
        train_ids=numpy.arange(40),
        test_ids=numpy.arange(3),
        train_labels=numpy.zeros(40),
        test_labels=numpy.zeros(3),
        train=raw[:40],
        test=raw[40:],
    )
    pictures = points.pictures()
    assert pictures.shape[1:3] == (6, 5)
    assert (pictures.ndim == 4) == (3 in shape)
    if 3 in shape:
        expected = numpy.moveaxis(raw, 1, -1) if shape[0] == 3 else raw
        assert numpy.abs(pictures - 255 * (expected - raw.min()) / (raw.max() - raw.min())).max() <= 0.5
    again = pictures_in(sprite_sheet(pictures), count=43, shape=pictures.shape[1:3])
    assert (again == pictures).all()


def test_large_pictures_become_means_of_blocks() -> None:
    raw = numpy.random.default_rng(0).normal(size=(2, 3, 3 * LARGEST - 2, 120))
    found = smaller(laid_out(raw))
    assert max(found.shape[1:3]) <= LARGEST
    assert found[1, 4, 7] == pytest.approx(raw[1, :, 12:15, 21:24].mean((1, 2)))


@pytest.mark.parametrize(
    ("values", "expected"), [((0, 255), (0, 255)), ((0, 1), (0, 1)), ((0, 16), (0, 16)), ((-2, 3), (-2, 3))]
)
def test_pictures_run_from_the_darkest_to_the_brightest_that_they_can_be(
    values: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert extremes(numpy.array(values)[:, None, None]) == expected


REFUSED = {
    "images that are none": ({"images": 3}, WrongType, "images is 3, expected a Dataset"),
    "images without a shape": ({"images": FEATURES}, InvalidData, "expected a picture"),
    "images of other points": (
        {"images": replace(IMAGES, train_ids=torch.arange(N))},
        InvalidParameter,
        "Point .* is not among the 12",
    ),
    "a change that is none": ({"changed": 3}, WrongType, "changed is 3, expected what training pictures"),
    "a change of features": ({"changed": MOVE}, InvalidData, "shown as features"),
    "a change of another size": (
        {"images": IMAGES, "changed": il.FeatureMove(points=torch.tensor([3]), moves=torch.zeros(1, 3), n=N)},
        InvalidParameter,
        r"pictures of shape \(3,\), expected \(5, 4\)",
    ),
    "a change of other data": (
        {"images": IMAGES, "changed": il.FeatureMove(points=torch.tensor([3]), moves=MOVES[:1], n=N + 1)},
        InvalidParameter,
        "changed is of 13 training points",
    ),
    "several points at once": (
        {"images": IMAGES, "changed": replace(TWO, points=torch.tensor([3, 0]), rows=torch.tensor([0, 0]))},
        InvalidParameter,
        "one point each",
    ),
    "one point twice": (
        {"images": IMAGES, "changed": TWO},
        InvalidParameter,
        "one point each",
    ),
    "points of no pair": (
        {"images": IMAGES, "changed": il.FeatureMove(points=torch.tensor([11]), moves=MOVES[:1], n=N)},
        InvalidParameter,
        "None of the points that are changed",
    ),
    "an id that is none": (
        {"images": IMAGES, "changed": {3: PICTURES[0]}},
        InvalidParameter,
        "Point 3 is not among",
    ),
    "a picture that is none": ({"images": IMAGES, "changed": {100: "cat.png"}}, WrongType, "a picture of changed"),
}


@pytest.mark.usefixtures("_as_a_user")
@pytest.mark.parametrize("name", REFUSED)
def test_pictures_that_cannot_be_shown_are_refused(name: str) -> None:
    given, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        il.Explorer(pairs(MOVE.points.tolist()), data=FEATURES, **given)


def test_what_was_changed_is_found_by_the_explorer_from_the_data_set_of_the_pairs() -> None:
    comparison = pairs(MOVE.points.tolist())
    explorer = il.Explorer(comparison, data=IMAGES, changed=MOVE, mode="changes")
    assert explorer._data.points["data"].changed is not None
    with pytest.raises(
        InvalidParameter, match=r"mode cannot be .changes.\. These data can be looked at as: pair, browse"
    ):
        il.Explorer(comparison, data=IMAGES, mode="changes")
    with pytest.raises(InvalidParameter, match="give the data set whose points they are"):
        il.Explorer(from_comparison(comparison, IMAGES), changed=MOVE)
