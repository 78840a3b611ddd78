"""Base of perturbations in which points stand in for others: the old one loses weight, the new one gains it."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data.conversion import positions
from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Experiments, Fitted, Perturbation, check_places
from influencelab.errors import InvalidParameter, whole
from influencelab.recipe import settle


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Swap(Perturbation):
    """Experiment rows[t] puts another point in place of training point points[t].

    Attributes:
        points: the training points that are changed, as positions.
        n: the number of training points.
        rows: the experiment of each; None gives each point an experiment of its own.
    """

    points: Int[Tensor, " t"]
    n: int
    rows: Int[Tensor, " t"] | None = None

    def __post_init__(self) -> None:
        settle(self, points=positions(self.points, what="points"), n=whole(self.n, what="n"))
        settle(self, rows=None if self.rows is None else positions(self.rows, what="rows"))
        rows = self.places
        check_places(self.points, rows, n=self.n, count=int(rows.max()) + 1 if len(rows) else 0)

    @property
    def places(self) -> Int[Tensor, " t"]:
        """The experiment of each point."""
        rows = torch.arange(len(self.points)) if self.rows is None else self.rows
        if rows.shape != self.points.shape:
            raise InvalidParameter(f"there are {len(rows)} rows and {len(self.points)} points; give one row a point.")
        if len(torch.stack([rows, self.points]).unique(dim=1).T) != len(rows):
            raise InvalidParameter("an experiment changes a point twice; name each of its points once.")
        return rows

    @property
    def changed(self) -> Int[Tensor, " r"]:
        """The point of each experiment that changes one; −1 for others."""
        rows = self.places
        many = torch.bincount(rows)
        alone = many[rows] == 1
        return torch.full_like(many, -1).scatter(0, rows[alone], self.points[alone])

    def new_points(self, fit: Fitted, x: Float[Tensor, " t *shape"], y: Num[Tensor, " t *target"]) -> Dataset:
        """The points that come in as training points of a data set of their own."""
        data = fit.data
        here = data.x_train.device
        return replace(data, x_train=x.to(here), y_train=y.to(here), train_ids=data.train_ids[self.points])

    def row_sums(self, values: Float[Tensor, "t k"]) -> Float[Tensor, "r k"]:
        """The sum of `values` over the points of each experiment."""
        return values.new_zeros(self.count, values.shape[1]).index_add_(0, self.places.to(values.device), values)

    def swapped(self, fit: Fitted, new: Dataset, at: slice, *, share: float) -> Experiments:
        """Some of the experiments, in which each old point hands a share of its weight on to its new one."""
        data, here, rows = fit.data, fit.weights.device, self.places
        inside = (rows >= at.start) & (rows < at.stop)
        models, places = (rows[inside] - at.start).to(here), self.points[inside].to(here)
        mine = inside.to(here)
        weights = torch.nn.functional.pad(fit.weights, (0, len(places))).repeat(at.stop - at.start, 1)
        weights[models, data.n + torch.arange(len(places), device=here)] = share * fit.weights[places]
        weights[models, places] = (1 - share) * fit.weights[places]
        joined = {
            name: torch.cat([getattr(data, name), getattr(new, name)[mine]])
            for name in ("x_train", "y_train", "train_ids")
        }
        return Experiments(
            data=replace(data, **joined),
            weights=weights,
            weight_decay=(fit.weight_decay,) * len(weights),
            places=places,
            removed=torch.full((len(weights),), -1, device=here),
        )
