"""The explorer: predicted against actual, point by point, in a notebook."""

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import anywidget
import numpy
import pandas
import traitlets
from matplotlib.figure import Figure

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.explorer.build import compared
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.from_table import tabled
from influencelab.explorer.widget import bundle, picture
from influencelab.explorer.widget.view import View, strict, view
from influencelab.runner.report import Report, load
from influencelab.statistics.comparison import Comparison

__all__ = ["Explorer"]

# What an explorer holds, compressed, at most; a notebook that keeps it stays below 8 MB.
LARGEST = 3 * 10**6
# Points that are removed together on request, at most.
MOST = 50
NO_FUNCTION = "no function that retrains was given: Explorer(…, prove=Prover(…))"
Source = Report | Comparison | ExplorerData | pandas.DataFrame | str | Path


@runtime_checkable
class Truth(Protocol):
    """What a function that proves gives back, such as `Proof`."""

    value: float
    grad_norm: float
    converged: bool
    seconds: float


@runtime_checkable
class Prove(Protocol):
    """A function that retrains without some points of one network, such as `Prover`."""

    def __call__(self, settings: Mapping[str, Any], train_ids: tuple[int, ...], test_id: int) -> Truth:
        """What removing them together does to one test point."""
        ...


class Explorer(anywidget.AnyWidget):
    """Look at every predicted change beside the actual one. It computes nothing: it shows what a run has kept.

    Args:
        source: a report, a results folder, a comparison, a table of pairs, or what `explore` made.
        prove: called by the button: retrains without the chosen points, and gives a `Proof`.
        data: the data set of a comparison, so that its points can be shown.
        settings: what is looked at first, such as `{"estimator": "exact", "test point": 8}`.

    Attributes:
        settings: what is looked at. Set some or all of them; what cannot be together is refused.
        selected: numbers of the selected pairs, as in the column `row` of `table()`.
        statistics: of what is shown and of what is selected; intervals are Fisher's.
        proofs: what was proved so far: rows, predicted and actual change, ‖∇J‖, seconds.
    """

    _esm = bundle.script()
    _css = bundle.style()
    _grid = traitlets.Bytes().tag(sync=True)
    # What comes from the browser comes as a view of memory.
    _picked = traitlets.Bytes().tag(sync=True, from_json=lambda value, _: bytes(value))
    settings = traitlets.Dict().tag(sync=True)
    selected = traitlets.List()
    statistics = traitlets.Dict().tag(sync=True)
    proofs = traitlets.List().tag(sync=True)

    def __init__(
        self,
        source: Source,
        *,
        prove: Prove | None = None,
        data: Dataset | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._exploration = exploration_of(source, data).within(LARGEST)
        self._prove = prove
        first = strict(self._exploration, settings or {})
        super().__init__(_grid=self._exploration.packed(), settings=first.settings, statistics=first.statistics())
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        """What a notebook shows where it can show neither widget nor picture."""
        return f"Explorer({self._exploration.title}: {self._exploration.pairs:,} pairs)"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The widget, and a picture of the same view for GitHub and for notebooks that are not trusted."""
        bundle_of = super()._repr_mimebundle_(**keywords)
        if bundle_of is None:
            return None
        data, metadata = bundle_of
        file = io.BytesIO()
        self.figure().savefig(file, format="png", dpi=100)
        return {**data, "image/png": base64.b64encode(file.getvalue()).decode()}, metadata

    @property
    def view(self) -> View:
        """What is looked at now."""
        return view(self._exploration, self.settings)

    def figure(self) -> Figure:
        """The same view as a matplotlib figure."""
        return picture.drawn(self.view, self.selected)

    def table(self) -> pandas.DataFrame:
        """The selected pairs of the view, or all of them where none is selected: points, losses and changes."""
        columns = self.view.columns
        rows = numpy.isin(columns["row"], self.selected) if self.selected else slice(None)
        return pandas.DataFrame({name: values[rows] for name, values in columns.items()})

    @traitlets.validate("settings")
    def _settle(self, proposal: Any) -> dict[str, Any]:
        """Keep the settings that were not named, and refuse what does not exist."""
        now = self.settings
        named = {name: value for name, value in proposal["value"].items() if name not in now or now[name] != value}
        wanted = view(self._exploration, {**now, **named}).settings
        strict(self._exploration, {**wanted, **named})
        return wanted

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[int]:
        """Numbers of pairs, ascending, each once."""
        rows = sorted({int(row) for row in proposal["value"]})
        if rows and not 0 <= rows[0] <= rows[-1] < self._exploration.pairs:
            raise InvalidParameter(
                f"selected goes from {rows[0]} to {rows[-1]}, expected 0 … {self._exploration.pairs - 1}."
            )
        return rows

    @traitlets.observe("selected")
    def _tell_selected(self, _: Any) -> None:
        self._picked = numpy.asarray(self.selected, dtype="<u4").tobytes()

    @traitlets.observe("_picked")
    def _hear_selected(self, _: Any) -> None:
        self.selected = numpy.frombuffer(self._picked, dtype="<u4").tolist()

    @traitlets.observe("settings", "selected")
    def _count_again(self, _: Any) -> None:
        self.statistics = self.view.statistics(self.selected)

    def _answer(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        """What the browser asks: whether anybody is here, and for a proof."""
        if content.get("kind") == "hello":
            self.send({"kind": "alive", "reason": "" if self._prove else NO_FUNCTION})
        if content.get("kind") == "prove":
            try:
                self.send({"kind": "proved", "proof": self.prove(content["rows"])})
            except Exception as error:  # noqa: BLE001 - somebody else's function; what it says goes where the button is
                self.send({"kind": "failed", "text": f"It could not be proved: {error}"})

    def prove(self, rows: Iterable[int]) -> dict[str, Any]:
        """Retrain without the training points of these pairs, all of one network and test point; what came out.

        Raises:
            InvalidParameter: no function was given, or the pairs are of several networks or test points.
        """
        asked = [int(row) for row in rows]
        if self._prove is None:
            raise InvalidParameter(f"Nothing can be proved here: {NO_FUNCTION}.")
        owners = {self._owner(row) for row in asked}
        columns = self.view.columns
        places = [int(place) for row in asked for place in numpy.flatnonzero(columns["row"] == row)]
        if len(places) != len(asked) or not 0 < len(asked) <= MOST:
            raise InvalidParameter(f"rows are {asked[:5]}: expected 1 to {MOST} pairs of the view.")
        tests = set(columns["test_id"][places].tolist())
        if len(owners) != 1 or len(tests) != 1:
            raise InvalidParameter("the pairs belong to several networks or test points; give those of one.")
        sheet = self._exploration.sheets[owners.pop()]
        train_ids = tuple(int(each) for each in numpy.unique(columns["train_id"][places]))
        found = self._prove(dict(sheet.settings), train_ids, tests.pop())
        if not found.converged:
            raise InvalidParameter(f"the retrained model did not converge (‖∇J‖ = {found.grad_norm:.1e}).")
        proof = {
            "rows": asked,
            "predicted": float(columns["predicted"][places].sum()),
            "actual": float(found.value),
            "grad_norm": float(found.grad_norm),
            "seconds": float(found.seconds),
        }
        self.proofs = [*self.proofs, proof]
        return proof

    def _owner(self, row: int) -> int:
        """The network that a pair belongs to."""
        ends = numpy.cumsum([len(sheet.train) for sheet in self._exploration.sheets])
        return int(numpy.searchsorted(ends, row, side="right"))


def exploration_of(source: Source, data: Dataset | None = None) -> ExplorerData:
    """What can be looked at in any of the things an explorer is given."""
    if isinstance(source, ExplorerData):
        return source
    if isinstance(source, Comparison):
        return compared(source, data)
    if isinstance(source, pandas.DataFrame):
        return tabled(source, title="table")
    report = source if isinstance(source, Report) else load(Path(source))
    return report.exploration()
