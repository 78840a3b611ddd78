"""Files of JSON, which is strict, and of text: written completely or not at all."""

import json
import math
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from influencelab.errors import InvalidParameter, MissingData


def to_jsonable(value: Any) -> Any:
    """A value as strict JSON can hold it.

    Tuples become lists, NumPy and torch scalars Python ones, and numbers that are not finite the text `nan`, `inf`
    or `-inf`, which `float` reads back.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return to_jsonable(value.item())
    raise InvalidParameter(
        f"A {type(value).__name__} cannot be written as JSON: give a number, text, a list or a dictionary of them."
    )


def write(path: Path, value: Any) -> None:
    """Write a value; a reader sees the old file or the new one, never half of it."""
    write_text(path, json.dumps(to_jsonable(value), indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text of any kind likewise; what is no file, such as a device, is written to as it stands."""
    place = path.resolve()
    if place.exists() and not place.is_file():
        place.write_text(text, encoding="utf-8")
        return
    # Not by the number of this process, which another may have too that shares the disk.
    partial = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(place)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read(path: Path) -> dict[str, Any]:
    """Read an object; a MissingData error where there is no such file, or no object in it."""
    if not path.is_file():
        raise MissingData(f"{path} is missing. Delete the folder it should be in, or run the study again.")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MissingData(f"{path} is damaged ({error}). Delete its folder, or run the study again.") from error
    if not isinstance(value, dict):
        raise MissingData(f"{path} holds a {type(value).__name__}, expected an object. Run the study again.")
    return value
