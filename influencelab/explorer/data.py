"""Explorer data of a run: every network's pairs and the points behind them, as one compact file.

The file is safetensors, whose metadata hold a JSON header that says which array is what; any reader of safetensors
opens it. Arrays that are equal, such as the points that all networks share, are stored once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy
from jaxtyping import Bool
from safetensors import SafetensorError
from safetensors.numpy import load, save

from influencelab.errors import InvalidData
from influencelab.explorer.changed_pictures import from_record, to_record
from influencelab.explorer.contributions import Contributions, Curves
from influencelab.explorer.pairs_table import DEED, UNIT, DampingSteps, PairsTable, Points
from influencelab.explorer.sprites import COLUMNS, pictures_in, sprite_sheet

# What share of all bytes predictions at every damping may take: one in so many.
STEPS = 3
# The largest share of the pairs that stays in each round that makes the file smaller.
SHRINK = 0.8
# The key of the header among the metadata, and of an array's name within the header.
HEADER, ARRAY = "explorer", "$"
# What points and pairs have in newer files only, and there where rows have names or were changed, and so on.
OPTIONAL = ("train_names", "test_names", "class_names", "changed", "contributions", "curves")
# What pairs are, unless a file says otherwise.
USUAL = {"unit": UNIT, "deed": DEED}
LEFT_OUT = "Photographs are left out of this copy, as they are others'. Run the study to see them."
# No browser reads 64-bit integers as plain numbers.
NARROWER = {numpy.dtype(numpy.int64): numpy.int32}


@dataclass(frozen=True, eq=False)
class ExplorerData:
    """Pairs of all networks of a run and their points; nothing here is computed when they are shown.

    Attributes:
        title: of the run, such as `leave_one_out at quick`.
        names: of the settings in which networks differ, in the order in which they are chosen.
        tables: one a network.
        points: by name, the data behind them.
        counts: whether at first only models in the fit's own basin count (`trusted`), or all that converged.
        notes: remarks on the data, such as what was left out.
    """

    title: str
    names: tuple[str, ...]
    tables: Sequence[PairsTable]
    points: Mapping[str, Points]
    counts: str = "trusted"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for table in self.tables:
            if tuple(table.settings) != self.names:
                raise InvalidData(f"A table of pairs has the settings {tuple(table.settings)}, expected {self.names}.")
            if table.points not in self.points:
                raise InvalidData(f"A table's points are '{table.points}'. There are: {', '.join(self.points)}.")

    def __repr__(self) -> str:
        """Short enough for the end of a notebook."""
        return f"ExplorerData({self.title}: {len(self.tables)} networks, {self.pairs:,} pairs)"

    @property
    def pairs(self) -> int:
        """Number of pairs of a removal and a test point, over all networks."""
        return sum(len(table.train) for table in self.tables)

    def to_bytes(self) -> bytes:
        """The same as the bytes of a safetensors file; equal data give equal bytes."""
        arrays: dict[str, numpy.ndarray] = {}
        names: dict[tuple[Any, ...], str] = {}

        def described(value: Any, name: str) -> Any:
            if isinstance(value, numpy.ndarray):
                held = numpy.ascontiguousarray(value, dtype=NARROWER.get(value.dtype, value.dtype))
                name = names.setdefault((held.dtype.str, held.shape, held.tobytes()), name)
                arrays[name] = held
                return {ARRAY: name}
            if is_dataclass(value):
                value = fields_of(value)
            if isinstance(value, Mapping):
                return {key: described(each, f"{name}/{key}") for key, each in value.items()}
            if isinstance(value, list | tuple):
                return [described(each, f"{name}/{place}") for place, each in enumerate(value)]
            return value

        header = {key: described(value, key) for key, value in fields_of(self).items()}
        return save(arrays, metadata={HEADER: json.dumps(header, allow_nan=False, separators=(",", ":"))})

    def to_file(self, *, title: str, largest: int) -> bytes:
        """The file that a report keeps: as much as fits into so many bytes, under the report's title."""
        return replace(self, title=title).within(largest).to_bytes()

    def within(self, size: int) -> "ExplorerData":
        """As much of it as fits into so many bytes, and a note of what was left out.

        Test points are left out with all their pairs, the same share of every network's; where one test point is too
        much, removals are drawn at random.
        """
        taken = sum(table.damping_steps.predicted.nbytes for table in self.tables if table.damping_steps)
        whole = [with_steps_of(table, size / STEPS / taken if taken else 1.0) for table in self.tables]
        share, kept = 1.0, self.cut_to(whole, size)
        while (now := len(kept.to_bytes())) > size and share > 1e-6:
            share *= min(SHRINK, size / now)
            kept = self.cut_to([table.only(sample(table, share)) for table in whole], size)
        return kept

    def without_pictures(self) -> "ExplorerData":
        """The same where points that are pictures are known by their ids, names and labels alone."""
        points = {name: each.without_pictures() for name, each in self.points.items()}
        shown = all(each is self.points[name] for name, each in points.items())
        return self if shown else replace(self, points=points, notes=(*self.notes, LEFT_OUT))

    def cut_to(self, tables: Sequence[PairsTable], size: int) -> "ExplorerData":
        """Parts of these tables with the points they speak of, and notes of what was left out to stay below a size."""
        used = {
            name: [numpy.unique(numpy.concatenate([getattr(one, part) for one in mine])) for part in ("train", "test")]
            for name in self.points
            if (mine := [table for table in tables if table.points == name])
        }
        points = {name: self.points[name].only(*places) for name, places in used.items()}
        kept = replace(self, tables=[renumbered(table, *used[table.points]) for table in tables], points=points)
        notes = list(self.notes)
        if kept.pairs < self.pairs:
            notes.append(
                f"{kept.pairs:,} of {self.pairs:,} pairs are kept, to stay below {size / 10**6:g} MB: the first test "
                "points of each network with all their removals, or a random sample of one test point's."
            )
        before, now = (
            sum(len(table.damping_steps.rows) for table in each.tables if table.damping_steps) for each in (self, kept)
        )
        if now < before:
            notes.append(f"Any damping can be chosen for {now:,} of these pairs, of the first test points.")
        return replace(kept, notes=tuple(notes))


