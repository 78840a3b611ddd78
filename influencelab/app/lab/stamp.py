"""Hash of the sources of the committed browser build: `python -m influencelab.app.lab.stamp` writes it.

Node builds it, and few who change Python have node; the stamp lets everybody see whether build and sources agree.
"""

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


def stamp(home: Path = HERE) -> dict[str, str]:
    """SHA-256 over the names and contents of the sources and of the build now, the stamp itself left out."""
    sources = {path for pattern in SOURCES for path in (home / "ui").glob(pattern)}
    built = {path for path in (home / "labextension").rglob("*") if path.is_file() and path.name != NAME}
    return {"sources": hash_of_files(sources, home / "ui"), "build": hash_of_files(built, home / "labextension")}


if __name__ == "__main__":
    json_file.write(HERE / "labextension" / NAME, stamp())
