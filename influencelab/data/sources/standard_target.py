"""Targets of another source in units of their own spread, so that one weight decay means the same for all."""

from dataclasses import dataclass, field

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.data.sources.diabetes import Diabetes
from influencelab.errors import InvalidData


@dataclass(frozen=True)
class StandardTarget(Source):
    """Each target less the mean of the training targets, in their standard deviations; a loss of ½ is then the mean's.

    All points of the inner source, as it chooses and scales them, take part in the choices of this one.

    Attributes:
        inner: the source of real targets that are not all equal.
    """

    inner: Source = field(default_factory=lambda: Diabetes(scaling="standard"))

    def arrays(self) -> Arrays:
        """All points of the inner source."""
        data = self.inner.load()
        if data.classes:
            raise InvalidData(f"{data.name} has {data.classes} classes, expected real targets. Take its source itself.")
        spread = data.y_train.std(correction=0)
        if not spread > 0:
            raise InvalidData(f"All training targets of {data.name} are equal, and have no spread to be measured in.")
        y, y_test = ((part - data.y_train.mean()) / spread for part in (data.y_train, data.y_test))
        return Arrays(
            data.x_train.numpy(),
            y.numpy(),
            data.x_test.numpy(),
            y_test.numpy(),
            train_ids=data.train_ids.numpy(),
            test_ids=data.test_ids.numpy(),
        )

    @property
    def point_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Those of the inner source."""
        return self.inner.point_names
