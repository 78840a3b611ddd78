"""Small files in the format of MNIST, so that image sources are tested without the real ones and without a network."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy
import pooch
import pytest
import requests

from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import _idx, fashion_mnist, mnist

IDX_SOURCES = {"mnist": mnist, "fashion_mnist": fashion_mnist}


def packed(array: numpy.ndarray) -> bytes:
    """An idx file of unsigned bytes, written as its specification says."""
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


def synthetic_images(part: int, count: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Random images, and labels 0 … 9 in turn."""
    images = numpy.random.default_rng(part).integers(0, 256, (count, 28, 28), dtype=numpy.uint8)
    return images, (numpy.arange(count) % 10).astype(numpy.uint8)


def use_synthetic(kind: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put four small files where those of `kind` are looked for, and expect their checksums."""
    arrays = (*synthetic_images(0, 60), *synthetic_images(1, 20))
    (folder / kind).mkdir(parents=True)
    for name, array in zip(_idx.NAMES, arrays, strict=True):
        (folder / kind / name).write_bytes(packed(array))
    md5s = tuple(hashlib.md5(packed(array)).hexdigest() for array in arrays)
    contents = tuple(hashlib.md5(gzip.decompress(packed(array))).hexdigest() for array in arrays)
    patch.setattr(IDX_SOURCES[kind], "MD5S", md5s)
    patch.setattr(IDX_SOURCES[kind], "CONTENT_MD5S", contents)
    patch.setenv(FOLDER_VARIABLE, str(folder))


def cut_network(patch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every download as a machine without network does; the list fills with what was asked for."""
    asked = []

    def refuse(_downloader, url, *_others, **_settings):
        asked.append(url)
        raise requests.ConnectionError("no network")

    patch.setattr(pooch.HTTPDownloader, "__call__", refuse)
    return asked
