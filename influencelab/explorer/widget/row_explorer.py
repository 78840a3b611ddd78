"""Rows of a regression in a notebook: two of their numbers against each other, and each row with all its values."""

from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import numpy
import pandas
import traitlets
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure
from pandas.api.types import is_numeric_dtype

from influencelab.errors import InvalidData, InvalidParameter, WrongType, named, require, unknown
from influencelab.explorer.widget import bundle, picture
from influencelab.explorer.widget.view import APPEARANCE

__all__ = ["RowExplorer"]

# The widget's own module.
ENTRY = "row_explorer.js"
ONE_COLOUR = "one colour"


class RowExplorer(anywidget.AnyWidget):
    """Rows as dots and as a list beside them: a click on one finds it in the other. It computes nothing.

    Args:
        rows: a line a row, named by its index: columns of numbers, and perhaps a last one of texts.
        title: what they are rows of.
        said: sentences below it, such as which rows were left out.
        settings: what is shown first: names of columns `across`, `up` and for the `colour`, which may be 'one colour',
            and `axes`, 'linear' or 'symlog'.

    Attributes:
        rows: the table.
        settings: what is shown. Set some or all of them; what cannot be is refused.
        selected: the places of the selected rows in the table, from 0.
    """

    _esm = bundle.script(ENTRY)
    _css = bundle.style()
    _numbers = traitlets.Bytes().tag(sync=True)
    _columns = traitlets.List().tag(sync=True)
    _ids = traitlets.List().tag(sync=True)
    _texts = traitlets.List().tag(sync=True)
    _words = traitlets.Dict().tag(sync=True)
    settings = traitlets.Dict().tag(sync=True)
    # The browser sends and receives them as bytes.
    selected = traitlets.List().tag(
        sync=True,
        to_json=lambda rows, _: numpy.asarray(rows, dtype="<u4").tobytes(),
        from_json=lambda content, _: numpy.frombuffer(content, dtype="<u4").tolist(),
    )

    def __init__(
        self,
        rows: pandas.DataFrame,
        *,
        title: str = "",
        said: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        require(rows, pandas.DataFrame, what="rows", cure="Explore a model's: il.glm_influence(X, y).explore().")
        require(settings or {}, Mapping, what="settings", cure="Give a dict such as {'across': 'leverage'}.")
        numbers = [name for name in rows.columns if is_numeric_dtype(rows[name])]
        if len(numbers) < 2 or not rows.columns.is_unique:
            raise InvalidData(
                f"The rows have {len(numbers)} columns of numbers among {len(rows.columns)}, expected two at least, "
                "each with a name of its own. Rename or convert them."
            )
        texts = [name for name in rows.columns if name not in numbers]
        if len(texts) > 1:
            raise InvalidData(f"The rows have {len(texts)} columns of texts ({texts[0]}, {texts[1]}, …); give one.")
        self.rows = rows
        self._names = [str(name) for name in numbers]
        first = {"across": self._names[0], "up": self._names[1], "axes": "linear", "colour": ONE_COLOUR}
        ids = rows.index.tolist()
        super().__init__(
            _numbers=rows[numbers].to_numpy("<f8", na_value=numpy.nan).tobytes(order="F"),
            _columns=self._names,
            _ids=ids if all(isinstance(each, int | str) for each in ids) else list(map(str, ids)),
            _texts=[str(each) for name in texts for each in rows[name]],
            _words={"title": title, "said": list(said), "texts": str(texts[0]) if texts else ""},
            settings=self._settled(settings or {}, first),
        )

    def __repr__(self) -> str:
        """Title and size, where a notebook can show neither widget nor picture."""
        return f"RowExplorer({self._words['title']}: {len(self.rows):,} rows)"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The widget, and a picture of the same view for GitHub and for notebooks that are not trusted."""
        data, metadata = super()._repr_mimebundle_(**keywords) or ({}, {})
        whole: Any = None  # uncropped
        return {**data, "image/png": print_figure(self.figure(), base64=True, bbox_inches=whole, dpi=100)}, metadata

    def figure(self) -> Figure:
        """The same view as a matplotlib figure."""
        numbers = self.rows.set_axis([str(name) for name in self.rows.columns], axis=1)
        return picture.drawn_rows(numbers, self.settings, self.selected, title=self._words["title"])

    def table(self) -> pandas.DataFrame:
        """The selected rows, or all of them where none is selected."""
        return self.rows.iloc[self.selected] if self.selected else self.rows

    def _settled(self, wanted: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
        """All settings, those that are not wanted as they are now."""
        known = {"across": self._names, "up": self._names, "axes": APPEARANCE["axes"]}
        known["colour"] = [*self._names, ONE_COLOUR]
        for name, value in wanted.items():
            if name not in known:
                raise unknown("setting", str(name), known)
            if value not in known[name]:
                raise InvalidParameter(f"{name} cannot be {value!r}. It can be: {', '.join(map(repr, known[name]))}.")
        return {**now, **wanted}

    @traitlets.validate("settings")
    def _settle(self, proposal: Any) -> dict[str, Any]:
        """Stay at the settings that were not named, and refuse what does not exist."""
        return self._settled(proposal["value"], self.settings)

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[int]:
        """Places of rows, ascending, each once."""
        if wrong := [each for each in proposal["value"] if not isinstance(each, int | numpy.integer)]:
            raise WrongType(f"selected holds {named(wrong[0])}, expected places of rows, from 0.")
        places = sorted({int(each) for each in proposal["value"]})
        if places and not 0 <= places[0] <= places[-1] < len(self.rows):
            raise InvalidParameter(
                f"selected goes from {places[0]} to {places[-1]}, expected 0 … {len(self.rows) - 1}."
            )
        return places
