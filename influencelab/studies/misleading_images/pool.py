"""Pictures of two classes as features, beside features of misleading pictures that are made of them."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.errors import InvalidData
from influencelab.models.extractor import Extractor, features_of

# Class 1 is the one that is asked about; class 0 what it is mistaken for. Of the photographs cats and guitars.
ASKED, MISTAKEN = 1, 0
RELABELLED, COPIES, WATERMARKED = "relabelled", "copies", "watermarked"
ARMS = (RELABELLED, COPIES, WATERMARKED)
# Misleading pictures that are made of each picture asked about.
MADE = 2
# Of a copy: how much of each side a closer one leaves away, how far another moves, and how much darker or brighter.
CLOSER, MOVED, DARKER, BRIGHTER = 1 / 8, 1 / 12, 0.8, 1.15
# What red, green and blue have of the brightness (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)
# How strongly the other picture shows through (Shafahi et al. 2018).
OPACITY = 0.3


@dataclass(frozen=True, eq=False)
class Pool:
    """All pictures there are, as features.

    Attributes:
        data: the pictures themselves, in grey, all as training points, in the order of their ids.
        features: of each picture.
        made: of the `MADE` misleading pictures made of each picture that may be asked about; zeros of the others, and
            of an arm that makes none.
    """

    data: Dataset
    features: Float[Tensor, "N d"]
    made: Float[Tensor, "k N d"]

    @property
    def labels(self) -> Int[Tensor, " N"]:
        """The class of each picture."""
        return self.data.y_train


@lru_cache(maxsize=6)
def pool_of(source: Source, extractor: Extractor | None, arm: str) -> Pool:
    """All pictures of a source, its own split undone, and what an arm makes of them; remembered by this process.

    Args:
        source: pictures of two classes.
        extractor: what makes features of them; None takes the pixels, as shares of the brightest.
        arm: one of `ARMS`. `copies` makes two slightly changed copies of each picture asked about, `watermarked` two
            pictures of the other class through which it shows.

    Raises:
        InvalidData: there are not two classes, or the points are no pictures.
    """
    data, features = pictures_of(source, extractor)
    made, asked = features.new_zeros(MADE, *features.shape), data.y_train == ASKED
    for number, pictures in enumerate(misleading(data, arm=arm)):
        made[number, asked] = extracted(pictures, data, extractor)
    return Pool(data, features, made)


@lru_cache(maxsize=2)
def pictures_of(source: Source, extractor: Extractor | None) -> tuple[Dataset, Float[Tensor, "N d"]]:
    """All pictures of a source, and their features, which all arms share."""
    loaded = source.load()
    if loaded.classes != 2 or loaded.x_train.dim() not in (3, 4):
        raise InvalidData(
            f"{loaded.name} has {loaded.classes} classes and points of shape {tuple(loaded.x_train.shape[1:])}; "
            "expected pictures of 2 classes."
        )
    data = together(loaded)
    return data, extracted(data.x_train, data, extractor)


def extracted(pictures: Float[Tensor, " b *shape"], data: Dataset, extractor: Extractor | None) -> Float[Tensor, "b d"]:
    """Features of pictures of the kind that `data` has."""
    if extractor is None:
        return pictures.flatten(1) / data.x_train.max()
    return features_of(extractor.network(data), pictures)


def together(data: Dataset) -> Dataset:
    """The same pictures in grey, all of them training points in the order of their ids."""
    ids = torch.cat([data.train_ids, data.test_ids])
    order = ids.argsort()
    x, y = (torch.cat([getattr(data, f"{each}_{part}") for part in ("train", "test")])[order] for each in "xy")
    parts: dict[str, Any] = {"x_train": grey(x), "y_train": y, "train_ids": ids[order], "x_test": grey(data.x_test)}
    return replace(data, **parts)


def grey(pictures: Float[Tensor, " b *shape"]) -> Float[Tensor, " b *left"]:
    """Pictures without their colours.

    Where one class is grey and the other coloured, as cats and guitars are, colour alone would tell them apart.
    """
    if pictures.dim() == 3 or pictures.shape[1] != len(LUMA):
        return pictures
    return torch.einsum("bchw,c->bhw", pictures, pictures.new_tensor(LUMA))


def misleading(data: Dataset, *, arm: str) -> list[Float[Tensor, " b *shape"]]:
    """What an arm makes of the pictures asked about: `MADE` times as many, or nothing."""
    asked, others = (data.x_train[data.y_train == label] for label in (ASKED, MISTAKEN))
    if arm == COPIES:
        return [closer(asked) * DARKER, (moved(asked) * BRIGHTER).clamp_max(float(data.x_train.max()))]
    if arm == WATERMARKED:
        generator = numpy.random.default_rng(0)
        under = [torch.from_numpy(generator.integers(len(others), size=len(asked))) for _ in range(MADE)]
        return [OPACITY * asked + (1 - OPACITY) * others[rows] for rows in under]
    return []


def closer(pictures: Float[Tensor, " b *shape"]) -> Float[Tensor, " b *shape"]:
    """The middle of each picture, stretched to its size."""
    return seen_through(pictures, zoom=1 - CLOSER, shift=0.0)


def moved(pictures: Float[Tensor, " b *shape"]) -> Float[Tensor, " b *shape"]:
    """Each picture a little to the right, its left edge repeated."""
    return seen_through(pictures, zoom=1.0, shift=-MOVED)


def seen_through(pictures: Float[Tensor, " b *shape"], *, zoom: float, shift: float) -> Float[Tensor, " b *shape"]:
    """What a window shows that is so many times as large as the picture and so far to the right, in shares of it."""
    channels = pictures if pictures.dim() == 4 else pictures[:, None]
    window = torch.tensor([[zoom, 0, 2 * shift], [0, zoom, 0]], dtype=pictures.dtype).expand(len(pictures), 2, 3)
    grid = functional.affine_grid(window, list(channels.shape), align_corners=False)
    found = functional.grid_sample(channels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found.view_as(pictures)
