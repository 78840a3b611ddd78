"""The panel and its commands in Jupyter Notebook 7, which has no launcher: by the command palette."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.lab import state
from browser.panel import IDLE, OPEN, complaints
from browser.server import Server, serving
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

# Whatever Notebook's own files say, with the panel and without, such as of settings that come before what they set.
ITS_OWN = "/static/notebook/"

# The page knows its commands before it listens to the keyboard.
LISTENS = """() => window.jupyterapp?.commands.keyBindings
    .some((binding) => binding.command === 'apputils:activate-command-palette')"""
# A place, and when it has what it shows: it takes the keyboard as that comes.
PLACES = {"tree": "() => document.querySelector('.jp-DirListing-item')", "notebooks/studies/fine.ipynb": IDLE}


@pytest.fixture(scope="module")
def notebook(checkout: Path, jupyter_home: Path) -> Iterator[Server]:
    """Jupyter Notebook with the panel."""
    with serving(checkout / "studies", home=jupyter_home, notebook=True) as running:
        yield running


def commanded(page: Page, command: str) -> Locator:
    """The panel, after a command of the palette, by the keyboard."""
    page.wait_for_function(LISTENS, timeout=OPEN)
    page.keyboard.press("ControlOrMeta+Shift+C")
    palette = page.locator(".lm-CommandPalette-input")
    expect(palette).to_be_focused()
    page.keyboard.type(command)
    expect(page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text(command)
    page.keyboard.press("Enter")
    return page.locator(".il-panel")


@pytest.mark.parametrize("place", PLACES)
def test_the_palette_shows_the_studies_runs_one_and_cancels(
    page: Page, notebook: Server, place: str, output_path: str
) -> None:
    heard = complaints(page)
    page.goto(f"{notebook.address}/{place}?token={notebook.token}")
    page.wait_for_function(PLACES[place], timeout=OPEN)
    page.evaluate("() => window.jupyterapp.restored.then(() => null)")
    panel = commanded(page, "Show the Studies")
    expect(panel.locator("[data-study=fine]")).to_be_visible(timeout=OPEN)
    panel.locator("[data-study=slow]").click()
    panel.get_by_role("button", name="Run", exact=True).click()
    slow = panel.locator(".il-run").first
    state(slow, is_="running")
    page.screenshot(path=Path(output_path) / "notebook.png")
    commanded(page, "Cancel All Runs")
    state(slow, is_="cancelled")
    panel.get_by_role("button", name="All studies").click()
    (notebook.root / "studies" / "another.ipynb").write_bytes((notebook.root / "studies" / "fine.ipynb").read_bytes())
    commanded(page, "Look for Studies and Results Again")
    expect(panel.locator("[data-study=another]")).to_be_visible()
    (notebook.root / "studies" / "another.ipynb").unlink()
    with page.context.expect_page() as opened:
        panel.locator("[data-study=fine]").click()
        panel.get_by_role("button", name="Open the notebook").click()
    assert "/notebooks/studies/fine.ipynb" in opened.value.url
    assert [complaint for complaint in heard if ITS_OWN not in complaint] == []
    notebook.end_kernels()
