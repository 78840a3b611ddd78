"""The studies for everybody: by keyboard, by a screen reader, in light and dark, and where there is little room."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser.lab import THEMES, TINY, box, dressed, entered, opened, result, started, state
from browser.panel import OPEN
from browser.server import Server
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

# What a person can use, and what a screen reader calls by a name.
FIELDS = {"spinbutton", "combobox", "switch", "searchbox"}
NAMED = FIELDS | {"textbox", "button", "progressbar", "link", "image", "list", "region", "article"}
LONG = "a_study_with_a_name_that_nobody_would_choose_but_that_somebody_will_come_upon_one_day"
ACTIVE = "(selector) => document.activeElement?.matches(selector)"


def walk(page: Page, selector: str, *, key: str = "Tab") -> None:
    """Press a key until what is looked for has the keyboard."""
    for _ in range(60):
        if page.evaluate(ACTIVE, selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {selector}")


def said(page: Page, selector: str) -> list[dict[str, Any]]:
    """What a screen reader is told of a part of the page: role, name and description of each thing in it."""
    reader = page.context.new_cdp_session(page)
    found = reader.send("Runtime.evaluate", {"expression": f"document.querySelector('{selector}')"})["result"]
    nodes = reader.send("Accessibility.queryAXTree", {"objectId": found["objectId"]})["nodes"]
    told = [node for node in nodes if not node["ignored"]]
    return [
        {part: node.get(part, {}).get("value", "") for part in ("role", "name", "description")} | {"id": node["nodeId"]}
        for node in told
    ]


def nameless(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What should have a name and has none."""
    return [each for each in found if each["role"] in NAMED and not each["name"].strip()]


