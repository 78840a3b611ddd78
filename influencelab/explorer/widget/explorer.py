"""The explorer: predicted against actual, point by point, in a notebook."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy
import pandas
import traitlets
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, WrongType, named, require
from influencelab.explorer.contributions import Contributions
from influencelab.explorer.data import ExplorerData, from_bytes
from influencelab.explorer.feature_contributions import with_contributions
from influencelab.explorer.from_table import from_comparison, from_table
from influencelab.explorer.pictures import Changed, with_pictures
from influencelab.explorer.retrain_on_demand import RetrainedPair
from influencelab.explorer.widget import bundle, picture
from influencelab.explorer.widget.point_notes import known_mode, known_notes
from influencelab.explorer.widget.view import View, settled
from influencelab.runner.report import Report, load
from influencelab.statistics.comparison import Comparison

__all__ = ["Explorer"]

# Bytes that an explorer holds at most; a notebook that keeps them as text stays below 8 MB.
LARGEST = 5 * 10**6
# Points that are removed together on request, at most.
MOST = 50
NO_FUNCTION = "no function that retrains was given: Explorer(…, retrain=LeaveOneOutRetrainer(…))"
Source = Report | Comparison | ExplorerData | pandas.DataFrame | str | Path
# Retraining without the points of these ids, of the network with these settings: its effect on one test point.
Retrain = Callable[[Mapping[str, Any], tuple[int, ...], int], RetrainedPair]


class Explorer(anywidget.AnyWidget):
    """Every predicted change and the actual one, as a widget. It trains nothing itself: it shows what a run stored.

    Args:
        source: a report, a results folder, a comparison, a table of pairs, or what `explorer_data` made.
        retrain: called by the button: retrains without the chosen points, and gives a `RetrainedPair`.
        data: the data set of a comparison or of a table, so that its points can be shown.
        settings: what is shown first, such as `{"estimator": "exact", "test point": 8}`.
        notes: on training points, by id or name.
        mode: what stands beside the plot: one `pair`, a list of them all to `browse`, and where the data have them
            pictures before and after (`changes`), `features` beside each other, or `curves`.
        images: a data set of pictures of the same ids, where points are features of pictures.
        changed: what training pictures were changed to: the FeatureMove or Replacement of them that was predicted, one
            point an experiment, or a dict from ids (or pairs of a training and a test id) to new pictures.
        contributions: what features add to the predictions, as `feature_contributions` finds it.

    Attributes:
        settings: what is shown. Set some or all of them; what cannot be together is refused.
        selected: numbers of the selected pairs, as in the column `row` of `table()`.
        retrained: what was retrained so far: rows, predicted and actual change, ‖∇J‖, seconds.
        notes: what was noted on training points, by their ids (or names), written here or in the browser.
        mode: what stands beside the plot now.
    """

    _esm = bundle.script()
    _css = bundle.style()
    _grid = traitlets.Bytes().tag(sync=True)
    settings = traitlets.Dict().tag(sync=True)
    # The browser sends and receives them as bytes.
    selected = traitlets.List().tag(
        sync=True,
        to_json=lambda rows, _: numpy.asarray(rows, dtype="<u4").tobytes(),
        from_json=lambda content, _: numpy.frombuffer(content, dtype="<u4").tolist(),
    )
    retrained = traitlets.List().tag(sync=True)
    # A browser knows no keys but texts.
    notes = traitlets.Dict().tag(sync=True, to_json=lambda notes, _: {str(point): notes[point] for point in notes})
    mode = traitlets.Unicode("pair").tag(sync=True)

    def __init__(
        self,
        source: Source,
        *,
        retrain: Retrain | None = None,
        data: Dataset | None = None,
        settings: Mapping[str, Any] | None = None,
        notes: Mapping[Any, str] | None = None,
        mode: str = "pair",
        images: Dataset | None = None,
        changed: Changed | None = None,
        contributions: Contributions | None = None,
    ) -> None:
        found = with_contributions(explorer_data_of(source, data), contributions)
        self._data = with_pictures(found, images=images, changed=changed, data=data).within(LARGEST)
        if retrain is not None:
            require(retrain, Callable, what="retrain", cure="Give il.LeaveOneOutRetrainer(…) or a function.")
        require(settings or {}, Mapping, what="settings", cure="Give a dict such as {'estimator': 'exact'}.")
        self._retrain = retrain
        first = {"settings": settled(self._data, settings or {}), "mode": known_mode(self._data, mode)}
        super().__init__(_grid=self._data.to_bytes(), notes=known_notes(self._data, notes or {}), **first)
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        """Title and size, where a notebook can show neither widget nor picture."""
        return f"Explorer({self._data.title}: {self._data.pairs:,} pairs)"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The widget, and a picture of the same view for GitHub and for notebooks that are not trusted."""
        data, metadata = super()._repr_mimebundle_(**keywords) or ({}, {})
        whole: Any = None  # uncropped
        drawn = print_figure(self.figure(), base64=True, bbox_inches=whole, dpi=100)
        return {**data, "image/png": drawn}, metadata

    @property
    def view(self) -> View:
        """The pairs that are shown now."""
        return View(self._data, self.settings)

    @property
    def statistics(self) -> dict[str, Any]:
        """Agreement of the pairs that are shown and of those that are selected; intervals are Fisher's."""
        return self.view.statistics(self.selected)

    def figure(self) -> Figure:
        """The same view as a matplotlib figure."""
        return picture.drawn(self.view, self.selected)

    def table(self) -> pandas.DataFrame:
        """The selected pairs of the view, or all of them where none is selected.

        Its columns are points, labels, losses, changes, a `verdict` on the prediction, and the `note` on the training
        point; those of the file that the browser writes.
        """
        pairs: Any = self.view.pairs
        pairs = pairs.assign(note=[self.notes.get(each, "") for each in pairs["train_id"]])
        return pairs[pairs["row"].isin(self.selected)].reset_index(drop=True) if self.selected else pairs

    @traitlets.validate("settings")
    def _settle(self, proposal: Any) -> dict[str, Any]:
        """Stay at the settings that were not named, and refuse what does not exist."""
        now = self.settings
        named = {name: value for name, value in proposal["value"].items() if name not in now or now[name] != value}
        return settled(self._data, named, now=now)

    @traitlets.validate("notes")
    def _check_notes(self, proposal: Any) -> dict[int | str, str]:
        """Of points that there are."""
        return known_notes(self._data, proposal["value"])

    @traitlets.validate("mode")
    def _check_mode(self, proposal: Any) -> str:
        """One that these data have."""
        return known_mode(self._data, proposal["value"])

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[int]:
        """Numbers of pairs, ascending, each once."""
        rows = sorted({int(row) for row in proposal["value"]})
        if rows and not 0 <= rows[0] <= rows[-1] < self._data.pairs:
            raise InvalidParameter(f"selected goes from {rows[0]} to {rows[-1]}, expected 0 … {self._data.pairs - 1}.")
        return rows

    def _answer(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        """Answer the browser: that the kernel is alive, and what retraining gives."""
        if content.get("kind") == "hello":
            self.send({"kind": "alive", "reason": "" if self._retrain else NO_FUNCTION})
        if content.get("kind") == "retrain":
            try:
                self.send({"kind": "retrained", "found": self.retrain(content["rows"])})
            except Exception as error:  # noqa: BLE001 - a function that the user gave; its message goes where the button is
                self.send({"kind": "failed", "text": f"Retraining failed: {error}"})

    def retrain(self, rows: Iterable[int]) -> dict[str, Any]:
        """Retrain without the training points of these pairs, all of one network and test point; what came out.

        Raises:
            InvalidParameter: no function was given, or the pairs are of several networks or test points.
        """
        asked = [int(row) for row in rows]
        if self._retrain is None:
            raise InvalidParameter(f"Nothing can be retrained here: {NO_FUNCTION}.")
        pairs: Any = self.view.pairs.set_index("row")
        if not set(asked) <= set(pairs.index) or not 0 < len(asked) <= MOST:
            raise InvalidParameter(f"rows are {asked[:5]}: expected 1 to {MOST} pairs of the view.")
        chosen, ends = pairs.loc[asked], numpy.cumsum([len(table.train) for table in self._data.tables])
        owners, tests = set(numpy.searchsorted(ends, asked, side="right").tolist()), set(chosen["test_id"].tolist())
        if len(owners) != 1 or len(tests) != 1:
            raise InvalidParameter("the pairs belong to several networks or test points; give those of one.")
        table = self._data.tables[(owner := owners.pop())]
        points, rows = self._data.points[table.points], numpy.array(asked) - (ends[owner] - len(table.train))
        train_ids = tuple(sorted(set(points.train_ids[table.train[rows]].tolist())))
        found = self._retrain(dict(table.settings), train_ids, int(points.test_ids[table.test[rows[0]]]))
        if not found.converged:
            raise InvalidParameter(f"the retrained model did not converge (‖∇J‖ = {found.grad_norm:.1e}).")
        change = {"rows": asked, "predicted": float(chosen["predicted"].sum()), "actual": float(found.value)}
        change |= {"grad_norm": float(found.grad_norm), "seconds": float(found.seconds), "unit": table.unit}
        self.retrained = [*self.retrained, change]
        return change


def explorer_data_of(source: Source, data: Dataset | None = None) -> ExplorerData:
    """The explorer data in any of the things an explorer is given."""
    if data is not None:
        require(data, Dataset, what="data")
    if isinstance(source, ExplorerData):
        return source
    if isinstance(source, Comparison):
        return from_comparison(source, data)
    if isinstance(source, pandas.DataFrame):
        return from_table(source, title="table", data=data)
    if not isinstance(source, Report | str | Path):
        raise WrongType(
            f"source is {named(source)}, expected a report, a results folder, a comparison or a table of pairs. An "
            "explorer shows predictions beside the truth: il.Explorer(il.compare(estimate, retrained), data=data)."
        )
    report = source if isinstance(source, Report) else load(Path(source))
    return from_bytes(report.explorer_file())
