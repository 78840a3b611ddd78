"""The explorer on a page: what it says of itself, what it has drawn, and hands that use it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

# Milliseconds until an explorer is drawn; a busy machine needs more than the half second it takes.
READY = 600_000
DRAWN = """(canvas) => {
  const {width, height} = canvas, data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  let coloured = 0, hash = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue] = data.subarray(i, i + 3);
    coloured += Math.max(red, green, blue) - Math.min(red, green, blue) > 40;
    hash = (hash * 31 + red + 256 * green + 65536 * blue) | 0;
  }
  return {width, height, coloured, hash};
}"""
SHOWN = """(root) => {
  const {rows, x, y} = root.explorer.shown();
  return {rows: [...rows], x: [...x], y: [...y], places: [...x].map((value, i) => root.explorer.place(value, y[i]))};
}"""


@dataclass(frozen=True)
class Shown:
    """The drawn pairs.

    Attributes:
        rows: their numbers.
        x: what was predicted.
        y: what happened.
        places: where on the page each is drawn, in pixels.
    """

    rows: list[int]
    x: list[float]
    y: list[float]
    places: list[tuple[float, float]]


@dataclass(frozen=True)
class Explorer:
    """One explorer on a page.

    Attributes:
        page: the browser's page.
        root: its outermost element.
    """

    page: Page
    root: Locator

    @property
    def surface(self) -> Locator:
        """What is drawn on, and takes the keyboard."""
        return self.root.locator(".ile-surface")

    @property
    def settings(self) -> dict[str, Any]:
        """What is looked at."""
        return json.loads(self.root.get_attribute("data-settings") or "{}")

    @property
    def statistics(self) -> dict[str, Any]:
        """The statistics to the last digit, as the table beside the plot shows them shortened."""
        return json.loads(self.root.locator(".ile-readings").get_attribute("data-statistics") or "{}")

    @property
    def retrained(self) -> list[dict[str, float]]:
        """Where diamonds are drawn."""
        return json.loads(self.root.get_attribute("data-retrained") or "[]")

    def milliseconds(self, what: str) -> float:
        """How long it took to draw (`draw`), to draw for the first time (`first`), to hover or to lasso."""
        return float(self.root.get_attribute(f"data-{what}-ms") or "nan")

    def drawn(self) -> dict[str, int]:
        """What the canvas holds: its size, how many pixels are coloured, and a number that tells pictures apart."""
        return self.root.locator("canvas.ile-points").evaluate(DRAWN)

    def drawn_anew(self, like: Callable[[int], bool]) -> dict[str, int]:
        """What the canvas holds once its number is such a one: it is drawn some time after what made it change."""
        for _ in range(600):
            if like(self.drawn()["hash"]):
                break
            self.page.wait_for_timeout(100)
        drawn = self.drawn()
        assert like(drawn["hash"])
        return drawn

    def shown(self) -> Shown:
        """Every drawn pair, and where."""
        self.surface.scroll_into_view_if_needed()
        box = self.surface.bounding_box()
        assert box is not None
        found = self.root.evaluate(SHOWN)
        found["places"] = [(box["x"] + x, box["y"] + y) for x, y in found["places"]]
        return Shown(**found)

    def choose(self, setting: str, value: str) -> None:
        """Choose from one of the lists."""
        self.root.locator(f"select[data-name='{setting}']").select_option(label=value)

    def lasso(self, left: float, top: float, right: float, bottom: float) -> None:
        """Draw around a part of the plot, shift held; shares of the plot from its upper left corner."""
        self.surface.scroll_into_view_if_needed()
        box = self.surface.bounding_box()
        assert box is not None
        corners = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"])
            for x, y in ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        ]
        self.page.keyboard.down("Shift")
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner, steps=8)
        self.page.mouse.up()
        self.page.keyboard.up("Shift")
        expect(self.root).not_to_have_attribute("data-busy", "true")


def explorer_in(page: Page, within: Locator | None = None) -> Explorer:
    """The explorer of a page or of a part of it, once it is drawn."""
    root = (within or page.locator("body")).locator(".ile")
    expect(root).to_have_attribute("data-ready", "true", timeout=READY)
    return Explorer(page, root)
