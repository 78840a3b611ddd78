"""The widget of rows in JupyterLab: dots and lines find each other, axes turn, and Python hears of it."""

import ast
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from browser.explorer import explorer_in
from browser.lab import dressed
from browser.panel import Panel
from browser.server import Server
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

MAKE = """
import numpy, pandas
import influencelab as il
generator = numpy.random.default_rng(0)
X = pandas.DataFrame(generator.normal(size=(500, 3)), columns=["age", "dose", "time"])
X.index = [f"patient {row}" for row in range(500)]
y = (generator.uniform(size=500) < 1 / (1 + numpy.exp(-X["age"]))).astype(float)
explorer = il.glm_influence(X, y).explore(rows=200)
explorer
"""
FOLLOWING = (
    "explorer.table().index.tolist()",
    "explorer.settings",
    "explorer.selected = [5]",
    "explorer.rows.index[5]",
    "explorer.rows['age'].idxmax()",
)
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def test_rows_are_found_from_dots_and_dots_from_rows(open_notebook: Callable[[Path], Panel], server: Server) -> None:
    path = server.root / "studies" / "rows.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in (MAKE, *FOLLOWING)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    panel = open_notebook(path)
    assert panel.run_cell(0, seconds=1800).faults == []
    explorer = explorer_in(panel.page, panel.show(0))
    root, page = explorer.root, panel.page
    assert explorer.drawn()["coloured"] > 200
    expect(root).to_contain_text("the 100 of largest Cook's distance and 100 others at random; 300 are left out")
    expect(root).to_contain_text("Binomial, LogitLink: 500 rows, 4 coefficients, exact scores")
    panel.picture("rows")

    # A dot: its line comes into sight and is marked, its values stand below, and Python has it.
    shown = explorer.shown()
    far = max(range(len(shown.x)), key=shown.x.__getitem__)
    page.mouse.click(*shown.places[far])
    line = root.locator(".ile-line.ile-here.ile-chosen")
    expect(line).to_be_visible()
    called = line.locator(".ile-of-id").inner_text()
    expect(root.locator(".ile-row-values h4")).to_have_text(f"Row {called}")
    expect(root.locator(".ile-row-values")).to_contain_text("studentised")
    assert said(panel, 1) == [called]

    # A line: its dot is ringed.
    before = explorer.drawn()
    second = root.locator(".ile-room [role=row]").nth(1)
    panel.show(0)
    named = second.locator(".ile-of-id").inner_text()
    second.click()
    expect(root).to_have_attribute("data-focus", named)
    assert explorer.drawn() != before

    # Other axes, a scale and a colour.
    for name, value in (("across", "studentised"), ("axes", "symmetric log"), ("colour", "predicted")):
        explorer.choose(name, value)
    assert said(panel, 2)["across"] == "studentised"
    assert min(explorer.shown().x) < 0 < max(explorer.shown().x)

    # Sorted by a column, searched, and selected by Python.
    panel.show(0)
    root.get_by_title("Sort by age", exact=True).click()
    oldest = said(panel, 5)
    panel.show(0)
    expect(root.locator(".ile-room [role=row]").first.locator(".ile-of-id")).to_have_text(oldest)
    panel.run_cell(3, seconds=600)
    fifth = said(panel, 4)
    panel.show(0)
    root.locator(".ile-search").fill(fifth)
    expect(root.locator(".ile-room [role=row].ile-chosen .ile-of-id")).to_have_text(fifth)

    # With the keyboard alone.
    root.locator(".ile-search").fill("")
    explorer.surface.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(root).to_have_attribute("data-selected", "2")
    light = explorer.drawn()["hash"]
    for theme in ("Dark", "Light"):
        dressed(page, f"JupyterLab {theme}")
        explorer.drawn_anew(lambda now, dark=theme == "Dark": (now != light) == dark)
        panel.picture(f"rows_{theme.lower()}")

    # Out of the page while its theme changes, as cells out of sight can be.
    root.evaluate("(root) => { window.apart = [root.parentElement, root]; root.remove(); }")
    dressed(page, "JupyterLab Dark")
    page.evaluate("() => window.apart[0].append(window.apart[1])")
    explorer.drawn_anew(lambda now: now != light)


def said(panel: Panel, index: int) -> object:
    """What a cell says now."""
    cell = panel.run_cell(index, seconds=600)
    assert cell.faults == []
    return ast.literal_eval("".join(cell.outputs[0]["data"]["text/plain"]))
