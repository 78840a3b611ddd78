"""Notes on points, the verdict on each prediction, and the mode that an explorer opens in."""

import json

import jaxtyping
import numpy
import pandas
import pytest

import influencelab as il
from influencelab.errors import InvalidParameter, WrongType
from influencelab.explorer.widget.view import verdicts

PAIRS = pandas.DataFrame(
    {
        "train_id": [1, 2, 3, 4, 5],
        "test_id": 9,
        "predicted": [0.1, -0.2, 0.3, 0.1, 0.0],
        "actual": [0.2, 0.1, 0.7, numpy.nan, 0.0],
    }
)


@pytest.fixture
def _as_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """What checks types in tests would refuse wrong ones before the library does."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.usefixtures("_as_a_user")
def test_notes_go_to_the_browser_and_back_by_id() -> None:
    explorer, heard = il.Explorer(PAIRS, notes={2: "wrong label?"}), []
    explorer.observe(lambda change: heard.append(change.new), "notes")
    assert json.loads(json.dumps(explorer.get_state("notes")["notes"])) == {"2": "wrong label?"}
    # As the browser sends it.
    explorer.set_state({"notes": {"2": "wrong label?", "5": "twice, “5”"}})
    assert explorer.notes == {2: "wrong label?", 5: "twice, “5”"}
    assert heard == [explorer.notes]
    explorer.notes = {5: "", 3: "far"}
    assert explorer.notes == {3: "far"}
    assert explorer.table().set_index("train_id")["note"].to_dict() == {1: "", 2: "", 3: "far", 4: "", 5: ""}
    with pytest.raises(InvalidParameter, match="on point 77, which is no training point"):
        explorer.notes = {77: "where?"}
    with pytest.raises(WrongType, match="note on point 3 is 5, expected a text"):
        il.Explorer(PAIRS, notes={3: 5})  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongType, match="notes is a list, expected a Mapping"):
        il.Explorer(PAIRS, notes=["far"])  # pyright: ignore[reportArgumentType]


def test_points_with_names_are_noted_by_them() -> None:
    named = PAIRS.assign(train_id=["ann", "bob", "cy", "di", "ed"], test_id="test")
    explorer = il.Explorer(named, notes={"cy": "asked again"})
    explorer.set_state({"notes": {"ed": "moved"}})
    assert explorer.notes == {"ed": "moved"}
    assert explorer.table().set_index("train_id")["note"]["ed"] == "moved"


@pytest.mark.usefixtures("_as_a_user")
def test_a_mode_that_the_data_have_not_is_refused() -> None:
    assert il.Explorer(PAIRS).mode == "pair"
    explorer = il.Explorer(PAIRS, mode="browse")
    explorer.set_state({"mode": "pair"})
    assert explorer.mode == "pair"
    for wrong in ("curves", "features", "words", 3):
        with pytest.raises(InvalidParameter, match=rf"mode cannot be {wrong!r}. .*: pair, browse\."):
            il.Explorer(PAIRS, mode=wrong)  # pyright: ignore[reportArgumentType]


def test_a_verdict_says_how_a_prediction_came_true() -> None:
    told = dict(zip(PAIRS["train_id"], il.Explorer(PAIRS).table()["verdict"], strict=True))
    assert told == {1: "agrees", 2: "wrong sign", 3: "off by a factor of 2", 4: "no truth", 5: "agrees"}
    predicted, actual = numpy.array([1.0, 1.0, -1.0, 0.1, 1.0]), numpy.array([2.0, 0.4, 1.0, -0.1, numpy.nan])
    for noise, scaled, expected in (
        (0.0, True, ["agrees", "off by a factor of 2", "wrong sign", "wrong sign", "no truth"]),
        (0.2, True, ["agrees", "off by a factor of 2", "wrong sign", "within seed noise", "no truth"]),
        (0.2, False, ["agrees", "agrees", "wrong sign", "wrong sign", "no truth"]),
    ):
        assert verdicts(predicted, actual, noise=noise, scaled=scaled).tolist() == expected
