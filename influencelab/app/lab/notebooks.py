"""Files that the panel makes of a report: a notebook that explores it, a copy of its study to go on from, its page."""

import subprocess
import sys
from itertools import count
from pathlib import Path

import nbformat

from influencelab.app.lab.home import Home
from influencelab.errors import MissingData
from influencelab.runner.json_file import write_text
from influencelab.runner.profile import profile_of
from influencelab.runner.report import Report
from influencelab.runner.study import study

# The notebook that explores a report, and the heading from which on it does.
TEMPLATE, LOOK = "explore.ipynb", "## Look"
# How long a page may take to write, in seconds.
PATIENCE = 300


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
    question = study(report.study, folder=home.studies).question
    named = f"import influencelab as il\n\nlook_at = {report.profile!r}  # the report, beside this notebook"
    made.cells = [
        nbformat.v4.new_markdown_cell(f"# {report.study} at {report.profile}, point by point\n\n{question}"),
        nbformat.v4.new_code_cell(named),
        *made.cells[places[0] :],
    ]
    write_text(path, nbformat.writes(made) + "\n")
    return path


def copied(report: Report, home: Home) -> Path:
    """A copy of the study with the values that the report was made with, under a new name each time."""
    # It loads the runner of notebooks, which takes a second or two: only where a copy is wanted.
    from influencelab.runner.execution import injected

    found = study(report.study, folder=home.studies)
    declared = {each.name: each for each in found.parameters}
    known = {name: declared[name].parse(value) for name, value in report.parameters.items() if name in declared}
    made = injected(found.path, {"profile": profile_of(report.profile)} | known)
    names = (f"{report.study}_{report.profile}_copy{'' if number == 1 else f'_{number}'}.ipynb" for number in count(1))
    path = next(each for each in map(report.folder.with_name, names) if not each.exists())
    write_text(path, nbformat.writes(made) + "\n")
    return path


def exported(report: Report, home: Home) -> Path:
    """The page of a report, written by the command line; a MissingData error where it could not be written."""
    path = report.folder / f"{report.study}.html"
    command = [sys.executable, "-P", "-m", "influencelab", "export", str(report.folder), "--output", str(path)]
    try:
        done = subprocess.run(command, cwd=home.studies.parent, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise MissingData(f"The page was not written within {PATIENCE} s. Try again on a quieter machine.") from error
    if done.returncode:
        printed = done.stderr.decode(errors="replace").strip().splitlines() or ["The page could not be written."]
        raise MissingData(printed[-1].removeprefix("influencelab: "))
    return path


# By the last part of the address that asks for them.
MAKERS = {"explore": exploring, "copy": copied, "export": exported}
