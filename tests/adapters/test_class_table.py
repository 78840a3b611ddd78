"""The page of all classes is what is measured of them."""

import pytest
from bent_refits import BENT
from class_table import PAGE, bent_figures, bounds, classes
from own_refits import CASES

from influencelab import modules_in
from influencelab.adapters import readers
from influencelab.adapters.refusals import class_of

ROWS = bounds(PAGE.read_text(encoding="utf-8"))


def test_every_class_that_is_read_has_its_row_with_the_number_of_its_options():
    known = {name.removesuffix(", bent") for name in ROWS}
    assert known == set(map(class_of, modules_in(readers.__path__)))
    for cls, names in classes(CASES).items():
        assert int(ROWS[cls][0]) == len(names)
    for cls, names in classes(BENT).items():
        assert int(ROWS[f"{cls}, bent"][0]) == len(names)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", BENT)
@pytest.mark.filterwarnings("ignore")
def test_losses_with_a_kink_predict_their_own_refits_as_well_as_the_page_says(name):
    row = ROWS[f"{type(BENT[name][0]).__name__}, bent"]
    for which in (0, 1):
        for found, cell in zip(bent_figures(name, which), row[1:], strict=True):
            low, high = map(float, cell.split(" … "))
            slack = 0.05 * max(abs(low), abs(high))
            assert low - slack <= found <= high + slack
