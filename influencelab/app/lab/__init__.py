"""The panel in JupyterLab: find, run and read the studies without a terminal.

Like the command line, it sits on top of everything else: a browser's side (`ui`, built into `labextension`) and a
server's side, which starts `influencelab run` in processes of its own.
"""

from typing import Any


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where JupyterLab finds the browser's side."""
    return [{"src": "labextension", "dest": "influencelab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Where the Jupyter server finds the server's side."""
    from influencelab.app.lab.application import Panel  # the server alone needs it

    return [{"module": "influencelab.app.lab", "app": Panel}]
