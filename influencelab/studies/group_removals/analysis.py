"""Agreement of predictions with retraining without single points and groups, and how far each target repeats."""

from collections.abc import Mapping, Sequence

import pandas

from influencelab.experiments import replication
from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, means, repeatability
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import joined, measurement_of, records, row, tidy

TARGETS = {"unpaired": "each model its own batches", "paired": "batches paired"}


def agreement(cells: Mapping[Key, Sequence[Outcome]]) -> list[Measured]:
    """Agreement of every estimator with every target, by the four measures, and the correlation of two draws of each.

    The key of a cell holds the share removed, as text; where single points are removed, the settings hold no share.
    """
    parts: list[Measured] = []
    for (share,), outcomes in cells.items():
        removed = None if outcomes[0].facts["single"] else float(share)
        selection = next(iter(outcomes[0].chosen))
        for target in TARGETS:
            for estimator in outcomes[0].predicted:
                found = replication.agreement(outcomes, selection=selection, estimator=estimator, target=target)
                own = {"share": removed, "target": target, "estimator": estimator}
                parts += [({**own, "statistic": measure}, table) for measure, table in found.items()]
            found = repeatability(outcomes[:-1:2], outcomes[1::2], target=target, selection=selection)
            parts.append(({"share": removed, "target": target, "statistic": "repeatability"}, found))
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
    """Distance of the interval from 0: 0 where it holds it. With a half-width (in the note) of 0.3 that says little."""
    low, high = found.ends
    note = found.described(f"distance of the interval of {found.value:.3f} from 0").with_half_width().note
    return Measurement(value=float(max(low, -high, 0.0)), n=found.n, note=note)
