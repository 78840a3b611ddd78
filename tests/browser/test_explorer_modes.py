"""The modes of the explorer in a page from a file: the list, pictures before and after, features, and curves."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
import pandas
import pytest
import torch
from browser.explorer import Explorer, explorer_in
from browser.panel import complaints
from playwright.sync_api import Page, expect

import influencelab as il
from influencelab.app.page.page import page as whole_page
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.from_table import from_comparison, from_table
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement

pytestmark = pytest.mark.browser

DATA = il.Digits(scaling="unit", labels=(0, 1), train_size=30, test_size=3).load()
FIT = il.fit(il.Logistic(weight_decay=0.05), DATA, il.Newton())
ESTIMATE = il.Exact().estimate(FIT)
MANY = 60_000
Shown = Callable[[ExplorerData], Explorer]


@pytest.fixture
def show(page: Page, tmp_path: Path, output_path: str) -> Iterator[Shown]:
    """Opens the page of a report that keeps these data; it may not complain."""
    heard = complaints(page)

    def opened(data: ExplorerData) -> Explorer:
        draft = ReportWriter("modes", folder=tmp_path / "modes" / "tiny", parameters={})
        draft.number(Measurement(1.0), statistic="one")
        draft.explore(data)
        file = tmp_path / "modes.html"
        file.write_text(whole_page(draft.publish()), encoding="utf-8")
        page.goto(file.as_uri())
        return explorer_in(page)

    yield opened
    page.screenshot(path=Path(output_path) / "as_left.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 400, "height": 900})
    # Nothing stands out of the page to the side, however narrow it is.
    expect(page.locator(".ile")).to_have_class(re.compile("ile-dark ile-narrow"))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 400
    page.screenshot(path=Path(output_path) / "narrow_and_dark.png", full_page=True)
    assert heard == []


def mode(explorer: Explorer, name: str) -> None:
    """Turn to a mode."""
    explorer.root.locator(f"[role=tab][data-mode={name}]").click()
    expect(explorer.root).to_have_attribute("data-mode", name)


def removals() -> ExplorerData:
    """Single removals of the digits; two of the retrained models are taken for not converged."""
    truth = il.SecondOrder().retrain(FIT, il.leave_one_out(DATA.n))
    mask = torch.ones_like(truth.values, dtype=torch.bool)
    mask[[4, 7], 0] = False
    return from_comparison(il.compare(ESTIMATE, truth, mask=mask), DATA)


def test_points_are_searched_sorted_filtered_selected_noted_and_taken_along(show: Shown, page: Page) -> None:
    data = removals()
    explorer, wanted = show(data), il.Explorer(data).table()
    root = explorer.root
    mode(explorer, "browse")
    listed, listing = root.locator(".ile-browse"), root.locator(".ile-list")
    expect(listed).to_have_attribute("data-listed", str(len(wanted)))
    expect(listing).to_have_attribute("role", "listbox")
    expect(root.locator(".ile-picture .ile-thumbnail").first).to_be_visible()
    root.get_by_role("button", name="As rows").click()
    expect(listing).to_have_attribute("role", "grid")

    # Sorted by any column, in either direction: what Python sorts.
    first = root.locator(".ile-room [role=row]").first
    for column, words in (("actual", "actual"), ("error", "error")):
        root.locator(".ile-sorts", has_text=words).click()
        expected = (wanted["predicted"] - wanted["actual"]) if column == "error" else wanted["actual"]
        expect(first.locator(".ile-of-id")).to_have_text(str(wanted["train_id"][expected.idxmax()]))
        root.locator(".ile-sorts", has_text=words).click()
        expect(first.locator(".ile-of-id")).to_have_text(str(wanted["train_id"][expected.idxmin()]))

    # Filtered by verdict, label and rank, and found by id.
    verdict = root.locator(".ile-filters label", has_text="prediction").locator("select")
    counts = wanted["verdict"].value_counts()
    assert counts["no truth"] == 2
    for words, count in counts.items():
        verdict.select_option(label=str(words))
        expect(listed).to_have_attribute("data-listed", str(count))
    verdict.select_option(label="any")
    label = root.get_by_label("label", exact=True)
    label.select_option(label="class 1")
    expect(listed).to_have_attribute("data-listed", str((wanted["train_label"] == 1).sum()))
    label.select_option(label="any")
    rank = root.get_by_label("rank up to").last
    rank.fill("2")
    expect(listed).to_have_attribute("data-listed", str(2 * DATA.m))
    rank.fill("")
    chosen = int(wanted["train_id"][5])
    search = root.locator(".ile-search")
    search.fill(str(chosen))
    expect(listed).to_have_attribute("data-listed", str(DATA.m))

    # What is selected here is selected in the plot, and the other way round.
    root.get_by_role("button", name="Select all listed").click()
    assert explorer.statistics["selected"]["n"] == DATA.m
    search.fill("")
    expect(listed).to_have_attribute("data-listed", str(len(wanted)))
    root.get_by_label("selected only").check()
    expect(listed).to_have_attribute("data-listed", str(DATA.m))
    explorer.surface.press("a")
    expect(listed).to_have_attribute("data-listed", str(wanted["actual"].notna().sum()))
    root.get_by_label("selected only").uncheck()

    # By keyboard: to the third row, selected alone, and its point noted.
    explorer.surface.press("Escape")
    listing.focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "Space"):
        listing.press(key)
    expect(root).to_have_attribute("data-selected", "1")
    active = listing.get_attribute("aria-activedescendant")
    row = root.locator(f"#{active}")
    expect(row).to_have_attribute("aria-selected", "true")
    expect(row).to_have_attribute("aria-rowindex", "4")
    third = int(row.locator(".ile-of-id").inner_text())
    note = root.locator(".ile-note")
    note.fill('ambiguous, "a 1?"')
    note.blur()
    expect(row.locator(".ile-of-note")).to_have_text('ambiguous, "a 1?"')

    # Taken along as CSV, and as ids.
    with page.expect_download() as download:
        root.get_by_role("button", name="CSV of the selection").click()
    (written,) = csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig")))
    columns = [*wanted.columns.drop("verdict"), "verdict"]
    assert sorted(written) == sorted(columns)
    same = wanted[wanted["row"] == int(written["row"])].iloc[0]
    for name in ("test_id", "train_id", "predicted", "actual", "train_label", "test_label"):
        assert float(written[name]) == pytest.approx(float(same[name]))
    assert (int(written["train_id"]), written["verdict"], written["note"]) == (
        third,
        same["verdict"],
        'ambiguous, "a 1?"',
    )
    root.get_by_role("button", name="Ids of the selection").click()
    assert json.loads(root.locator(".ile-ids").input_value()) == [third]
    listing.press("Escape")
    assert sorted(json.loads(root.locator(".ile-ids").input_value())) == sorted(wanted["train_id"].unique().tolist())

    # The note is there when the page is opened again, and found by its words.
    page.reload()
    explorer = explorer_in(page)
    mode(explorer, "browse")
    explorer.root.locator(".ile-search").fill("ambiguous")
    expect(explorer.root.locator(".ile-browse")).to_have_attribute("data-listed", str(DATA.m))


def test_sixty_thousand_rows_are_not_all_in_the_page_and_every_one_is_reached(
    show: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("influencelab.runner.report_writer.LARGEST", 5 * 10**6)
    values = numpy.random.default_rng(0).normal(size=(2, MANY))
    columns = {"train_id": range(MANY), "test_id": 3, "predicted": values[0], "actual": values[1]}
    explorer = show(from_table(pandas.DataFrame(columns)))
    mode(explorer, "browse")
    listing = explorer.root.locator(".ile-list")
    expect(explorer.root.locator(".ile-browse")).to_have_attribute("data-listed", str(MANY))
    assert explorer.root.locator(".ile-room [role=row]").count() < 60
    listing.focus()
    listing.press("End")
    last = explorer.root.locator(f"#{listing.get_attribute('aria-activedescendant')}")
    expect(last).to_have_attribute("aria-rowindex", str(MANY + 1))
    expect(last.locator(".ile-of-id")).to_have_text(str(numpy.abs(values[0].astype("f4")).argmin()))
    explorer.root.locator(".ile-search").fill("59999")
    expect(explorer.root.locator(".ile-browse")).to_have_attribute("data-listed", "1")


def test_changed_pictures_are_shown_before_and_after_with_their_difference(show: Shown) -> None:
    moves = torch.full((6, *DATA.x_train.shape[1:]), 0.004, dtype=torch.float64)
    move = il.FeatureMove(points=torch.arange(6), moves=moves, n=DATA.n)
    comparison = il.compare(ESTIMATE, il.SecondOrder().retrain(FIT, move))
    explorer = show(from_comparison(comparison, DATA, changed=move))
    mode(explorer, "changes")
    panel = explorer.root.locator(".ile-changes")
    pictures = panel.locator(".ile-figures .ile-thumbnail")
    expect(pictures).to_have_count(3)
    expect(panel.locator("figcaption").last).to_contain_text("× 50; grey is no change")
    assert "50 times as large" in (pictures.last.get_attribute("aria-label") or "")
    for place in range(3):
        expect(pictures.nth(place)).to_have_css("background-image", re.compile("^url"))
    before = panel.locator("h4").first.inner_text()
    panel.locator(".ile-row button").nth(3).click()
    expect(panel.locator("h4").first).not_to_have_text(before)
    expect(explorer.root.locator(".ile-what")).to_contain_text("one training point moved")
    expect(explorer.root.locator(".ile-strips")).to_contain_text("would rise most with these moved")
    mode(explorer, "pair")
    expect(explorer.root.locator(".ile-pair")).to_contain_text("predicted when moved")


def test_features_stand_beside_each_other_with_what_they_add(show: Shown) -> None:
    names = [f"f{place}" for place in range(40)]
    x = torch.randn(33, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    data = il.Dataset(x[:30], [0, 1] * 15, x[30:], [0, 1, 0], feature_names=names)
    fit = il.fit(il.BinaryLogistic(weight_decay=0.1), data, il.Newton())
    estimate, every = il.Exact().estimate(fit), il.leave_one_out(30)
    found = il.feature_contributions(estimate, every, k=4)
    comparison = il.compare(estimate, il.SecondOrder().retrain(fit, every))
    explorer = show(from_comparison(comparison, data, contributions=found))
    mode(explorer, "features")
    table = explorer.root.locator(".ile-comparison")
    # In focus first is the largest prediction, which is the first that is kept.
    rows = table.locator("tbody tr")
    for place in range(4):
        expect(rows.nth(place).locator("th")).to_have_text(found.names[found.features[0, place]])
        said = rows.nth(place).locator("td").first.inner_text().replace("−", "-")
        assert float(said) == pytest.approx(found.values[0, place], rel=0.01)
    expect(table.locator("tfoot tr").last).to_contain_text("sum: predicted")
    expect(table.locator("tr.ile-apart").first).to_contain_text("≠")
    explorer.root.get_by_role("button", name="Show all 41").click()
    expect(rows).to_have_count(41)


def test_a_curve_stands_out_among_all_and_a_click_puts_another_in_focus(show: Shown) -> None:
    weights = numpy.linspace(0, 2, 5)
    curves = pandas.DataFrame(
        {
            "train_id": numpy.repeat([1, 2, 3], 5),
            "weight": numpy.tile(weights, 3),
            "log λ̂": numpy.outer([1, 2, 3], weights).ravel(),
        }
    )
    pairs = pandas.DataFrame({"train_id": [1, 2, 3], "test_id": 0, "predicted": [0.1, 0.2, 0.5], "actual": 0.1})
    explorer = show(from_table(pairs, unit="log penalty", curves=curves))
    mode(explorer, "curves")
    panel = explorer.root.locator(".ile-curves")
    expect(panel.locator(".ile-lines path")).to_have_count(3)
    expect(panel.locator("p")).to_contain_text("Training point 3: log λ̂ is 0 at 0, 3 at 1, 6 at 2 (weight).")
    box = panel.locator("svg").bounding_box()
    assert box is not None
    panel.locator("svg").click(position={"x": box["width"] - 14, "y": box["height"] * 0.65})
    expect(panel.locator("p")).to_contain_text("Training point 1: log λ̂ is 0 at 0, 1 at 1, 2 at 2")
    expect(panel.locator("svg")).to_have_attribute(
        "aria-label", "3 curves: log λ̂ against weight. " + panel.locator("p").inner_text()
    )
