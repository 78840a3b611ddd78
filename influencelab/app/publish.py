"""Reports without others' photographs, for publishing: `python -m influencelab.app.publish results/*/*`."""

import shutil
import sys
from pathlib import Path

from influencelab.explorer.data import from_bytes
from influencelab.runner import json_file
from influencelab.runner.atomic_folder import replace_folder, staging
from influencelab.runner.report import EXPLORER, Report, file_hash, load


def published(report: Report) -> Report:
    """The same report with no pictures in its explorer and no executed notebook, both of which hold the data's.

    The manifest says so. One whose points are no pictures keeps its explorer as it is.
    """
    fresh = staging(report.folder)
    shutil.copytree(report.folder, fresh, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.ipynb"))
    files = {name: mark for name, mark in report.manifest["files"].items() if not name.endswith(".ipynb")}
    said = {}
    if (fresh / EXPLORER).is_file():
        held = from_bytes((fresh / EXPLORER).read_bytes())
        bare = held.without_pictures()
        if bare is not held:
            (fresh / EXPLORER).write_bytes(bare.to_bytes())
            files[EXPLORER] = file_hash(fresh / EXPLORER)
            said = {"left_out": "the pictures of the explorer"}
    json_file.write(fresh / "manifest.json", {**report.manifest, "files": files, **said})
    replace_folder(fresh, report.folder)
    return load(report.folder)


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        if (folder / "manifest.json").is_file():
            published(load(folder.resolve()))
