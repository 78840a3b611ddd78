"""An estimate in a notebook: the training points that matter most to the first test points, as pictures or by name."""

import base64
import io
from html import escape

import numpy
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from influencelab.data.dataset import Dataset, by_name
from influencelab.influence.table import array, ends
from influencelab.training.fit import Fit

# Test points that are shown, and training points of each effect on one.
TESTS, EACH = 3, 3
# Pixels a side from which on pictures are made smaller, and at which all are shown.
LARGEST, SIDE = 32, 48
# Letters of a name.
LETTERS = 24
ITEM = "display:inline-block;vertical-align:top;text-align:center;line-height:1.3;margin-right:10px;"
ITEM += "min-width:70px;max-width:150px"
PICTURE = f"height:{SIDE}px;image-rendering:pixelated;display:block;margin:0 auto 2px;border:1px solid #8888"
LEFT = "text-align:left;vertical-align:top"
CAPTION = "text-align:left;padding-top:12px;white-space:nowrap"


def shown(fit: Fit, values: Float[Tensor, "n m"], *, unit: str) -> str:
    """A table in HTML: a row for each of the first test points, what lowers and what raises it most in the others."""
    data, columns = fit.data, fit.measure.columns(fit.task, fit.data)
    m, count = values.shape[1], min(TESTS, values.shape[1])
    found = [ends(fit, array(values[:, test]), k=EACH) for test in range(count)]
    pictures = pictures_of(data, sorted({int(row) for each in found for rows in each.values() for row in rows}), count)
    names = by_name(array(columns.ids[:count]), columns.names)
    lines = []
    for test, effects in enumerate(found):
        words, picture = [name_of(names[test], columns.names)], None
        if columns.points:
            words, picture = [*words, label(data, columns.labels[test])], pictures.get(("test", test))
        others = (points(fit, values[:, test], rows, pictures) for rows in effects.values())
        lines.append("".join(f'<td style="{LEFT}">{cell}</td>' for cell in (item(words, picture), *others)))
    heads = ["test point" if columns.points else "watched", *(f"most {name}" for name in fit.measure.effects)]
    head = "".join(f'<th style="{LEFT}">{each}</th>' for each in heads)
    rows = "".join(f"<tr>{line}</tr>" for line in lines)
    noun = fit.measure.noun if count == m else f"the first {count:,} of {m:,} {fit.measure.noun}"
    what = "score, which has no unit" if unit == "none" else f"predicted rise without it, in {unit}"
    caption = escape(f"What moves {noun}: each training point with the {what}")
    parts = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<table><caption style="{CAPTION}">{caption}</caption>{parts}</table>'


def points(fit: Fit, values: Float[Tensor, " n"], rows: numpy.ndarray, pictures: dict[tuple[str, int], str]) -> str:
    """Training points side by side, each with its name, label and value."""
    data, ids = fit.data, fit.data.shown_ids("train")
    items = []
    for row in map(int, rows):
        value = f"{float(values[row]):+.3g}".replace("-", "−")
        words = [name_of(ids[row], data.train_names), label(data, data.y_train[row]), f"<b>{value}</b>"]
        items.append(item(words, pictures.get(("train", row))))
    return "".join(items) or "none"


def item(words: list[str], picture: str | None) -> str:
    """One point: its picture, if there is one, above its words."""
    image = f'<img alt="" style="{PICTURE}" src="data:image/png;base64,{picture}">' if picture else ""
    return f'<span style="{ITEM}">{image}{"<br>".join(words)}</span>'


def name_of(identity: object, names: tuple[str, ...]) -> str:
    """A point by its name, or by its id."""
    return short(str(identity)) if names else f"id {identity}"


def label(data: Dataset, y: Tensor) -> str:
    """The class or the target of a point."""
    if data.class_names:
        return short(data.class_names[int(y)])
    if y.dim():
        return short(str(data.shown_labels(y[None])[0]))
    return f"class {int(y)}" if data.classes else f"target {float(y):.4g}"


def short(text: str) -> str:
    """A name as HTML, cut where it is long."""
    return escape(text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…")


def pictures_of(data: Dataset, rows: list[int], tests: int) -> dict[tuple[str, int], str]:
    """Training points `rows` and the first test points as small PNG files in base64; none where data are no images."""
    train, test = grey(array(data.x_train[rows])), grey(array(data.x_test[:tests]))
    if train is None or test is None:
        return {}
    both = numpy.concatenate([train, test])
    low, high = both.min(), both.max()
    bytes_of = numpy.round(255 * (both - low) / max(high - low, 1e-300)).astype(numpy.uint8)
    keys = [*(("train", row) for row in rows), *(("test", test) for test in range(tests))]
    return {key: encoded(picture) for key, picture in zip(keys, bytes_of, strict=True)}


def grey(x: numpy.ndarray) -> numpy.ndarray | None:
    """Points as pictures of one channel, colours mixed, wherever they stand; None where they are no pictures."""
    if x.ndim == 4:
        x = x.mean(1) if x.shape[1] <= 4 else x.mean(-1) if x.shape[-1] <= 4 else x[:, :0]
    return x.astype(numpy.float64) if x.ndim == 3 and min(x.shape[1:]) > 1 else None


def encoded(picture: UInt8[numpy.ndarray, "h w"]) -> str:
    """A picture as PNG in base64, no larger than is needed to be seen."""
    image, file = Image.fromarray(picture), io.BytesIO()
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    image.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
