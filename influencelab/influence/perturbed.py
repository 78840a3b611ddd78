"""Training problems that a perturbation poses: which models share points and weight decay, and under which weights."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Int
from torch import Tensor

from influencelab.data.perturbation import Perturbation
from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import FACTORS_OF
from influencelab.influence.retrainer import Part
from influencelab.models.shapes import KN
from influencelab.training.fit import Fit


@dataclass(frozen=True, eq=False)
class Problem:
    """Models of one batch that train on the same points with the same weight decay, each with its own weights.

    Attributes:
        fit: the fit, seen on these points; new ones weigh nothing in it, so that it is the same minimum of the same J.
        weight_decay: what the models train with; perhaps not the fit's.
        weights: of each model.
        removed: the one point that each model does without; −1 where none, several or something else is changed.
        models: their places in the batch, whose model 0 is the control.
        places: the training points that the new ones, which come last, stand in for.
    """

    fit: Fit
    weight_decay: float
    weights: KN
    removed: Int[Tensor, " k"]
    models: Int[Tensor, " k"]
    places: Int[Tensor, " e"]


def problems(fit: Fit, perturbation: Perturbation, rows: slice) -> list[Problem]:
    """The control and some of the experiments; one problem only, unless weight decay changes."""
    found = perturbation.experiments(fit, rows)
    decays = torch.tensor([fit.weight_decay, *found.weight_decay], dtype=torch.float64)
    base = torch.nn.functional.pad(fit.weights, (0, len(found.places)))
    weights = torch.cat([base[None], found.weights])
    removed = torch.cat([torch.full_like(found.removed[:1], -1), found.removed])
    seen = fit if found.data is fit.data else replace(fit, data=found.data, weights=base)
    posed = []
    for decay in decays.unique().tolist():
        models = (decays == decay).nonzero()[:, 0].to(weights.device)
        posed.append(Problem(seen, decay, weights[models], removed[models], models, found.places))
    return posed


def in_place(problem: Problem) -> list[Problem]:
    """The same models with every new point where the old one stood: one problem for each, unless there is none.

    Raises:
        InvalidParameter: an old point keeps some of its weight.
    """
    count = len(problem.places)
    if not count:
        return [problem]
    data, n, posed = problem.fit.data, problem.fit.data.n - count, []
    for row, weights in enumerate(problem.weights):
        mine = weights[n:].nonzero()[:, 0]
        places, weight = problem.places[mine], weights[:n].clone()
        if weight[places].any():
            raise InvalidParameter(
                "this retraining draws batches, in which a point is either the old or the new one: replace it whole "
                "(share=1), or retrain with 'second_order' or full batches."
            )
        weight[places] = weights[n + mine]
        parts = {"x_train": data.x_train[:n].clone(), "y_train": data.y_train[:n].clone()}
        for name, part in parts.items():
            part[places] = getattr(data, name)[n + mine]
        here = replace(data, **parts, train_ids=data.train_ids[:n])
        fit = replace(problem.fit, data=here, weights=problem.fit.weights[:n])
        one = slice(row, row + 1)
        alone = {"removed": problem.removed[one], "models": problem.models[one], "places": problem.places[:0]}
        posed.append(replace(problem, fit=fit, weights=weight[None], **alone))
    return posed


def joined(parts: Sequence[tuple[Int[Tensor, " k"], Part]]) -> Part:
    """One part of several, each with the places of its models in the batch."""
    if len(parts) == 1:
        return parts[0][1]
    order = torch.cat([models for models, _ in parts]).argsort()
    return Part(
        **{field.name: torch.cat([getattr(part, field.name) for _, part in parts])[order] for field in fields(Part)}
    )


def penalised_by(fit: Fit, weight_decay: float) -> Fit:
    """The fit's θ seen under another weight decay, where it is no minimum; the fit itself if that is its own."""
    return fit if weight_decay == fit.weight_decay else replace(fit, task=replace(fit.task, weight_decay=weight_decay))


def share_factors(fit: Fit, other: Fit) -> None:
    """Let two fits of the same θ and the same curvature share what is computed of it."""
    FACTORS_OF[other] = FACTORS_OF.setdefault(fit, {})
