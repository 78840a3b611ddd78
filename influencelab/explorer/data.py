"""All that an explorer shows of a run: every network's pairs and the points behind them, as one compact file."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy

from influencelab.errors import InvalidData
from influencelab.explorer.file_format import packed, unpacked
from influencelab.explorer.pairs_table import PairsTable
from influencelab.explorer.point_display import Points
from influencelab.recipe import Recipe

# What share of all bytes predictions at every damping may take: one in so many.
PATHS = 3
# A sheet of so many test points or fewer is thinned by removals instead.
FEW_TESTS = 1
# How much of what is kept stays at most in each round that makes an exploration smaller.
SHRINK = 0.8


@dataclass(frozen=True, eq=False)
class ExplorerData(Recipe):
    """What can be looked at, and no more than that: nothing here is computed when somebody looks.

    Attributes:
        title: of the run, such as `leave_one_out at quick`.
        names: of the settings in which networks differ, in the order in which they are chosen.
        sheets: one a network.
        points: by name, the data behind them.
        counts: whether at first only models in the fit's own basin count (`trusted`), or all that converged.
        notes: what a person must know of it, such as what was left out.
    """

    title: str
    names: tuple[str, ...]
    sheets: Sequence[PairsTable]
    points: Mapping[str, Points]
    counts: str = "trusted"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for sheet in self.sheets:
            if tuple(sheet.settings) != self.names:
                raise InvalidData(f"A sheet has the settings {tuple(sheet.settings)}, expected {self.names}.")
            if sheet.points not in self.points:
                raise InvalidData(f"A sheet's points are '{sheet.points}'. There are: {', '.join(self.points)}.")

    def __repr__(self) -> str:
        """Short enough for the end of a notebook."""
        return f"Exploration({self.title}: {len(self.sheets)} networks, {self.pairs:,} pairs)"

    @property
    def pairs(self) -> int:
        """How many pairs of a removal and a test point there are, over all networks."""
        return sum(len(sheet.train) for sheet in self.sheets)

    def packed(self) -> bytes:
        """The same as bytes: a header, then every array; `unpacked` reads them, and so does the browser."""
        return packed({field.name: getattr(self, field.name) for field in fields(self)})

    def compressed(self) -> bytes:
        """The same, smaller; equal explorations give equal bytes."""
        return gzip.compress(self.packed(), mtime=0)

    def within(self, size: int) -> "ExplorerData":
        """As much of it as fits into so many bytes when compressed, and a note of what was left out.

        Whole test points are left out, the same share of every network's, so that what is shown of a test point is
        complete; where one test point is too much, removals are drawn at random.

        Args:
            size: in bytes.
        """
        whole = self.with_paths_within(size / PATHS)
        share, kept = 1.0, whole.used()
        while (now := len(kept.compressed())) > size and share > 1e-6:
            share *= min(SHRINK, size / now)
            kept = replace(self, sheets=[thinned(sheet, share) for sheet in whole.sheets]).used()
        return replace(kept, notes=(*self.notes, *left_out(self, kept, size)))

    def with_paths_within(self, size: float) -> "ExplorerData":
        """The same with predictions at every damping for as many pairs as fit into so many bytes."""
        taken = sum(sheet.path.predicted.nbytes for sheet in self.sheets if sheet.path)
        if taken <= size:
            return self
        return replace(self, sheets=[with_path_of(sheet, size / taken) for sheet in self.sheets])

    def used(self) -> "ExplorerData":
        """The same without points that no pair speaks of."""
        sheets, points = list(self.sheets), {}
        for name, held in self.points.items():
            mine = [place for place, sheet in enumerate(sheets) if sheet.points == name]
            if not mine:
                continue
            train = numpy.unique(numpy.concatenate([sheets[place].train for place in mine]))
            test = numpy.unique(numpy.concatenate([sheets[place].test for place in mine]))
            points[name] = held.only(train, test)
            for place in mine:
                sheets[place] = renumbered(sheets[place], train, test)
        return replace(self, sheets=sheets, points=points)


def left_out(whole: ExplorerData, kept: ExplorerData, size: int) -> list[str]:
    """What a smaller exploration has not, in words."""
    notes = []
    if kept.pairs < whole.pairs:
        notes.append(
            f"{kept.pairs:,} of {whole.pairs:,} pairs are kept, to stay below {size / 10**6:g} MB: the first test "
            "points of each network with all their removals, or a random sample of one test point's."
        )
    paths = [sum(len(sheet.path.rows) for sheet in each.sheets if sheet.path) for each in (whole, kept)]
    if paths[1] < paths[0]:
        notes.append(f"Any damping can be chosen for {paths[1]:,} of these pairs, of the first test points.")
    return notes


def with_path_of(sheet: PairsTable, share: float) -> PairsTable:
    """The sheet with the path of about that share of its pairs."""
    if sheet.path is None:
        return sheet
    few = thinned(replace(sheet, path=None, train=numpy.arange(len(sheet.train))), share).train
    kept = numpy.isin(sheet.path.rows, few)
    path = replace(sheet.path, rows=sheet.path.rows[kept], predicted=sheet.path.predicted[:, kept])
    return replace(sheet, path=path)


def renumbered(sheet: PairsTable, train: numpy.ndarray, test: numpy.ndarray) -> PairsTable:
    """The sheet after only these points were kept."""
    return replace(
        sheet,
        train=numpy.searchsorted(train, sheet.train),
        test=numpy.searchsorted(test, sheet.test),
        train_loss=sheet.train_loss[train] if len(sheet.train_loss) else sheet.train_loss,
        self_influence=sheet.self_influence[train] if len(sheet.self_influence) else sheet.self_influence,
        test_loss=sheet.test_loss[test] if len(sheet.test_loss) else sheet.test_loss,
    )


def thinned(sheet: PairsTable, share: float) -> PairsTable:
    """About that share of a sheet: its first test points, or of one test point's removals a random part."""
    tests = len(numpy.unique(sheet.test))
    if share * tests >= FEW_TESTS:
        return sheet.first_tests(round(share * tests))
    first = sheet.first_tests(FEW_TESTS)
    kept = numpy.zeros(len(first.train), dtype=bool)
    generator = numpy.random.default_rng(0)
    kept[generator.permutation(len(kept))[: max(1, int(share * tests * len(kept)))]] = True
    return first.only(kept)


def opened(content: bytes) -> ExplorerData:
    """The exploration in these bytes, compressed or not.

    Raises:
        InvalidData: they hold none, or one of a later version.
    """
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return ExplorerData(**unpacked(plain))
