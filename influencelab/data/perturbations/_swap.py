"""Points that stand in for others: the old one loses weight, the new one, appended to the data, gains it."""

from dataclasses import replace

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Experiments, Fitted
from influencelab.errors import InvalidParameter


def newcomers(fit: Fitted, points: Int[Tensor, " t"], x: Float[Tensor, " t *shape"], y: Num[Tensor, " t"]) -> Dataset:
    """The points that come in as training points of a data set of their own.

    Raises:
        InvalidData: their features or labels are not of the fit's kind.
    """
    data = fit.data
    here = data.x_train.device
    return replace(data, x_train=x.to(here), y_train=y.to(here), train_ids=data.train_ids[points])


def swapped(
    fit: Fitted, new: Dataset, *, points: Int[Tensor, " t"], rows: Int[Tensor, " t"], at: slice, share: float
) -> Experiments:
    """Some of the experiments, in each of which some points hand a share of their weight on to new ones."""
    data, here = fit.data, fit.weights.device
    inside = (rows >= at.start) & (rows < at.stop)
    models, places = (rows[inside] - at.start).to(here), points[inside].to(here)
    mine = inside.to(here)
    weights = torch.nn.functional.pad(fit.weights, (0, len(places))).repeat(at.stop - at.start, 1)
    weights[models, data.n + torch.arange(len(places), device=here)] = share * fit.weights[places]
    weights[models, places] = (1 - share) * fit.weights[places]
    joined = {
        name: torch.cat([getattr(data, name), getattr(new, name)[mine]]) for name in ("x_train", "y_train", "train_ids")
    }
    return Experiments(
        data=replace(data, **joined),
        weights=weights,
        weight_decay=(fit.weight_decay,) * len(weights),
        places=places,
        removed=torch.full((len(weights),), -1, device=here),
    )


def one_each(points: Int[Tensor, " t"], rows: Int[Tensor, " t"] | None) -> Int[Tensor, " t"]:
    """The experiment of each point: each its own unless the rows say otherwise.

    Raises:
        InvalidParameter: the rows are not one a point, or an experiment changes a point twice.
    """
    rows = torch.arange(len(points)) if rows is None else rows
    if rows.shape != points.shape:
        raise InvalidParameter(f"there are {len(rows)} rows and {len(points)} points; give one row a point.")
    pairs = torch.stack([rows, points])
    if len(pairs.unique(dim=1).T) != len(points):
        raise InvalidParameter("an experiment changes a point twice; name each of its points once.")
    return rows


def changed_alone(points: Int[Tensor, " t"], rows: Int[Tensor, " t"], *, count: int) -> Int[Tensor, " r"]:
    """The point of each experiment that changes one; −1 for others."""
    found = torch.full((count,), -1)
    alone = torch.bincount(rows, minlength=count)[rows] == 1
    found[rows[alone]] = points[alone]
    return found


def row_sums(values: Float[Tensor, "t k"], rows: Int[Tensor, " t"], *, count: int) -> Float[Tensor, "r k"]:
    """The sum of `values` over the points of each experiment."""
    return values.new_zeros(count, values.shape[1]).index_add_(0, rows.to(values.device), values)
