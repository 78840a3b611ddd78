"""The explorer as a person uses it: in JupyterLab, in a notebook opened again later, and in a page from a file."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy
import oracles
import pytest
from browser.explorer import Explorer, explorer_in
from browser.lab import dressed
from browser.panel import Panel, complaints
from browser.server import Server
from playwright.sync_api import Page, expect
from scipy import stats

from influencelab.data.sources.digits import Digits
from influencelab.models.tasks.logistic import Logistic
from influencelab.runner.execution import injected
from influencelab.runner.study import studies, study

pytestmark = pytest.mark.browser

Open = Callable[[Path], Panel]
STUDIES = [each.name for each in studies(Path(__file__).parents[2] / "studies")]
TINY = 1800  # seconds
SOURCE = Digits(scaling="unit", labels=(0, 1, 2), train_size=45, test_size=8)
TASK = Logistic(weight_decay=0.01)
MAKE = """
import influencelab as il
trial = il.Trial(
    source=il.Digits(scaling="unit", labels=(0, 1, 2), train_size=45, test_size=8),
    task=il.Logistic(weight_decay=0.01),
    trainer=il.Newton(),
    estimators={"exact": il.Exact(), "gradient_dot": il.GradientDot()},
)
trials = il.grid({"digits": trial}, {"task.weight_decay": [0.01, 0.1], "seed": [0]})
outcomes = {key: each.run() for key, each in trials.items()}
names = ("data", "weight decay", "seed")
data = il.explorer_data(outcomes, trials, names=names, details=trials, title="digits")
explorer = il.Explorer(data, retrain=il.LeaveOneOutRetrainer(outcomes, trials, names))
explorer
"""
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
FOLLOWING = (
    "explorer.selected",
    "explorer.table().to_dict('list')",
    "explorer.statistics",
    "explorer.settings = {'weight decay': 0.1}\nexplorer.selected = explorer.table()['row'].tolist()[:7]",
    "explorer.notes",
)


def made(path: Path) -> Path:
    """A notebook that makes small explorer data, shows them, and asks for its traits in the cells below."""
    cells = [nbformat.v4.new_code_cell(source) for source in (MAKE, *FOLLOWING)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    return path


@pytest.fixture
def hands(open_notebook: Open, server: Server) -> tuple[Panel, Explorer]:
    """The small explorer data, drawn."""
    panel = open_notebook(made(server.root / "studies" / "hands.ipynb"))
    assert panel.run_cell(0, seconds=TINY).faults == []
    return panel, explorer_in(panel.page, panel.show(0))


@pytest.fixture(scope="module")
def executed(server: Server) -> Path:
    """The notebook that looks at things, as the command line ran it."""
    where = ["--studies", str(server.root / "studies"), "--results", str(server.root / "results")]
    command = [sys.executable, "-m", "influencelab", "run", "explore", "--profile", "tiny", *where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TINY, check=False)
    assert done.returncode == 0, done.stderr
    return server.root / "results" / "explore" / "tiny" / "explore.ipynb"


def problem() -> tuple[oracles.Model, oracles.Points, numpy.ndarray]:
    """The same model by its formulas alone, its data, and its minimum."""
    data = SOURCE.load()
    model, points = oracles.linear(TASK, data), oracles.points_of(data)
    return model, points, oracles.newton(model, points)


def agree(shown: dict[str, object], x: numpy.ndarray, y: numpy.ndarray, *, within: float) -> None:
    """The statistics in the browser are SciPy's of these pairs."""
    assert shown["n"] == len(x)
    assert shown["pearson"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=within)
    assert shown["spearman"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=within)
    assert shown["slope"] == pytest.approx(stats.linregress(x, y).slope, rel=within)
    interval = stats.pearsonr(x, y).confidence_interval(0.95)
    assert shown["pearson_interval"] == pytest.approx([interval.low, interval.high], abs=within)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_ends_with_its_own_pairs_drawn(open_notebook: Open, server: Server, name: str) -> None:
    plan = study(name, folder=server.root / "studies").plan("tiny", results=server.root / "by_hand")
    # Apart from the studies, which other tests list; and left there, since JupyterLab saves what is open for long.
    copy = server.root / "opened" / f"{name}.ipynb"
    copy.parent.mkdir(exist_ok=True)
    nbformat.write(injected(plan.study.path, plan.parameters), copy)
    panel = open_notebook(copy)
    panel.run_all(seconds=TINY)
    assert [fault for cell in panel.code() for fault in cell.faults] == []
    assert panel.widgets()
    for number, index in enumerate(panel.widgets()):
        explorer = explorer_in(panel.page, panel.show(index))
        drawn = explorer.drawn()
        assert drawn["width"] > 300
        assert drawn["coloured"] > 200
        assert explorer.statistics["shown"]["n"] == len(explorer.shown().rows) > 0
        panel.picture(f"explorer_{name}_{number}")


