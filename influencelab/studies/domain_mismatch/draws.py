"""How many children of the other kind may stay before influence no longer finds those who make the mismatch."""

import math
from collections.abc import Sequence
from typing import Any

import numpy
import pandas
import torch
from jaxtyping import Int
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.table import array
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.domain_mismatch.cohort import Cohort, fitted, without
from influencelab.studies.domain_mismatch.scores import beside_others, effects

OVER = "bootstrap over draws of the children who stay"


def stays(cohort: Cohort, kept: Sequence[int], *, draws: int, seed: int) -> list[tuple[int, Int[Tensor, " t"]]]:
    """How many stay beside the four, and the rows that are left out, for each draw; one draw where all stay.

    One child who was not readmitted always stays, drawn like the others.

    Raises:
        InvalidParameter: more are to stay than there are.
    """
    well = cohort.children(cohort.data, label=0)
    if not all(0 <= count < len(well) for count in kept):
        raise InvalidParameter(f"kept is {list(kept)}, expected numbers from 0 to {len(well) - 1}, who could stay.")
    generator = torch.Generator().manual_seed(seed)
    found = []
    for count in kept:
        times = 1 if count == len(well) - 1 else draws
        orders = [torch.randperm(len(well), generator=generator) for _ in range(times)]
        found += [(count, well[order[count + 1 :]]) for order in orders]
    return found


def diluted(cohort: Cohort, kept: Sequence[int], *, weight_decay: float, draws: int, seed: int) -> pandas.DataFrame:
    """A row a draw: how many stay, how far influence puts the readmitted children above all who are no children.

    `last_rank` is that of the last readmitted child among itself and those, `times_the_next` how many times as large
    its effect is as the largest of theirs, `chance` what the model gives to the watched child's own class.
    """
    tests, rows = cohort.tests, []
    for count, left_out in stays(cohort, kept, draws=draws, seed=seed):
        model = fitted(without(tests, left_out.tolist()), weight_decay=weight_decay)
        children = array(cohort.children(model.data))
        raised = array(cohort.children(model.data, label=1))
        sizes = numpy.abs(effects(Exact().estimate(model)))
        larger = int((numpy.delete(sizes, children) > sizes[raised].min()).sum())
        rows.append(
            {
                "kept": count,
                "last_rank": len(raised) + larger,
                "times_the_next": beside_others(sizes, raised, among=children),
                "chance": math.exp(-float(model.measures()[0])),
                "gradient_norm": model.grad_norm,
            }
        )
    return pandas.DataFrame(rows)


def measurements(cohort: Cohort, table: pandas.DataFrame, *, raised: int, bootstrap: Bootstrap) -> pandas.DataFrame:
    """The means over draws for each number who stay: of ratios the geometric ones."""
    rows = []
    for count, part in table.groupby("kept", sort=True):
        own: dict[str, Any] = {"data": cohort.name, "kept": int(str(count))}
        times = mean(numpy.log(part["times_the_next"].to_numpy(dtype=float)), bootstrap).mapped(math.exp, "geometric")
        rows.append(row(times.described("mean over draws"), **own, statistic="diluted_times_the_next"))
        last = mean(part["last_rank"].to_numpy(dtype=float), bootstrap)
        rows.append(row(last.described("mean over draws"), **own, statistic="diluted_last_rank"))
        first = mean((part["last_rank"].to_numpy() == raised).astype(float), bootstrap)
        rows.append(row(first.described("share of draws"), **own, statistic="share_first"))
        chance = mean(part["chance"].to_numpy(dtype=float), bootstrap)
        rows.append(row(chance.described("mean over draws"), **own, statistic="diluted_chance"))
    return tidy(rows)


def mean(values: numpy.ndarray, bootstrap: Bootstrap) -> Measurement:
    """The mean over draws, without an interval of fewer than five."""
    return bootstrap.mean(values[:, None], over=OVER)
