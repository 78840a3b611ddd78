"""`influencelab scorecard` and `export`: every claim and its verdict, and a run as one page that opens anywhere."""

from pathlib import Path

from influencelab.errors import MissingData, UnknownName
from influencelab.runner.report import load, reports
from influencelab.runner.scorecard import rows, scorecard_text
from influencelab.runner.study import studies as all_studies
from influencelab.runner.study import studies_folder
from influencelab.studies.catalogue import all_claims
from influencelab.studies.results_page import write_readme


def shown(path: Path) -> str:
    """A path, relative to the working folder if it is in it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def results_folder(studies: Path | None, results: Path | None) -> Path:
    """The folder of results that was given, or the one beside the studies."""
    return (results or (studies or studies_folder()).resolve().parent / "results").resolve()


def printed(studies: Path | None, results: Path | None) -> str:
    """The scorecard for the screen."""
    return scorecard_text(rows(reports(results_folder(studies, results)), all_claims()))


def written(studies: Path | None, results: Path | None) -> str:
    """Write the page of results; a text on where it is."""
    planned = {each.name: each.profiles.values() for each in all_studies(studies)}
    return f"Wrote {shown(write_readme(results_folder(studies, results), planned=planned))}."


def exported(run: str, *, output: Path | None, studies: Path | None, results: Path | None) -> str:
    """Write the page of a report's folder, or of the largest run of a study, into the report's folder unless given.

    Returns a text on where the page is and how large.
    """
    from influencelab.app.page.page import page  # it loads the explorer, which a scorecard does without

    if (Path(run) / "manifest.json").is_file():
        found = [load(Path(run).resolve())]
    else:
        home = results_folder(studies, results)
        found = [report for report in reports(home) if report.study == run]
        if not found:
            raise UnknownName(f"'{run}' is no folder of a report, and no study was run under that name in {home}.")
    report = found[-1]
    path = output or report.folder / f"{report.study}.html"
    if not path.parent.is_dir():
        raise MissingData(f"There is no folder {path.parent} to write {path.name} in. Make it, or name another.")
    text = page(report)
    path.write_text(text, encoding="utf-8")
    return f"Wrote {shown(path)}, {len(text.encode()) / 10**6:.1f} MB. It opens in any browser, without a network."
