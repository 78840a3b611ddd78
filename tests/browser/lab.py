"""The list of studies and their pages in JupyterLab: opened, used and waited for as a person does."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser.panel import OPEN
from browser.server import FIRST, PYTHON, Server
from playwright.sync_api import Locator, Page, Response, expect

REPOSITORY = Path(__file__).parent.parent.parent
LAB = REPOSITORY / "influencelab" / "app" / "lab"
# Milliseconds a tiny study may take; fifteen seconds on two idle cores.
TINY = 600_000
THEMES = ("JupyterLab Light", "JupyterLab Dark")


def installed(jupyter_home: Path) -> None:
    """Put the panel where Jupyter looks first, as it is committed; an environment of LAB_PYTHON brings its own."""
    if sys.executable == PYTHON:
        shutil.copytree(
            LAB / "labextension", jupyter_home / FIRST / "labextensions" / "influencelab", dirs_exist_ok=True
        )
        enabled = jupyter_home / "config" / "jupyter_server_config.d"
        enabled.mkdir(parents=True, exist_ok=True)
        shutil.copy(LAB / "server.json", enabled / "influencelab.json")


def furnished(root: Path) -> Path:
    """A folder with two real studies and some that fail, wait or never end."""
    shutil.copytree(REPOSITORY / "tests" / "support" / "notebooks", root / "studies")
    for name in ("leave_one_out", "explore"):
        shutil.copy(REPOSITORY / "studies" / f"{name}.ipynb", root / "studies")
    (root / "results").mkdir()
    return root


def entered(page: Page, server: Server) -> Locator:
    """The list of studies, opened by its card on the launcher."""
    page.goto(f"{server.address}/lab?reset&token={server.token}")
    page.locator(".jp-LauncherCard", has_text="Studies").click(timeout=OPEN)
    panel = page.locator(".il-panel")
    expect(panel.get_by_role("list", name="Studies")).to_be_visible(timeout=OPEN)
    return panel


def opened(page: Page, study: str) -> Locator:
    """The page of a study, opened from the list."""
    page.locator(f".il-panel [data-study={study}]").click()
    return known(page, study)


def known(page: Page, study: str) -> Locator:
    """The page of a study that is open, once it has been told of all runs: before that there seem to be none."""
    shown = page.get_by_role("region", name=f"Study {study}", exact=True)
    expect(shown.get_by_role("list", name="Runs", exact=True)).to_have_attribute("aria-busy", "false", timeout=OPEN)
    expect(shown.get_by_label("Profile (size)")).to_be_visible(timeout=OPEN)
    return shown


@contextmanager
def remembered(page: Page, study: str) -> Iterator[None]:
    """What opens a study, and then JupyterLab's layout with that study in it, saved."""

    def held(response: Response) -> bool:
        asked = response.request
        return "api/workspaces" in asked.url and asked.method == "PUT" and f"lab:{study}" in (asked.post_data or "")

    with page.expect_response(held, timeout=OPEN):
        yield


def names(shown: Locator) -> list[str]:
    """The runs that a page shows, the newest first."""
    return shown.locator(".il-run").evaluate_all("(cards) => cards.map((card) => card.dataset.run)")


def started(page: Page, study: str, **values: str) -> Locator:
    """The card of a run of a study at its smallest size, started by the form of its page."""
    shown = opened(page, study)
    shown.get_by_label("Profile (size)").select_option("tiny")
    for name, value in values.items():
        shown.locator(f"input[name={name}]").fill(value)
    before = names(shown)
    shown.get_by_role("button", name="Run", exact=True).click()
    expect(shown.locator(".il-run")).to_have_count(len(before) + 1)
    (name,) = set(names(shown)) - set(before)
    return page.locator(f"[data-run='{name}']")


def result(page: Page, card: Locator, study: str) -> Locator:
    """The result of a run that is done, shown by its button."""
    state(card, is_="done")
    card.get_by_role("button", name="Show the result").click()
    shown = page.get_by_role("region", name=f"Study {study}", exact=True)
    expect(shown.get_by_role("heading", name="Results")).to_be_focused()
    return shown.get_by_role("article", name=f"Result of {study}")


def box(part: Locator) -> dict[str, float]:
    """Where a part of the page is, in pixels: `x`, `y`, `width` and `height`."""
    return part.evaluate("(node) => node.getBoundingClientRect().toJSON()")


def dressed(page: Page, theme: str) -> None:
    """Change JupyterLab's theme."""
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme, timeout=OPEN)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=OPEN)


def state(card: Locator, *, is_: str, timeout: float = TINY) -> None:
    """Wait until a run is in a state."""
    expect(card).to_have_attribute("data-state", is_, timeout=timeout)
