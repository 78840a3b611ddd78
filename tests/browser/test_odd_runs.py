"""Runs with next to nothing in them, or with something unusual, are shown in a page without an error."""

from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from browser.explorer import explorer_in
from browser.panel import complaints
from playwright.sync_api import Page, expect

from influencelab.app.page.page import page as whole_page
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.from_table import from_table
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement

pytestmark = pytest.mark.browser

ROWS = {"train_id": [1, 2, 3, 4], "test_id": [9] * 4, "predicted": [0.1, -0.2, 0.3, 0.0]}
ODD = {
    "one point": {name: values[:1] for name, values in ROWS.items()} | {"actual": [0.2]},
    "one class": ROWS | {"actual": [0.2, -0.1, 0.2, 0.1], "train_label": [3] * 4, "test_label": [3] * 4},
    "some not converged": ROWS | {"actual": [0.2, None, 0.2, None]},
    "none converged": ROWS | {"actual": [None] * 4},
    "one truth for all": ROWS | {"actual": [0.5] * 4},
    "real targets": ROWS
    | {"actual": [0.2, -0.1, 0.2, 0.1], "train_label": [0.5, 1.5, 2.5, -1], "test_label": [0.1] * 4},
}


@pytest.mark.parametrize("name", [*ODD, "nothing", "texts"])
def test_odd_and_empty_runs_are_shown_without_an_error(page: Page, tmp_path: Path, output_path: str, name: str) -> None:
    heard = complaints(page)
    draft = ReportWriter("odd", folder=tmp_path / "odd" / "tiny", parameters={})
    draft.number(Measurement(1.0), statistic="one")
    if name == "texts":
        draft.explore(with_texts())
    elif name != "nothing":
        draft.explore(from_table(pandas.DataFrame(ODD[name]).astype({"actual": float})))
    file = tmp_path / "odd.html"
    file.write_text(whole_page(draft.publish()), encoding="utf-8")
    page.goto(file.as_uri())
    if name == "nothing":
        expect(page.locator("#explorer")).to_contain_text("keeps nothing for the explorer")
        assert heard == []
        return
    root = page.locator(".ile")
    expect(root).to_have_attribute("data-ready", "true", timeout=600_000)
    page.screenshot(path=Path(output_path) / f"{name}.png")
    explorer = explorer_in(page)
    truths = ODD.get(name, ODD["one class"])["actual"]
    assert explorer.statistics["shown"]["n"] == sum(each is not None for each in truths)
    assert explorer.statistics["not_converged"] == sum(each is None for each in truths)
    explorer.choose("axes", "symmetric log")
    explorer.choose("colour", "|influence|")
    explorer.lasso(0.1, 0.02, 0.97, 0.85)
    for key in ("ArrowRight", "Enter", "+", "0", "a", "Escape"):
        explorer.surface.press(key)
    if name == "texts":
        expect(root.locator(".ile-card").last).to_contain_text("cheap pills")
    assert heard == []


def with_texts() -> ExplorerData:
    """Four mails and one that is watched."""
    known = from_table(pandas.DataFrame(ODD["one class"]))
    mails = ("cheap pills now", "the minutes of Monday", "cheap pills later", "cheap pills again")
    points = {name: replace(each, train_texts=mails, test_texts=("pills?",)) for name, each in known.points.items()}
    return replace(known, points=points)
