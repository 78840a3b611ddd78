"""Pipelines and searches opened: the model inside, and the fitted steps that its features went through."""

import copy
import pickle
from dataclasses import dataclass
from typing import Any

import pandas
from scipy.sparse import issparse

from influencelab.adapters.refusals import refusal
from influencelab.errors import InvalidData, InvalidParameter

SEARCHES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
# What classes call what they found.
COEFFICIENTS = ("coef_", "coefs_", "dual_coef_", "estimators_")
NO_REFIT = "refit=False leaves a search without a fitted model. Take refit=True, or hand in the model you fitted"


@dataclass(frozen=True, eq=False)
class Opened:
    """An estimator without what surrounds it.

    Attributes:
        model: what has coefficients, or would have if it were fitted.
        steps: transformers of the features, the first applied first.
        chosen: whether a search chose its hyperparameters.
        refusal: why it is not read; '' where it is.
    """

    model: Any
    steps: tuple[Any, ...] = ()
    chosen: bool = False
    refusal: str = ""

    def transform(self, x: Any, *, what: str) -> Any:
        """Features as the model met them."""
        for step in self.steps:
            try:
                found = step.transform(x)
            except (ValueError, TypeError, KeyError) as error:
                reason = " ".join(str(error).split()).rstrip(".")
                row = f" One point is a table of one row, such as {what}[:1]." if getattr(x, "ndim", 2) == 1 else ""
                raise InvalidData(
                    f"{what} does not go through {type(step).__name__} ({reason:.300}). Give the features that the "
                    f"pipeline was fitted to, and a fitted pipeline.{row}"
                ) from error
            if found.shape[0] != rows_of(x):
                raise InvalidData(
                    f"{type(step).__name__} changes the number of rows of {what}, so that rows are no points any more. "
                    "Hand in the model after it, with the rows that it was fitted to."
                )
            x = found
        return x

    def columns(self, met: Any) -> tuple[str, ...]:
        """What the features that the model met are called: a table's columns, a sparse matrix's as its step says."""
        if isinstance(met, pandas.DataFrame):
            return tuple(map(str, met))
        named = getattr(self.steps[-1], "get_feature_names_out", None) if self.steps and issparse(met) else None
        if named is None:
            return ()
        try:
            names = tuple(map(str, named()))
        except (ValueError, AttributeError, NotImplementedError, TypeError):
            return ()
        return names if len(names) == met.shape[1] else ()

    def __str__(self) -> str:
        """The model with its settings, and the steps before it."""
        name = " ".join(repr(self.model).split())
        return f"{name} after {', '.join(type(each).__name__ for each in self.steps)}" if self.steps else name


def opened(estimator: Any) -> Opened:
    """The model inside pipelines and searches, fitted or not."""
    steps, chosen = [], False
    while True:
        name, package = type(estimator).__name__, type(estimator).__module__.partition(".")[0]
        if name in SEARCHES and package == "sklearn":
            if not estimator.refit:
                return Opened(estimator, refusal=NO_REFIT)
            estimator, chosen = getattr(estimator, "best_estimator_", estimator.estimator), True
        elif name == "Pipeline" and package in ("sklearn", "imblearn"):
            before = [each for _, each in estimator.steps[:-1] if each not in (None, "passthrough")]
            if fault := next((each for each in before if not hasattr(each, "transform")), None):
                what = "resamples rows" if hasattr(fault, "fit_resample") else "has no transform"
                cure = "Hand in the last step, with the rows and features that it was fitted to"
                return Opened(estimator, refusal=f"its step {type(fault).__name__} {what}. {cure}")
            steps, estimator = [*steps, *before], estimator.steps[-1][1]
        elif (shared := turned(estimator)) is not None:
            estimator = shared
        else:
            return Opened(estimator, tuple(steps), chosen, refusal(estimator))


def turned(estimator: Any) -> Any:
    """A pipeline a class as one pipeline of a machine a class; None where their steps are not alike, and for others.

    Steps that see no labels were fitted alike for every class.
    """
    if type(estimator).__name__ != "OneVsRestClassifier" or type(estimator.estimator).__name__ != "Pipeline":
        return None
    machines = getattr(estimator, "estimators_", ())
    if not all(type(each).__name__ == "Pipeline" for each in machines) or len(set(map(steps_of, machines))) > 1:
        return None
    first, inside = next(iter(machines), estimator.estimator), copy.copy(estimator)
    inside.estimator = estimator.estimator.steps[-1][1]
    if machines:
        inside.estimators_ = [each.steps[-1][1] for each in machines]
        inside.__dict__.pop("feature_names_in_", None)
        inside.n_features_in_ = inside.estimators_[0].n_features_in_
    return type(first)([*first.steps[:-1], ("one a class", inside)])


def steps_of(pipeline: Any) -> bytes:
    """The fitted steps before the model as bytes; some of its own where they cannot be compared."""
    try:
        return pickle.dumps([step for _, step in pipeline.steps[:-1]])
    except Exception:  # noqa: BLE001 - whatever a step of the user's raises
        return str(id(pipeline)).encode()


def rows_of(x: Any) -> int:
    """Rows of a table, an array, a sparse matrix or a list."""
    return x.shape[0] if hasattr(x, "shape") else len(x)


def check_fitted(estimator: Any, model: Any) -> None:
    """Refuse what has no coefficients yet, by an InvalidParameter."""
    if not any(hasattr(model, name) for name in COEFFICIENTS):
        raise InvalidParameter(
            f"{type(estimator).__name__} is not fitted. Call its fit(X, y) first, with this X and y."
        )
