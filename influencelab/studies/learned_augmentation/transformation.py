"""Differentiable transformations of pictures: affine maps, flow, contrast and brightness, drawn from a policy."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Knots a side of the grids from which fields of flow, contrast and brightness are interpolated.
KNOTS = 4
# Numbers that act on the whole picture, and by how much each moves where nothing was learned: radians, logarithm,
# share of a pixel a pixel, twice a share of the side, logarithm, share of the brightest pixel.
GLOBAL = {
    "rotation": 0.26,
    "scale": 0.1,
    "shear": 0.1,
    "shift across": 0.14,
    "shift up": 0.14,
    "contrast": 0.2,
    "brightness": 0.1,
}
# The same of each knot of a field; an affine policy has none.
FIELDS = {"flow": 0.1, "contrast field": 0.2, "brightness field": 0.1}
GROUPS = (*GLOBAL, *FIELDS)


@dataclass(frozen=True, eq=False)
class Policy:
    """A distribution of transformations for each picture: each number is uniform around a centre.

    Attributes:
        centre: of each number, a row a picture or one for all.
        spread: half the width of its range.
    """

    centre: Float[Tensor, "b k"]
    spread: Float[Tensor, "b k"]

    def drawn(self, count: int, generator: torch.Generator) -> Float[Tensor, "c k"]:
        """The numbers of one transformation a picture, of so many pictures."""
        width = self.spread.shape[1]
        uniform = 2 * torch.rand(count, width, generator=generator, dtype=self.spread.dtype) - 1
        return self.centre + self.spread * uniform


def sizes(colours: int) -> dict[str, int]:
    """How many numbers of a transformation each group has, in their order."""
    knots = KNOTS * KNOTS
    fields = {"flow": 2 * knots, "contrast field": colours * knots, "brightness field": colours * knots}
    return dict.fromkeys(GLOBAL, 1) | fields


def spreads(colours: int, *, fields: bool, times: dict[str, float] | None = None) -> Float[Tensor, " k"]:
    """The spread of each number of a random policy, with or without fields, each group so many times the usual one."""
    usual = {**GLOBAL, **{name: FIELDS[name] * fields for name in FIELDS}}
    many = times or {}
    return torch.cat([torch.full((size,), usual[name] * many.get(name, 1.0)) for name, size in sizes(colours).items()])


def random_policy(colours: int, *, fields: bool, times: dict[str, float] | None = None) -> Policy:
    """One policy for all pictures, centred on leaving each as it is."""
    spread = spreads(colours, fields=fields, times=times)[None]
    return Policy(torch.zeros_like(spread), spread)


def transformed(pictures: Float[Tensor, "b c h w"], numbers: Float[Tensor, "b k"]) -> Float[Tensor, "b c h w"]:
    """Pictures of pixels between 0 and 1, each moved and shaded by its numbers; zeros leave it as it is.

    It is differentiable in the numbers. What comes in from outside a picture continues its border.
    """
    count, colours, height, width = pictures.shape
    parts = dict(zip(sizes(colours), numbers.split(list(sizes(colours).values()), dim=1), strict=True))
    angle, shear = parts["rotation"], parts["shear"]
    size = torch.exp(parts["scale"])
    cosine, sine = torch.cos(angle) * size, torch.sin(angle) * size
    rows = [
        torch.cat([cosine, shear - sine, parts["shift across"]], dim=1),
        torch.cat([sine, cosine, parts["shift up"]], dim=1),
    ]
    places = functional.affine_grid(torch.stack(rows, dim=1), [count, colours, height, width], align_corners=False)
    flow = field(parts["flow"], 2, height, width).permute(0, 2, 3, 1)
    moved = functional.grid_sample(pictures, places + flow, padding_mode="border", align_corners=False)
    contrast = parts["contrast"][:, :, None, None] + field(parts["contrast field"], colours, height, width)
    brightness = parts["brightness"][:, :, None, None] + field(parts["brightness field"], colours, height, width)
    return (moved * torch.exp(contrast) + brightness).clamp(0, 1)


def field(knots: Float[Tensor, "b k"], channels: int, height: int, width: int) -> Float[Tensor, "b c h w"]:
    """A smooth field through its knots."""
    grid = knots.unflatten(1, (channels, KNOTS, KNOTS))
    return functional.interpolate(grid, size=(height, width), mode="bilinear", align_corners=True)
