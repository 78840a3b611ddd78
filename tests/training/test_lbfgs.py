"""What L-BFGS remembers: the two published loops, written anew pair by pair."""

import numpy
import pytest
import torch

from influencelab.training.trainers.lbfgs import InverseCurvature

MODELS, ROOM, PARAMETERS = 4, 3, 6


def two_loops(gradient, moves, bends, scale):
    """Nocedal & Wright (2006), algorithm 7.4: −H ∇J from pairs, oldest first."""
    q, shares = gradient.copy(), []
    for moved, bent in zip(moves[::-1], bends[::-1], strict=True):
        shares.append(moved @ q / (moved @ bent))
        q -= shares[-1] * bent
    q *= scale
    for moved, bent, share in zip(moves, bends, shares[::-1], strict=True):
        q += (share - bent @ q / (moved @ bent)) * moved
    return -q


def empty(guess=None):
    """Models that have learnt nothing."""
    zeros = torch.zeros(MODELS, ROOM, PARAMETERS, dtype=torch.float64)
    return InverseCurvature(
        moves=zeros.clone(),
        changes=zeros.clone(),
        curvatures=zeros[..., 0].clone(),
        inverse=torch.zeros(MODELS, ROOM, ROOM, dtype=torch.float64),
        count=torch.zeros(MODELS, dtype=torch.int64),
        guess=guess,
    )


def pairs(count):
    """Steps of models on bowls of their own, and how much ∇J changed over each."""
    draw = numpy.random.default_rng(0)
    root = draw.normal(size=(MODELS, PARAMETERS, PARAMETERS))
    moves = draw.normal(size=(count, MODELS, PARAMETERS))
    return moves, numpy.einsum("kij,klj,skl->ski", root, root, moves) + 0.1 * moves


@pytest.mark.parametrize("guessed", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_directions_are_those_of_the_two_loops_for_models_that_remember_more_and_less(count, guessed):
    diagonal = torch.linspace(0.5, 2.0, PARAMETERS, dtype=torch.float64)
    memory, known = empty((lambda rows: diagonal * rows) if guessed else None), [([], []) for _ in range(MODELS)]
    moves, bends = pairs(count)
    for step in range(count):
        where = torch.tensor([True, step % 2 == 0, step > 1, False])
        memory.remember(torch.tensor(moves[step]), torch.tensor(bends[step]), where=where)
        for model in where.nonzero().flatten().tolist():
            for kept, new in zip(known[model], (moves[step, model], bends[step, model]), strict=True):
                kept[:] = [*kept, new][-ROOM:]
    gradient = numpy.random.default_rng(1).normal(size=(MODELS, PARAMETERS))
    found = memory.directions(torch.tensor(gradient)).numpy()
    for model, (moved, bent) in enumerate(known):
        learnt = (
            moved[-1] @ bent[-1] / (bent[-1] @ bent[-1]) if moved else 1 / max(1, numpy.linalg.norm(gradient[model]))
        )
        wanted = two_loops(gradient[model], moved, bent, diagonal.numpy() if guessed else learnt)
        assert numpy.abs(found[model] - wanted).max() <= 1e-9 * numpy.abs(wanted).max()


def test_who_forgets_goes_straight_down_and_the_others_as_before():
    memory = empty()
    moves, bends = pairs(4)
    for moved, bent in zip(moves, bends, strict=True):
        memory.remember(torch.tensor(moved), torch.tensor(bent), where=torch.ones(MODELS, dtype=torch.bool))
    gradient = torch.ones(MODELS, PARAMETERS, dtype=torch.float64) / 10
    before = memory.directions(gradient)
    memory.forget(torch.tensor([False, True, False, False]))
    after = memory.directions(gradient)
    assert torch.allclose(after[1], -gradient[1], rtol=1e-14)
    assert torch.allclose(after[[0, 2, 3]], before[[0, 2, 3]], rtol=1e-13)


def test_a_pair_that_bends_downwards_is_not_remembered():
    memory, (moves, bends) = empty(), pairs(1)
    memory.remember(torch.tensor(moves[0]), -torch.tensor(bends[0]), where=torch.ones(MODELS, dtype=torch.bool))
    assert memory.count.tolist() == [0] * MODELS
