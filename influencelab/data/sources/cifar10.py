"""CIFAR-10, photographs of 32 × 32 pixels: 50,000 training and 10,000 test images, 10 classes."""

import hashlib
import io
import pickle
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy
from jaxtyping import UInt8

from influencelab.data.arrays import Arrays
from influencelab.data.download import RemoteFile, data_folder
from influencelab.data.source import Source
from influencelab.data.sources._archives import REPLACE, files_in, stamp
from influencelab.errors import InvalidData, InvalidParameter, MissingData
from influencelab.recipe import kind_name

HOME = "https://www.cs.toronto.edu/~kriz/cifar.html"
MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
NAME, MD5 = "cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"
# The first images of each part in a file of their own, without loss; and SHA-256 over its arrays.
FIRST_NAME = "cifar10_lossless_train4000_test1000.npz"
FIRST_CONTENT = "7bba4e4983cd474ee2756ea50950dbbbe01eda17d6968a40f0a7074a3d968b05"
FIRST = (4000, 1000)
KEYS = ("x_train", "y_train", "x_test", "y_test")
SIZES = (50_000, 10_000)
# Files of the archive, of 10,000 images each.
BATCHES, LAST = tuple(f"data_batch_{number}" for number in range(1, 6)), "test_batch"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)


@dataclass(frozen=True)
class Cifar10(Source):
    """The first images (3, 32, 32) of each part of Krizhevsky's files (2009), in colours from 0 to 255.

    As many as 4,000 and 1,000 are read from a small file of them where that lies among the data files, else, and where
    more are asked for, from the official archive. Both hold the same pixels. Ids are positions in the official files.

    Attributes:
        first_train: so many of the first training images, 50,000 at most.
        first_test: so many of the first test images, 10,000 at most.
    """

    first_train: int = FIRST[0]
    first_test: int = FIRST[1]

    def arrays(self) -> Arrays:
        """The images, in uint8.

        Raises:
            InvalidParameter: more images than there are.
            MissingData: the archive cannot be had, or a file is another one.
        """
        wanted = self.first_train, self.first_test
        for name, number, most in zip(("first_train", "first_test"), wanted, SIZES, strict=True):
            if not 1 <= number <= most:
                raise InvalidParameter(f"{name} is {number}, expected 1 … {most:,} images.")
        source = kind_name(self)
        small = data_folder() / source / FIRST_NAME
        if all(map(int.__le__, wanted, FIRST)) and small.exists():
            x, y, x_test, y_test = first_images(*stamp(small))
        else:
            path = RemoteFile(source, NAME, MD5, HOME, MIRRORS).fetch()
            x, y, x_test, y_test = all_images(*stamp(path))
        return Arrays(
            x[: self.first_train], y[: self.first_train], x_test[: self.first_test], y_test[: self.first_test]
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Airplane … truck."""
        return CLASSES


@lru_cache(maxsize=1)
def first_images(path: Path, _state: tuple[int, int]) -> tuple[numpy.ndarray, ...]:
    """Images and classes of the small file, colours first.

    Raises:
        MissingData: it is another file.
    """
    try:
        with numpy.load(path, allow_pickle=False) as held:
            arrays = [held[key] for key in KEYS]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise MissingData(f"{path} is not whole, or another file ({error}). {REPLACE}") from error
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(numpy.ascontiguousarray(array).data)
    if (found := digest.hexdigest()) != FIRST_CONTENT:
        raise MissingData(
            f"{path} is damaged or another file: its content has the SHA-256 {found}, expected {FIRST_CONTENT}. "
            f"{REPLACE} Or delete it, and the official archive is read."
        )
    x, y, x_test, y_test = arrays
    return x.transpose(0, 3, 1, 2), y, x_test.transpose(0, 3, 1, 2), y_test


@lru_cache(maxsize=1)
def all_images(path: Path, _state: tuple[int, int]) -> tuple[numpy.ndarray, ...]:
    """Images and classes of the official archive.

    Raises:
        InvalidData: files of it are absent or hold something else.
    """
    files = {Path(name).name: content for name, content in files_in(path.read_bytes(), name=path.name).items()}
    if absent := [name for name in (*BATCHES, LAST) if name not in files]:
        raise InvalidData(f"{path} has no file {absent[0]}. {REPLACE}")
    train = [batch(files[name], name=name) for name in BATCHES]
    test, y_test = batch(files[LAST], name=LAST)
    x, y = (numpy.concatenate(each) for each in zip(*train, strict=True))
    return x, y, test, y_test


def batch(content: bytes, *, name: str) -> tuple[UInt8[numpy.ndarray, "n 3 32 32"], numpy.ndarray]:
    """Images and classes of one file: rows of 1,024 red, 1,024 green and 1,024 blue values.

    Raises:
        InvalidData: it holds something else.
    """
    try:
        held = Arraylike(io.BytesIO(content), encoding="bytes").load()
        return held[b"data"].reshape(-1, *SHAPE), numpy.array(held[b"labels"])
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise InvalidData(f"{name} holds no images ({error}). {REPLACE}") from error


class Arraylike(pickle.Unpickler):
    """A reader of pickles that makes arrays of NumPy and nothing else, so that no file can run a program."""

    def find_class(self, module: str, name: str) -> Any:
        """What arrays are made of, wherever NumPy keeps it.

        Raises:
            pickle.UnpicklingError: something else.
        """
        made: dict[str, Any] = {"_reconstruct": numpy.array([0]).__reduce__()[0], "ndarray": numpy.ndarray}
        made |= {"dtype": numpy.dtype}
        if module.partition(".")[0] != "numpy" or name not in made:
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return made[name]
