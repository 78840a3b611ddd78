"""Results as a person reads them: two lines of text, or a small table in a notebook."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from html import escape

import numpy


class Summarised(ABC):
    """A result whose arrays are too long to print: it shows what they are of, and how well they were made.

    A dataclass that derives from it says `repr=False`.
    """

    @abstractmethod
    def summary(self) -> Mapping[str, str]:
        """A few facts by their names, in the order in which they are read."""

    def __repr__(self) -> str:
        """One or two lines."""
        facts = ", ".join(f"{name}: {fact}" for name, fact in self.summary().items())
        return f"{type(self).__name__}({facts})"

    def _repr_html_(self) -> str:
        """A table of two columns."""
        rows = (f"<tr><th>{escape(name)}</th><td>{escape(fact)}</td></tr>" for name, fact in self.summary().items())
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"


def by_name(places: numpy.ndarray, names: Sequence[str]) -> numpy.ndarray:
    """Numbers as people read them: by the names of 0, 1, …, where these have names."""
    return numpy.asarray(names, dtype=object)[places] if names else places


def few(names: Sequence[str] | numpy.ndarray) -> str:
    """The first names in brackets, ` (a, b, …)`; nothing where there are none."""
    return f" ({', '.join(map(str, names[:5]))}{', …' if len(names) > 5 else ''})" if len(names) else ""