@pytest.mark.usefixtures("heard")
def test_the_keyboard_alone_finds_runs_stops_and_reads_a_study(page: Page, lab: Server) -> None:
    page.goto(f"{lab.address}/lab?reset&token={lab.token}")
    page.wait_for_selector(".jp-LauncherCard", timeout=OPEN)
    page.keyboard.press("ControlOrMeta+Shift+C")
    page.keyboard.type("Show the Studies")
    page.keyboard.press("Enter")
    expect(page.locator(".il-panel [data-study=slow]")).to_be_visible(timeout=OPEN)

    # The tab key finds the list, and arrows lead through it.
    walk(page, ".il-study")
    walk(page, "[data-study=slow]", key="ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What happens to a study that is stopped?")).to_be_focused()
    walk(page, ".il-accept")
    page.keyboard.press("Space")
    slow = page.locator(".il-run", has_text="slow at tiny")
    state(slow, is_="running")
    assert page.evaluate(ACTIVE, ".il-accept")
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"

    # What was pressed goes away when it has done its work; the keyboard stays where it was.
    walk(page, "[aria-label='Stop slow at tiny']")
    page.keyboard.press("Enter")
    state(slow, is_="cancelled")
    expect(slow).to_be_focused()

    page.evaluate("() => window.jupyterapp.commands.execute('influencelab:open')")
    expect(page.get_by_role("heading", name="Studies", exact=True)).to_be_focused()
    walk(page, ".il-study")
    walk(page, "[data-study=fine]", key="ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Does a study run from top to bottom?")).to_be_focused()
    walk(page, "select[name=profile]")
    page.keyboard.press("t")
    walk(page, "input[name=rates]")
    # Enter takes a value and runs only where none is typed; arrows and Delete reach the values.
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Remove 0.01", exact=True)).to_be_focused()
    page.keyboard.press("Delete")
    walk(page, "input[name=size]", key="Shift+Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    fine = page.locator(".il-run", has_text="fine at tiny")
    expect(fine).to_contain_text("size = 4, rates = [0.1, 0.5]")
    state(fine, is_="done")
    shown = page.get_by_role("region", name="Study fine", exact=True)
    expect(shown.get_by_role("status").filter(has_text="fine at tiny: done.")).to_have_count(1)
    walk(page, "[aria-label='Show the result of fine at tiny']", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(shown.get_by_role("heading", name="Results")).to_be_focused()
    expect(shown.get_by_role("article", name="Result of fine")).to_be_visible()


@pytest.mark.usefixtures("heard")
def test_a_screen_reader_is_told_what_everything_is(page: Page, lab: Server) -> None:
    entered(page, lab)
    listed = said(page, ".il-panel")
    assert nameless(listed) == []
    assert {each["role"] for each in listed} >= {"region", "list", "button", "heading"}

    run = started(page, "fine")
    shown = result(page, run, "fine")
    expect(shown.locator("img")).to_be_visible()
    found = said(page, ".il-page")
    assert nameless(found) == []
    assert {each["role"] for each in found} >= NAMED - {"textbox", "progressbar"}
    names = {each["name"] for each in found}
    assert {"Study fine", "Run fine", "Profile (size)", "Progress", "Values of rates", "Figure: line"} <= names
    (size,) = [each for each in found if each["role"] == "spinbutton"]
    assert (size["name"], size["description"]) == ("size int", "how many numbers to draw")
    page.locator("input[name=size]").fill("4.5")
    (size,) = [each for each in said(page, ".il-page") if each["id"] == size["id"]]
    assert size["description"] == "how many numbers to draw This must be a whole number. An example: 5"

    waiting = started(page, "slow")
    expect(waiting).to_contain_text("30 %", timeout=TINY)
    names = {each["name"] for each in said(page, "[aria-label=\\'Study slow\\']")}
    assert {"Stop slow at tiny", "Progress of slow at tiny"} <= names
    waiting.get_by_role("button", name="Stop slow at tiny").click()
    state(waiting, is_="cancelled")


def test_a_control_without_a_name_is_found(page: Page) -> None:
    page.set_content("<div class='il-panel'><button></button><input><button>Run</button></div>")
    assert [each["role"] for each in nameless(said(page, ".il-panel"))] == ["button", "textbox"]


@pytest.mark.parametrize("theme", THEMES)
def test_texts_can_be_read_in_light_and_dark(page: Page, lab: Server, theme: str, output_path: str) -> None:
    panel = entered(page, lab)
    dressed(page, theme)
    state(started(page, "failing"), is_="failed")
    state(started(page, "fine"), is_="done")
    found = {}
    for study, field in (("failing", ""), ("fine", "size"), ("leave_one_out", "seed")):
        shown = opened(page, study)
        if field:
            shown.locator(f"input[name={field}]").fill("-0.5")
            expect(shown.get_by_text("This must be a whole number")).to_be_visible()
        if study == "fine":
            expect(shown.get_by_role("article")).to_be_visible()
        found |= shown.evaluate(CONTRASTS)
        page.screenshot(path=Path(output_path) / f"{study}_{theme.rpartition(' ')[2].lower()}.png")
    found |= panel.evaluate(CONTRASTS)
    assert len(found) > 60
    assert any("failing: ValueError" in text for text in found)
    assert {text: contrast for text, contrast in found.items() if contrast < 4.5} == {}


@pytest.mark.usefixtures("heard")
def test_long_names_and_values_stay_inside_where_there_is_little_room(
    page: Page, lab: Server, output_path: str
) -> None:
    study = nbformat.read(lab.root / "studies" / "fine.ipynb", as_version=4)
    for cell in study.cells:
        cell.source = cell.source.replace('"fine"', f'"{LONG}"')
    nbformat.write(study, lab.root / "studies" / f"{LONG}.ipynb")
    page.set_viewport_size({"width": 800, "height": 900})
    panel = entered(page, lab)
    expect(panel.locator(f"[data-study={LONG}]")).to_be_visible()
    page.screenshot(path=Path(output_path) / "narrow_list.png")
    assert cut(panel) == []
    run = started(page, LONG, rates=f"[{', '.join(['0.123456789'] * 12)}]")
    shown = page.get_by_role("region", name=f"Study {LONG}", exact=True)
    page.screenshot(path=Path(output_path) / "narrow_form.png")
    assert cut(shown) == []
    # Below the button and above the fields, one below the other.
    boxes = [box(shown.locator(part)) for part in (".il-start", ".il-progress", ".il-fields")]
    assert boxes == sorted(boxes, key=lambda each: each["y"])
    assert len({round(each["x"]) for each in boxes}) == 1
    expect(result(page, run, LONG).locator("img")).to_be_visible()
    page.screenshot(path=Path(output_path) / "narrow.png")
    assert cut(shown) == []
    (lab.root / "studies" / f"{LONG}.ipynb").unlink()


def cut(panel: Locator) -> list[str]:
    """What is wider than the panel; logs and tables scroll by themselves."""
    return panel.evaluate(
        """(root) => [root, ...root.querySelectorAll('*')]
            .filter((each) => !each.closest('pre, .il-table, .il-heard') && each.scrollWidth > each.clientWidth + 1)
            .filter((each) => getComputedStyle(each).display !== 'inline' && each.clientWidth)
            .filter((each) => !each.matches('input, select'))
            .map((each) => `${each.tagName} ${each.className}: ${each.textContent.slice(0, 40)}`)"""
    )


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
  const texts = 'h1, h2, h3, p, li, figcaption, .il-mark, .il-state, label, span, strong, '
    + 'button, summary, pre, .il-help, .il-fault, input, select, th, td';
  for (const node of root.querySelectorAll(texts)) {
    // The value of a checkbox is no text.
    if (!node.offsetParent || node.disabled || node.closest('.il-explorer') || node.type === 'checkbox') continue;
    if (!(node.value || node.textContent).trim()) continue;
    const back = behind(node), front = mixed(numbers(getComputedStyle(node).color), back);
    const [dark, bright] = [light(front), light(back)].sort((a, b) => a - b);
    const name = `${node.tagName} ${node.className} ${(node.value || node.textContent).trim().slice(0, 30)}`;
    found[name] = (bright + 0.05) / (dark + 0.05);
  }
  return found;
}"""
