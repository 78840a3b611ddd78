"""Explorer data of a run: every network's pairs and the points behind them, as one compact file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy

from influencelab.errors import InvalidData
from influencelab.explorer import file_format
from influencelab.explorer.pairs_table import PairsTable
from influencelab.explorer.point_display import Points

# What share of all bytes predictions at every damping may take: one in so many.
STEPS = 3
# A table of so many test points or fewer is thinned by removals instead.
FEW_TESTS = 1
# The largest share of the pairs that stays in each round that makes the file smaller.
SHRINK = 0.8


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
        return file_format.to_bytes({field.name: getattr(self, field.name) for field in fields(self)})

    def to_file(self, *, title: str, largest: int) -> bytes:
        """The file that a report keeps: as much as fits into so many bytes, under the report's title."""
        return replace(self, title=title).within(largest).to_bytes()

    def within(self, size: int) -> "ExplorerData":
        """As much of it as fits into so many bytes, and a note of what was left out.

        Test points are left out with all their pairs, the same share of every network's; where one test point is too
        much, removals are drawn at random.
        """
        whole = self.with_steps_within(size / STEPS)
        share, kept = 1.0, self.cut_to(whole, size)
        while (now := len(kept.to_bytes())) > size and share > 1e-6:
            share *= min(SHRINK, size / now)
            kept = self.cut_to(replace(whole, tables=[thinned(table, share) for table in whole.tables]), size)
        return kept

    def cut_to(self, part: "ExplorerData", size: int) -> "ExplorerData":
        """A part of these data with the points it speaks of, and notes of what was left out to stay below a size."""
        return replace(part.used(), notes=(*self.notes, *left_out(self, part, size)))

    def with_steps_within(self, size: float) -> "ExplorerData":
        """The same with predictions at every damping for as many pairs as fit into so many bytes."""
        taken = sum(table.damping_steps.predicted.nbytes for table in self.tables if table.damping_steps)
        if taken <= size:
            return self
        return replace(self, tables=[with_steps_of(table, size / taken) for table in self.tables])

    def used(self) -> "ExplorerData":
        """The same without points that no pair speaks of."""
        tables, points = list(self.tables), {}
        for name, held in self.points.items():
            mine = [place for place, table in enumerate(tables) if table.points == name]
            if not mine:
                continue
            train = numpy.unique(numpy.concatenate([tables[place].train for place in mine]))
            test = numpy.unique(numpy.concatenate([tables[place].test for place in mine]))
            points[name] = held.only(train, test)
            for place in mine:
                tables[place] = renumbered(tables[place], train, test)
        return replace(self, tables=tables, points=points)


def left_out(whole: ExplorerData, kept: ExplorerData, size: int) -> list[str]:
    """Notes of what the smaller data lack."""
    notes = []
    if kept.pairs < whole.pairs:
        notes.append(
            f"{kept.pairs:,} of {whole.pairs:,} pairs are kept, to stay below {size / 10**6:g} MB: the first test "
            "points of each network with all their removals, or a random sample of one test point's."
        )
    steps = [
        sum(len(table.damping_steps.rows) for table in each.tables if table.damping_steps) for each in (whole, kept)
    ]
    if steps[1] < steps[0]:
        notes.append(f"Any damping can be chosen for {steps[1]:,} of these pairs, of the first test points.")
    return notes


def with_steps_of(table: PairsTable, share: float) -> PairsTable:
    """The table with damping steps for about that share of its pairs."""
    if table.damping_steps is None:
        return table
    few = thinned(replace(table, damping_steps=None, train=numpy.arange(len(table.train))), share).train
    kept = numpy.isin(table.damping_steps.rows, few)
    steps = table.damping_steps
    steps = replace(steps, rows=steps.rows[kept], predicted=steps.predicted[:, kept])
    return replace(table, damping_steps=steps)


def renumbered(table: PairsTable, train: numpy.ndarray, test: numpy.ndarray) -> PairsTable:
    """The table after only these points were kept."""
    return replace(
        table,
        train=numpy.searchsorted(train, table.train),
        test=numpy.searchsorted(test, table.test),
        train_loss=table.train_loss[train] if len(table.train_loss) else table.train_loss,
        self_influence=table.self_influence[train] if len(table.self_influence) else table.self_influence,
        test_loss=table.test_loss[test] if len(table.test_loss) else table.test_loss,
    )


def thinned(table: PairsTable, share: float) -> PairsTable:
    """About that share of a table: its first test points, or of one test point's removals a random part."""
    tests = len(numpy.unique(table.test))
    if share * tests >= FEW_TESTS:
        return table.first_tests(round(share * tests))
    first = table.first_tests(FEW_TESTS)
    kept = numpy.zeros(len(first.train), dtype=bool)
    generator = numpy.random.default_rng(0)
    kept[generator.permutation(len(kept))[: max(1, int(share * tests * len(kept)))]] = True
    return first.only(kept)


def from_bytes(content: bytes) -> ExplorerData:
    """The explorer data in the bytes of their file; an InvalidData error where they are none."""
    return ExplorerData(**file_format.from_bytes(content))
