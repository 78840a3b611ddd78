"""Jupyter server extension of the panel, with its one setting."""

from pathlib import Path

import traitlets
from jupyter_server.extension.application import ExtensionApp

from influencelab.app.lab.handlers import HANDLERS, SETTING
from influencelab.app.lab.home import home
from influencelab.app.lab.runs import Runs
from influencelab.errors import UnknownName


class Panel(ExtensionApp):
    """Runs studies for a page; set it with `--Panel.at_once=2` or in Jupyter's configuration."""

    name = "influencelab"
    at_once = traitlets.Int(1, min=1, help="How many studies run at the same time; the others wait.").tag(config=True)

    def initialize_settings(self) -> None:
        """Find the studies, and the runs on record."""
        root = Path(self.serverapp.root_dir if self.serverapp else ".")
        try:
            runs = Runs(home(root), at_once=self.at_once)
        except UnknownName:
            # The page says so; JupyterLab itself has other uses.
            runs = None
        self.settings[SETTING] = runs

    def initialize_handlers(self) -> None:
        """Take the questions of the page."""
        self.handlers.extend(HANDLERS)

    async def stop_extension(self) -> None:
        """Start nothing more; what runs goes on, and the next server knows it again."""
        runs = self.settings.get(SETTING)
        if runs is not None:
            runs.close()
