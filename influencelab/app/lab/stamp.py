"""Hash of the sources of the committed browser build: `python -m influencelab.app.lab.stamp` writes it.

Node builds it, and few who change Python have node; the stamp lets everybody see whether build and sources agree.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from influencelab.runner import json_file

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
    """SHA-256 over the names and contents of files."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}):
        if path.name != NAME:
            digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def stamp(home: Path = HERE) -> dict[str, str]:
    """Hashes of the sources and the build now."""
    return {"sources": hashed(home / "ui", SOURCES), "build": hashed(home / "labextension", ["**/*"])}


def stamped(home: Path = HERE) -> dict[str, str]:
    """Hashes at the time of the build."""
    return json_file.read(home / "labextension" / NAME)


if __name__ == "__main__":
    json_file.write(HERE / "labextension" / NAME, stamp())
