"""Statistics that a store remembers, under the numbers compared, how intervals are drawn, and the code that does it."""

import hashlib
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import torch

from influencelab.experiments.store import Entry, Store
from influencelab.recipe import fingerprint
from influencelab.runner.provenance import sources_hash
from influencelab.statistics import measurement
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.measurement import Measurement, Statistic


def remembered(comparison: Comparison, bootstrap: Bootstrap | None, *, store: Store) -> dict[str, Statistic]:
    """All statistics of a comparison, by name; read where the same numbers were compared by the same code before."""
    key = fingerprint((bootstrap, content_of(comparison), code()))
    entry = store.find(key)
    if entry is not None:
        return statistics_of(entry)
    found = comparison.statistics(bootstrap)
    with suppress(OSError):
        store.keep(key, entry_of(found))
    return found


def content_of(comparison: Comparison) -> str:
    """Hash of all arrays and settings of a comparison."""
    digest = hashlib.sha256()
    for field in fields(comparison):
        part = getattr(comparison, field.name)
        if isinstance(part, numpy.ndarray):
            digest.update(f"{field.name} {part.dtype} {part.shape}".encode() + numpy.ascontiguousarray(part).tobytes())
        else:
            digest.update(f"{field.name} {part!r}".encode())
    return digest.hexdigest()


@cache
def code() -> str:
    """Hash of all sources of the statistics, and the version of what they compute with."""
    return f"{sources_hash(Path(measurement.__file__).parent)} {numpy.__version__}"


def entry_of(found: dict[str, Statistic]) -> Entry:
    """Statistics as the store keeps them."""
    arrays, facts = {}, {}
    for name, statistic in found.items():
        parts = vars(statistic)
        arrays |= {f"{name}/{part}": torch.from_numpy(v) for part, v in parts.items() if isinstance(v, numpy.ndarray)}
        facts[name] = {part: plain(v) for part, v in parts.items() if not isinstance(v, numpy.ndarray)}
    return Entry(arrays=arrays, facts=facts)


def plain(value: Any) -> Any:
    """A measurement as its fields; anything else as it is."""
    return vars(value) if isinstance(value, Measurement) else value


def statistics_of(entry: Entry) -> dict[str, Statistic]:
    """The statistics that were kept."""
    found = {}
    for name, facts in entry.facts.items():
        parts: dict[str, Any] = {part: Measurement(**v) if isinstance(v, dict) else v for part, v in facts.items()}
        for key, array in entry.arrays.items():
            owner, _, part = key.partition("/")
            if owner == name:
                parts[part] = array.numpy()
        found[name] = Statistic(**parts)
    return found
