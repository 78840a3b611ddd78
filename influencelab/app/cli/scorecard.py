"""`influencelab scorecard`: every claim and its verdict, on the screen or as the page of results."""

from pathlib import Path

from influencelab.app.cli.text import shown
from influencelab.runner.report import reports
from influencelab.runner.scorecard import rows, scorecard_text
from influencelab.runner.study import studies as all_studies
from influencelab.runner.study import studies_folder
from influencelab.studies.catalogue import all_claims
from influencelab.studies.results_page import write_readme


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
