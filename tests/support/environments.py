"""Environments made from nothing, as on a machine that has Python and no node."""

import os
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"


@dataclass(frozen=True)
class Fresh:
    """An environment of its own.

    Attributes:
        home: its folder.
    """

    home: Path

    @property
    def programs(self) -> Path:
        """The folder of its programs, the only one that is searched for any."""
        return self.home / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.programs / "python"

    def run(self, *words: str | Path, where: Path | None = None) -> str:
        """What a module of it prints; an error holds that too.

        Args:
            where: the folder it runs in; the environment's own unless given.
        """
        command = [str(self.python), "-m", *map(str, words)]
        surroundings = os.environ | {"PATH": str(self.programs), "NO_COLOR": "1"}
        done = subprocess.run(
            command,
            cwd=where or self.home,
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")
        return done.stdout

    def install(self, *wanted: str | Path, constraints: Path = CONSTRAINTS) -> None:
        """Install packages as anybody does."""
        self.run("pip", "install", "--quiet", "-c", constraints, *wanted)


def fresh(home: Path) -> Fresh:
    """An environment with nothing but pip in it."""
    venv.create(home, clear=True, with_pip=True)
    return Fresh(home)