def test_the_slider_gives_what_a_fresh_dense_solve_at_that_damping_gives(hands: tuple[Panel, Explorer]) -> None:
    panel, explorer = hands
    before, undamped = explorer.drawn(), explorer.statistics["shown"]
    slider = explorer.root.locator("input[data-name=damping]")
    slider.focus()
    for _ in range(14):
        slider.press("ArrowRight")
    panel.picture("damped")
    share, statistics = explorer.settings["damping"], explorer.statistics
    assert 1e-5 < share < 1e-2
    assert explorer.drawn()["hash"] != before["hash"]
    assert statistics["shown"] != undamped
    model, points, theta = problem()
    curvature = oracles.linear_hessian(model, theta, points)
    damping = share * numpy.linalg.eigvalsh(curvature)[-1]
    assert statistics["damping"] == pytest.approx(damping, rel=1e-6)
    expected = oracles.influence(model, theta, points, damping=damping)
    truth = oracles.removal_changes(model, points, [[row] for row in range(len(points.x))])
    shown = explorer.shown()
    assert shown.x == pytest.approx(expected.T.ravel(), rel=1e-5, abs=1e-9)
    agree(statistics["shown"], expected.T.ravel(), truth.T.ravel(), within=1e-4)
    agree(statistics["shown"], numpy.array(shown.x), numpy.array(shown.y), within=1e-9)


def test_a_lasso_reaches_python_with_scipys_statistics(hands: tuple[Panel, Explorer]) -> None:
    panel, explorer = hands
    explorer.choose("axes", "symmetric log")
    explorer.lasso(0.5, 0.02, 0.97, 0.6)
    panel.picture("lasso")
    inside = explorer.statistics["selected"]
    assert 3 < inside["n"] < explorer.statistics["shown"]["n"]
    expect(explorer.root.locator(".ile-live")).to_contain_text(f"{inside['n']} of")
    told = [panel.run_cell(index, seconds=30).outputs[0]["data"]["text/plain"] for index in (1, 2, 3)]
    selected, table, statistics = (ast.literal_eval("".join(text)) for text in told)
    shown = explorer.shown()
    chosen = [place for place, row in enumerate(shown.rows) if row in set(selected)]
    assert len(chosen) == len(selected) == inside["n"]
    x, y = numpy.array(shown.x)[chosen], numpy.array(shown.y)[chosen]
    agree(inside, x, y, within=1e-9)
    assert sorted(table["predicted"]) == sorted(x.tolist())
    for name in ("pearson", "spearman", "slope"):
        assert statistics["selected"][name] == pytest.approx(inside[name], abs=1e-9)
    assert "Fisher" in explorer.root.locator(".ile-readings").inner_text()


def test_python_sets_what_is_looked_at_and_selected_and_reads_notes(hands: tuple[Panel, Explorer]) -> None:
    panel, explorer = hands
    title = explorer.root.locator(".ile-card h4", has_text="Training point").inner_text()
    explorer.root.locator(".ile-note").fill("looks like a 7")
    explorer.root.locator(".ile-note").blur()
    told = panel.run_cell(5, seconds=30).outputs[0]["data"]["text/plain"]
    assert ast.literal_eval("".join(told)) == {int(title.split()[-1]): "looks like a 7"}
    panel.run_cell(4, seconds=30)
    expect(explorer.root).to_have_attribute("data-selected", "7")
    assert explorer.settings["weight decay"] == 0.1
    expect(explorer.root.locator("select[data-name='weight decay']")).to_have_value("0.1")


def test_what_is_retrained_is_what_an_independent_retraining_finds(hands: tuple[Panel, Explorer]) -> None:
    panel, explorer = hands
    model, points, _ = problem()
    data = SOURCE.load()
    explorer.choose("test point", str(int(data.test_ids[2])))
    button = explorer.root.locator(".ile-retrain")
    expect(button).to_be_enabled()
    button.click()
    expect(explorer.root.locator(".ile-retrained")).to_contain_text("‖∇J‖", timeout=600_000)
    panel.picture("retrained")
    (found,) = explorer.retrained
    title = explorer.root.locator(".ile-card h4", has_text="Training point").inner_text()
    row = data.train_ids.tolist().index(int(title.split()[-1]))
    truth = oracles.removal_changes(model, points, [[row]])[0, 2]
    assert found["y"] == pytest.approx(truth, rel=1e-3)
    assert found["x"] == pytest.approx(max(explorer.shown().x, key=abs))


