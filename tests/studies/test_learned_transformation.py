"""Transformations of pictures by plain algebra: shifts, turns, scales, fields, and the policies that draw them."""

import numpy
import pytest
import torch
from scipy import ndimage

from influencelab.studies.learned_augmentation.transformation import (
    KNOTS,
    random_policy,
    sizes,
    transformed,
)


@pytest.fixture(scope="module")
def pictures():
    """Two pictures of 8 × 8 pixels."""
    return torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def numbers(colours=1, **groups):
    """Numbers of two transformations, 0 but for these groups."""
    parts = [
        torch.full((2, size), groups.get(name.replace(" ", "_"), 0.0), dtype=torch.float64)
        for name, size in sizes(colours).items()
    ]
    return torch.cat(parts, dim=1)


def test_nothing_drawn_leaves_pictures_as_they_are(pictures):
    assert transformed(pictures, numbers()).numpy() == pytest.approx(pictures.numpy(), abs=1e-12)


def test_a_shift_is_one_of_whole_pixels_and_a_border_goes_on(pictures):
    # Coordinates run from −1 to 1 over eight pixels: two of them are half a unit.
    moved = transformed(pictures, numbers(shift_across=0.5)).numpy()
    wanted = ndimage.shift(pictures.numpy(), (0, 0, 0, -2), order=1, mode="nearest")
    assert moved == pytest.approx(wanted, abs=1e-12)
    up = transformed(pictures, numbers(shift_up=0.5)).numpy()
    assert up == pytest.approx(ndimage.shift(pictures.numpy(), (0, 0, -2, 0), order=1, mode="nearest"), abs=1e-12)


def test_a_quarter_turn_turns_and_two_of_them_turn_over(pictures):
    quarter, half = (transformed(pictures, numbers(rotation=angle)).numpy() for angle in (numpy.pi / 2, numpy.pi))
    assert quarter == pytest.approx(numpy.rot90(pictures.numpy(), axes=(2, 3)), abs=1e-6)
    assert half == pytest.approx(pictures.numpy()[:, :, ::-1, ::-1], abs=1e-6)


def test_scale_samples_the_plane_and_a_constant_flow_is_a_shift(pictures):
    wide = transformed(pictures, numbers(scale=0.3)).numpy()
    places = (numpy.arange(8) - 3.5) * numpy.exp(0.3) + 3.5
    for picture, found in zip(pictures.numpy()[:, 0], wide[:, 0], strict=True):
        wanted = ndimage.map_coordinates(
            picture, numpy.meshgrid(places, places, indexing="ij"), order=1, mode="nearest"
        )
        assert found == pytest.approx(wanted, abs=1e-6)
    flown = transformed(pictures, numbers(flow=0.25))
    both = transformed(pictures, numbers(shift_across=0.25, shift_up=0.25))
    assert flown.numpy() == pytest.approx(both.numpy(), abs=1e-12)


def test_contrast_and_brightness_are_of_the_whole_picture_or_of_fields_through_their_knots(pictures):
    shaded = transformed(pictures, numbers(contrast=0.2, brightness=0.1)).numpy()
    assert shaded == pytest.approx(numpy.clip(pictures.numpy() * numpy.exp(0.2) + 0.1, 0, 1), abs=1e-12)
    knots = numbers()
    knots[:, -KNOTS * KNOTS] = 0.25  # the first knot stands in a corner
    lit = (transformed(pictures, knots) - pictures).numpy()
    assert lit[:, 0, 0, 0] == pytest.approx(numpy.minimum(0.25, 1 - pictures.numpy()[:, 0, 0, 0]), abs=1e-12)
    assert lit[:, 0, 4:, 4:] == pytest.approx(0, abs=1e-12)


def test_policies_draw_within_their_range_and_a_group_may_be_left_out():
    policy = random_policy(3, fields=False, times={"rotation": 2.0, "shear": 0.0})
    drawn = policy.drawn(500, torch.Generator().manual_seed(0))
    assert drawn.shape[1] == sum(sizes(3).values()) == 7 + 2 * 16 + 6 * 16
    assert 0.5 < float(drawn[:, 0].abs().max()) <= 0.52
    assert float(drawn[:, 2].abs().max()) == 0
    assert float(drawn[:, 7:].abs().max()) == 0
    assert abs(float(drawn[:, 0].mean())) < 0.05
