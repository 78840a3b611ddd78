"""The panel as a person uses it: from the launcher to a result, through a reload, a failure and a new server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.explorer import explorer_in
from browser.panel import IDLE, OPEN, Panel, complaints, pixels
from browser.server import Server, serving
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).parent.parent.parent
LAB = REPOSITORY / "influencelab" / "lab"
# Milliseconds a tiny study may take; fifteen seconds on two idle cores.
TINY = 120_000
PROGRESS = """(card) => {
  const bar = card.querySelector('progress');
  window.seen = (window.seen || new Set()).add(bar.hasAttribute('value') ? bar.value : -1);
  return card.dataset.state === 'done' ? [...window.seen] : null;
}"""


THEMES = ("JupyterLab Light", "JupyterLab Dark")


@pytest.fixture(scope="module")
def checkout(jupyter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real studies and some that fail or never end; the panel as it is committed."""
    shutil.copytree(LAB / "labextension", jupyter_home / "data" / "labextensions" / "influencelab", dirs_exist_ok=True)
    enabled = jupyter_home / "config" / "jupyter_server_config.d"
    enabled.mkdir(parents=True, exist_ok=True)
    shutil.copy(LAB / "server.json", enabled / "influencelab.json")
    root = tmp_path_factory.mktemp("panel")
    shutil.copytree(REPOSITORY / "tests" / "notebooks", root / "studies")
    for name in ("leave_one_out", "explore"):
        shutil.copy(REPOSITORY / "studies" / f"{name}.ipynb", root / "studies")
    (root / "results").mkdir()
    return root


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


def entered(page: Page, server: Server) -> Locator:
    """The panel, opened by its card on the launcher."""
    page.goto(f"{server.address}/lab?reset&token={server.token}")
    return launched(page)


def launched(page: Page) -> Locator:
    """The panel, opened by its card on the launcher that the page shows."""
    page.locator(".jp-LauncherCard", has_text="Studies").click(timeout=OPEN)
    panel = page.locator(".il-panel")
    expect(panel.get_by_role("heading", name="Studies", exact=True)).to_be_visible(timeout=OPEN)
    return panel


def started(panel: Locator, study: str, **values: str) -> Locator:
    """The card of a run of a study at its smallest size, started by its form."""
    back = panel.get_by_role("button", name="All studies")
    if back.is_visible():
        back.click()
    panel.locator(f"[data-study={study}]").click()
    panel.get_by_label("Profile (size)").select_option("tiny")
    for name, value in values.items():
        panel.locator(f"input[name={name}]").fill(value)
    cards = panel.locator(".il-run")
    before = cards.count()
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(cards).to_have_count(before + 1)
    return panel.locator(f"[data-run='{cards.first.get_attribute('data-run')}']")


def dressed(page: Page, theme: str) -> None:
    """Change JupyterLab's theme."""
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme, timeout=OPEN)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=OPEN)


def state(card: Locator, *, is_: str, timeout: float = TINY) -> None:
    """Wait until a run is in a state."""
    expect(card).to_have_attribute("data-state", is_, timeout=timeout)


