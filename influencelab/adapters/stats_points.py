"""Points that a model of statsmodels was fitted to, and those whose loss is watched, in the columns of its design."""

from dataclasses import dataclass
from typing import Any

import numpy
import pandas

from influencelab.adapters.stats_objective import Objective
from influencelab.data import conversion
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.models.losses.binomial_cross_entropy import BinomialCrossEntropy

OFFSET = "offset"


@dataclass(frozen=True, eq=False)
class Watched:
    """Test points as a user hands them in; None where they are the training points.

    Attributes:
        x: a table of raw variables for a model of a formula, or the columns of the design.
        y: responses; None where the table has a column of the response's name.
        offset: of each point, where the model has offsets or exposures.
    """

    x: Any
    y: Any
    offset: Any


def dataset_of(results: Any, objective: Objective, watched: Watched) -> Dataset:
    """Training points out of the model, under their names, and test points."""
    model = results.model
    columns = [str(each) for each in model.exog_names]
    table = pandas.DataFrame(numpy.asarray(model.exog, dtype=float), rows_in(model), columns)
    y = numpy.asarray(model.endog, dtype=float)
    if watched.x is None:
        if watched.y is not None or watched.offset is not None:
            raise InvalidData("y_test or offset_test came without X_test. Give X_test, or leave all out.")
        test, y_test, offset = table, y, objective.offset
    else:
        test = design_of(results, watched.x, columns)
        y_test, offset = responses(model, watched, len(test)), offsets(objective, watched, len(test))
    if objective.offset is not None:
        table, test = table.assign(**{OFFSET: objective.offset}), test.assign(**{OFFSET: offset})
    both = numpy.concatenate([y, y_test])
    sides = isinstance(objective.loss, BinomialCrossEntropy) and bool(numpy.isin(both, (0.0, 1.0)).all())
    targets = [each.astype(numpy.int64) if sides else each for each in (y, y_test)]
    return Dataset(
        table,
        targets[0],
        test,
        targets[1],
        classes=2 if sides else 0,
        name=f"data of {type(model).__name__}",
        feature_names=[*columns, *([OFFSET] if objective.offset is not None else [])],
    )


def rows_in(model: Any) -> pandas.Index:
    """The names of the rows that the model kept; their numbers where it has none, or two of one name."""
    labels = getattr(model.data, "row_labels", None)
    named = labels is not None and len(labels) == len(model.exog) and pandas.Index(labels).is_unique
    return pandas.Index(labels) if named else pandas.RangeIndex(len(model.exog))


def design_of(results: Any, given: Any, columns: list[str]) -> pandas.DataFrame:
    """Test points in the columns of the design: through the model's own formula, unless they have these already."""
    if isinstance(given, pandas.DataFrame) and set(columns) <= set(map(str, given.columns)):
        table = given.rename(columns=str)[columns]
        return pandas.DataFrame(conversion.features(table, what="X_test").double().numpy(), given.index, columns)
    if isinstance(given, pandas.DataFrame) and hasattr(results.model, "formula"):
        try:
            values, index = results._transform_predict_exog(given)
        except Exception as error:  # whatever engine of formulas is there
            raise InvalidData(
                f"X_test cannot be put through the formula of the model: {error}. Give all its variables, or the "
                f"design itself, with the columns {columns[:8]}."
            ) from error
        return pandas.DataFrame(values, index, columns)
    values = conversion.features(given, what="X_test").double().numpy()
    if isinstance(given, pandas.DataFrame) or values.ndim != 2 or values.shape[1] != len(columns):
        raise InvalidData(
            f"X_test is {' × '.join(map(str, values.shape))}; the design of the model has the columns {columns[:8]}. "
            "Give these, the constant too, as by statsmodels.api.add_constant(X_test, has_constant='add')."
        )
    return pandas.DataFrame(values, columns=columns)


def responses(model: Any, watched: Watched, count: int) -> numpy.ndarray:
    """The responses of test points; of successes and failures, two columns, their shares."""
    names = model.endog_names if isinstance(model.endog_names, list) else [model.endog_names]
    found = watched.y
    if found is None:
        if not isinstance(watched.x, pandas.DataFrame) or not set(names) <= set(watched.x.columns):
            raise InvalidData(
                f"X_test came without y_test, and has no column {', '.join(map(repr, names))} to take it from. Give "
                "y_test, transformed as the model's formula has it."
            )
        found = watched.x[names]
    y = conversion.numbers_in(found, what="y_test").double().numpy()
    y = y[:, 0] / y.sum(1) if y.ndim == 2 and y.shape[1] == 2 else y[:, 0] if y.shape[1:] == (1,) else y
    if y.shape != (count,):
        raise InvalidData(f"y_test is of shape {y.shape}, expected ({count},): one response for each row of X_test.")
    return y


def offsets(objective: Objective, watched: Watched, count: int) -> numpy.ndarray:
    """The offsets of test points."""
    if (objective.offset is None) != (watched.offset is None):
        raise InvalidData(
            "The model has no offset or exposure; leave offset_test out."
            if objective.offset is None
            else "The model has an offset or exposure; give offset_test, one number for each row of X_test: offset + "
            "log(exposure), or zeros."
        )
    found = numpy.zeros(count) if watched.offset is None else watched.offset
    found = conversion.numbers_in(found, what="offset_test").double().numpy()
    if found.shape != (count,):
        raise InvalidData(f"offset_test is of shape {found.shape}, expected ({count},): one number a row of X_test.")
    return found
