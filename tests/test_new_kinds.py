"""A kind is one file: an estimator and a perturbation written from `NEW_KINDS.md` alone meet every contract."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEFT = (".git", ".venv", ".cache", "results", "build", "node_modules", "__pycache__", ".*_cache", "*.png")
# What all kinds are held to, and the public names.
CONTRACTS = (
    "tests/influence/test_estimators.py",
    "tests/influence/test_perturbations.py",
    "tests/data/test_perturbations.py",
    "tests/test_registry.py",
)


def files() -> dict[str, str]:
    """The files that the page writes out, by their paths."""
    page = (ROOT / "influencelab" / "NEW_KINDS.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^`(\S+)`:\n```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.slow
@pytest.mark.exhaustive
def test_an_estimator_and_a_perturbation_of_the_page_meet_every_contract_with_no_other_file_touched(
    tmp_path: Path,
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*LEFT))
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    new = files()
    assert len(new) == 4
    assert sum(len(text.splitlines()) for text in new.values()) <= 250
    for name, text in new.items():
        (checkout / name).write_text(text, encoding="utf-8")
    own = [name for name in new if name.startswith("tests/")]
    found = passed(checkout, *own, *CONTRACTS, "-k", "spectral or reweighting or example")
    assert sum(name.startswith(tuple(own)) for name in found) == 4
    # The contract, both ways to ask for a solver, its refusals, and the names: found by nothing but the file.
    assert sum("spectral" in name or "reweighting" in name for name in found if not name.startswith(tuple(own))) > 10
    assert sum("example" in name for name in found if name.startswith("tests/data/test_perturbations.py")) == 1
    assert all(path.read_bytes() == content for path, content in before.items())


def passed(checkout: Path, *words: str) -> list[str]:
    """The tests that passed in that checkout, where none failed."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-rp", "-p", "no:cacheprovider", *words],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"^PASSED (.+)$", done.stdout, flags=re.MULTILINE)
