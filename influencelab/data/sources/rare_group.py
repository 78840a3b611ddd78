"""Generated points of two classes with a rare group, of whom too many have class 1 once some are left out."""

from dataclasses import dataclass

import numpy

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter

# The column that marks the group.
MEMBER = "member"
# How many counts and indicators there are beside it, and how often the rarest and the commonest indicators are 1.
COUNTS, INDICATORS, RARE, COMMON = 6, 18, 0.02, 0.5


@dataclass(frozen=True)
class RareGroup(Source):
    """A small stand-in for hospital patients with a few children among them; no person is behind any number.

    A member of the group has class 0, but for some of the training ones. All others have a class by chance, with
    log-odds linear in their features: six counts and eighteen indicators, rare and common ones. Two more columns say
    who is a member and who is not, so that a model without an intercept has one.

    Attributes:
        points: training points, members among them.
        tested: test points, members among them.
        members: members in training; as many are in testing.
        raised: how many members in training have class 1.
    """

    points: int = 2000
    tested: int = 1000
    members: int = 24
    raised: int = 3

    def arrays(self) -> Arrays:
        """All points, features (n, 26)."""
        if not 0 <= self.raised <= self.members < min(self.points, self.tested) or self.members < 1:
            raise InvalidParameter(
                f"There are {self.raised} of {self.members} members raised, among {self.points} training and "
                f"{self.tested} test points; expected raised ≤ members < points and tested, and a member."
            )
        generator = numpy.random.default_rng(self.seed)
        slopes = generator.normal(scale=0.4, size=COUNTS + INDICATORS)
        (x, y), (x_test, y_test) = (self.part(generator, slopes, size=size) for size in (self.points, self.tested))
        y[: self.raised] = 1
        order, order_test = (generator.permutation(size) for size in (self.points, self.tested))
        return Arrays(x[order], y[order], x_test[order_test], y_test[order_test])

    def part(
        self, generator: numpy.random.Generator, slopes: numpy.ndarray, *, size: int
    ) -> tuple[numpy.ndarray, numpy.ndarray]:
        """So many points, members first and of class 0."""
        counts = generator.poisson(4.0, size=(size, COUNTS)).astype(float)
        shares = numpy.geomspace(RARE, COMMON, INDICATORS)
        indicators = (generator.random((size, INDICATORS)) < shares).astype(float)
        plain = numpy.concatenate([counts, indicators], axis=1)
        middle = numpy.concatenate([numpy.full(COUNTS, 4.0), shares])
        chances = 1 / (1 + numpy.exp(-(plain - middle) @ slopes))
        y = (generator.random(size) < chances).astype(numpy.int64)
        member = numpy.arange(size) < self.members
        y[member] = 0
        return numpy.column_stack([member, ~member, plain]).astype(float), y

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features."""
        counted = tuple(f"count {number}" for number in range(COUNTS))
        return (MEMBER, "others", *counted, *(f"indicator {number}" for number in range(INDICATORS)))
