"""Figures of reports drawn again, without a run: `python -m influencelab.studies.redraw results/*/*`."""

import importlib
import importlib.util
import shutil
import sys
from pathlib import Path

from matplotlib.figure import Figure

from influencelab.runner import json_file
from influencelab.runner.atomic_folder import replace_folder, staging
from influencelab.runner.provenance import describe_run
from influencelab.runner.report import CAPTIONS, Report, file_hash, load
from influencelab.runner.report_files import save_figure


def redraw(report: Report) -> Report:
    """The same report with those figures drawn again that it holds enough for; the others stay as they are.

    The `figures.py` of its study says which, in `redrawn`: a figure for each name, or its caption alone where a figure
    needs what only a run has. The manifest keeps what it says of the run, and tells what code drew the figures.
    """
    place = f"influencelab.studies.{report.study}.figures"
    module = importlib.import_module(place) if importlib.util.find_spec(place) else None
    found = {name: each for name, each in getattr(module, "redrawn", lambda _: {})(report).items() if each}
    if not found:
        return report
    drawn = {name: each for name, each in found.items() if isinstance(each, Figure)}
    captions = {name: each.get_label() if isinstance(each, Figure) else each for name, each in found.items()}
    fresh = staging(report.folder)
    shutil.copytree(report.folder, fresh, dirs_exist_ok=True)
    for name, figure in drawn.items():
        save_figure(fresh, name, figure)
    json_file.write(fresh / CAPTIONS, report.captions | captions)
    again = [CAPTIONS, *(f"figures/{name}.{kind}" for name in drawn for kind in ("png", "svg"))]
    files = report.manifest["files"] | {name: file_hash(fresh / name) for name in again}
    code = {"code": describe_run()["code"], "figures": sorted(drawn)}
    json_file.write(fresh / "manifest.json", {**report.manifest, "files": files, "redrawn": code})
    replace_folder(fresh, report.folder)
    return load(report.folder)


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        if (folder / "manifest.json").is_file():
            redraw(load(folder.resolve()))
