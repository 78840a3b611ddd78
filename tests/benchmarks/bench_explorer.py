"""The explorer with 50,000 points in JupyterLab: how long a person waits, measured in the browser and in the kernel."""

import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the browser tests know how to open JupyterLab

import nbformat
from browser.explorer import Explorer, explorer_in
from browser.panel import opened
from browser.server import serving
from playwright.sync_api import sync_playwright

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
MAKE = """
import time
import numpy
import influencelab as il

generator = numpy.random.default_rng(0)
predicted = 1e-3 * generator.normal(size=(500, 100))
comparison = il.Comparison(
    estimator="exact",
    unit="nats",
    predicted=predicted,
    actual=1.1 * predicted + 3e-4 * generator.normal(size=(500, 100)),
    mask=numpy.ones((500, 100), dtype=bool),
    train_ids=numpy.arange(500),
    train_labels=numpy.arange(500) % 10,
    test_ids=numpy.arange(100),
    test_labels=numpy.arange(100) % 10,
    classes=10,
)
heard = []
explorer = il.Explorer(comparison)
explorer.observe(lambda change: heard.append((1000 * time.time(), len(change.new))), "selected")
explorer
"""
# From an event to the frame that shows what follows from it.
WATCH = """() => {
  window.waited = {pointermove: [], pointerup: [], pointerupAt: []};
  for (const name of ['pointermove', 'pointerup']) {
    document.addEventListener(name, (event) => {
      const began = event.timeStamp;
      if (name === 'pointerup') window.waited.pointerupAt.push(Date.now() - (performance.now() - began));
      requestAnimationFrame(() => setTimeout(() => window.waited[name].push(performance.now() - began), 0));
    }, true);
  }
}"""


def main() -> None:
    """Open JupyterLab on a notebook of its own and print a line for each kind of waiting."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, sync_playwright() as playwright:
        home = Path(name)
        # Settings, signatures and kernels of whoever runs this play no part.
        folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
        os.environ |= {f"JUPYTER_{variable}": f"{home}/{folder}" for variable, folder in folders.items()}
        os.environ |= {"IPYTHONDIR": f"{home}/ipython", "JUPYTER_PREFER_ENV_PATH": "1"}
        notebook = home / "checkout" / "studies" / "many.ipynb"
        notebook.parent.mkdir(parents=True)
        cells = [nbformat.v4.new_code_cell(source) for source in (MAKE, "heard")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), notebook)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--disable-gpu"])
        with serving(notebook.parent, home=home) as server:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            panel = opened(page, server.url(notebook), home)
            panel.run_cell(0, seconds=120)
            explorer = explorer_in(page, panel.show(0))
            page.evaluate(WATCH)
            report(explorer)
            told = "".join(panel.run_cell(1, seconds=30).outputs[0]["data"]["text/plain"])
            released = page.evaluate("() => window.waited.pointerupAt.at(-1)")
            arrived, count = eval(told, {"__builtins__": {}})[-1]
            print(f"lasso of {count:,} points in Python {arrived - released:.0f} ms (at most 500)")
            server.end_kernels()
        browser.close()


def report(explorer: Explorer) -> None:
    """Draw, hover, pan and lasso."""
    page, shown = explorer.page, explorer.shown()
    print(f"initial draw of {len(shown.rows):,} points {explorer.milliseconds('first'):.0f} ms (at most 1000)")
    for place in shown.places[:60]:
        page.mouse.move(*place)
    page.wait_for_timeout(200)
    waited = page.evaluate("() => window.waited.pointermove")
    print(f"hover until painted: median {statistics.median(waited):.1f} ms, largest {max(waited):.1f} ms (at most 33)")
    box = explorer.surface.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    draws = []
    for step in range(20):
        page.mouse.move(box["x"] + 300 + 3 * step, box["y"] + 200)
        draws.append(explorer.milliseconds("draw"))
    page.mouse.up()
    print(f"a frame while panning: median {statistics.median(draws):.1f} ms, largest {max(draws):.1f} ms (at most 33)")
    explorer.lasso(0.15, 0.03, 0.95, 0.8)
    page.wait_for_timeout(500)
    painted = page.evaluate("() => window.waited.pointerup.at(-1)")
    print(f"lasso of {explorer.statistics['selected']['n']:,} points until painted {painted:.0f} ms (at most 100)")


if __name__ == "__main__":
    main()
