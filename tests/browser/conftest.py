"""One JupyterLab and one Chromium for all browser tests; no page reaches any other machine."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.lab import dressed, furnished, installed
from browser.panel import Panel, complaints, opened
from browser.server import Server, serving
from playwright.sync_api import Page

# Said by JupyterLab's own manager of widgets on a busy machine: where a kernel connects before its notebook was read,
# the widgets that were saved in it are not looked for, and show when it is opened again.
TOO_EARLY = "widget model not found"
REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, for which every host but this machine does not exist."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is missing. `make test-browser` installs it, or install your system's chromium.")
    # A proxy would look names up itself, past the rules.
    rules = ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--no-proxy-server", "--disable-gpu"]
    return browser_type_launch_args | {"executable_path": chromium, "args": rules}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The window of a common laptop."""
    return browser_context_args | {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="session")
def server(jupyter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab on a copy of the studies, so that what a test runs or breaks stays out of the checkout."""
    root = tmp_path_factory.mktemp("checkout")
    unwanted = shutil.ignore_patterns(".ipynb_checkpoints")
    studies = shutil.copytree(REPOSITORY / "studies", root / "studies", ignore=unwanted)
    (root / "results").mkdir()
    with serving(studies, home=jupyter_home) as running:
        yield running


@pytest.fixture
def open_notebook(page: Page, server: Server, output_path: str) -> Iterator[Callable[[Path], Panel]]:
    """Opens a notebook below the server's root. The page may not complain, and at the end no kernel is left."""
    heard = complaints(page)
    pictures = Path(output_path)

    def begin(notebook: Path) -> Panel:
        panel = opened(page, server.url(notebook), pictures)
        # Servers share the user's settings, and the test before may have left them in the dark.
        dressed(page, "JupyterLab Light")
        return panel

    yield begin
    page.screenshot(path=pictures / "as_left.png")
    complained = [complaint for complaint in heard if TOO_EARLY not in complaint]
    # From here on the page may complain that its kernel is gone.
    server.end_kernels()
    assert complained == []


@pytest.fixture(scope="module")
def checkout(jupyter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real studies and some that fail, wait or never end; the panel as it is committed."""
    installed(jupyter_home)
    return furnished(tmp_path_factory.mktemp("panel"))


@pytest.fixture(scope="module")
def lab(checkout: Path, jupyter_home: Path) -> Iterator[Server]:
    """JupyterLab with the panel."""
    with serving(checkout / "studies", home=jupyter_home) as running:
        yield running


@pytest.fixture
def heard(page: Page) -> Iterator[None]:
    """The page may not complain."""
    found = complaints(page)
    yield
    # A page in JupyterLab's viewer runs its scripts once a person trusts it.
    assert [complaint for complaint in found if "'allow-scripts' permission is not set" not in complaint] == []