@pytest.mark.usefixtures("heard")
def test_from_the_launcher_to_a_result_and_a_look_at_it(page: Page, lab: Server, output_path: str) -> None:
    panel = entered(page, lab)
    panel.locator("[data-study=leave_one_out]").click()
    expect(panel.get_by_role("heading", name="Does influence predict what retraining does")).to_be_visible()
    panel.get_by_label("Profile (size)").select_option("tiny")
    expect(panel.get_by_text("About 15 s and 0.7 GB on two cores.")).to_be_visible()
    # A value of the wrong type is refused before anything is sent, in words, and the help says what it is.
    seed = panel.locator("input[name=seed]")
    seed.fill("one")
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(seed).to_be_focused()
    expect(seed).to_have_attribute("aria-invalid", "true")
    expect(panel.get_by_text("This must be a whole number, such as 5.")).to_be_visible()
    expect(panel.get_by_text("of subsets, splits and random removals")).to_be_visible()
    expect(panel.locator(".il-run")).to_have_count(0)

    first = started(panel, "leave_one_out", seed="1")
    expect(first).to_contain_text("seed = 1")
    second = started(panel, "slow")
    expect(second).to_contain_text("Waiting for its turn.")
    state(first, is_="running")

    # Nothing is lost by a reload.
    page.reload()
    page.wait_for_selector(".jp-LauncherCard", timeout=OPEN)
    if not panel.is_visible():
        launched(page)
    state(second, is_="queued")
    seen = page.wait_for_function(PROGRESS, arg=first.element_handle(), timeout=TINY, polling=100).json_value()
    assert len([value for value in seen if 0 < value < 1]) >= 2

    # The second has its turn now, says how far it is, and is cancelled.
    expect(second).to_contain_text("30 %, sleeping, about", timeout=TINY)
    second.get_by_role("button", name="Cancel slow at tiny").click()
    state(second, is_="cancelled")

    third = started(panel, "failing")
    state(third, is_="failed")
    expect(third).to_contain_text("ValueError: the second line is wrong")
    expect(third.get_by_role("button", name="Open what ran")).to_be_visible()
    assert str(lab.root) not in panel.inner_text()

    first.get_by_role("button", name="Show the result of leave_one_out at tiny").click()
    result = panel.get_by_role("article", name="Result of leave_one_out")
    figure = result.locator("img").first
    expect(figure).to_be_visible()
    page.wait_for_function("(image) => image.naturalWidth > 0", arg=figure.element_handle())
    assert pixels(figure).drawn
    expect(result.get_by_role("list", name="Verdicts")).to_contain_text("preview")
    result.get_by_text("Numbers (").click()
    assert result.get_by_role("region", name="Numbers").locator("tbody tr").count() > 10

    result.get_by_role("button", name="Export HTML").click()
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="leave_one_out.html")).to_be_visible(
        timeout=TINY
    )
    result.get_by_role("button", name="Explore").click()
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.sessionContext", timeout=OPEN)
    page.wait_for_function(IDLE, timeout=OPEN, polling=200)
    opened = Panel(page, Path(output_path))
    opened.run_all(seconds=TINY / 1000)
    assert [cell.faults for cell in opened.code() if cell.faults] == []
    shown = explorer_in(page, page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)"))
    assert shown.drawn()["coloured"] > 0
    for theme in THEMES:
        dressed(page, theme)
        result.scroll_into_view_if_needed()
        opened.picture(theme.rpartition(" ")[2].lower())
    dressed(page, THEMES[0])
    lab.end_kernels()


@pytest.mark.usefixtures("heard")
def test_the_keyboard_alone_runs_a_study_and_every_control_has_a_name(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    study = panel.locator("[data-study=fine]")
    study.focus()
    page.keyboard.press("Enter")
    unnamed = panel.evaluate(
        """(root) => [...root.querySelectorAll('input, select, button, progress')]
            .filter((each) => !each.labels?.length && !each.ariaLabel && !each.textContent.trim())
            .map((each) => each.outerHTML)"""
    )
    assert unnamed == []
    panel.get_by_label("Profile (size)").focus()
    page.keyboard.press("t")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "size":
            break
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    card = panel.locator(".il-run", has_text="fine at tiny").first
    expect(card).to_contain_text("size = 4")
    state(card, is_="done")
    expect(panel.locator(".il-heard[role=status]")).to_have_text("fine at tiny: done.")


def test_what_the_server_refuses_is_said_beside_the_form(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    panel.locator("[data-study=fine]").click()
    panel.get_by_label("Profile (size)").select_option("tiny")
    panel.locator("input[name=rates]").fill("[one]")
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(panel.get_by_role("alert").filter(has_text="Parameter 'rates' is declared tuple")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
def test_texts_can_be_read_in_light_and_dark(page: Page, lab: Server, theme: str, output_path: str) -> None:
    panel = entered(page, lab)
    dressed(page, theme)
    panel.locator("[data-study=leave_one_out]").click()
    expect(panel.get_by_role("button", name="Run", exact=True)).to_be_visible()
    contrasts = panel.evaluate(CONTRASTS)
    page.screenshot(path=Path(output_path) / f"{theme.rpartition(' ')[2].lower()}.png")
    assert len(contrasts) > 10
    assert {text: found for text, found in contrasts.items() if found < 4.5} == {}


# The contrast of every text with what lies behind it, as WCAG 2 defines it.
CONTRASTS = """(root) => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => [red, green, blue].map((value) => value / 255)
    .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const colour = numbers(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  // JupyterLab's colours are partly see-through.
  const mixed = (front, back) => {
    const share = front[3] ?? 1;
    return front.slice(0, 3).map((value, place) => value * share + back[place] * (1 - share));
  };
  const found = {};
  for (const node of root.querySelectorAll('h3, p, label, span, button, summary, .il-help, input, select, th, td')) {
    if (!node.offsetParent || node.disabled || !(node.value || node.textContent).trim()) continue;
    const back = behind(node), front = mixed(numbers(getComputedStyle(node).color), back);
    const [dark, bright] = [light(front), light(back)].sort((a, b) => a - b);
    const name = `${node.tagName} ${node.className} ${(node.value || node.textContent).trim().slice(0, 30)}`;
    found[name] = (bright + 0.05) / (dark + 0.05);
  }
  return found;
}"""


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
