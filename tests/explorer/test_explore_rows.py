"""The widget of rows: which are shown, what is said of them, and how it is asked."""

import jaxtyping
import numpy
import pandas
import pytest
import scipy.sparse
from regressions import COUNTS, X

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, UnknownName, WrongType
from influencelab.explorer.explore_rows import shown_rows

FRAME = pandas.DataFrame(X, columns=["age", "dose", "cook", "time"], index=[f"p{row}" for row in range(len(X))])
FOUND = il.glm_influence(FRAME, COUNTS, family=il.Poisson(), offsets=X[:, 0])


def sent(explorer: il.RowExplorer) -> pandas.DataFrame:
    """What the browser is sent, read as its module reads it: a column of doubles after the other."""
    numbers = numpy.frombuffer(explorer._numbers, "<f8").reshape(len(explorer._columns), len(explorer._ids))
    return pandas.DataFrame(dict(zip(explorer._columns, numpy.array(numbers), strict=True)), index=explorer._ids)


def test_every_row_is_there_with_its_scores_its_prediction_and_its_values():
    explorer = FOUND.explore()
    rows = sent(explorer)
    assert len(rows) == len(X)
    assert explorer._words["said"] == ["Each dot: one of all 300 rows."]
    assert "Poisson, LogLink: 300 rows, 5 coefficients, exact scores" in repr(explorer)
    order = numpy.argsort(-FOUND.cook())
    assert rows.index.tolist() == FRAME.index[order].tolist()
    assert rows["cook"].tolist() == FOUND.cook()[order].tolist()
    assert rows["leverage"].to_numpy() == pytest.approx(FOUND.leverage[order])
    # A feature that is called as a score is keeps its place, under another name.
    assert rows["cook, column 2"].tolist() == X[order, 2].tolist()
    assert rows["dose"].tolist() == X[order, 1].tolist()
    assert rows["response"].tolist() == COUNTS[order].tolist()
    assert rows["offset"].tolist() == X[order, 0].tolist()
    beta = FOUND.regression.coefficients
    assert rows["predicted"].to_numpy() == pytest.approx(numpy.exp(X @ beta[:-1] + beta[-1] + X[:, 0])[order])
    assert explorer.table().equals(explorer.rows)


def test_of_many_rows_the_first_are_all_there_and_others_by_chance():
    explorer = FOUND.explore(rows=41)
    shown, cook = explorer.rows.index, pandas.Series(FOUND.cook(), index=FRAME.index).sort_values(ascending=False)
    assert shown[:21].tolist() == cook.index[:21].tolist()
    assert len(set(shown)) == 41
    assert shown[21:].tolist() == [each for each in cook.index if each in set(shown[21:])]
    assert "the 21 of largest Cook's distance and 20 others at random; 259 are left out" in explorer._words["said"][0]
    assert FOUND.explore(rows=41).rows.equals(explorer.rows)
    assert not FOUND.explore(rows=41, seed=1).rows.index.equals(shown)
    for wrong in (0, 5001):
        with pytest.raises(InvalidParameter, match="rows is"):
            FOUND.explore(rows=wrong)


def test_a_sketch_of_wide_sparse_rows_shows_their_largest_features():
    generator = numpy.random.default_rng(0)
    x = scipy.sparse.random_array((200, 400), density=0.02, rng=generator, format="csr")
    y = (generator.uniform(size=200) < 0.5).astype(float)
    found = il.glm_influence(x, y, weight_decay=0.1, projection=il.SparseSignProjection(k=20))
    explorer = found.explore(rows=50)
    assert "sketched scores" in explorer._words["title"]
    assert {"cook_low", "cook_high", "pearson"} <= set(explorer._columns)
    place = int(numpy.argmax(found.cook()))
    row = x[[place]].toarray()[0]
    first = explorer._texts[0]
    assert first.split()[0] == f"x{int(abs(row).argmax())}"
    assert len(first.split(", ")) == min(12, int((row != 0).sum()))


def test_settings_and_selection_are_checked_and_the_selected_rows_come_back():
    explorer = FOUND.explore(rows=30)
    assert explorer.settings == {"across": "leverage", "up": "cook", "axes": "linear", "colour": "response"}
    explorer.settings = {"across": "studentised", "axes": "symlog"}
    assert explorer.settings["up"] == "cook"
    explorer.selected = [4, 2, 2]
    assert explorer.selected == [2, 4]
    assert explorer.table().index.tolist() == explorer.rows.index[[2, 4]].tolist()
    axes = explorer.figure().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == ("studentised", "cook", "symlog")
    assert explorer._repr_mimebundle_()[0]["image/png"]
    for wrong, error, said in (
        ({"settings": {"across": "hat"}}, InvalidParameter, "across cannot be 'hat'"),
        ({"settings": {"accross": "cook"}}, UnknownName, "Did you mean 'across'"),
        ({"selected": [30]}, InvalidParameter, "expected 0 … 29"),
        ({"selected": [0, "p3"]}, WrongType, "holds the text 'p3', expected places of rows"),
    ):
        with pytest.raises(error, match=said):
            explorer.set_trait(*next(iter(wrong.items())))


def test_other_things_are_refused_with_the_next_step(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(WrongType, match=r"found is a ndarray.*il\.glm_influence"):
        il.explore_rows(FOUND.cook())  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongType, match=r"rows is a list.*explore\(\)"):
        il.RowExplorer([1])  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidData, match="1 columns of numbers among 2"):
        il.RowExplorer(pandas.DataFrame({"a": [1.0], "b": ["x"]}))
    with pytest.raises(InvalidData, match="2 columns of texts"):
        il.RowExplorer(pandas.DataFrame({"a": [1.0], "b": [2], "c": ["x"], "d": ["y"]}))


def test_what_is_no_number_counts_as_largest():
    cook = numpy.array([0.1, numpy.nan, 0.3, 0.2, numpy.inf, 0.0])
    assert shown_rows(cook, count=6, seed=0).tolist() == [1, 4, 2, 3, 0, 5]
    assert shown_rows(cook, count=5, seed=0)[:3].tolist() == [1, 4, 2]
