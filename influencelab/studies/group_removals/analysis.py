"""Agreement of predictions with retraining without single points and groups, and how far each target repeats."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas

from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, correlations, means, repeatability
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import joined, measurement_of, records, row, tidy


def agreement(cells: Mapping[Key, Sequence[Outcome]]) -> list[Measured]:
    """Spearman correlations of every estimator with every target, and of two draws of each target.

    Args:
        cells: outcomes one a seed; the key holds the share that is removed, as text, or says that it is one point,
            whose share is missing from the settings.
    """
    parts: list[Measured] = []
    for (share,), outcomes in cells.items():
        removed: dict[str, Any] = {"share": None if outcomes[0].facts["single"] else float(share)}
        selection = next(iter(outcomes[0].chosen))
        for target in outcomes[0].actual:
            for estimator in outcomes[0].predicted:
                found = correlations(outcomes, selection=selection, estimator=estimator, target=target)
                parts.append(({**removed, "target": target, "estimator": estimator, "statistic": "spearman"}, found))
            found = repeatability(outcomes[:-1:2], outcomes[1::2], target=target, selection=selection)
            parts.append(({**removed, "target": target, "statistic": "repeatability"}, found))
    return parts


def measurements(parts: Sequence[Measured], *, bootstrap: Bootstrap | None = None) -> pandas.DataFrame:
    """The means of all parts, and for single points how far the interval of each correlation is from 0."""
    table = means(parts, bootstrap=bootstrap)
    rows = []
    for line in records(table.loc[table["share"].isna() & (table["statistic"] == "spearman")]):
        scored = {name: line[name] for name in ("estimator", "target")}
        rows.append(row(distance_from_zero(measurement_of(line)), **scored, statistic="distance_from_zero"))
    return joined([table, tidy(rows)])


def distance_from_zero(found: Measurement) -> Measurement:
    """Distance of the interval from 0: 0 where it holds it, as it must where there is nothing to find.

    The note gives half the interval's width: with one of 0.3, that 0 lies inside says little.
    """
    low, high = found.ends
    note = found.described(f"distance of the interval of {found.value:.3f} from 0").with_half_width().note
    return Measurement(value=float(max(low, -high, 0.0)), n=found.n, note=note)
