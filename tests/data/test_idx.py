"""Idx files are read right or refused by name."""

import gzip

import numpy
import pytest
from idx_files import packed

from influencelab.data.sources import _idx
from influencelab.errors import InvalidData


@pytest.mark.parametrize("shape", [(7,), (3, 2, 5), (4, 1, 1), (0, 28, 28)])
def test_idx_files_are_read_back(tmp_path, shape):
    array = numpy.random.default_rng(0).integers(0, 256, shape, dtype=numpy.uint8)
    (tmp_path / "a.gz").write_bytes(packed(array))
    found = _idx.read_idx(tmp_path / "a.gz", axes=len(shape))
    assert found.dtype == numpy.uint8
    assert numpy.array_equal(found, array)


def test_unpacked_files_are_read_too(tmp_path):
    (tmp_path / "images").write_bytes(PLAIN)
    assert numpy.array_equal(_idx.read_idx(tmp_path / "images", axes=3).flatten(), numpy.arange(60))


WHOLE = packed(numpy.arange(60, dtype=numpy.uint8).reshape(5, 4, 3))
PLAIN = gzip.decompress(WHOLE)
BROKEN = {
    "a page instead of a file": (b"<!DOCTYPE html>", "begins with bytes"),
    "gzip cut off": (WHOLE[:-12], "no whole gzip file"),
    "gzip with a flipped bit": (WHOLE[:30] + bytes([WHOLE[30] ^ 1]) + WHOLE[31:], "no whole gzip file"),
    "wrong magic": (gzip.compress(b"\0\0\x0d" + PLAIN[3:]), r"begins with bytes \[0, 0, 13, 3\], expected"),
    "labels for images": (packed(numpy.arange(9, dtype=numpy.uint8)), r"\[0, 0, 8, 1\], expected \[0, 0, 8, 3\]"),
    "empty": (gzip.compress(b""), r"begins with bytes \[\]"),
    "header cut off": (gzip.compress(PLAIN[:10]), "begins with"),
    "a value too few": (gzip.compress(PLAIN[:-1]), r"holds 59 values, expected 60 for its shape \(5, 4, 3\)"),
    "a value too many": (gzip.compress(PLAIN + b"\0"), "holds 61 values"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_idx_file_is_refused_by_name(tmp_path, case):
    content, message = BROKEN[case]
    (tmp_path / "images.gz").write_bytes(content)
    with pytest.raises(InvalidData, match=f"images.gz .*{message}"):
        _idx.read_idx(tmp_path / "images.gz", axes=3)