def test_every_control_and_point_can_be_reached_by_keyboard(hands: tuple[Panel, Explorer]) -> None:
    panel, explorer = hands
    before = panel.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex")
    reached = set()
    explorer.root.locator("select").first.focus()
    for _ in range(40):
        reached.add(
            panel.page.evaluate("() => document.activeElement.dataset.name ?? document.activeElement.className")
        )
        panel.page.keyboard.press("Tab")
    assert {"test point", "estimator", "damping", "colour", "axes", "ile-surface", "ile-retrain"} <= reached
    explorer.surface.focus()
    card, seen = explorer.root.locator(".ile-pair"), set()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowRight"):
        explorer.surface.press(key)
        seen.add(card.inner_text())
    assert len(seen) >= 3
    explorer.surface.press("Enter")
    expect(explorer.root).to_have_attribute("data-selected", "1")
    view = explorer.drawn()["hash"]
    explorer.surface.press("+")
    assert explorer.drawn()["hash"] != view
    explorer.surface.press("Escape")
    expect(explorer.root).to_have_attribute("data-selected", "0")
    assert panel.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == before


def test_dark_light_forced_colours_and_narrow_cells_stay_readable(hands: tuple[Panel, Explorer]) -> None:
    panel, explorer = hands
    light = explorer.drawn()["hash"]
    dressed(panel.page, "JupyterLab Dark")
    dark = explorer.drawn_anew(lambda now: now != light)
    panel.show(0)
    panel.picture("dark")
    assert dark["coloured"] > 200
    dressed(panel.page, "JupyterLab Light")
    panel.page.emulate_media(forced_colors="active")
    panel.page.wait_for_timeout(1000)
    panel.picture("forced_colours")
    assert explorer.drawn()["coloured"] > 100
    panel.page.emulate_media(forced_colors="none")
    panel.page.set_viewport_size({"width": 900, "height": 900})
    expect(explorer.root).to_have_class("ile ile-narrow")
    panel.picture("narrow")
    assert explorer.drawn()["coloured"] > 100


def test_a_notebook_opened_again_is_alive_but_for_retraining(open_notebook: Open, executed: Path) -> None:
    assert executed.stat().st_size < 8 * 10**6
    panel = open_notebook(executed)
    assert all(cell.trusted for cell in panel.code())
    (index,) = panel.widgets()
    explorer = explorer_in(panel.page, panel.show(index))
    before = explorer.drawn()
    assert before["coloured"] > 200
    expect(explorer.root.locator(".ile-retrain")).to_be_disabled()
    expect(explorer.root.locator(".ile-retrained")).to_contain_text("no kernel is connected")
    by_hand(explorer)
    assert explorer.drawn()["hash"] != before["hash"]
    panel.picture("opened_again")


def test_a_notebook_that_nobody_trusts_shows_a_picture_of_the_view(open_notebook: Open, executed: Path) -> None:
    read = nbformat.read(executed, as_version=4)
    read.cells[-1].source += "\n# changed"
    changed = executed.with_name("changed.ipynb")
    nbformat.write(read, changed)
    panel = open_notebook(changed)
    (index,) = panel.widgets()
    assert panel.pixels(index).drawn
    expect(panel.show(index).locator(".ile")).to_have_count(0)
    panel.picture("untrusted")


def test_an_exported_page_works_from_a_file_without_a_network(page: Page, executed: Path, output_path: str) -> None:
    file = executed.with_name("explore.html")
    command = [sys.executable, "-m", "influencelab", "export", str(executed.parent), "--output", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TINY, check=False)
    assert done.returncode == 0, done.stderr
    heard = complaints(page)
    page.goto(file.as_uri())
    explorer = explorer_in(page)
    before = explorer.drawn()
    assert before["coloured"] > 200
    by_hand(explorer)
    assert explorer.drawn()["hash"] != before["hash"]
    expect(explorer.root.locator(".ile-retrain")).to_be_disabled()
    expect(explorer.root.locator(".ile-retrained")).to_contain_text("a page")
    assert page.locator("figure img").count() >= 1
    page.screenshot(path=Path(output_path) / "page.png", full_page=True)
    assert heard == []


def by_hand(explorer: Explorer) -> None:
    """Hover, move the slider, lasso: without a kernel; statistics stay SciPy's."""
    shown = explorer.shown()
    explorer.page.mouse.move(*shown.places[shown.x.index(max(shown.x, key=abs))])
    expect(explorer.root.locator(".ile-tip")).to_be_visible()
    slider = explorer.root.locator("input[data-name=damping]")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    assert explorer.settings["damping"] > 1e-7
    shown = explorer.shown()
    agree(explorer.statistics["shown"], numpy.array(shown.x), numpy.array(shown.y), within=1e-9)
    explorer.lasso(0.1, 0.02, 0.97, 0.85)
    selected = explorer.statistics["selected"]
    assert selected["n"] > 3
