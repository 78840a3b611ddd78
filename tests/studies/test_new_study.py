"""A study is three places: one written from `studies/README.md` alone runs, is listed, judged and shown."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
LEFT = (".git", ".venv", ".cache", "results", "build", "node_modules", "__pycache__", ".*_cache", "*.png")
# What the panel shows of a checkout.
CARDS = """from pathlib import Path
from influencelab.app.lab import catalogue, home
print(catalogue.catalogue(home.home(Path())))"""


def blocks() -> dict[str, list[str]]:
    """The fenced texts of the page's last part, by language."""
    page = (ROOT / "studies" / "README.md").read_text(encoding="utf-8").partition("## To add a study")[2]
    found: dict[str, list[str]] = {}
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL):
        found.setdefault(language, []).append(text)
    return found


def write_study(checkout: Path) -> dict[Path, int]:
    """Write the page's study into a checkout: each new file, and how many lines it has."""
    (question,), (profiles,), code = (blocks()[language] for language in ("markdown", "yaml", "python"))
    parameters, *cells, claims, test = code
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    notebook.cells = [
        nbformat.v4.new_markdown_cell(question),
        nbformat.v4.new_raw_cell(profiles, metadata={"tags": ["profiles"]}),
        nbformat.v4.new_code_cell(parameters.strip(), metadata={"tags": ["parameters"]}),
        *(nbformat.v4.new_code_cell(cell.strip()) for cell in cells),
    ]
    files = {
        checkout / "influencelab" / "studies" / "wine" / "__init__.py": '"""Influence on wine."""\n',
        checkout / "influencelab" / "studies" / "wine" / "claims.py": claims,
        checkout / "tests" / "studies" / "test_wine.py": test,
    }
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = checkout / "studies" / "wine.ipynb"
    nbformat.write(notebook, path)
    lines = {name: len(text.splitlines()) for name, text in files.items()}
    return lines | {path: sum(len(cell.source.splitlines()) for cell in notebook.cells)}


def inside(checkout: Path, *words: str) -> str:
    """What Python says in that checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, *words], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.exhaustive
@pytest.mark.notebook
def test_a_study_written_from_the_page_runs_is_listed_and_reaches_scorecard_and_panel(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*LEFT))
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    new = write_study(checkout)
    assert sum(new.values()) <= 250
    assert "wine" in inside(checkout, "-m", "influencelab", "list")
    assert "wine at tiny" in inside(checkout, "-m", "influencelab", "run", "wine", "--profile", "tiny")
    card = inside(checkout, "-m", "influencelab", "scorecard", "wine")
    assert re.search(r"^ +verdict +(reproduced|inconclusive|not reproduced) \(preview\)$", card, flags=re.MULTILINE)
    assert "Does influence rank removals on wine?" in inside(checkout, "-c", CARDS)
    assert (checkout / "results" / "wine" / "tiny" / "explorer.safetensors").is_file()
    assert "1 passed" in inside(checkout, "-m", "pytest", "-q", "tests/studies/test_wine.py")
    assert all(path.read_bytes() == content for path, content in before.items())
