"""The folders the panel works in, and texts without the names of others."""

import re
from dataclasses import dataclass
from pathlib import Path

from influencelab.runner.study import studies_folder

# A path from the top of the file system, up to its last part; addresses such as tcp://host are none.
ABSOLUTE = re.compile(r"(?<![\w.:/~…])/(?:[^\s/'\"<>:;,()]+/)+")


@dataclass(frozen=True)
class Home:
    """Folders of JupyterLab's file browser, of the studies, and of the results, the only one that is written to."""

    root: Path
    studies: Path
    results: Path

    def shown(self, path: Path) -> str | None:
        """A path as JupyterLab opens it; None where there is no such file, or it is out of its sight."""
        return path.relative_to(self.root).as_posix() if path.exists() and path.is_relative_to(self.root) else None

    def clean(self, text: str) -> str:
        """A text whose paths begin at the folder of the studies, and elsewhere keep their last part only."""
        return ABSOLUTE.sub("…/", text.replace(f"{self.studies.parent}/", ""))


def home(root: Path) -> Home:
    """The folders for a file browser: the nearest studies, and their results; UnknownName where there are none."""
    studies = studies_folder(root).resolve()
    return Home(root.resolve(), studies, studies.parent / "results")
