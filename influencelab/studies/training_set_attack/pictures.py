"""The pictures that attacks made, as an outcome keeps them."""

import base64
from collections.abc import Mapping
from typing import Any

import pandas

from influencelab.experiments.outcome import Outcome
from influencelab.studies.training_set_attack.analysis import Key
from influencelab.studies.training_set_attack.boxes import in_file


def pictured(outcomes: Mapping[Key, Outcome]) -> list[dict[str, Any]]:
    """Pictures before and after, of all blocks."""
    return [each for outcome in outcomes.values() for each in outcome.facts["pictures"]]


def changed_among(pairs: pandas.DataFrame, outcomes: Mapping[Key, Outcome]) -> dict[tuple[int, int], Any] | None:
    """Pictures that attacks by whole levels made of the pairs' training points, by training and test id, if any."""
    known = set(zip(pairs["train_id"], pairs["test_id"], strict=True))
    found = {(each["points"][0], each["test"]): each["after"] for each in pictured(outcomes)}
    kept = {pair: in_file(base64.b64decode(after)) for pair, after in found.items() if pair in known}
    # Colours first, as the pictures of a data set have them.
    return {pair: each if each.ndim == 2 else each.transpose(2, 0, 1) for pair, each in kept.items()} or None
