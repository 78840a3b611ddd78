"""The panel as a person uses it: from the launcher to a result, through a reload, a failure and a new server."""

import shutil
from pathlib import Path

import pytest
from browser.explorer import explorer_in
from browser.lab import THEMES, TINY, dressed, entered, known, launched, started, state
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
def test_a_form_says_what_is_wrong_before_anything_is_sent(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    panel.locator("[data-study=leave_one_out]").click()
    expect(panel.get_by_role("heading", name="Does influence predict what retraining does")).to_be_visible()
    panel.get_by_label("Profile (size)").select_option("tiny")
    expect(panel.get_by_text("About 15 s and 0.7 GB on two cores.")).to_be_visible()
    seed = panel.locator("input[name=seed]")
    expect(panel.get_by_label("seed int")).to_have_value("0")
    seed.fill("one")
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(seed).to_be_focused()
    expect(seed).to_have_attribute("aria-invalid", "true")
    expect(panel.get_by_text("This must be a whole number, such as 5.")).to_be_visible()
    expect(panel.get_by_text("of subsets, splits and random removals")).to_be_visible()
    expect(panel.locator(".il-run")).to_have_count(0)
    # Another size brings other values, and leaves what was typed.
    panel.get_by_label("Profile (size)").select_option("quick")
    expect(seed).to_have_value("one")
    panel.get_by_role("button", name="Reset").click()
    expect(seed).to_have_value("0")
    panel.get_by_text("Where it runs").click()
    expect(panel.get_by_label("scheduler str")).to_be_visible()


@pytest.mark.usefixtures("heard")
def test_from_the_launcher_to_a_result_and_a_look_at_it(page: Page, lab: Server, output_path: str) -> None:
    panel = entered(page, lab)
    # More of them than the smallest size has, so that there is something to watch.
    decays = "[0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003]"
    run = started(panel, "leave_one_out", seed="1", weight_decays=decays)
    expect(run).to_contain_text("seed = 1")
    expect(panel.get_by_text("One runs at a time; others wait.")).to_be_visible()
    state(run, is_="running")
    run.get_by_text("Last lines printed").click()
    expect(run.get_by_label("Last lines of leave_one_out at tiny")).to_contain_text("Running 1 study.")
    seen = page.wait_for_function(PROGRESS, arg=run.element_handle(), timeout=TINY, polling=100).json_value()
    assert len([value for value in seen if 0 < value < 1]) >= 2
    assert seen == sorted(seen)

    run.get_by_role("button", name="Show the result of leave_one_out at tiny").click()
    result = panel.get_by_role("article", name="Result of leave_one_out")
    figure = result.locator("img").first
    expect(figure).to_be_visible()
    page.wait_for_function("(image) => image.naturalWidth > 0", arg=figure.element_handle())
    assert pixels(figure).drawn
    expect(result.get_by_role("list", name="Verdicts")).to_contain_text("preview")
    result.get_by_text("Numbers (").click()
    assert result.get_by_role("region", name="Numbers").locator("tbody tr").count() > 10
    result.get_by_text("Parameters (").click()
    expect(result.get_by_role("row", name="seed 1", exact=True)).to_be_visible()

    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    result.get_by_role("button", name="Export HTML").click()
    expect(tabs.filter(has_text="leave_one_out.html")).to_be_visible(timeout=TINY)
    result.get_by_role("button", name="Explore").click()
    expect(tabs.filter(has_text="explore_").and_(page.locator(".jp-mod-current"))).to_be_visible(timeout=TINY)
    page.wait_for_function(IDLE, timeout=OPEN, polling=200)
    notebook = Panel(page, Path(output_path))
    notebook.run_all(seconds=TINY / 1000)
    assert [cell.faults for cell in notebook.code() if cell.faults] == []
    shown = explorer_in(page, page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)"))
    assert shown.drawn()["coloured"] > 0
    for theme in THEMES:
        dressed(page, theme)
        result.scroll_into_view_if_needed()
        notebook.picture(theme.rpartition(" ")[2].lower())
    dressed(page, THEMES[0])
    lab.end_kernels()


@pytest.mark.usefixtures("heard")
def test_runs_wait_are_cancelled_and_fail_in_words(page: Page, lab: Server, output_path: str) -> None:
    panel = entered(page, lab)
    first, second, third = [started(panel, study) for study in ("slow", "failing", "fine")]
    expect(first).to_contain_text("30 %, sleeping, about", timeout=TINY)
    expect(second).to_contain_text("Waiting for its turn.")
    expect(third).to_contain_text("Waiting behind 1 other.")
    third.get_by_role("button", name="Cancel fine at tiny").click()
    state(third, is_="cancelled")
    first.get_by_role("button", name="Cancel slow at tiny").click()
    state(first, is_="cancelled")
    state(second, is_="failed")
    expect(second).to_contain_text("ValueError: the second line is wrong")
    expect(second).to_contain_text("What ran is kept in results/failing/tiny.failed.ipynb.")
    second.scroll_into_view_if_needed()
    page.screenshot(path=Path(output_path) / "failed.png")
    assert str(lab.root) not in panel.inner_text()
    second.get_by_role("button", name="Open what ran of failing at tiny").click()
    expect(page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").first).to_be_visible(
        timeout=OPEN
    )
    lab.end_kernels()


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("button", "opened"),
    [
        ("Open executed notebook", "results/fine/tiny-930f63cf/fine.ipynb"),
        ("Open a copy with these parameters", "results/fine/fine_tiny-930f63cf_copy.ipynb"),
    ],
)
def test_what_ran_and_a_copy_of_it_can_be_opened(page: Page, lab: Server, button: str, opened: str) -> None:
    panel = entered(page, lab)
    run = started(panel, "fine", size="7")
    state(run, is_="done")
    run.get_by_role("button", name="Show the result of fine at tiny").click()
    panel.get_by_role("article", name="Result of fine").get_by_role("button", name=button).click()
    page.wait_for_function(IDLE, timeout=OPEN, polling=200)
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path") == opened
    lab.end_kernels()


