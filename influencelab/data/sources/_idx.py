"""Labelled images in idx files, the format that MNIST is published in and others have taken over."""

import math
from pathlib import Path

import numpy
from jaxtyping import UInt8

from influencelab.data.arrays import Arrays
from influencelab.data.download import PACKING_ERRORS, RemoteFile, unpacked
from influencelab.errors import InvalidData, InvalidParameter

NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def labelled_images(
    source: str,
    md5s: tuple[str, str, str, str],
    *,
    content_md5s: tuple[str, str, str, str],
    home: str,
    mirrors: tuple[str, ...],
    skip_first: int,
) -> Arrays:
    """The files `NAMES` as uint8 images (28, 28) and labels; ids are positions in the files.

    The checksums are those of the files as they are published, and of what they hold once unpacked.
    The first `skip_first` training images are left out.
    """
    files = zip(NAMES, md5s, content_md5s, strict=True)
    paths = [RemoteFile(source, name, md5, home, mirrors, content).fetch() for name, md5, content in files]
    x, y, x_test, y_test = (read_idx(path, axes=axes) for path, axes in zip(paths, (3, 1, 3, 1), strict=True))
    if not 0 <= skip_first < len(x):
        raise InvalidParameter(f"skip_first is {skip_first}, expected 0 … {len(x) - 1}.")
    kept = numpy.arange(skip_first, len(x))
    return Arrays(x[skip_first:], y[skip_first:], x_test, y_test, train_ids=kept)


def read_idx(path: Path, *, axes: int) -> UInt8[numpy.ndarray, " *shape"]:
    """The array of unsigned bytes in an idx file, gzipped or not.

    The format: two zero bytes, 8 for unsigned bytes, the number of axes, each axis's length as a big-endian 32-bit
    integer, then the values in row-major order.
    """
    try:
        content = unpacked(path.read_bytes())
    except PACKING_ERRORS as error:
        raise InvalidData(f"{path} is no whole gzip file ({error}). Replace it by the original.") from error
    start = 4 + 4 * axes
    if content[:4] != bytes((0, 0, 8, axes)) or len(content) < start:
        raise InvalidData(
            f"{path} begins with bytes {list(content[:4])}, expected {[0, 0, 8, axes]}: "
            f"an idx file of unsigned bytes with {axes} axes. Replace it by the original."
        )
    shape = tuple(int(length) for length in numpy.frombuffer(content[4:start], dtype=">u4"))
    if len(content) - start != math.prod(shape):
        raise InvalidData(
            f"{path} holds {len(content) - start} values, expected {math.prod(shape)} for its shape {shape}. "
            "Replace it by the original."
        )
    return numpy.frombuffer(content, dtype=numpy.uint8, offset=start).reshape(shape)
