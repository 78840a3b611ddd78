"""Measurements as one tidy table: a row a number, a column a setting, and rows selected by their settings."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy
import pandas
from jaxtyping import Bool
from pandas.api.types import is_numeric_dtype

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.statistics.display import display_name
from influencelab.statistics.measurement import Measurement

# Settings that most studies have stand first and last; those of one study, such as depth, between them.
FIRST = ("study", "arm", "data")
LAST = ("estimator", "target", "selection", "statistic")
# What was measured; every other column is a setting.
MEASURED = ("value", "low", "high", "n", "unit", "note")
# Settings that are numbers are equal up to this share.
NEAR = 1e-9

Where = Mapping[str, Any]


def row(measurement: Measurement, **settings: Any) -> dict[str, Any]:
    """One row of the table: the settings that a number belongs to, and the number."""
    if not settings or set(settings) & set(MEASURED):
        raise InvalidParameter(
            f"The settings are {sorted(settings)}; expected at least one, such as statistic='slope', and none named "
            f"{', '.join(MEASURED)}."
        )
    return {**settings, **{name: getattr(measurement, name) for name in MEASURED}}


def tidy(rows: Iterable[Mapping[str, Any]]) -> pandas.DataFrame:
    """Rows as a table: settings in their order, then what was measured; a setting that a row lacks is missing there."""
    given = [dict(each) for each in rows]
    lacking = [each for each in given if not set(MEASURED) <= set(each)]
    if lacking:
        raise InvalidParameter(f"A row has {sorted(lacking[0])}, expected {', '.join(MEASURED)} too: make it by `row`.")
    names = dict.fromkeys(name for each in given for name in each if name not in MEASURED)
    between = [name for name in names if name not in FIRST + LAST]
    settings = [name for name in (*FIRST, *between, *LAST) if name in names]
    columns = {name: column(name, [each.get(name) for each in given]) for name in settings}
    for name in MEASURED:
        kind = {"n": "Int64", "unit": "string", "note": "string"}.get(name, "float64")
        columns[name] = pandas.Series([each[name] for each in given], dtype=kind)
    return pandas.DataFrame(columns)


def joined(tables: Sequence[pandas.DataFrame]) -> pandas.DataFrame:
    """Several tidy tables as one."""
    return tidy(line for table in tables for line in records(table))


def records(table: pandas.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain values, None for a setting that is missing."""
    settings, columns = set(settings_of(table)), []
    for name in table.columns:
        values = table[name].tolist()
        if name in settings:
            values = [
                None if there else value for value, there in zip(values, table[name].isna().tolist(), strict=True)
            ]
        columns.append(values)
    return [dict(zip(table.columns, line, strict=True)) for line in zip(*columns, strict=True)]


