"""A published claim as accepted bands for measured numbers, one a setting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from influencelab.errors import InvalidParameter
from influencelab.runner.profile import RECORD
from influencelab.runner.setting import Setting
from influencelab.statistics.measurements import Where

__all__ = ["Claim"]


@dataclass(frozen=True)
class Claim:
    """One statement of a paper that a study tests: in all settings where it was measured, with one verdict.

    Bands were chosen before the runs that they judge; pilots on the same data were known. Smallest effects of interest
    and bands of sizes were added when the first runs had been seen. A scorecard is computed, never typed.

    Attributes:
        name: its name on the scorecard, in lower case with underscores.
        paper: where it is made: `Koh & Liang 2017, Fig. 2 left`.
        statement: what is claimed, in one sentence.
        study: the notebook that tests it.
        where: the settings of the number that decides, such as `{"data": "mnist", "statistic": "slope"}`: one row of
            the report's measurements; of a claim with several settings, what they share.
        published: what the paper printed.
        low: the least value that counts as reproduced; None for no lower bound.
        high: the greatest; None for no upper bound. Both None: the number is reported and not judged.
        settings: where it is measured; empty for one setting, `where`.
        sizes: the settings, with bands, that hold our number against a printed one: a verdict beside the first.
        negligible: the smallest effect of interest, for a number that is 0 without effect: an interval within so much
            of 0 is `negligible`, on whichever side it lies.
        least: the smallest profile whose number decides, `standard` or `paper`; a smaller one gives a preview.
        unit: of that number; empty for a pure number.
        control: what our control changes in each setting; where the claim is reproduced and the controlled number is
            negligible, the verdict is `explained`. A controlled number that is merely uncertain explains nothing.

    Raises:
        InvalidParameter: `least` is none of these, low > high, settings of one name, or a control without a smallest
            effect of interest.
    """

    name: str
    paper: str
    statement: str
    study: str
    where: Where
    published: str
    low: float | None = None
    high: float | None = None
    settings: Sequence[Setting] = ()
    sizes: Sequence[Setting] = ()
    negligible: float = 0.0
    least: str = "standard"
    unit: str = ""
    control: Where | None = None

    def __post_init__(self) -> None:
        if self.least not in RECORD:
            raise InvalidParameter(f"Claim '{self.name}': least is '{self.least}', expected {' or '.join(RECORD)}.")
        for each in (*self.cells, *self.printed):
            if each.low is not None and each.high is not None and each.low > each.high:
                raise InvalidParameter(f"Claim '{self.name}': low {each.low} is above high {each.high}. Swap them.")
        for cells in (self.cells, self.printed):
            names = [each.name for each in cells]
            if len(set(names)) < len(names):
                raise InvalidParameter(f"Claim '{self.name}': two settings have one name among {names}. Rename one.")
        if self.control is not None and not self.negligible > 0:
            raise InvalidParameter(
                f"Claim '{self.name}': its control can explain nothing, as no effect is small enough to be none. "
                "Give the smallest effect of interest: negligible=0.01."
            )

    @property
    def cells(self) -> tuple[Setting, ...]:
        """Its settings, each with all of its settings and its band."""
        cells = [each.among(self.where) for each in self.settings or (Setting(""),)]
        return tuple(replace(each, low=self.low, high=self.high) if each.unbounded else each for each in cells)

    @property
    def printed(self) -> tuple[Setting, ...]:
        """The settings of its sizes, each with all of its settings."""
        return tuple(each.among(self.where) for each in self.sizes)

    @property
    def title(self) -> str:
        """Its name in words: `newton step keeps its size at 0.01`."""
        return re.sub(r"\b0 (?=\d)", "0.", self.name.replace("_", " "))

    @property
    def band(self) -> str:
        """The accepted values in words: `≥ 0.99`, `≤ 1 per layer`, or a dash where nothing is judged."""
        return f"{self.bounds} {self.unit}" if self.unit and self.bounds != "–" else self.bounds

    @property
    def bounds(self) -> str:
        """The same without the unit: `≥ 0.99`, `≤ 1`, `0.95 to 1.05`; `by setting` where each has its own."""
        every = {each.bounds for each in self.cells}
        return every.pop() if len(every) == 1 else "by setting"
