"""Every JupyterLab that the panel supports, driven: `python tests/lab_versions.py 4.2 4.6`, or none for all.

For each, a fresh environment without node gets the project, that JupyterLab and the Jupyter Notebook that is built on
it; then the browser tests of the panel drive both. It takes about five minutes each.
"""

import os
import re
import shutil
import subprocess
import sys

from environments import CONSTRAINTS, ROOT, Fresh, fresh

# Each JupyterLab with its Notebook.
VERSIONS = {"4.2": "7.2", "4.3": "7.3", "4.4": "7.4", "4.5": "7.5", "4.6": "7.6"}
TESTS = ("test_lab_panel.py", "test_lab_access.py", "test_notebook_7.py")
# Pinned to what belongs to the newest JupyterLab.
ITS_OWN = re.compile(r"jupyter|notebook")


def furnish(environment: Fresh, version: str) -> None:
    """Install the project with this JupyterLab."""
    pins = [line for line in CONSTRAINTS.read_text().splitlines() if not ITS_OWN.match(line)]
    constraints = environment.home / "constraints.txt"
    constraints.write_text("\n".join(pins) + "\n")
    wanted = (f"{ROOT}[lab]", f"jupyterlab=={version}.*", f"notebook=={VERSIONS[version]}.*")
    environment.install(*wanted, constraints=constraints)
    environment.run("ipykernel", "install", "--sys-prefix", "--name", "python3")


def driven(version: str) -> bool:
    """Whether the panel does all it should in this JupyterLab; prints what it does."""
    environment = fresh(ROOT / "build" / f"jupyterlab-{version}")
    try:
        furnish(environment, version)
        print(environment.run("jupyter", "labextension", "list"), flush=True)
        tests = [str(ROOT / "tests" / "browser" / name) for name in TESTS]
        command = [sys.executable, "-m", "pytest", "-m", "browser", *tests]
        return not subprocess.run(
            command, cwd=ROOT, env=os.environ | {"LAB_PYTHON": str(environment.python)}, check=False
        ).returncode
    finally:
        shutil.rmtree(environment.home, ignore_errors=True)


if __name__ == "__main__":
    found = {version: driven(version) for version in sys.argv[1:] or VERSIONS}
    for version, good in found.items():
        print(f"JupyterLab {version}, Notebook {VERSIONS[version]}: {'passed' if good else 'FAILED'}")
    sys.exit(0 if all(found.values()) else 1)
