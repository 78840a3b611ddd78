"""One HTML page of a run that needs no network and no server: verdicts, figures, numbers, and the explorer alive.

The explorer's own modules are put into the page, with a stand-in for the notebook's model among them. Jupyter's way
(require.js and html-manager, 3.7 MB) does the same for any widget and does not work from `file://` without changes.
"""

import base64
import html
import json
from pathlib import Path

from influencelab.errors import MissingData
from influencelab.explorer.widget import bundle
from influencelab.explorer.widget.explorer import Explorer
from influencelab.runner.report import Report
from influencelab.statistics.measurement import Measurement
from influencelab.studies.catalogue import verdicts

FOLDER = Path(__file__).parent
# Stands in the explorer's module where the page begins to use it.
DEFAULT = "export default { render };"


def page(report: Report) -> str:
    """The page as text."""
    frame = (FOLDER / "page.html").read_text(encoding="utf-8")
    parts = {
        "TITLE": html.escape(f"{report.study} at {report.profile}"),
        "STYLE": bundle.style(),
        "FACTS": facts(report),
        "VERDICTS": verdicts(report).to_html(),
        "FIGURES": "\n".join(figure(report, path) for path in report.figures),
        "NUMBERS": "\n".join(row(name, number) for name, number in report.numbers().items()),
        **explorer_parts(report),
    }
    for name, text in parts.items():
        frame = frame.replace(f"<!--{name}-->", text)
    return frame


def explorer_parts(report: Report) -> dict[str, str]:
    """The explorer's data and scripts, or a sentence where the report keeps nothing for it."""
    try:
        explorer = Explorer(report)
    except MissingData:
        nothing = "<p>This run keeps nothing for the explorer: run the study again.</p>"
        return {"EXPLORER": nothing, "STATE": "{}", "GRID": "", "SCRIPT": ""}
    return {
        "EXPLORER": "",
        "STATE": json.dumps(explorer.settings, allow_nan=False).replace("</", "<\\/"),
        "GRID": base64.b64encode(explorer._grid).decode(),
        "SCRIPT": bundle.script(bundle.ALONE).replace(DEFAULT, "") + (FOLDER / "page.js").read_text(encoding="utf-8"),
    }


def facts(report: Report) -> str:
    """The run: study, parameters, code and machine."""
    manifest = report.manifest
    commit, changed = manifest["code"]["commit"] or "unknown", manifest["code"]["dirty"]
    lines = {
        "run of": report.date or "a day that was not recorded",
        "took": f"{manifest['seconds']:,.0f} s",
        "code": f"commit {commit[:10]}{', changed since' if changed else ''}",
        "versions": ", ".join(f"{name} {version}" for name, version in manifest["versions"].items()),
        "parameters": ", ".join(f"{name} = {json.dumps(value)}" for name, value in report.parameters.items()),
    }
    return "".join(f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in lines.items())


def figure(report: Report, path: Path) -> str:
    """A figure as its PNG, which opens anywhere, above its caption."""
    drawn = base64.b64encode(path.with_suffix(".png").read_bytes()).decode()
    name = path.relative_to(report.folder / "figures").with_suffix("").as_posix()
    title = html.escape(path.stem.replace("_", " "))
    caption = html.escape(report.captions[name]) if name in report.captions else title
    return f'<figure><img alt="{title}" src="data:image/png;base64,{drawn}"><figcaption>{caption}</figcaption></figure>'


def row(name: str, number: Measurement) -> str:
    """A number with its interval, how many things it is made of, and how its interval was made."""
    cells = (name, str(number), "" if number.n is None else f"{number.n:,}", number.note)
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
