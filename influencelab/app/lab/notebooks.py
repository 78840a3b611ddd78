"""Notebooks that the panel makes next to a report: one that explores it, and a copy of its study to go on from."""

from itertools import count
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from influencelab.app.lab.catalogue import settings
from influencelab.app.lab.home import Home
from influencelab.errors import MissingData
from influencelab.runner.report import Report
from influencelab.runner.study import study

# The notebook that explores a report, and the heading from which on it does.
TEMPLATE, LOOK = "explore.ipynb", "## Look"


def exploring(report: Report, home: Home) -> Path:
    """A notebook with the explorer on a report; one that is there already stays, with whatever was changed in it."""
    path = report.folder.with_name(f"explore_{report.profile}.ipynb")
    if path.is_file():
        return path
    template = home.studies / TEMPLATE
    made = nbformat.read(template, as_version=4) if template.is_file() else nbformat.v4.new_notebook()
    places = [number for number, cell in enumerate(made.cells) if cell.source.startswith(LOOK)]
    if len(places) != 1:
        raise MissingData(f"The notebook {TEMPLATE} among the studies has no heading '{LOOK}'. Restore it.")
    made.cells = [*opening(report, home), *made.cells[places[0] :]]
    nbformat.write(made, path)
    return path


def opening(report: Report, home: Home) -> list[NotebookNode]:
    """Text above the explorer: the report and its folder."""
    question = study(report.study, folder=home.studies).question
    return [
        nbformat.v4.new_markdown_cell(f"# {report.study} at {report.profile}, point by point\n\n{question}"),
        nbformat.v4.new_code_cell(
            f"import influencelab as il\n\nlook_at = {report.profile!r}  # the report, beside this notebook"
        ),
    ]


def copied(report: Report, home: Home) -> Path:
    """A copy of the study with the values that the report was made with, under a new name each time."""
    # It loads the runner of notebooks, which takes a second or two: only where a copy is wanted.
    from influencelab.runner.execution import injected

    made = injected(study(report.study, folder=home.studies).path, settings(report, home))
    names = (f"{report.study}_{report.profile}_copy{'' if number == 1 else f'_{number}'}.ipynb" for number in count(1))
    path = next(each for each in map(report.folder.with_name, names) if not each.exists())
    nbformat.write(made, path)
    return path
