"""Progress of a piece of work, as whoever does it reports it to whoever waits."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Called now and then as (done, total, label): (3, 12, "models"); one number alone is the share done, 0 … 1."""

    def __call__(self, done: float, total: float = 1.0, label: str = "") -> None:
        """Report that so much of the total is done, fractions allowed, and what is being done."""
        ...


def unheard(done: float, total: float = 1.0, label: str = "") -> None:
    """Progress that nobody waits for."""


def stage(progress: Progress, first: float, last: float) -> Progress:
    """Progress of one part of some work, which takes its share from `first` to `last`, both between 0 and 1."""

    def report(done: float, total: float = 1.0, label: str = "") -> None:
        progress(first + (last - first) * (done / total if total else 0.0), 1.0, label)

    return report
