"""An explorer says what was done to training points: removed, relabelled, replaced or moved."""

import pytest
import torch
from problems import binary_problem, minimum

import influencelab as il
from influencelab.explorer.data import from_bytes
from influencelab.explorer.from_table import from_comparison

ROWS = torch.arange(4)


def changed(deed: str, data: il.Dataset) -> il.Perturbation:
    """The same four points, changed in that way."""
    x, y = data.x_train[ROWS], data.y_train[ROWS]
    return {
        "removed": lambda: il.leave_one_out(data.n, rows=ROWS),
        "relabelled": lambda: il.Replacement.relabel(data, ROWS, 1 - y),
        "replaced": lambda: il.Replacement(points=ROWS, x=x + 0.1, y=y, n=data.n),
        "moved": lambda: il.FeatureMove(points=ROWS, moves=torch.full_like(x, 0.01), n=data.n),
    }[deed]()


@pytest.mark.parametrize("deed", ["removed", "relabelled", "replaced", "moved"])
def test_it_is_the_word_of_the_perturbation_and_kept_in_the_file(deed: str) -> None:
    fitted = minimum(binary_problem, n=12, m=2)
    perturbation = changed(deed, fitted.data)
    comparison = il.compare(il.Exact().estimate(fitted), il.SecondOrder().retrain(fitted, perturbation))
    assert comparison.deed == deed
    content = from_comparison(comparison, fitted.data).to_bytes()
    (table,) = from_bytes(content).tables
    assert table.deed == deed
    # What every file from before means is not written.
    assert (b'"deed"' in content.replace(b"\\", b"")) == (deed != "removed")
    assert from_comparison(comparison, deed="mended").tables[0].deed == "mended"


def test_figures_say_it_and_a_change_of_another_kind_is_called_one() -> None:
    fitted = minimum(binary_problem, n=12, m=2)
    comparison = il.compare(
        il.Exact().estimate(fitted), il.SecondOrder().retrain(fitted, changed("moved", fitted.data))
    )
    assert il.Explorer(comparison).figure().axes[0].get_legend().get_title().get_text() == "class moved"
    assert il.PenaltyChange((0.1,)).deed(fitted.data) == "changed"
