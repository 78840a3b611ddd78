"""`influencelab export`: a run as one page that opens anywhere, without a network."""

from pathlib import Path

from influencelab.app.cli.scorecard import results_folder
from influencelab.app.cli.text import shown
from influencelab.app.page.page import page
from influencelab.errors import MissingData, UnknownName
from influencelab.runner.report import Report, load, reports


def exported(run: str, *, output: Path | None, studies: Path | None, results: Path | None) -> str:
    """Write the page of a report's folder, or of the largest run of a study, into the report's folder unless given.

    Returns a text on where the page is and how large.
    """
    report = found(run, studies=studies, results=results)
    path = output or report.folder / f"{report.study}.html"
    if not path.parent.is_dir():
        raise MissingData(f"There is no folder {path.parent} to write {path.name} in. Make it, or name another.")
    text = page(report)
    path.write_text(text, encoding="utf-8")
    return f"Wrote {shown(path)}, {len(text.encode()) / 10**6:.1f} MB. It opens in any browser, without a network."


def found(run: str, *, studies: Path | None, results: Path | None) -> Report:
    """The report in a folder, or the largest of a study; an UnknownName error where there is none."""
    folder = Path(run)
    if (folder / "manifest.json").is_file():
        return load(folder.resolve())
    home = results_folder(studies, results)
    mine = [report for report in reports(home) if report.study == run]
    if not mine:
        raise UnknownName(f"'{run}' is no folder of a report, and no study was run under that name in {home}.")
    return mine[-1]
