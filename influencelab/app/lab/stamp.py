"""Hash of the sources of the committed browser build: `python -m influencelab.app.lab.stamp` writes it.

Node builds it, and few who change Python have node; the stamp lets everybody see whether build and sources agree.
"""

from collections.abc import Iterable
from pathlib import Path

from influencelab.runner import json_file
from influencelab.runner.provenance import hash_of_files

HERE = Path(__file__).parent
# What a build is made from, in the folder `ui`.
SOURCES = (
    "src/**/*.ts",
    "style/*.css",
    "package.json",
    "tsconfig.json",
    "webpack.config.js",
    "yarn.lock",
    ".yarnrc.yml",
)
NAME = "built.json"


def hashed(folder: Path, patterns: Iterable[str]) -> str:
    """SHA-256 over the names and contents of the files of a folder, the stamp itself left out."""
    files = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file() and path.name != NAME}
    return hash_of_files(files, folder)


def stamp(home: Path = HERE) -> dict[str, str]:
    """Hashes of the sources and the build now."""
    return {"sources": hashed(home / "ui", SOURCES), "build": hashed(home / "labextension", ["**/*"])}


def stamped(home: Path = HERE) -> dict[str, str]:
    """Hashes at the time of the build."""
    return json_file.read(home / "labextension" / NAME)


if __name__ == "__main__":
    json_file.write(HERE / "labextension" / NAME, stamp())
