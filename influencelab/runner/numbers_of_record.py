"""Every number that a page of results shows, as one plain table that a script without this package can read.

`tests/recompute.py` computes them again from the tables of each report.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.json_file import to_jsonable
from influencelab.runner.report import Report
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import Where, measurement_of, select, settings_of

# What a number is made of, if it is no row of a report's measurements itself.
LESS, OVER, MEAN = "less", "over", "mean over"
KEY = ("study", "profile", "statistic", "settings", "made", "other")
SHOWN = ("value", "low", "high", "n")

Row = dict[str, Any]


def numbers_of_record(
    found: Sequence[Report], claims: Iterable[Claim], findings: Iterable[Finding | FindingTable]
) -> pandas.DataFrame:
    """A row for each number that a claim or a finding selects from each report that holds it.

    The settings of a row are JSON. A number that is made of others says how, and of which: after `less` and `over`
    stands what the second one has changed, after `mean over` the setting and its values that it is the mean over.
    """
    rows: dict[tuple[str, ...], Row] = {}
    for study, setting in quoted(claims, findings):
        for report in found:
            number = setting.number(report.measurements) if report.study == study else None
            for line in rows_of(report, setting, number) if number else ():
                rows.setdefault(tuple(line[name] for name in KEY), line)
    table = pandas.DataFrame(rows.values(), columns=[*KEY, *SHOWN]).astype({"n": "Int64"})
    return table.sort_values(list(KEY), kind="stable", ignore_index=True)


def quoted(claims: Iterable[Claim], findings: Iterable[Finding | FindingTable]) -> Iterator[tuple[str, Setting]]:
    """The study and the settings of each number that a claim is judged by or a finding quotes."""
    for claim in claims:
        for setting in (*claim.cells, *claim.printed):
            yield claim.study, setting
            if claim.control is not None:
                yield claim.study, replace(setting, where={**setting.where, **claim.control})
    for finding in findings:
        for quote in wheres(finding):
            yield finding.study, quote if isinstance(quote, Setting) else Setting("", quote)


def wheres(finding: Finding | FindingTable) -> Iterable[Where | Setting]:
    """What a finding selects: its quotes, or the cells of a table and what counts them."""
    if isinstance(finding, Finding):
        return finding.quotes
    cells = [{**row, **column} for row in finding.rows.values() for column in finding.columns.values()]
    return [*cells, *({**cell, **finding.counted} for cell in cells if finding.counted)]


def rows_of(report: Report, setting: Setting, number: Measurement) -> Iterator[Row]:
    """The number of a setting, after those that it is made of."""
    made: dict[str, Where] = {}
    if setting.units:
        ((name, values),) = setting.units.items()
        yield from (line for value in values for line in measured(report, {**setting.where, name: value}))
        made |= {MEAN: {name: list(values)}}
    else:
        yield from measured(report, setting.where)
        made |= {how: other for how, other in ((LESS, setting.less), (OVER, setting.over)) if other is not None}
        yield from (line for other in made.values() for line in measured(report, {**setting.where, **other}))
    for how, other in made.items():
        own = {"settings": text(setting.where), "made": how, "other": text(other)}
        yield {**of_report(report, number), "statistic": setting.where.get("statistic", ""), **own}


def measured(report: Report, where: Where) -> Iterator[Row]:
    """The rows of the measurements that have these settings."""
    names = [name for name in settings_of(report.measurements) if name != "study"]
    for line in select(report.measurements, where):
        own = {name: line[name] for name in names if line[name] is not None}
        number = measurement_of(line)
        yield {
            **of_report(report, number),
            "statistic": line.get("statistic", ""),
            "settings": text(own),
            "made": "measured",
        }


def of_report(report: Report, number: Measurement) -> Row:
    """A number with its interval, and the report that it is of; made of no other."""
    low, high = number.ends
    shown = {"value": number.value, "low": low, "high": high, "n": number.n}
    return {"study": report.study, "profile": report.profile, "other": "", **shown}


def text(settings: Where) -> str:
    """Settings as JSON, in the order of their names."""
    return json.dumps(to_jsonable(dict(sorted(settings.items()))))
