"""Extractors: frozen maps from pictures to features, which linear models are fitted on and pixels count through."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.recipe import Progress, Recipe, unheard

__all__ = ["Extractor", "features_of"]

# Pictures that go through an extractor at once.
BATCH = 32
BRIGHTEST = 255
ROUNDING = 1e-6


@dataclass(frozen=True)
class Extractor(Recipe):
    """A recipe for a frozen network from pictures to features.

    Fit a logistic regression on the features of labelled pictures, and the influence of a picture is that of its
    features; move a pixel by δ, and the features move by their derivative times δ.
    """

    @abstractmethod
    def network(self, data: Dataset) -> nn.Module:
        """The network: pixels (b h w) or (b colours h w) between 0 and 255, as `data` has them, to features (b d).

        It is in evaluation mode, none of its parameters asks for a gradient, and its features are differentiable in the
        pixels, in whose type and on whose device they are. One that was trained elsewhere makes no use of `data`.

        Raises:
            InvalidData: the points of `data` are no pictures of this kind.
            Unavailable: what it needs is not installed.
        """


def features_of(
    network: nn.Module, pixels: Float[Tensor, " n *shape"], *, progress: Progress = unheard
) -> Float[Tensor, "n d"]:
    """Features of many pictures, a batch at a time and without their derivatives.

    Raises:
        InvalidData: the network gives another thing than a row a picture.
    """
    rows = []
    with torch.inference_mode():
        for first in range(0, len(pixels), BATCH):
            progress(first / len(pixels), 1.0, f"features of {len(pixels):,} pictures")
            rows.append(network(pixels[first : first + BATCH]))
    if any(found.dim() != 2 for found in rows):
        raise InvalidData(f"The network gives {tuple(rows[0].shape)} for {BATCH} pictures, expected a row each.")
    # A tensor made in inference mode could not be used in a fit.
    return torch.cat(rows).clone()


def check_pictures(data: Dataset, *, colours: tuple[int, ...] = (1, 3)) -> None:
    """Refuse points that are no pictures of pixels between 0 and 255.

    Raises:
        InvalidData: another shape, or another range.
    """
    shape = data.x_train.shape[1:]
    if not (len(shape) == 2 or (len(shape) == 3 and shape[0] in colours)):
        raise InvalidData(
            f"{data.name}: a point has shape {tuple(shape)}, expected a picture: (height, width), or "
            f"({' or '.join(map(str, colours))}, height, width). Reshape the features."
        )
    low, high = (float(getattr(data.x_train, name)()) for name in ("min", "max"))
    # Interpolation leaves the range by a rounding error.
    if low < -ROUNDING or high > BRIGHTEST + ROUNDING or 0 < high <= 1:
        raise InvalidData(
            f"{data.name}: pixels go from {low:g} to {high:g}, expected 0 … {BRIGHTEST}. Load the source with "
            f"scaling='none', or multiply features that run from 0 to 1 by {BRIGHTEST}."
        )


def in_colour(pixels: Float[Tensor, " b *shape"]) -> Float[Tensor, "b 3 h w"]:
    """Pictures with three colours; grey ones have three equal ones."""
    coloured = pixels if pixels.dim() == 4 else pixels.unsqueeze(1)
    return coloured.expand(-1, 3, -1, -1)
