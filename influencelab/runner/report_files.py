"""Files of a report that are for people to look at, and the size that no file of it may pass."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from influencelab.errors import InvalidData

# Committed results stay small: a table of pairs or a figure of more bytes than this is refused.
LARGEST = 10**6


def save_figure(folder: Path, name: str, figure: Figure) -> None:
    """Write a figure of a report, as SVG and as PNG; an InvalidData error where the SVG is too large to commit."""
    path = folder / "figures" / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    # No date and no random ids: the same figure is the same file.
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(path, metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), dpi=150, metadata={"Software": None})
    refuse_large(path, cure="Draw its points with rasterized=True.")


def refuse_large(path: Path, *, cure: str) -> None:
    """Remove and refuse a file that is too large to commit."""
    size = path.stat().st_size
    if size > LARGEST:
        path.unlink()
        raise InvalidData(
            f"{path.name} takes {size / 10**6:.1f} MB, more than the {LARGEST / 10**6:.0f} MB kept. {cure}"
        )
