"""The studies as a person uses them: from the launcher to a result, through a reload, a failure and a new server."""

import re
import shutil
from pathlib import Path

import pytest
from browser.explorer import explorer_in
from browser.lab import TINY, entered, known, opened, remembered, result, started, state
from browser.panel import IDLE, OPEN, Panel, pixels
from browser.server import Server, serving
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

# What the bar of a run showed until the run was done, in order.
PROGRESS = """(card) => {
  const seen = window.seen ??= [], bar = card.querySelector('progress');
  if (bar.hasAttribute('value') && seen.at(-1) !== bar.value) seen.push(bar.value);
  return card.dataset.state === 'done' ? seen : null;
}"""


@pytest.mark.usefixtures("heard")
def test_from_the_launcher_to_a_result_and_a_look_at_it(page: Page, lab: Server, output_path: str) -> None:
    entered(page, lab)
    # More of them than the smallest size has, so that there is something to watch.
    decays = "[0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003]"
    run = started(page, "leave_one_out", seed="1", weight_decays=decays)
    expect(run).to_contain_text("seed = 1")
    expect(page.get_by_text("One runs at a time; others wait.")).to_be_visible()
    state(run, is_="running")
    expect(run.get_by_label("Last lines of leave_one_out at tiny")).to_contain_text("Running 1 study.")
    seen = page.wait_for_function(PROGRESS, arg=run.element_handle(), timeout=TINY, polling=100).json_value()
    assert len([value for value in seen if 0 < value < 1]) >= 2
    assert seen == sorted(seen)

    shown = result(page, run, "leave_one_out")
    figure = shown.locator("img").first
    expect(figure).to_be_visible()
    page.wait_for_function("(image) => image.naturalWidth > 0", arg=figure.element_handle())
    assert pixels(figure).drawn
    expect(shown.get_by_role("region", name="Verdicts")).to_contain_text("preview")
    rows = shown.get_by_role("region", name="Measurements").locator("tbody tr:not([hidden])")
    every = rows.count()
    shown.get_by_label("Only measurements with these words").fill("newton slope")
    assert 0 < rows.count() < every
    assert all("Newton" in text and "slope" in text for text in rows.all_inner_texts())
    shown.get_by_text("Parameters (").click()
    expect(shown.get_by_role("row", name="seed 1", exact=True)).to_be_visible()
    # The explorer is alive where it stands, without a kernel.
    assert lab.ask("kernels") == []
    shown.get_by_role("heading", name="Point by point").scroll_into_view_if_needed()
    alive = explorer_in(page, shown)
    before = alive.drawn()
    assert before["coloured"] > 0
    alive.choose("axes", "symmetric log")
    assert alive.drawn()["hash"] != before["hash"]

    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    shown.get_by_role("button", name="Export HTML").click()
    expect(tabs.filter(has_text="leave_one_out.html")).to_be_visible(timeout=TINY)
    tabs.filter(has_text="leave_one_out").first.click()
    shown.get_by_role("button", name="Explore in a notebook").click()
    expect(tabs.filter(has_text="explore_").and_(page.locator(".jp-mod-current"))).to_be_visible(timeout=TINY)
    page.wait_for_function(IDLE, timeout=OPEN, polling=200)
    notebook = Panel(page, Path(output_path))
    notebook.run_all(seconds=TINY / 1000)
    assert [cell.faults for cell in notebook.code() if cell.faults] == []
    assert explorer_in(page, page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")).drawn()["coloured"] > 0
    lab.end_kernels()


@pytest.mark.usefixtures("heard")
def test_runs_wait_are_stopped_and_fail_in_words(page: Page, lab: Server, output_path: str) -> None:
    panel = entered(page, lab)
    first, second, third = [started(page, study) for study in ("slow", "failing", "fine")]
    expect(first).to_contain_text("30 %, 3 of 10 sleeping.", timeout=TINY)
    expect(first).to_contain_text("so far, about")
    expect(panel.locator("[data-study=slow]")).to_contain_text("30 %, 3 of 10 sleeping.")
    expect(second).to_contain_text("Waiting for its turn.")
    expect(third).to_contain_text("Waiting behind 1 other.")
    expect(panel.locator("[data-study=fine]")).to_contain_text("Waiting behind 1 other.")
    third.get_by_role("button", name="Stop fine at tiny").click()
    state(third, is_="cancelled")
    opened(page, "slow")
    first.get_by_role("button", name="Stop slow at tiny").click()
    state(first, is_="cancelled")
    state(second, is_="failed")
    opened(page, "failing")
    expect(second).to_contain_text("ValueError: the second line is wrong")
    expect(second).to_contain_text("What ran is kept in results/failing/tiny.failed.ipynb.")
    page.screenshot(path=Path(output_path) / "failed.png")
    assert str(lab.root) not in page.inner_text("body")
    second.get_by_role("button", name="Open what ran of failing at tiny").click()
    expect(page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").first).to_be_visible(
        timeout=OPEN
    )
    lab.end_kernels()


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("button", "path"),
    [
        ("Open executed notebook", "results/fine/tiny-930f63cf/fine.ipynb"),
        ("Open a copy with these parameters", "results/fine/fine_tiny-930f63cf_copy.ipynb"),
    ],
)
def test_what_ran_and_a_copy_of_it_can_be_opened(page: Page, lab: Server, button: str, path: str) -> None:
    entered(page, lab)
    result(page, started(page, "fine", size="7"), "fine").get_by_role("button", name=button).click()
    page.wait_for_function(IDLE, timeout=OPEN, polling=200)
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path") == path
    lab.end_kernels()


