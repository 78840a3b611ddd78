"""The panel in JupyterLab: find, run and read the studies without a terminal.

Like the command line, it sits on top of everything else: a browser's side (`ui`, built into `labextension`) and a
server's side, which starts `influencelab run` in processes of its own.
"""

from typing import Any


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Folder of the browser's side, for JupyterLab."""
    return [{"src": "labextension", "dest": "influencelab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Extension of the server's side, for the Jupyter server."""
    from influencelab.app.lab.application import Panel  # the server alone needs it

    return [{"module": "influencelab.app.lab", "app": Panel}]
