"""MNIST, handwritten digits of 28 × 28 pixels: 60,000 training and 10,000 test images, 10 classes."""

from dataclasses import dataclass

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.data.sources._idx import labelled_images
from influencelab.recipe import kind_name

HOME = "http://yann.lecun.com/exdb/mnist/"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    HOME,
)
MD5S = (
    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "d53e105ee54ea40749a09fcbcd1e9432",
    "9fb629c4189551a2d022fa330f9573f3",
    "ec29112dd5afa0611ce80d1b7f02629c",
)
# Of the files once unpacked.
CONTENT_MD5S = (
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
)


@dataclass(frozen=True)
class Mnist(Source):
    """The original files of LeCun, Cortes and Burges, with pixels from 0 to 255.

    Attributes:
        skip_first: leave out so many of the first training images. Koh & Liang (2017) kept the first 5,000 for
            validation and trained on the other 55,000.
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