@pytest.mark.usefixtures("heard")
def test_progress_moves_with_its_page_closed_and_after_a_reload(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    run, other = started(page, "stepwise"), started(page, "fine")

    def step(number: int) -> None:
        (lab.root / "results" / f"step_{number}").touch()
        expect(run).to_contain_text(f"{20 * number} %, {number} of 5 steps.", timeout=TINY)
        assert run.locator("progress").evaluate("(bar) => bar.value") == pytest.approx(number / 5)

    step(1)
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    tabs.filter(has_text="stepwise").locator(".lm-TabBar-tabCloseIcon").click()
    expect(run).to_have_count(0)
    (lab.root / "results" / "step_2").touch()
    expect(panel.locator("[data-study=stepwise]")).to_contain_text("40 %, 2 of 5 steps.")
    with remembered(page, "stepwise"):
        opened(page, "stepwise")
    page.reload()
    tabs.filter(has_text="stepwise").click(timeout=OPEN)
    known(page, "stepwise")
    expect(run).to_contain_text("40 %, 2 of 5 steps.")
    tabs.filter(has_text="fine").click()
    state(other, is_="queued")
    step(3)
    step(4)
    (lab.root / "results" / "step_5").touch()
    state(run, is_="done")
    state(other, is_="done")


def test_what_the_server_refuses_is_said_beside_the_field_that_it_names(page: Page, lab: Server) -> None:
    entered(page, lab)
    shown = opened(page, "explore")
    shown.locator("summary", has_text="Where it runs").click()
    look_at = shown.locator("input[name=look_at]")
    look_at.fill("x" * 3000)
    # The page itself complains of an answer that refuses.
    with page.expect_console_message(lambda message: "400" in message.text):
        shown.get_by_role("button", name="Run", exact=True).click()
    expect(look_at).to_be_focused()
    expect(look_at).to_have_accessible_description(re.compile("Parameter 'look_at' is too long"))
    expect(shown.locator(".il-run")).to_have_count(0)


@pytest.mark.usefixtures("heard")
def test_a_new_server_shows_the_runs_of_the_one_before(page: Page, checkout: Path, jupyter_home: Path) -> None:
    shutil.rmtree(checkout / "results" / ".runs", ignore_errors=True)
    with serving(checkout / "studies", home=jupyter_home) as server:
        entered(page, server)
        state(started(page, "failing"), is_="failed")
        interrupted, waiting = started(page, "slow"), started(page, "fine", size="6")
        state(interrupted, is_="running")
        state(waiting, is_="queued")
        page.goto("about:blank")
    with serving(checkout / "studies", home=jupyter_home) as server:
        entered(page, server)
        # The test ended the running one with its server; the queue goes on by itself.
        state(opened(page, "fine").locator(".il-run"), is_="done")
        ended = opened(page, "slow").locator(".il-run")
        state(ended, is_="failed")
        expect(ended).to_contain_text("Run it again.")
        expect(opened(page, "failing").locator(".il-run")).to_contain_text("the second line is wrong")
