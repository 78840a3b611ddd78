"""The panel for everybody: by keyboard, by a screen reader, in light and dark, and where there is little room."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser.lab import THEMES, TINY, dressed, entered, started, state
from browser.panel import OPEN
from browser.server import Server
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

# What a person can use, and what a screen reader calls by a name.
NAMED = {"button", "textbox", "combobox", "checkbox", "progressbar", "link", "image", "list", "region", "article"}
LONG = "a_study_with_a_name_that_nobody_would_choose_but_that_somebody_will_come_upon_one_day"
ACTIVE = "(selector) => document.activeElement?.matches(selector)"


def walk(page: Page, selector: str, *, key: str = "Tab") -> None:
    """Press a key until what is looked for has the keyboard."""
    for _ in range(60):
        if page.evaluate(ACTIVE, selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {selector}")


def said(page: Page) -> list[dict[str, Any]]:
    """What a screen reader is told of the panel: role, name and description of each part."""
    reader = page.context.new_cdp_session(page)
    panel = reader.send("Runtime.evaluate", {"expression": "document.querySelector('.il-panel')"})["result"]
    nodes = reader.send("Accessibility.queryAXTree", {"objectId": panel["objectId"]})["nodes"]
    told = [node for node in nodes if not node["ignored"]]
    return [
        {part: node.get(part, {}).get("value", "") for part in ("role", "name", "description")} | {"id": node["nodeId"]}
        for node in told
    ]


def nameless(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What should have a name and has none."""
    return [each for each in found if each["role"] in NAMED and not each["name"].strip()]


@pytest.mark.usefixtures("heard")
def test_the_keyboard_alone_finds_runs_cancels_and_reads_a_study(page: Page, lab: Server) -> None:
    page.goto(f"{lab.address}/lab?reset&token={lab.token}")
    page.wait_for_selector(".jp-LauncherCard", timeout=OPEN)
    page.keyboard.press("ControlOrMeta+Shift+C")
    page.keyboard.type("Show the Studies")
    page.keyboard.press("Enter")
    panel = page.locator(".il-panel")
    expect(panel.locator("[data-study=slow]")).to_be_visible(timeout=OPEN)

    walk(page, "[data-study=slow]")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("heading", name="What happens to a study that is stopped?")).to_be_focused()
    walk(page, ".il-accept")
    page.keyboard.press("Space")
    slow = panel.locator(".il-run", has_text="slow at tiny")
    state(slow, is_="running")
    assert page.evaluate(ACTIVE, ".il-accept")

    walk(page, ".il-body > button:first-child", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("heading", name="Studies", exact=True)).to_be_focused()
    walk(page, "[data-study=fine]")
    page.keyboard.press("Enter")
    walk(page, "#il-profile")
    page.keyboard.press("t")
    walk(page, "input[name=size]")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    fine = panel.locator(".il-run", has_text="fine at tiny")
    expect(fine).to_contain_text("size = 4")

    # What was pressed goes away when it has done its work; the keyboard stays where it was.
    walk(page, "[aria-label='Cancel slow at tiny']")
    page.keyboard.press("Enter")
    state(slow, is_="cancelled")
    expect(slow).to_be_focused()
    state(fine, is_="done")
    expect(panel.get_by_role("status").filter(has_text="fine at tiny: done.")).to_have_count(1)
    walk(page, "[aria-label='Show the result of fine at tiny']", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("heading", name="Does a study run from top to bottom?")).to_be_focused()
    expect(panel.get_by_role("article", name="Result of fine")).to_be_visible()


