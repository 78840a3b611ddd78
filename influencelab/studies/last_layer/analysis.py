"""Measurements of last-layer influence: of the authors' own estimate, of a corrected one, and of their difference."""

from collections.abc import Sequence

import pandas

from influencelab.experiments.seed_agreement import OWN, Cell, agreement_rows, difference_rows
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import tidy

BOTH = ("corrected", "theirs")


def measurements(cells: Sequence[Cell], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """The agreement of both estimates at each depth, and what the correction gains on the same networks."""
    name = "{}_less_{}".format(*BOTH)
    gain = difference_rows(cells, "estimator", pair=BOTH, statistic=name, how=OWN, bootstrap=bootstrap)
    return tidy([*agreement_rows(cells, bootstrap=bootstrap), *gain])
