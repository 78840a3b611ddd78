"""Paths and messages for the screen, relative to the working folder where possible."""

from pathlib import Path


def shown(path: Path) -> str:
    """A path, relative to the working folder if it is in it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def shortened(message: str) -> str:
    """A message with the working folder left out of its paths."""
    return message.replace(f"{Path.cwd()}/", "")
