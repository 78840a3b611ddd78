"""`influencelab lab`: JupyterLab of this interpreter, opened in the folder of studies."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from influencelab.errors import MissingData
from influencelab.runner.notebook import studies_folder


def open_lab(folder: Path | None, arguments: Sequence[str]) -> None:
    """Become JupyterLab; results lie beside the studies, so the file browser can go there too.

    Args:
        folder: the folder of studies; the nearest unless given.
        arguments: passed on to JupyterLab.

    Raises:
        MissingData: JupyterLab is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingData('JupyterLab is not installed. Install it: pip install "influencelab[lab]".')
    studies = (folder or studies_folder()).resolve()
    places = [f"--ServerApp.root_dir={studies.parent}", f"--ServerApp.preferred_dir={studies}"]
    sys.stdout.flush()
    os.chdir(studies)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *places, *arguments])
