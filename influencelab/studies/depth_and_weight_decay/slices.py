"""The slices whose networks have splits of their own, joined: their agreement, its trends and its figure over depths.

Each slice fits one sitting and holds one or two depths at one weight decay; only together do they say what depth does.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import pandas

from influencelab.experiments.grid import Key
from influencelab.experiments.seed_agreement import Row, line_through
from influencelab.runner.report import Report
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.agreement import FOUR, UNBOUNDED
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import joined, records, row, tidy
from influencelab.statistics.replicates import Replicates, difference
from influencelab.studies.depth_and_weight_decay import figures
from influencelab.studies.depth_and_weight_decay.analysis import GAINS

STUDY, PROFILE, PART = "depth_and_weight_decay", "paper_joined", "own_splits"
# The fact that reports hold that were made before every measure of each network was kept.
RANKS_ONLY = "spearman_by_network"
CELL = ("arm", "data", "estimator", "target", "depth", "width", "weight_decay")

# The statistics of each network, by cell and measure; networks in the order of their splits.
Networks = Mapping[Key, Mapping[str, Replicates]]


def write(found: Iterable[Report], results: Path) -> Report | None:
    """Write the joined report, `paper_joined`, unless it is there already from these very slices; None without any."""
    mine = [report for report in found if report.study == STUDY and not report.changed]
    slices = {report.profile: report for report in mine if report.parameters.get("own_splits")}
    # What was run with every measure kept comes last, and holds where a cell was run twice.
    slices = dict(sorted(slices.items(), key=lambda each: RANKS_ONLY not in each[1].facts))
    made_of = {name: report.manifest["files"]["measurements.parquet"] for name, report in slices.items()}
    old = next((report for report in mine if report.profile == PROFILE), None)
    if not slices or (old and old.facts["made_of"] == made_of):
        return old
    table = measurements(list(slices.values()), bootstrap=Bootstrap())
    draft = ReportWriter(STUDY, folder=results / STUDY / PROFILE, parameters={"part": PART, "slices": list(slices)})
    draft.measure(table)
    draft.figure("own_splits_by_depth", figures.agreement_along("depth", table, own_splits=True))
    draft.fact("made_of", made_of)
    datasets = {name: content for report in slices.values() for name, content in report.manifest["datasets"].items()}
    seeds = sorted({seed for report in slices.values() for seed in report.manifest["seeds"]})
    return draft.publish(datasets=datasets.items(), seeds=seeds)


def measurements(slices: Sequence[Report], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """The numbers of every cell of the slices, trends along depth, and what weight decay gains on the same splits."""
    whole = joined([report.measurements for report in slices])
    cells = whole.loc[whole["depth"].notna() & (whole["arm"] == "controlled")]
    once = cells.drop_duplicates(subset=[*CELL, "statistic"], keep="last").drop(columns="study")
    rows = [{**line, "part": PART} for line in records(once)]
    held = networks(slices)
    return tidy([*rows, *trend_rows(held, bootstrap=bootstrap), *gain_rows(held, bootstrap=bootstrap)])


def networks(slices: Iterable[Report]) -> Networks:
    """The measures of each network of each cell, means over its own test points; of sizes, medians."""
    return {key: measures for report in slices for key, measures in network_means(report).items()}


def network_means(report: Report) -> Networks:
    """The same of one report; those that were made before every measure was kept say Spearman's alone."""
    if RANKS_ONLY in report.facts:
        return {
            tuple(cell[name] for name in CELL): {"spearman": column(cell["spearman"], "spearman")}
            for cell in report.facts[RANKS_ONLY]
        }
    table = report.by_test_point()
    how = {name: "median" if name in UNBOUNDED else "mean" for name in FOUR if name in table}
    means: Any = table.groupby([*CELL, "seed"], observed=True)[list(how)].agg(how)
    return {
        key: {name: column(part[name], name) for name in part}
        for key, part in means.groupby(level=list(CELL), observed=True)
    }


def column(values: Sequence[float | None] | pandas.Series, measure: str) -> Replicates:
    """A statistic of networks that have a split each: the split, not its test points, is what is drawn anew."""
    return Replicates(numpy.array(values, dtype=numpy.float64)[:, None], measure=measure)


def trend_rows(held: Networks, *, bootstrap: Bootstrap) -> list[Row]:
    """Slopes along depth of each measure, where there are two depths or more."""
    lines: dict[Key, dict[int, Mapping[str, Replicates]]] = {}
    place = CELL.index("depth")
    for key, measures in held.items():
        lines.setdefault((*key[:place], *key[place + 1 :]), {})[key[place]] = measures
    names = [name for name in CELL if name != "depth"]
    return [
        row(
            line_through({depth: measures[name] for depth, measures in line.items()}, "depth", bootstrap=bootstrap),
            **dict(zip(names, shared, strict=True)),
            part=PART,
            statistic=f"{name}_per_layer",
        )
        for shared, line in lines.items()
        for name in FOUR
        if len(line) > 1 and all(name in measures for measures in line.values())
    ]


def gain_rows(held: Networks, *, bootstrap: Bootstrap) -> list[Row]:
    """ρ at the larger weight decay less that at the smaller one, over the splits that both have."""
    larger, smaller = GAINS["controlled"]
    found = []
    for key, measures in held.items():
        other = held.get((*key[:-1], smaller))
        if key[-1] == larger and other:
            both = [measures["spearman"].values, other["spearman"].values]
            shared = min(map(len, both))
            pair = [Replicates(values[:shared], measure="spearman") for values in both]
            gain = difference(*pair, paired=True, bootstrap=bootstrap)
            how = f"mean ρ at weight decay {larger:g} less that at {smaller:g}, {shared} splits paired"
            settings = dict(zip(CELL[:-1], key[:-1], strict=True))
            found.append(row(gain.described(how), **settings, part=PART, statistic="decay_gain"))
    return found
