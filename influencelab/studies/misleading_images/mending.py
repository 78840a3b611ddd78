"""What training again does once the points that a score names are put right, by whoever inspects them or by nobody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from influencelab.data.perturbation import Perturbation
from influencelab.data.perturbations.replacement import Replacement
from influencelab.data.removals import groups
from influencelab.influence.retrainer import Retrained
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.studies.misleading_images.pool import ASKED
from influencelab.studies.misleading_images.scene import UNDECIDED
from influencelab.training.fit import Fit

Named = Mapping[str, Int[numpy.ndarray, "k j"]]
Group = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Mended:
    """Models trained again, each with one group of points put right.

    Attributes:
        truth: of the groups that are not empty; None where all are.
        before: which test points the model calls the other class.
        places: the row of each group in the truth.
    """

    truth: Retrained | None
    before: Bool[Tensor, " m"]
    places: Mapping[Group, int]

    def after(self, group: Group) -> Bool[Tensor, " m"] | None:
        """Which test points are predicted wrongly with this group put right; None where no model converged."""
        if not group or self.truth is None:
            return self.before
        row = self.places[group]
        losses = self.truth.fit.measures() + self.truth.values[row]
        return losses > UNDECIDED if bool(self.truth.trusted[row]) else None


def mended(fitted: Fit, named: Named, planted: Bool[numpy.ndarray, " n"], *, removes: bool) -> Mended:
    """Train once for every group of points that is named for one wrong picture, or for all, and is put right.

    Args:
        fitted: the model that is wrong.
        named: the points that each score names, a column a wrong picture.
        planted: which training points mislead.
        removes: whether a point is put right by its removal, as where its label is right; else it gets the label of
            the pictures asked about.
    """
    every = dict.fromkeys(group for points in named.values() for _, group in groups_of(points, planted) if group)
    before = fitted.measures() > UNDECIDED
    if not every:
        return Mended(None, before, {})
    truth = SecondOrder().retrain(fitted, change_of(fitted, list(every), removes=removes))
    return Mended(truth, before, {group: row for row, group in enumerate(every)})


def change_of(fitted: Fit, members: Sequence[Group], *, removes: bool) -> Perturbation:
    """An experiment for each group."""
    if removes:
        return groups(fitted.data.n, members=members)
    rows = torch.tensor([row for row, group in enumerate(members) for _ in group])
    points = torch.tensor([point for group in members for point in group])
    labels = torch.full_like(points, ASKED)
    return Replacement(points=points, x=fitted.data.x_train[points], y=labels, n=fitted.data.n, rows=rows)


def groups_of(
    points: Int[numpy.ndarray, "k j"], planted: Bool[numpy.ndarray, " n"]
) -> Iterator[tuple[tuple[bool, bool], Group]]:
    """Groups of the points named: (whether inspected, whether for all pictures at once), and the group.

    Whoever inspects them puts right what was planted, and leaves the others as they are.
    """
    for inspected in (False, True):
        for whole, columns in ((False, points.T), (True, points.reshape(1, -1))):
            for column in columns:
                kept = column[planted[column]] if inspected else column
                yield (inspected, whole), tuple(sorted(set(kept.tolist())))


def effects(
    found: Mended, points: Int[numpy.ndarray, "k j"], planted: Bool[numpy.ndarray, " n"], *, wrong: Int[Tensor, " j"]
) -> dict[str, float | None]:
    """What mending by one score does: means over wrong pictures, and of mending all that is named at once.

    `turned` is the share of wrong pictures that turn back, `spoiled` how many other test pictures turn wrong; of points
    that are `inspected`, and of `all` at once, by names that begin so. None where no model converged.
    """
    models: dict[tuple[bool, bool], list[Bool[Tensor, " m"] | None]] = {}
    for kind, group in groups_of(points, planted):
        models.setdefault(kind, []).append(found.after(group))
    numbers: dict[str, float | None] = {}
    for (inspected, whole), after in models.items():
        start = f"{'inspected_' if inspected else ''}{'all_' if whole else ''}"
        pictures = [wrong] if whole else list(wrong[:, None])
        kept = [(each, places) for each, places in zip(after, pictures, strict=True) if each is not None]
        turned = [float((~each[places]).double().mean()) for each, places in kept]
        spoiled = [int((each & ~found.before).sum()) for each, _ in kept]
        numbers[f"{start}turned"] = float(numpy.mean(turned)) if kept else None
        numbers[f"{start}spoiled"] = float(numpy.mean(spoiled)) if kept else None
        if whole:
            numbers[f"{start}accuracy"] = float((~kept[0][0]).double().mean()) if kept else None
    return numbers
