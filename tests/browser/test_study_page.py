"""A study as a document: question and answer, a form of typed fields beside its progress, tabs, and dates."""

from collections import Counter
from pathlib import Path

import nbformat
import pytest
from browser.lab import box, entered, known, names, opened, remembered, started, state
from browser.panel import OPEN
from browser.server import Server
from playwright.sync_api import Locator, Page, ViewportSize, expect
from reports import published

from influencelab.runner import json_file
from influencelab.runner.report import load
from influencelab.runner.scorecard import rows
from influencelab.studies.catalogue import all_claims

pytestmark = pytest.mark.browser

LAPTOP: ViewportSize = {"width": 1280, "height": 800}


# Where the page is scrolled to, and whether all of something is in sight.
INSIDE = """(node) => {
  const page = node.closest('.il-page').getBoundingClientRect(), own = node.getBoundingClientRect();
  return own.height > 0 && own.top >= page.top && own.bottom <= page.bottom && own.right <= page.right;
}"""


@pytest.mark.usefixtures("heard")
def test_a_study_opens_as_a_document_in_the_main_area(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    expect(panel.locator("form")).to_have_count(0)
    shown = opened(page, "leave_one_out")
    assert shown.evaluate("(node) => Boolean(node.closest('#jp-main-dock-panel'))")
    expect(shown.get_by_role("heading", name="Does influence predict what retraining does", level=1)).to_be_visible()
    headings = shown.get_by_role("heading", level=2)
    expect(headings).to_have_text(["Answer", "Progress", "Results"])
    form, progress = box(shown.locator(".il-start")), box(shown.locator(".il-progress"))
    # Side by side.
    assert progress["x"] > form["x"] + form["width"] - 1
    assert abs(progress["y"] - form["y"]) < 10


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("where", ["button", "last field"])
def test_progress_is_in_sight_right_after_run(page: Page, lab: Server, where: str, output_path: str) -> None:
    page.set_viewport_size(LAPTOP)
    entered(page, lab)
    shown = opened(page, "leave_one_out")
    shown.get_by_label("Profile (size)").select_option("tiny")
    if where == "button":
        shown.get_by_role("button", name="Run", exact=True).click()
    else:
        shown.locator("input[name=resamples]").press("Enter")
    run = shown.locator(".il-run").first
    expect(run).to_be_visible()
    page.screenshot(path=Path(output_path) / "right_after_run.png")
    for part in (run.get_by_role("progressbar"), run.locator(".il-standing"), run.get_by_role("button", name="Stop")):
        assert part.evaluate(INSIDE), part
    run.get_by_role("button", name="Stop").click()
    state(run, is_="cancelled")


@pytest.mark.usefixtures("heard")
def test_fields_are_typed_and_say_beside_them_what_is_wrong(page: Page, lab: Server) -> None:
    entered(page, lab)
    shown = opened(page, "leave_one_out")
    shown.get_by_label("Profile (size)").select_option("tiny")
    expect(shown.get_by_text("About 15 s and 0.7 GB on two cores.")).to_be_visible()
    seed, optional = shown.get_by_role("spinbutton", name="seed"), shown.get_by_role("switch", name="mnist_optional")
    expect(seed).to_have_value("0")
    expect(seed).to_have_attribute("min", "0")
    expect(optional).not_to_be_checked()
    before = names(shown)
    # Said as one types.
    seed.fill("-3")
    says(shown, "seed", "This must be a whole number, at least 0.")
    seed.fill("7.5")
    says(shown, "seed", "This must be a whole number, at least 0.")
    # Letters that a number cannot have come to nothing.
    seed.fill("")
    seed.press_sequentially("e")
    says(shown, "seed", "This must be a whole number, at least 0.")
    shown.get_by_role("button", name="Run", exact=True).click()
    expect(seed).to_be_focused()
    assert names(shown) == before
    # Another size brings other values, and leaves what was typed.
    seed.fill("12")
    says(shown, "seed", "")
    shown.get_by_label("Profile (size)").select_option("quick")
    expect(seed).to_have_value("12")
    shown.get_by_role("button", name="Reset").click()
    expect(seed).to_have_value("0")

    decays = shown.locator("input[name=weight_decays]")
    values = shown.get_by_role("list", name="Values of weight_decays").get_by_role("listitem")
    expect(values).to_have_text(["0.01×", "0.001×", "0.0001×"])
    decays.press_sequentially("-1,")
    says(shown, "weight_decays", "This must be a number, above 0, in each place.")
    decays.fill("1e-5,")
    expect(values).to_have_text(["0.01×", "0.001×", "0.0001×", "1e-5×"])
    says(shown, "weight_decays", "")
    values.first.get_by_role("button").click()
    expect(values).to_have_text(["0.001×", "0.0001×", "1e-5×"])
    shown.locator("summary", has_text="Where it runs").click()
    expect(shown.get_by_label("scheduler str")).to_be_visible()
    depth = opened(page, "explore")
    expect(depth.get_by_role("list", name="Values of depths").get_by_role("listitem")).to_have_text(["1×", "4×"])


KINDS = """limit: int | None = None  # at most so many
word: "one of iris, digits" = "iris"  # which
words: list["one of a, b"] = ["a"]  # some of them
texts: list[str] = ["one, two"]  # with a comma
pair: tuple[int, str] = (1, "x")  # both
"""


@pytest.mark.usefixtures("heard")
def test_every_declared_type_has_its_field_and_reaches_the_run(page: Page, lab: Server) -> None:
    study = nbformat.read(lab.root / "studies" / "fine.ipynb", as_version=4)
    for cell in study.cells:
        cell.source = cell.source.replace('"fine"', '"kinds"').replace("workers: int", f"{KINDS}workers: int")
    nbformat.write(study, lab.root / "studies" / "kinds.ipynb")
    entered(page, lab)
    shown = opened(page, "kinds")
    limit, texts = shown.locator("input[name=limit]"), shown.get_by_role("list", name="Values of texts")
    expect(limit).to_be_disabled()
    shown.get_by_label("limit is none").uncheck()
    says(shown, "limit", "This must be a whole number.")
    limit.fill("5")
    shown.get_by_label("word one of").select_option("digits")
    shown.locator("input[name=words]").fill("c")
    says(shown, "words", "This must be one of a, b, in each place.")
    shown.locator("input[name=words]").fill("b")
    expect(texts.get_by_role("listitem")).to_have_text(["one, two×"])
    shown.locator("input[name=texts]").fill('"three, four"')
    shown.locator("input[name=pair]").fill('[2, "y"]')
    shown.get_by_role("switch", name="flag").click()
    shown.get_by_role("button", name="Run", exact=True).click()
    run = shown.locator(".il-run")
    expect(run).to_contain_text(
        'flag = false, limit = 5, word = digits, words = ["a", "b"], texts = ["one, two", "three, four"], '
        'pair = [2, "y"]'
    )
    state(run, is_="done")
    expect(shown.get_by_role("article").get_by_text("Parameters (")).to_be_visible()
    (lab.root / "studies" / "kinds.ipynb").unlink()


def says(shown: Locator, name: str, fault: str) -> None:
    """What a field says of its value, right below it."""
    field = shown.locator(f"[name={name}]")
    line = shown.locator(".il-line").filter(has=shown.page.locator(f"[name={name}]"))
    expect(field).to_have_attribute("aria-invalid", str(bool(fault)).lower())
    expect(line.locator(".il-fault")).to_contain_text(fault)
    if fault:
        above, below = box(field), box(line.locator(".il-fault"))
        assert 0 <= below["y"] - above["y"] - above["height"] < 12


@pytest.mark.usefixtures("heard")
def test_two_studies_are_two_tabs_and_come_back_after_a_reload(page: Page, lab: Server) -> None:
    entered(page, lab)
    opened(page, "fine").locator("input[name=size]").fill("9")
    with remembered(page, "leave_one_out"):
        opened(page, "leave_one_out")
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    expect(tabs.filter(has_text="fine")).to_have_count(1)
    # What was open is shown again, not twice, and as it was left.
    fine = opened(page, "fine")
    expect(tabs.filter(has_text="fine")).to_have_count(1)
    expect(fine.locator("input[name=size]")).to_have_value("9")
    page.reload()
    for study in ("fine", "leave_one_out"):
        tabs.filter(has_text=study).click(timeout=OPEN)
        known(page, study)


@pytest.mark.usefixtures("heard")
def test_results_are_dated_by_their_run(page: Page, lab: Server) -> None:
    published(lab.root)
    manifest = lab.root / "results" / "fine" / "tiny" / "manifest.json"
    json_file.write(manifest, json_file.read(manifest) | {"published": "2019-05-04"})
    panel = entered(page, lab)
    expect(panel.locator("[data-study=fine]")).to_contain_text("tiny, May 4, 2019")
    shown = opened(page, "fine")
    expect(shown.get_by_role("article")).to_contain_text("Run of May 4, 2019.")
    expect(shown.get_by_label("Run", exact=True)).to_contain_text("tiny, May 4, 2019")


@pytest.mark.usefixtures("heard")
def test_the_list_says_what_the_newest_run_found(page: Page, lab: Server) -> None:
    panel = entered(page, lab)
    run = started(page, "leave_one_out")
    item = panel.locator("[data-study=leave_one_out]")
    expect(item).to_contain_text("Starting.")
    state(run, is_="done")
    expect(item).to_contain_text("tiny, ")
    judged = rows([load(lab.root / "results" / "leave_one_out" / "tiny")], all_claims())
    words = Counter(row.word for row in judged if row.latest.measured)
    assert words
    for word, count in words.items():
        expect(item.locator(f".il-mark[data-verdict='{word}']")).to_contain_text(f"{count} {word}")
    expect(item.locator(".il-mark")).to_have_count(len(words))
    expect(item.locator(".il-state")).to_be_empty()
    expect(known(page, "leave_one_out").get_by_role("region", name="Answer")).to_contain_text("in tiny")
