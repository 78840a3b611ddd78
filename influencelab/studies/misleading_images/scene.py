"""One split of all pictures, with misleading ones planted among its training points."""

import math
from dataclasses import dataclass

import numpy
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.studies.misleading_images.pool import ASKED, COPIES, MADE, MISTAKEN, WATERMARKED, Pool

# The loss of a point on the border between the classes.
UNDECIDED = math.log(2)


@dataclass(frozen=True, eq=False)
class Scene:
    """Training and test pictures of one split, as features.

    Attributes:
        data: the points, with the labels that are given.
        planted: which training points are misleading.
        own: the place of the test picture that each was made of; −1 for what was made of none.
    """

    data: Dataset
    planted: Bool[Tensor, " n"]
    own: Int[Tensor, " n"]


def planted_in(pool: Pool, *, arm: str, share: float, train: int, seed: int) -> Scene:
    """Split the pool at random and plant in it; the split is one and the same for every arm and share of a seed.

    Raises:
        InvalidData: too few pictures for that.
    """
    total, n = len(pool.labels), train
    if not 0 < n < total:
        raise InvalidData(f"train is {n}, expected 1 … {total - 1} of the {total} pictures of {pool.data.name}.")
    order = torch.from_numpy(numpy.random.default_rng((seed, 0)).permutation(total))
    ours, theirs = order[:n], order[n:]
    x, y, ids = pool.features[ours].clone(), pool.labels[ours].clone(), pool.data.train_ids[ours].clone()
    planted, own = torch.zeros(n, dtype=torch.bool), torch.full((n,), -1)
    asked = torch.nonzero(y == ASKED)[:, 0].numpy()
    count, generator = round(share * len(asked)), numpy.random.default_rng((seed, 1))
    if arm in (COPIES, WATERMARKED):
        targets = torch.nonzero(pool.labels[theirs] == ASKED)[:, 0].numpy()
        room = asked if arm == COPIES else torch.nonzero(y == MISTAKEN)[:, 0].numpy()
        pairs = count // MADE
        if pairs > len(targets) or pairs * MADE > len(room):
            raise InvalidData(
                f"share {share} asks for {pairs} test pictures and {pairs * MADE} places, and there are "
                f"{len(targets)} and {len(room)}. Plant a smaller share."
            )
        chosen = torch.from_numpy(generator.permutation(targets)[:pairs]).repeat_interleave(MADE)
        places = torch.from_numpy(generator.permutation(room)[: len(chosen)])
        number, sources = torch.arange(MADE).repeat(pairs), theirs[chosen]
        x[places], y[places], own[places] = pool.made[number, sources], MISTAKEN, chosen
        # What was made has ids beyond those of all pictures.
        last = int(pool.data.train_ids.max()) + 1
        ids[places] = last + number * total + sources
    else:
        places = torch.from_numpy(generator.permutation(asked)[:count])
        y[places] = MISTAKEN
    planted[places] = True
    data = Dataset(
        x_train=x,
        y_train=y,
        x_test=pool.features[theirs],
        y_test=pool.labels[theirs],
        train_ids=ids,
        test_ids=pool.data.train_ids[theirs],
        classes=2,
        name=pool.data.name,
        class_names=pool.data.class_names,
    )
    return Scene(data, planted, own)