def column(name: str, values: list[Any]) -> pandas.Series:
    """One setting as a column of text, of whole numbers or of real ones; None is a missing value."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, str) for value in known):
        return pandas.Series(values, dtype="string")
    if not all(isinstance(value, int | float | numpy.number) and not isinstance(value, bool) for value in known):
        raise InvalidParameter(f"Setting '{name}' has the values {known[:3]}, expected all text or all numbers.")
    whole = all(isinstance(value, int | numpy.integer) for value in known)
    return pandas.Series(values, dtype="Int64" if whole else "Float64")


def settings_of(table: pandas.DataFrame) -> list[str]:
    """The columns that say what a number belongs to."""
    return [name for name in table.columns if name not in MEASURED]


def check_tidy(table: pandas.DataFrame) -> None:
    """Refuse a table in which one combination of settings has two numbers, with an InvalidData error."""
    twice = table.duplicated(settings_of(table)).to_numpy()
    if twice.any():
        first = describe(records(table)[int(twice.argmax())])
        raise InvalidData(f"Two measurements have the same settings: {first}. Add a setting that tells them apart.")


@dataclass(frozen=True, eq=False)
class Lines:
    """A tidy table that many rows are selected from: each column becomes plain values when it is first asked for.

    Attributes:
        table: which stays as it is.
    """

    table: pandas.DataFrame
    known: dict[str, "Values"] = field(default_factory=dict, repr=False)

    def values(self, name: str) -> "Values":
        """One column."""
        if name not in self.known:
            self.known[name] = Values.of(cast(Any, self.table)[name], setting=name not in MEASURED)
        return self.known[name]

    def at(self, kept: Bool[numpy.ndarray, " rows"]) -> list[dict[str, Any]]:
        """Some of the rows."""
        columns = {name: self.values(name).plain for name in self.table.columns}
        return [{name: each[place] for name, each in columns.items()} for place in numpy.flatnonzero(kept)]


class Values(NamedTuple):
    """A column as plain values.

    Attributes:
        plain: with None for a setting that is missing.
        missing: which are.
        compared: numbers, NaN where there is none, or texts.
        numeric: whether these are numbers.
    """

    plain: list[Any]
    missing: Bool[numpy.ndarray, " rows"]
    compared: numpy.ndarray
    numeric: bool

    @classmethod
    def of(cls, column: pandas.Series, *, setting: bool) -> "Values":
        """Those of a column of a table."""
        numeric, missing, plain = is_numeric_dtype(column), column.isna().to_numpy(), column.tolist()
        if setting:
            plain = [None if gone else value for value, gone in zip(plain, missing, strict=True)]
        kind, without = (float, numpy.nan) if numeric else (object, None)
        return cls(plain, missing, column.to_numpy(dtype=kind, na_value=without), numeric)


def select(table: pandas.DataFrame | Lines, where: Where) -> list[dict[str, Any]]:
    """The rows with these settings: a missing value where None is asked for, numbers equal up to rounding."""
    lines = table if isinstance(table, Lines) else Lines(table)
    kept = numpy.ones(len(lines.table), dtype=bool)
    for name, wanted in where.items():
        if not kept.any():
            return []
        kept &= same(lines.values(name), wanted) if name in lines.table else numpy.full(len(kept), wanted is None)
    return lines.at(kept)


def same(values: Values, wanted: Any) -> Bool[numpy.ndarray, " rows"]:
    """Which values of a setting are the one that is wanted."""
    if wanted is None:
        return values.missing
    if values.numeric == isinstance(wanted, str):
        return numpy.zeros(len(values.missing), dtype=bool)
    known = values.compared
    if not values.numeric:
        return known == wanted
    with numpy.errstate(invalid="ignore"):
        near = numpy.abs(known - wanted) <= NEAR * numpy.maximum(numpy.abs(known), abs(wanted))
    return near | (known == wanted)


def find(table: pandas.DataFrame | Lines, where: Where) -> Measurement | None:
    """The one number with these settings, or None; an InvalidData error where there are several, with what differs."""
    lines = select(table, where)
    if len(lines) > 1:
        settings = [name for name in lines[0] if name not in MEASURED]
        differing = [name for name in settings if len({line[name] for line in lines}) > 1]
        raise InvalidData(
            f"{len(lines)} measurements have {dict(where)}. They differ in {', '.join(differing)}: say which is meant."
        )
    return measurement_of(lines[0]) if lines else None


def measurement_of(line: Mapping[str, Any]) -> Measurement:
    """A row's number as a measurement."""
    low, high = (None if math.isnan(line[end]) else line[end] for end in ("low", "high"))
    n = int(line["n"]) if isinstance(line["n"], int | numpy.integer) else None
    return Measurement(line["value"], low=low, high=high, n=n, note=line["note"], unit=line["unit"])


def describe(line: Mapping[str, Any]) -> str:
    """The settings of a row in words, but the study: `digits, weight decay 0.01, influence (exact), warm, slope`."""
    settings = {name: value for name, value in line.items() if name not in (*MEASURED, "study") and value is not None}
    return ", ".join(
        display_name(value) if isinstance(value, str) else f"{display_name(name)} {value:g}"
        for name, value in settings.items()
    )
