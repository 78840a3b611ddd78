"""`influencelab lab`: JupyterLab of this interpreter, opened in the folder of studies."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from influencelab.errors import MissingData
from influencelab.runner.study import studies_folder


def open_lab(folder: Path | None, arguments: Sequence[str]) -> None:
    """Replace this process by JupyterLab in the folder of studies, the nearest unless given.

    The file browser begins one folder up, where the results are too.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingData('JupyterLab is not installed. Install it: pip install "influencelab[lab]".')
    studies = (folder or studies_folder()).resolve()
    places = [f"--ServerApp.root_dir={studies.parent}", f"--ServerApp.preferred_dir={studies}"]
    sys.stdout.flush()
    os.chdir(studies)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *places, *arguments])
