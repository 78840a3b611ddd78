"""Fashion-MNIST, clothes of 28 × 28 pixels: 60,000 training and 10,000 test images, 10 classes."""

from dataclasses import dataclass

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.data.sources._idx import labelled_images
from influencelab.recipe import kind_name

HOME = "https://github.com/zalandoresearch/fashion-mnist"
MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
MD5S = (
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79",
    "bb300cfdad3c16e7a12a480ee83cd310",
)
# Of the files once unpacked.
CONTENT_MD5S = (
    "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "9018921c3c673c538a1fc5bad174d6f9",
    "8181f5470baa50b63fa0f6fddb340f0a",
    "15d484375f8d13e6eb1aabb0c3f46965",
)


@dataclass(frozen=True)
class FashionMnist(Source):
    """The original files of Xiao, Rasul and Vollgraf (2017), with pixels from 0 to 255.

    Classes 0 … 9: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Attributes:
        skip_first: leave out so many of the first training images, to be kept for validation.
    """

    skip_first: int = 0

    def arrays(self) -> Arrays:
        """All images, features (n, 28, 28) in uint8; ids are positions in the files."""
        return labelled_images(
            kind_name(self),
            MD5S,
            content_md5s=CONTENT_MD5S,
            home=HOME,
            mirrors=MIRRORS,
            skip_first=self.skip_first,
        )
