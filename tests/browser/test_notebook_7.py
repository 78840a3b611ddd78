"""The studies in Jupyter Notebook 7, which has neither launcher nor tabs: by the command palette, and in the bar."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.lab import opened, state
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
    opened(page, "slow").get_by_role("button", name="Run", exact=True).click()
    slow = panel.locator(".il-run").first
    state(slow, is_="running")
    page.screenshot(path=Path(output_path) / "notebook.png")
    commanded(page, "Stop All Runs")
    state(slow, is_="cancelled")
    panel.get_by_role("button", name="All studies").click()
    expect(panel.get_by_role("heading", name="Studies", exact=True)).to_be_focused()
    expect(slow).to_have_count(0)
    (notebook.root / "studies" / "another.ipynb").write_bytes((notebook.root / "studies" / "fine.ipynb").read_bytes())
    commanded(page, "Look for Studies and Results Again")
    expect(panel.locator("[data-study=another]")).to_be_visible()
    (notebook.root / "studies" / "another.ipynb").unlink()
    shown = opened(page, "fine")
    with page.context.expect_page() as another:
        shown.get_by_role("button", name="Open the notebook").click()
    assert "/notebooks/studies/fine.ipynb" in another.value.url
    assert [complaint for complaint in heard if ITS_OWN not in complaint] == []
    notebook.end_kernels()
