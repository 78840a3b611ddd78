"""The panel of studies on a page of JupyterLab: opened, used and waited for as a person does."""

import shutil
import sys
from pathlib import Path

from browser.panel import OPEN
from browser.server import PYTHON, Server
from playwright.sync_api import Locator, Page, expect

REPOSITORY = Path(__file__).parent.parent.parent
LAB = REPOSITORY / "influencelab" / "app" / "lab"
# Milliseconds a tiny study may take; fifteen seconds on two idle cores.
TINY = 600_000
THEMES = ("JupyterLab Light", "JupyterLab Dark")


def installed(jupyter_home: Path) -> None:
    """Put the panel where Jupyter looks first, as it is committed; an environment of LAB_PYTHON brings its own."""
    if sys.executable == PYTHON:
        shutil.copytree(
            LAB / "labextension", jupyter_home / "data" / "labextensions" / "influencelab", dirs_exist_ok=True
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
    """The panel, opened by its card on the launcher."""
    page.goto(f"{server.address}/lab?reset&token={server.token}")
    return launched(page)


def launched(page: Page) -> Locator:
    """The panel, opened by its card on the launcher that the page shows."""
    page.locator(".jp-LauncherCard", has_text="Studies").click(timeout=OPEN)
    panel = page.locator(".il-panel")
    expect(panel.get_by_role("heading", name="Studies", exact=True)).to_be_visible(timeout=OPEN)
    return known(panel)


def known(panel: Locator) -> Locator:
    """The panel, once it has been told of all runs: before that there seem to be none."""
    expect(panel.get_by_role("list", name="Runs")).to_have_attribute("aria-busy", "false", timeout=OPEN)
    return panel


def names(panel: Locator) -> list[str]:
    """The runs that the panel shows, the newest first."""
    return panel.locator(".il-run").evaluate_all("(cards) => cards.map((card) => card.dataset.run)")


def started(panel: Locator, study: str, **values: str) -> Locator:
    """The card of a run of a study at its smallest size, started by its form."""
    back = panel.get_by_role("button", name="All studies")
    if back.is_visible():
        back.click()
    panel.locator(f"[data-study={study}]").click()
    panel.get_by_label("Profile (size)").select_option("tiny")
    for name, value in values.items():
        panel.locator(f"input[name={name}]").fill(value)
    before = names(panel)
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(panel.locator(".il-run")).to_have_count(len(before) + 1)
    (name,) = set(names(panel)) - set(before)
    return panel.locator(f"[data-run='{name}']")


def dressed(page: Page, theme: str) -> None:
    """Change JupyterLab's theme."""
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme, timeout=OPEN)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=OPEN)


def state(card: Locator, *, is_: str, timeout: float = TINY) -> None:
    """Wait until a run is in a state."""
    expect(card).to_have_attribute("data-state", is_, timeout=timeout)