@pytest.mark.usefixtures("heard")
def test_progress_moves_before_and_after_a_reload(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    run, other = started(panel, "stepwise"), started(panel, "fine")

    def step(number: int) -> None:
        (lab.root / "results" / f"step_{number}").touch()
        expect(run).to_contain_text(f"{20 * number} %, steps, about", timeout=TINY)
        assert run.locator("progress").evaluate("(bar) => bar.value") == pytest.approx(number / 5)

    step(1)
    step(2)
    page.reload()
    page.wait_for_selector(".jp-LauncherCard", timeout=OPEN)
    if not panel.is_visible():
        launched(page)
    known(panel)
    expect(run).to_contain_text("40 %, steps, about")
    state(other, is_="queued")
    step(3)
    step(4)
    (lab.root / "results" / "step_5").touch()
    state(run, is_="done")
    state(other, is_="done")


def test_what_the_server_refuses_is_said_beside_the_form(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    panel.locator("[data-study=fine]").click()
    panel.get_by_label("Profile (size)").select_option("tiny")
    panel.locator("input[name=rates]").fill("[one]")
    # The page itself complains of an answer that refuses.
    with page.expect_console_message(lambda message: "400" in message.text):
        panel.get_by_role("button", name="Run", exact=True).click()
    expect(panel.get_by_role("alert").filter(has_text="Parameter 'rates' is declared tuple")).to_be_visible()


@pytest.mark.usefixtures("heard")
def test_a_new_server_shows_the_runs_of_the_one_before(page: Page, checkout: Path, jupyter_home: Path) -> None:
    shutil.rmtree(checkout / "results" / ".runs", ignore_errors=True)
    with serving(checkout / "studies", home=jupyter_home) as server:
        panel = entered(page, server)
        state(started(panel, "failing"), is_="failed")
        interrupted, waiting = started(panel, "slow"), started(panel, "fine", size="6")
        state(interrupted, is_="running")
        state(waiting, is_="queued")
        page.goto("about:blank")
    with serving(checkout / "studies", home=jupyter_home) as server:
        panel = entered(page, server)
        expect(panel.locator(".il-run")).to_have_count(3)
        # The test ended the running one with its server; the queue goes on by itself.
        state(panel.locator(".il-run").nth(0), is_="done")
        state(panel.locator(".il-run").nth(1), is_="failed")
        expect(panel.locator(".il-run").nth(1)).to_contain_text("Run it again.")
        expect(panel.locator(".il-run").nth(2)).to_contain_text("the second line is wrong")
