"""Notes on training points, by their ids or names, and the modes that data can be looked at in."""

from collections.abc import Mapping
from typing import Any

from influencelab.errors import InvalidParameter, WrongType, named, require
from influencelab.explorer.data import ExplorerData


def known_notes(data: ExplorerData, notes: Any) -> dict[int | str, str]:
    """The notes that say something, each under the id or name of its training point.

    Ids may be written as texts, which is how a browser sends them. A WrongType error where these are no notes, an
    InvalidParameter error where there is no such point.
    """
    require(notes, Mapping, what="notes", cure="Give a dict from ids to texts, such as {12: 'wrong label?'}.")
    known = {str(each): each for points in data.points.values() for each in points.called("train").tolist()}
    for point, text in notes.items():
        if str(point) not in known:
            raise InvalidParameter(f"A note is on point {point!r}, which is no training point here. Give its id.")
        if not isinstance(text, str):
            raise WrongType(f"The note on point {point!r} is {named(text)}, expected a text.")
    return {known[str(point)]: text for point, text in notes.items() if text}


def modes_of(data: ExplorerData) -> list[str]:
    """The modes that these data can be looked at in."""
    points = data.points.values()
    there = {
        "changes": any(each.changed for each in points),
        "features": any(each.kind == "features" for each in points) or any(each.contributions for each in data.tables),
        "curves": any(each.curves for each in data.tables),
    }
    return ["pair", "browse", *(name for name, here in there.items() if here)] if data.tables else ["pair"]


def known_mode(data: ExplorerData, mode: Any) -> str:
    """The mode; an InvalidParameter error where these data have no such mode."""
    if mode not in (modes := modes_of(data)):
        raise InvalidParameter(f"mode cannot be {mode!r}. These data can be looked at as: {', '.join(modes)}.")
    return mode
