"""A notebook open in JupyterLab: run and looked at as a person does, waited for through JupyterLab's own session."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, expect

WIDGET = "application/vnd.jupyter.widget-view+json"
# Milliseconds. A kernel comes up in a few seconds on a quiet machine; a busy one needs several times that.
OPEN = 600_000

# The toolbar's dot says idle before there is a kernel, and running then does nothing: ask the session instead.
IDLE = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  return Boolean(panel?.context?.isReady && panel.sessionContext.isReady
    && kernel?.connectionStatus === 'connected' && kernel.status === 'idle');
}"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => ({
  kind: cell.model.type,
  source: cell.model.sharedModel.getSource(),
  count: cell.model.executionCount ?? null,
  trusted: cell.model.trusted,
  outputs: cell.model.outputs?.toJSON() ?? [],
}))"""
# Run All stops at an error, so the cells after it never get a number.
DONE = f"""() => {{
  const cells = ({CELLS})().filter((cell) => cell.kind === 'code');
  const failed = cells.some((cell) => cell.outputs.some((output) => output.output_type === 'error'));
  return (failed || cells.every((cell) => cell.count !== null)) && ({IDLE})();
}}"""
SHOW = """async (index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  await notebook.scrollToItem(index, 'start', 0);
  notebook.widgets[index].node.dataset.testCell = index;
}"""
RUN_CELL = """async (index) => {
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
RAN_AGAIN = f"""([index, before]) => {{
  const cell = ({CELLS})()[index];
  return cell.count !== null && cell.count !== before && ({IDLE})();
}}"""
PIXELS = """async (image) => {
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue, alpha] = data.subarray(i, i + 4);
    colours.add((red << 16) | (green << 8) | blue);
    coloured += alpha > 0 && Math.max(red, green, blue) - Math.min(red, green, blue) > 40;
  }
  return {width: image.naturalWidth, height: image.naturalHeight, colours: colours.size, coloured};
}"""


@dataclass(frozen=True)
class Pixels:
    """What a picture is made of, as the browser drew it.

    Attributes:
        width: in its own pixels.
        height: in its own pixels.
        colours: how many different ones there are.
        coloured: how many pixels are neither white, grey nor black. Axes, ticks and text are; data are coloured.
    """

    width: int
    height: int
    colours: int
    coloured: int

    @property
    def drawn(self) -> bool:
        """Whether this is a figure of a readable size with data in it, rather than blank or bare axes."""
        return self.width > 200 and self.height > 200 and self.colours > 16 and self.coloured > 200


@dataclass(frozen=True)
class Cell:
    """A cell as JupyterLab holds it.

    Attributes:
        index: its place from the top, counted from 0.
        kind: `code`, `markdown` or `raw`.
        source: its text.
        count: the number in its prompt; None where it did not run.
        trusted: whether JupyterLab shows all it printed, scripts and HTML too.
        outputs: what it printed, in the notebook format.
    """

    index: int
    kind: str
    source: str
    count: int | None
    trusted: bool
    outputs: list[dict[str, Any]]

    @property
    def faults(self) -> list[str]:
        """What went wrong in it: errors, and whatever it wrote to stderr."""
        errors = [f"{out['ename']}: {out['evalue']}" for out in self.outputs if out["output_type"] == "error"]
        return errors + ["".join(out["text"]) for out in self.outputs if out.get("name") == "stderr"]

    def shows(self, kind: str) -> bool:
        """Whether it printed something of a MIME type."""
        return any(kind in output.get("data", {}) for output in self.outputs)


@dataclass(frozen=True)
class Panel:
    """A notebook open in a page of JupyterLab, with a kernel.

    Attributes:
        page: the browser's page.
        pictures: where screenshots go.
    """

    page: Page
    pictures: Path

    def cells(self) -> list[Cell]:
        """Every cell, from top to bottom."""
        return [Cell(index, **cell) for index, cell in enumerate(self.page.evaluate(CELLS))]

    def code(self) -> list[Cell]:
        """The cells that hold code."""
        return [cell for cell in self.cells() if cell.kind == "code"]

    def figures(self) -> list[int]:
        """The places of the cells that printed a picture; a widget's stands in for it only where it cannot be drawn."""
        return [cell.index for cell in self.code() if cell.shows("image/png") and not cell.shows(WIDGET)]

    def widgets(self) -> list[int]:
        """The places of the cells that show a widget."""
        return [cell.index for cell in self.code() if cell.shows(WIDGET)]

    def table(self, index: int) -> list[dict[str, str]]:
        """The rows of the table that a cell shows, by the words at the head of each column."""
        table = self.show(index).locator("table")
        expect(table).to_be_visible()
        heads = table.locator("thead th").all_inner_texts()
        rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
        return [dict(zip(heads, row, strict=True)) for row in rows]

    def run_all(self, *, seconds: float) -> None:
        """Run > Run All Cells, in the menu; returns when all have run, or one has failed, and the kernel rests.

        Args:
            seconds: how long that may take.
        """
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(DONE, timeout=1000 * seconds, polling=500)

    def run_cell(self, index: int, *, seconds: float) -> Cell:
        """Run one cell again, as Ctrl-Enter does; the cell with its new output."""
        before = self.cells()[index].count
        self.page.evaluate(RUN_CELL, index)
        self.page.wait_for_function(RAN_AGAIN, arg=[index, before], timeout=1000 * seconds, polling=100)
        return self.cells()[index]

    def show(self, index: int) -> Locator:
        """Scroll a cell into sight; the cell."""
        self.page.evaluate(SHOW, index)
        cell = self.page.locator(f"[data-test-cell='{index}']")
        expect(cell).to_be_visible()
        return cell

    def pixels(self, index: int) -> Pixels:
        """The one picture that a cell shows; a figure that is drawn twice is an error."""
        pictures = self.show(index).locator(".jp-RenderedImage img")
        expect(pictures).to_have_count(1)
        expect(pictures).to_be_visible()
        return pixels(pictures)

    def picture(self, name: str) -> Path:
        """Keep what the page shows now as a PNG."""
        path = self.pictures / f"{name}.png"
        self.page.screenshot(path=path)
        return path


def pixels(picture: Locator) -> Pixels:
    """What a picture on a page is made of."""
    return Pixels(**picture.evaluate(PIXELS))


def opened(page: Page, url: str, pictures: Path) -> Panel:
    """Open a notebook and wait until its kernel rests."""
    page.goto(url)
    page.wait_for_function(IDLE, timeout=OPEN, polling=200)
    return Panel(page, pictures)


def complaints(page: Page) -> list[str]:
    """What goes wrong in a page from now on; the list grows: console errors, exceptions, calls to other machines."""
    heard: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            heard.append(f"console: {message.text} ({message.location.get('url', '')})")

    def request(sent: Request) -> None:
        if not sent.url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:")):
            heard.append(f"elsewhere: {sent.url}")

    page.on("console", console)

    def exception(error: Error) -> None:
        places = (error.stack or "").split("    at ")[1:2]
        heard.append(f"exception: {error} ({''.join(places).strip()})")

    page.on("pageerror", exception)
    page.on("request", request)
    return heard
