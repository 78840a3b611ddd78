"""Measurements as a tidy table: settings as columns, rows selected by them, one number for one combination."""

import math

import pandas
import pytest

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import check_tidy, describe, find, joined, records, row, select, tidy

TABLE = tidy(
    [
        row(Measurement(0.5, 0.25, 0.75, n=7, note="made", unit="nats"), data="digits", depth=1, statistic="slope"),
        row(Measurement(math.nan), data="digits", weight_decay=0.005, depth=2, statistic="slope"),
        row(Measurement(math.inf, n=3), data="iris", weight_decay=0.1, statistic="spearman"),
    ]
)


def test_columns_stand_in_their_order_and_keep_their_kind():
    assert list(TABLE.columns[:4]) == ["data", "depth", "weight_decay", "statistic"]
    assert [str(TABLE[name].dtype) for name in ("data", "depth", "weight_decay", "n")] == [
        "string",
        "Int64",
        "Float64",
        "Int64",
    ]


def test_a_number_is_found_by_its_settings_and_is_what_was_measured():
    assert find(TABLE, {"depth": 1}) == Measurement(0.5, 0.25, 0.75, n=7, note="made", unit="nats")
    assert math.isnan(find(TABLE, {"weight_decay": 0.005}).value)
    assert find(TABLE, {"weight_decay": 0.1 + 1e-17, "depth": None}) == Measurement(math.inf, n=3)
    assert find(TABLE, {"depth": 3}) is None
    assert find(TABLE, {"width": None, "depth": 1}) is not None
    assert find(TABLE, {"width": 5}) is None
    assert find(TABLE, {"depth": "1"}) is None


def test_several_numbers_for_one_selection_are_refused_with_what_tells_them_apart():
    with pytest.raises(InvalidData, match=r"2 measurements .* differ in depth, weight_decay: say which is meant"):
        find(TABLE, {"data": "digits"})
    assert len(select(TABLE, {"data": "digits"})) == 2
    with pytest.raises(InvalidData, match="digits, depth 1, slope"):
        check_tidy(joined([TABLE, TABLE]))


def test_a_table_survives_its_file(tmp_path):
    TABLE.to_parquet(tmp_path / "table.parquet")
    back = pandas.read_parquet(tmp_path / "table.parquet")
    assert str(records(back)) == str(records(TABLE))
    whole = joined([TABLE, tidy([row(Measurement(1.0), width=5, statistic="slope")])])
    assert find(whole, {"width": 5}) == Measurement(1.0)
    assert find(whole, {"width": None, "depth": 1}) == find(TABLE, {"depth": 1})


def test_settings_are_named_in_words():
    assert describe(records(TABLE)[0]) == "digits, depth 1, slope"
    assert describe(records(TABLE)[2]) == "iris, weight decay 0.1, Spearman"


def test_what_is_no_setting_is_refused():
    with pytest.raises(InvalidParameter, match="expected at least one"):
        row(Measurement(1.0))
    with pytest.raises(InvalidParameter, match="and none named value"):
        row(Measurement(1.0), unit="s")
    with pytest.raises(InvalidParameter, match="Setting 'depth' has the values"):
        tidy([row(Measurement(1.0), depth="1"), row(Measurement(1.0), depth=2)])
    with pytest.raises(InvalidParameter, match="make it by `row`"):
        tidy([{"depth": 1}])
