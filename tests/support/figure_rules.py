"""What in a figure a stranger could not read: labels, units, ticks, letters, texts over points, and its caption."""

import itertools
import re
from collections.abc import Iterator

import numpy
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

WIDEST, SMALLEST, DIGITS, SENTENCES = 9.0, 9, 3, 2
# A label has a unit in brackets, or is of a quantity that has none.
UNITS = r"\(.+\)|layers|units|correlation|share|slope|rate|weight decay|residual|the same|\|mean\|"


def faults(figure: Figure) -> list[str]:
    """Every breach of the house style, in words; empty where there is none."""
    figure.draw_without_rendering()
    panels = [axis for axis in figure.axes if axis.axison]
    found = [*caption_faults(figure.get_label()), *text_faults(figure)]
    if figure.get_size_inches()[0] > WIDEST:
        found.append(f"{figure.get_size_inches()[0]:.1f} inches wide")
    for axis in panels:
        for side in (axis.xaxis, axis.yaxis):
            found += axis_faults(side, panels)
        found += covered(axis)
    return found


def caption_faults(caption: str) -> Iterator[str]:
    """A caption is there, of two sentences, in words."""
    sentences = len(re.findall(r"[.!?](?: |$)", caption))
    if not 1 <= sentences <= SENTENCES or "_" in caption:
        yield f"a caption of {sentences} sentences: {caption!r}"


def text_faults(figure: Figure) -> Iterator[str]:
    """No underscore, no small letters, few digits, and every title and label on the canvas and clear of the others."""
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    canvas = figure.bbox.padded(2)
    for text in shown:
        words = text.get_text()
        if "_" in words:
            yield f"an underscore in {words!r}"
        if text.get_fontsize() < SMALLEST:
            yield f"letters of {text.get_fontsize()} points in {words!r}"
        if long := [
            number for number in re.findall(r"\d*\.\d+", words) if len(number.replace(".", "").lstrip("0")) > DIGITS
        ]:
            yield f"{long[0]} has more than {DIGITS} digits"
    titles = [each for axis in figure.axes if axis.axison for each in titles_of(axis) if each.get_text()]
    boxes = [each.get_window_extent() for each in titles]
    for text, box in zip(titles, boxes, strict=True):
        if not (canvas.x0 <= box.x0 and canvas.y0 <= box.y0 and box.x1 <= canvas.x1 and box.y1 <= canvas.y1):
            yield f"{text.get_text()!r} is cut off"
    for (one, left), (two, right) in itertools.combinations(zip(titles, boxes, strict=True), 2):
        if left.padded(-2).overlaps(right.padded(-2)):
            yield f"{one.get_text()!r} overlaps {two.get_text()!r}"


def titles_of(axis: Axes) -> list[Text]:
    """Titles and labels of a panel."""
    titles = [child for child in axis.get_children() if isinstance(child, Text) and child not in axis.texts]
    return [*titles, axis.xaxis.label, axis.yaxis.label]


def axis_faults(side: Axis, panels: list[Axes]) -> Iterator[str]:
    """A label with a unit, and two labelled ticks inside the limits, none on another; of shared axes one has them."""
    labels = [tick.label1 if tick.label1.get_visible() else tick.label2 for tick in side.get_major_ticks()]
    low, high = sorted(side.get_view_interval())
    inside = [
        label
        for label, place in zip(labels, side.get_majorticklocs(), strict=False)
        if label.get_visible() and label.get_text() and low - 1e-9 <= place <= high + 1e-9
    ]
    if not any(label.get_visible() for label in labels):
        siblings = side.axes.get_shared_x_axes() if side.axis_name == "x" else side.axes.get_shared_y_axes()
        if not [axis for axis in siblings.get_siblings(side.axes) if axis is not side.axes and axis in panels]:
            yield f"no tick labels on {side.axes.get_title()!r}"
        return
    words = side.get_label_text()
    if not re.search(UNITS, " ".join(words.split())):
        yield f"no label with a unit: {words!r}"
    if ("predicted change" in words) != (side.axis_name == "x") and words.startswith(("predicted ch", "actual ch")):
        yield f"{words!r} is on the {side.axis_name} axis"
    # Of names, such as data sets, there may be one; of numbers two make a scale.
    names = any(re.search("[a-z]", label.get_text()) for label in inside)
    places = numpy.unique(numpy.concatenate([*data_of(side), numpy.zeros(0)]))
    if not inside or (len(inside) < 2 and len(places) > 1 and not names):
        yield f"{len(inside)} labelled ticks on {words!r}"
    boxes = [label.get_window_extent() for label in inside]
    for one, two in itertools.pairwise(boxes):
        if one.overlaps(two):
            yield f"tick labels of {words!r} overlap"


def data_of(side: Axis) -> list[numpy.ndarray]:
    """Where the marks of lines and points stand along one axis."""
    column = 0 if side.axis_name == "x" else 1
    found = [
        numpy.asarray(line.get_xydata(), dtype=float)[:, column] for line in side.axes.lines if len(line.get_xdata())
    ]
    points = [numpy.asarray(each.get_offsets(), dtype=float) for each in side.axes.collections]
    return found + [each[:, column] for each in points if len(each)]


def covered(axis: Axes) -> Iterator[str]:
    """Texts inside a panel that stand on its points."""
    points = [
        numpy.asarray(line.get_xydata(), dtype=float) for line in axis.lines if line.get_transform() == axis.transData
    ]
    points += [numpy.asarray(each.get_offsets(), dtype=float) for each in axis.collections if len(each.get_offsets())]
    places = axis.transData.transform(numpy.concatenate(points)) if points else numpy.zeros((0, 2))
    for text in axis.texts:
        box = text.get_window_extent()
        if any(box.contains(*place) for place in places):
            yield f"{text.get_text()!r} stands on points"
