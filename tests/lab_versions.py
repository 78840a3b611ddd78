"""Every JupyterLab that the panel supports, driven: `python tests/lab_versions.py 4.2 4.6`, or none for all.

For each, a fresh environment gets the project as anybody installs it, that JupyterLab and the Jupyter Notebook of its
time, without any node; then the browser tests of the panel drive it. It takes about five minutes each.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Each JupyterLab with the Notebook that is built on it.
VERSIONS = {"4.2": "7.2", "4.3": "7.3", "4.4": "7.4", "4.5": "7.5", "4.6": "7.6"}
TESTS = ("test_lab_panel.py", "test_lab_access.py", "test_notebook_7.py")
# Pinned to the newest JupyterLab, so that another needs others.
OURS = re.compile(r"(?:jupyter|notebook)")


def made(home: Path, version: str) -> Path:
    """A fresh environment with this JupyterLab, and the project in it; its interpreter."""
    venv.create(home, clear=True, with_pip=True)
    pins = home / "constraints.txt"
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins.write_text("\n".join(line for line in lines if not OURS.match(line)) + "\n")
    python = home / "bin" / "python"
    wanted = [f"{ROOT}[lab]", f"jupyterlab=={version}.*", f"notebook=={VERSIONS[version]}.*"]
    run(python, "-m", "pip", "install", "--quiet", "-c", str(pins), *wanted, path=python.parent)
    run(python, "-m", "ipykernel", "install", "--sys-prefix", "--name", "python3", path=python.parent)
    return python


def run(python: Path, *words: str, path: Path) -> None:
    """Run something in an environment that has these programs and no others, so no node either."""
    subprocess.run([str(python), *words], cwd=path, env=os.environ | {"PATH": str(path)}, check=True)


def driven(version: str) -> bool:
    """Whether the panel does all it should in this JupyterLab; prints what it was."""
    home = ROOT / "build" / f"jupyterlab-{version}"
    try:
        python = made(home, version)
        run(python, "-m", "jupyter", "labextension", "list", path=python.parent)
        tests = [str(ROOT / "tests" / "browser" / name) for name in TESTS]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "browser", *tests],
            cwd=ROOT,
            env=os.environ | {"LAB_PYTHON": str(python)},
            check=False,
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return done.returncode == 0


if __name__ == "__main__":
    found = {version: driven(version) for version in sys.argv[1:] or VERSIONS}
    for version, good in found.items():
        print(f"JupyterLab {version}, Notebook {VERSIONS[version]}: {'passed' if good else 'FAILED'}")
    sys.exit(0 if all(found.values()) else 1)
