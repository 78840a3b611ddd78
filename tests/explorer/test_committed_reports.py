"""The explorer files of the committed reports open, are whole, and stay below a megabyte."""

from pathlib import Path

import pytest
import safetensors.numpy

from influencelab.explorer.data import from_bytes
from influencelab.runner.report import EXPLORER, load

FILES = sorted((Path(__file__).parents[2] / "results").glob(f"*/*/{EXPLORER}"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_an_explorer_file_of_a_committed_report_opens(path: Path) -> None:
    assert path.stat().st_size <= 10**6
    data = from_bytes(load(path.parent).explorer_file())
    assert data.title == f"{path.parts[-3]} at {path.parts[-2]}"
    assert data.pairs > 0
    assert data.to_bytes() == path.read_bytes()
    arrays = safetensors.numpy.load_file(path)
    assert (arrays["tables/0/train"] == data.tables[0].train).all()