def with_steps_of(table: PairsTable, share: float) -> PairsTable:
    """The table with damping steps for about that share of its pairs."""
    steps = table.damping_steps
    if steps is None:
        return table
    kept = sample(table, share)[steps.rows]
    return replace(table, damping_steps=replace(steps, rows=steps.rows[kept], predicted=steps.predicted[:, kept]))


def renumbered(table: PairsTable, train: numpy.ndarray, test: numpy.ndarray) -> PairsTable:
    """The table after only these points were kept."""
    kept = {"train_loss": train, "self_influence": train, "test_loss": test}
    values = {name: each[places] for name, places in kept.items() if len(each := getattr(table, name))}
    return replace(
        table, train=numpy.searchsorted(train, table.train), test=numpy.searchsorted(test, table.test), **values
    )


def sample(table: PairsTable, share: float) -> Bool[numpy.ndarray, " t"]:
    """About that share of a table's pairs: of its first test points, or of one test point's removals a random part."""
    tests = list(dict.fromkeys(table.test.tolist()))
    count = share * len(tests)
    kept = numpy.isin(table.test, tests[: max(round(count), 1)])
    if count < 1:
        order = numpy.random.default_rng(0).permutation(int(kept.sum()))
        kept[kept.nonzero()[0][order[max(1, int(count * len(order))) :]]] = False
    return kept


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass; of points also their kind, their pictures as one PNG, features in single precision."""
    record = {field.name: getattr(value, field.name) for field in fields(value)}
    record = {name: each for name, each in record.items() if name not in OPTIONAL or each}
    if not isinstance(value, Points):
        return {name: each for name, each in record.items() if not (name in USUAL and each == USUAL[name])}
    if value.changed:
        record["changed"] = to_record(value.changed)
    record["kind"] = value.kind
    if value.kind == "images":
        pictures = value.pictures()
        sheet = numpy.frombuffer(sprite_sheet(pictures), numpy.uint8)
        record |= {"train": None, "test": None, "shape": pictures.shape[1:3], "columns": COLUMNS, "sprite_sheet": sheet}
    elif value.train is not None and value.test is not None:
        record |= {"train": value.train.astype(numpy.float32), "test": value.test.astype(numpy.float32)}
    return record


def from_bytes(content: bytes) -> ExplorerData:
    """The explorer data in the bytes of their file; an InvalidData error where they are none."""
    try:
        arrays = load(content)
    except SafetensorError as error:
        raise InvalidData(f"This is no explorer file ({error}). Run the study again.") from error
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
    if HEADER not in metadata:
        raise InvalidData("This safetensors file has no explorer header. Run the study again.")

    def restored(value: Any) -> Any:
        if isinstance(value, dict):
            return arrays[value[ARRAY]] if ARRAY in value else {key: restored(each) for key, each in value.items()}
        return tuple(map(restored, value)) if isinstance(value, list) else value

    whole = restored(json.loads(metadata[HEADER]))
    for table in whole["tables"]:
        for name, kind in (("damping_steps", DampingSteps), ("contributions", Contributions), ("curves", Curves)):
            table[name] = kind(**found) if (found := table.get(name)) else None
    tables = [PairsTable(**table) for table in whole["tables"]]
    points = {name: points_of(record) for name, record in whole["points"].items()}
    return ExplorerData(**whole | {"tables": tables, "points": points})


def points_of(record: dict[str, Any]) -> Points:
    """Points from their fields."""
    known = {
        each.name: record[each.name] for each in fields(Points) if each.name not in OPTIONAL or each.name in record
    }
    if "changed" in known:
        known["changed"] = from_record(record["changed"])
    if record["kind"] == "images":
        n, m = len(record["train_ids"]), len(record["test_ids"])
        pictures = pictures_in(record["sprite_sheet"].tobytes(), count=n + m, shape=record["shape"])
        known |= {"train": pictures[:n], "test": pictures[n:]}
    return Points(**known)
