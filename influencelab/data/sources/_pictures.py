"""Pictures in files as square arrays: decoded, upright, in colour; those that cannot be read are named at once."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePath

import numpy
import psutil
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from influencelab.data.affordable import SHARE, available
from influencelab.errors import InvalidData, InvalidParameter

# Endings of files that count as pictures, in small letters.
SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
# What Pillow raises for a file that is damaged, or no picture.
DAMAGES = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, OverflowError)
TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Pictures that an error names at most, and letters of the reason.
SHOWN, LETTERS = 8, 80
# Values of 16 bits for one of 8.
STEPS = 257
COLOURS = 3


def is_picture(name: str) -> bool:
    """Whether a file counts as a picture: it is not hidden, and its name ends as one's does."""
    path = PurePath(name)
    return not path.name.startswith(".") and path.suffix.lower() in SUFFIXES


def squares(files: Mapping[str, bytes | Path], *, side: int, place: str) -> UInt8[numpy.ndarray, "n 3 side side"]:
    """Each picture with its short side resized to so many pixels (bilinear), and the middle square of it.

    Args:
        files: bytes of each file, or its path, by the name that an error gives.
        side: pixels a side.
        place: where the files lie, for an error.

    Raises:
        InvalidParameter: no side.
        InvalidData: pictures that cannot be read, or more of them than memory holds.
    """
    if side < 1:
        raise InvalidParameter(f"side is {side}, expected 1 pixel or more, such as 64.")
    if (taken := 8 * len(files) * COLOURS * side**2) > available():
        raise InvalidData(
            f"{place} has {len(files):,} pictures, which take {taken / 2**30:,.1f} GB at {side} pixels a side; "
            f"expected at most {SHARE:.0%} of the {psutil.virtual_memory().available / 2**30:,.1f} GB of memory that "
            "are free. Ask for a smaller `side`."
        )
    found = numpy.empty((len(files), COLOURS, side, side), dtype=numpy.uint8)
    failures = {}
    for row, (name, held) in enumerate(files.items()):
        try:
            found[row] = square(held, side=side)
        except (*DAMAGES, *TOO_LARGE) as error:
            failures[name] = reason(error)
    if failures:
        listed = "; ".join(f"{shown(name)} ({why})" for name, why in list(failures.items())[:SHOWN])
        raise InvalidData(
            f"{len(failures)} of {len(files)} pictures in {place} cannot be read: {listed}"
            f"{'; …' if len(failures) > SHOWN else ''}. Replace or delete {'them' if len(failures) > 1 else 'it'}."
        )
    # Whoever reads them shares them.
    found.setflags(write=False)
    return found


def square(held: bytes | Path, *, side: int) -> UInt8[numpy.ndarray, "3 side side"]:
    """The middle square of one picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(held) if isinstance(held, bytes) else held) as opened:
            coloured = in_colour(ImageOps.exif_transpose(opened))
            fitted = ImageOps.fit(coloured, (side, side), method=Image.Resampling.BILINEAR)
            return numpy.asarray(fitted).transpose(2, 0, 1)


def in_colour(picture: Image.Image) -> Image.Image:
    """The picture in red, green and blue: grey with three equal ones, what is transparent on white."""
    if picture.mode == "F":
        raise ValueError("real numbers, expected pixels of 8 or 16 bits")
    if picture.mode.startswith("I"):
        grey = numpy.asarray(picture).clip(0, STEPS * 255) // STEPS
        return Image.fromarray(grey.astype(numpy.uint8)).convert("RGB")
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
    return picture.convert("RGB")


def reason(error: Exception) -> str:
    """Why a picture cannot be read, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "damaged, or no picture"
    if isinstance(error, TOO_LARGE):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split())[:LETTERS].rstrip(".") or type(error).__name__


def shown(name: str) -> str:
    """A name as text, whatever bytes a file system has for it."""
    return os.fsencode(name).decode(errors="replace")
