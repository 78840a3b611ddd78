"""Pictures as an explorer keeps them: in 256 levels, none larger than it is shown, side by side in one PNG."""

import io

import numpy
from jaxtyping import Float, Num, UInt8
from PIL import Image

# Pictures a row of a sprite sheet.
COLUMNS = 40
# Pixels of the longer side beyond which pictures are made smaller.
LARGEST = 96


def laid_out(values: Num[numpy.ndarray, " k *shape"]) -> Float[numpy.ndarray, "k h w *colours"]:
    """Pictures with their three colours on the last axis, or one grey, wherever their colours stood."""
    found = values.astype(numpy.float64)
    if found.ndim == 4 and 3 in found.shape[1::2]:
        return numpy.moveaxis(found, 1, -1) if found.shape[1] == 3 else found
    found = found.mean(1) if found.ndim == 4 and found.shape[1] <= 4 else found
    return found.mean(-1) if found.ndim == 4 else found


def levels(values: Float[numpy.ndarray, " k *shape"], low: float, high: float) -> UInt8[numpy.ndarray, " k *shape"]:
    """Values as levels 0 … 255 from `low` to `high`; what lies beyond is cut."""
    return numpy.round(255 * (numpy.clip(values, low, high) - low) / max(high - low, 1e-300)).astype(numpy.uint8)


def blocks(values: Float[numpy.ndarray, "k h w *colours"], largest: int) -> Float[numpy.ndarray, "k i a j b *colours"]:
    """Pictures parted into square blocks of pixels, as large as makes no side longer than `largest`; edges are cut."""
    count, height, width, *colours = values.shape
    size = -(-max(height, width) // largest)
    down, across = height // size, width // size
    return values[:, : down * size, : across * size].reshape(count, down, size, across, size, *colours)


def smaller(values: Float[numpy.ndarray, "k h w *colours"], largest: int = LARGEST) -> numpy.ndarray:
    """Pictures of which no side is longer: the means of blocks."""
    return values if max(values.shape[1:3]) <= largest else blocks(values, largest).mean((2, 4))


def sprite_sheet(pictures: UInt8[numpy.ndarray, "k h w *colours"]) -> bytes:
    """All pictures side by side in one PNG, `COLUMNS` a row."""
    count, height, width, *colours = pictures.shape
    rows = -(-count // COLUMNS)
    sheet = numpy.zeros((rows * COLUMNS, height, width, *colours), numpy.uint8)
    sheet[:count] = pictures
    sheet = sheet.reshape(rows, COLUMNS, height, width, *colours).swapaxes(1, 2)
    file = io.BytesIO()
    Image.fromarray(sheet.reshape(rows * height, COLUMNS * width, *colours)).save(file, "PNG", optimize=True)
    return file.getvalue()


def pictures_in(file: bytes, *, count: int, shape: tuple[int, ...]) -> UInt8[numpy.ndarray, "k h w *colours"]:
    """The first `count` pictures of a sprite sheet."""
    height, width = shape
    sheet = numpy.asarray(Image.open(io.BytesIO(file)))
    colours = sheet.shape[2:]
    apart = sheet.reshape(-1, height, COLUMNS, width, *colours).swapaxes(1, 2)
    return apart.reshape(-1, height, width, *colours)[:count]
