"""Two classes of pictures, as many of each, and what is close to what among them."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.data.sources.cifar10 import Cifar10
from influencelab.data.sources.digits import Digits
from influencelab.data.sources.imagenette import Imagenette
from influencelab.data.sources.rbf_kernel import kernel_features
from influencelab.errors import InvalidParameter, MissingData, Unavailable
from influencelab.experiments.extraction import extracted
from influencelab.influence.table import array
from influencelab.models.extractor import Extractor
from influencelab.models.extractors.efficientnet_lite0 import EfficientnetLite0
from influencelab.models.extractors.small_cnn import SmallCnn
from influencelab.recipe import Progress, unheard

# Koh & Liang's kernel: exp(−γ ‖x − x′‖²), with γ = 0.05 / n of n = 1,800 pictures of 3 × 299 × 299 pixels from −1 to 1.
PUBLISHED_GAMMA, PUBLISHED_PIXELS, PUBLISHED_RANGE = 0.05 / 1800, 3 * 299 * 299, 2.0


@dataclass(frozen=True)
class Choice:
    """Where pictures come from, and what makes features of them.

    Attributes:
        source: of two classes, with pixels as they are.
        extractor: of the deep features.
    """

    source: Source
    extractor: Extractor


CHOICES: Mapping[str, Choice] = {
    "digits": Choice(Digits(labels=(3, 8), held_out=697), SmallCnn()),
    "cifar10": Choice(Cifar10(labels=(5, 6)), EfficientnetLite0(size=96)),
    "imagenette": Choice(Imagenette(side=96), EfficientnetLite0()),
}


@dataclass(frozen=True, eq=False)
class Pictures:
    """The same training and test points twice: as pixels from 0 to 1, and as features.

    Attributes:
        name: `digits`, `cifar10` or `imagenette`.
        pixels: (n, colours, height, width), or without colours.
        features: (n, d).
    """

    name: str
    pixels: Dataset
    features: Dataset

    @property
    def gamma(self) -> float:
        """The width of the published kernel for as many pixels of this range: a mean difference counts the same."""
        count = self.pixels.x_train[0].numel()
        return PUBLISHED_GAMMA * PUBLISHED_RANGE**2 * PUBLISHED_PIXELS / count

    @property
    def kernel(self) -> Dataset:
        """Features whose products are the published kernel of the pixels."""
        train, test = (array(part.flatten(1)) for part in (self.pixels.x_train, self.pixels.x_test))
        x, x_test = map(torch.from_numpy, kernel_features(train, test, gamma=self.gamma))
        return replace(self.pixels, x_train=x, x_test=x_test)

    def watching(self, rows: Int[Tensor, " m"]) -> "Pictures":
        """The same with these test points alone."""
        return Pictures(self.name, of_tests(self.pixels, rows), of_tests(self.features, rows))

    def distances(self) -> Float[numpy.ndarray, "n m"]:
        """Root mean square difference of the pixels of each training and each test picture."""
        train, test = (part.flatten(1) for part in (self.pixels.x_train, self.pixels.x_test))
        return array(torch.cdist(train, test)) / train.shape[1] ** 0.5

    def cosines(self) -> Float[numpy.ndarray, "n m"]:
        """Cosine of the features of each training and each test picture."""
        parts = (self.features.x_train, self.features.x_test)
        train, test = (part / part.norm(dim=1, keepdim=True).clamp(min=1e-300) for part in parts)
        return array(train @ test.T)

    def same(self) -> numpy.ndarray:
        """Whether a training picture has the class of a test picture (n m)."""
        return array(self.pixels.y_train[:, None] == self.pixels.y_test)


def pictures(
    name: str,
    *,
    train: int,
    test: int,
    seed: int,
    store: Path,
    optional: bool = False,
    progress: Progress = unheard,
) -> Pictures:
    """So many pictures of each class for training and for testing, drawn by the seed, and their features.

    Raises:
        InvalidParameter: no such data, or fewer pictures than that.
        MissingData: pictures cannot be had; where they are optional that is a warning, and digits take their place.
        Unavailable: the same of the weights of an extractor.
    """
    if name not in CHOICES:
        raise InvalidParameter(f"There are no pictures '{name}' here, expected {' or '.join(CHOICES)}.")
    choice = CHOICES[name]
    try:
        whole = balanced(choice.source.load(), train=train, test=test, seed=seed)
        features = extracted(whole, choice.extractor, store=store, progress=progress)
    except (MissingData, Unavailable) as error:
        if not optional or name == "digits":
            raise
        warnings.warn(f"{name} is left out, and digits take its place: {error}", stacklevel=2)
        few = CHOICES["digits"].source.load()
        train, test = (
            min(count, int(torch.bincount(y).min())) for count, y in ((train, few.y_train), (test, few.y_test))
        )
        return pictures("digits", train=train, test=test, seed=seed, store=store)
    brightest = float(whole.x_train.max())
    return Pictures(name, replace(whole, x_train=whole.x_train / brightest, x_test=whole.x_test / brightest), features)


def balanced(data: Dataset, *, train: int, test: int, seed: int) -> Dataset:
    """So many points of each class of both parts, drawn at random, in the order of the data.

    Raises:
        InvalidParameter: a class has fewer.
    """
    generator, changes = numpy.random.default_rng(seed), {}
    for part, count in (("train", train), ("test", test)):
        y, rows = array(getattr(data, f"y_{part}")), []
        for label in range(data.classes):
            own = numpy.flatnonzero(y == label)
            if len(own) < count:
                raise InvalidParameter(f"{part} is {count}, but {data.name} has {len(own)} of a class. Ask for fewer.")
            rows.append(generator.permutation(own)[:count])
        kept = torch.from_numpy(numpy.sort(numpy.concatenate(rows)))
        changes |= {name: getattr(data, name)[kept] for name in (f"x_{part}", f"y_{part}", f"{part}_ids")}
    return replace(data, **changes)


def of_tests(data: Dataset, rows: Int[Tensor, " m"]) -> Dataset:
    """The data with these test points alone."""
    return replace(data, x_test=data.x_test[rows], y_test=data.y_test[rows], test_ids=data.test_ids[rows])