@pytest.mark.usefixtures("heard")
def test_a_screen_reader_is_told_what_everything_is(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    listed = said(page)
    assert nameless(listed) == []
    assert {each["role"] for each in listed} >= {"region", "list", "button", "heading"}

    state(started(panel, "fine"), is_="done")
    waiting = started(panel, "slow")
    expect(waiting).to_contain_text("30 %", timeout=TINY)
    panel.get_by_role("button", name="All studies").click()
    panel.locator("[data-study=fine]").click()
    expect(panel.get_by_role("article").locator("img")).to_be_visible()
    found = said(page)
    assert nameless(found) == []
    assert {each["role"] for each in found} >= NAMED
    names = {each["name"] for each in found}
    assert {"Cancel slow at tiny", "Progress of slow at tiny", "Run fine", "Profile (size)", "Figure: line"} <= names
    (size,) = [each for each in found if each["role"] == "textbox" and each["name"].startswith("size")]
    assert size["description"] == "how many numbers to draw"
    panel.locator("input[name=size]").fill("many")
    (size,) = [each for each in said(page) if each["id"] == size["id"]]
    assert size["description"] == "how many numbers to draw This must be a whole number, such as 5."
    waiting.get_by_role("button", name="Cancel slow at tiny").click()
    state(waiting, is_="cancelled")


def test_a_control_without_a_name_is_found(page: Page) -> None:
    page.set_content("<div class='il-panel'><button></button><input><button>Run</button></div>")
    assert [each["role"] for each in nameless(said(page))] == ["button", "textbox"]


@pytest.mark.parametrize("theme", THEMES)
def test_texts_can_be_read_in_light_and_dark(page: Page, lab: Server, theme: str, output_path: str) -> None:
    panel = entered(page, lab)
    dressed(page, theme)
    failed = started(panel, "failing")
    state(failed, is_="failed")
    panel.get_by_role("button", name="All studies").click()
    panel.locator("[data-study=leave_one_out]").click()
    panel.locator("input[name=seed]").fill("one")
    expect(panel.get_by_text("This must be a whole number")).to_be_visible()
    contrasts = panel.evaluate(CONTRASTS)
    page.screenshot(path=Path(output_path) / f"{theme.rpartition(' ')[2].lower()}.png")
    assert len(contrasts) > 10
    assert any("failing: ValueError" in text for text in contrasts)
    assert {text: found for text, found in contrasts.items() if found < 4.5} == {}


@pytest.mark.usefixtures("heard")
def test_long_names_and_values_stay_inside_a_narrow_panel(page: Page, lab: Server, output_path: str) -> None:
    study = nbformat.read(lab.root / "studies" / "fine.ipynb", as_version=4)
    for cell in study.cells:
        cell.source = cell.source.replace('"fine"', f'"{LONG}"')
    nbformat.write(study, lab.root / "studies" / f"{LONG}.ipynb")
    page.set_viewport_size({"width": 900, "height": 900})
    panel = entered(page, lab)
    shown = panel.locator(f"[data-study={LONG}]")
    expect(shown).to_be_visible()
    page.screenshot(path=Path(output_path) / "narrow_list.png")
    assert cut(panel) == []
    run = started(panel, LONG, rates=f"[{', '.join(['0.123456789'] * 12)}]")
    page.screenshot(path=Path(output_path) / "narrow_form.png")
    assert cut(panel) == []
    state(run, is_="done")
    run.get_by_role("button", name="Show the result").click()
    expect(panel.get_by_role("article").locator("img")).to_be_visible()
    page.screenshot(path=Path(output_path) / "narrow.png")
    assert cut(panel) == []
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
  const texts = 'h3, h4, p, label, span, strong, button, summary, pre, .il-help, .il-fault, input, select, th, td';
  for (const node of root.querySelectorAll(texts)) {
    // The value of a checkbox is no text.
    if (!node.offsetParent || node.disabled || node.type === 'checkbox') continue;
    if (!(node.value || node.textContent).trim()) continue;
    const back = behind(node), front = mixed(numbers(getComputedStyle(node).color), back);
    const [dark, bright] = [light(front), light(back)].sort((a, b) => a - b);
    const name = `${node.tagName} ${node.className} ${(node.value || node.textContent).trim().slice(0, 30)}`;
    found[name] = (bright + 0.05) / (dark + 0.05);
  }
  return found;
}"""
