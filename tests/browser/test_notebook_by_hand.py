"""A person opens a study in JupyterLab, runs it, and sees its figures and verdicts; its report is where it belongs."""

import re
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest
from browser.panel import Panel, complaints, pixels
from browser.server import Server, serving
from playwright.sync_api import Page, expect

from influencelab.runner.report import load
from influencelab.runner.verdict import VERDICTS
from influencelab.studies.catalogue import all_claims

pytestmark = pytest.mark.browser

STUDY = "leave_one_out"
NOTEBOOKS = Path(__file__).parents[1] / "support" / "notebooks"
# Seconds. The quick profile takes about 50 on two idle cores.
QUICK = 1800
TRUST = ".jp-StatusItem-trust"
DRAW = """(colour) => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 300;
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, 300, 300);
  context.strokeStyle = context.fillStyle = colour;
  context.arc(150, 150, 100, 0, 6);
  context.stroke();
  context.fillText('change in loss', 10, 20);
  return canvas.toDataURL();
}"""

Open = Callable[[Path], Panel]


@pytest.fixture(scope="module")
def executed(server: Server) -> Path:
    """The notebook as the command line ran it at the tiny profile, signed for this server's user."""
    where = ["--studies", str(server.root / "studies"), "--results", str(server.root / "results")]
    command = [sys.executable, "-m", "influencelab", "run", STUDY, "--profile", "tiny", *where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=QUICK, check=False)
    assert done.returncode == 0, done.stderr
    return server.root / "results" / STUDY / "tiny" / f"{STUDY}.ipynb"


def verdicts(panel: Panel) -> int:
    """The place of the cell that ends the study's report."""
    (index,) = [cell.index for cell in panel.code() if "draft.publish(" in cell.source]
    return index


def test_a_study_runs_from_top_to_bottom_and_shows_what_it_found(open_notebook: Open, server: Server) -> None:
    panel = open_notebook(server.root / "studies" / f"{STUDY}.ipynb")
    assert all(cell.count is None and not cell.outputs for cell in panel.code())

    panel.run_all(seconds=QUICK)
    assert [fault for cell in panel.code() for fault in cell.faults] == []
    assert [cell.count for cell in panel.code()] == list(range(1, len(panel.code()) + 1))
    panel.show(0)
    panel.picture("top")

    assert len(panel.figures()) >= 2
    for index in panel.figures():
        assert panel.pixels(index).drawn
        panel.picture(f"figure_{index}")

    rows = panel.table(verdicts(panel))
    panel.picture("end")
    claims = {claim.statement: claim for claim in all_claims() if claim.study == STUDY}
    assert {row["claim"] for row in rows} == set(claims)
    assert all(row["verdict"].partition(" (")[0].removesuffix(" at quick") in VERDICTS for row in rows)

    kept = load(server.root / "results" / STUDY / "quick").measurements
    measured = {row["claim"] for row in rows if row["measured"]}
    assert measured
    assert measured == {name for name, claim in claims.items() if any(cell.number(kept) for cell in claim.cells)}


def test_a_study_run_by_the_command_line_opens_trusted_with_its_figures(open_notebook: Open, executed: Path) -> None:
    panel = open_notebook(executed)
    assert all(cell.trusted for cell in panel.code())
    expect(panel.page.locator(TRUST)).to_have_attribute("title", re.compile("^Notebook trusted"))
    assert len(panel.figures()) >= 2
    for index in panel.figures():
        assert panel.pixels(index).drawn
        panel.picture(f"figure_{index}")
    assert "verdict" in panel.table(verdicts(panel))[0]
    panel.picture("end")


def test_a_notebook_that_was_changed_after_its_run_opens_untrusted(open_notebook: Open, executed: Path) -> None:
    read = nbformat.read(executed, as_version=4)
    read.cells[-1].source += "\n# changed"
    changed = executed.with_name("changed.ipynb")
    nbformat.write(read, changed)
    panel = open_notebook(changed)
    assert not any(cell.trusted for cell in panel.code() if cell.outputs)
    expect(panel.page.locator(TRUST)).not_to_have_attribute("title", re.compile("^Notebook trusted"))
    # Pictures can do no harm, so they show all the same: in a clone nothing is signed.
    assert len(panel.figures()) >= 2
    assert all(panel.pixels(index).drawn for index in panel.figures())
    panel.picture("untrusted")


def test_a_cell_that_fails_is_noticed(open_notebook: Open, server: Server) -> None:
    copy = server.root / "studies" / "failing.ipynb"
    copy.write_bytes((NOTEBOOKS / "failing.ipynb").read_bytes())
    panel = open_notebook(copy)
    panel.run_all(seconds=60)
    faults = [fault for cell in panel.code() for fault in cell.faults]
    assert [fault.splitlines()[0] for fault in faults] == ["ValueError: nothing is wrong with the first line"]
    assert panel.code()[-1].count is None


@pytest.mark.parametrize(("colour", "drawn"), [("white", False), ("#777", False), ("#0173b2", True)])
def test_blank_pictures_and_bare_axes_are_not_taken_for_figures(page: Page, colour: str, drawn: bool) -> None:
    page.set_content(f"<img src='{page.evaluate(DRAW, colour)}'>")
    assert pixels(page.locator("img")).drawn == drawn


def test_a_page_that_errs_or_calls_elsewhere_is_noticed(page: Page) -> None:
    heard = complaints(page)
    page.set_content("<script>console.warn('mild'); console.error('told'); missing()</script>")
    with page.expect_console_message(lambda message: "ERR_NAME_NOT_RESOLVED" in message.text):
        page.evaluate("() => fetch('https://example.com/picture.png').catch(() => null)")
    assert sorted(complaint.partition(":")[0] for complaint in heard) == [
        *("console", "console", "elsewhere", "exception"),
    ]
    assert "elsewhere: https://example.com/picture.png" in heard


def test_the_server_wants_its_token_and_leaves_no_process_behind(server: Server, jupyter_home: Path) -> None:
    with serving(server.root / "studies", home=jupyter_home) as other:
        assert other.address != server.address
        with pytest.raises(urllib.error.HTTPError, match="403"):
            other.ask("kernels", token=server.token)
        other.ask("kernels", method="POST")
        process = psutil.Process(other.pid)
        family = [process, *process.children(recursive=True)]
        assert len(family) >= 2
    assert not any(member.is_running() for member in family)
