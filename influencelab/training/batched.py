"""Base of tables of k models: dataclasses whose arrays have one row a model."""

from typing import Any, TypeVar

from jaxtyping import Bool, Int
from torch import Tensor

Table = TypeVar("Table", bound="Batched")


class Batched:
    """Rows are taken of every tensor, and of every table inside; whatever else there is serves all models."""

    def take(self: Table, rows: Bool[Tensor, " k"] | Int[Tensor, " b"]) -> Table:
        """Some of the models."""
        return type(self)(**{name: taken(part, rows) for name, part in vars(self).items()})

    def put(self: Table, rows: Int[Tensor, " b"], others: Table) -> Table:
        """The same models, those of these rows replaced by others; for tables of tensors only."""
        return type(self)(**{name: part.index_copy(0, rows, vars(others)[name]) for name, part in vars(self).items()})


def taken(part: Any, rows: Tensor) -> Any:
    """Rows of a tensor or table; anything else as it is."""
    if isinstance(part, Batched):
        return part.take(rows)
    return part[rows] if isinstance(part, Tensor) else part
