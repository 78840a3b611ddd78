"""Which estimators of other libraries are not read, why, and what would answer instead."""

import importlib
import re
from typing import Any

from influencelab import modules_in
from influencelab.adapters import readers

RETRAIN = "Fit it again without the points in question: only that says what they do"
TREES = f"trees have no derivative in the weights of points. {RETRAIN}"
NEIGHBOURS = f"neighbours are looked up, and nothing is minimised. {RETRAIN}"
SETS = "it is made of several models. Hand in the one you ask about, fitted to the points it was fitted to"
SPARSE = "no reader knows this one. Take Lasso or ElasticNet, whose coefficients of 0 stay so, or Ridge"
SUPPORT = "no reader knows this one. Take SVC or SVR, LinearSVC or LinearSVR, LogisticRegression or Ridge"
WANDERS = (
    "stochastic gradient descent ends beside its minimum. Fit the same objective to the end: LogisticRegression for "
    "'log_loss', Ridge for 'squared_error', HuberRegressor for 'huber'"
)
# The beginning of a class's full name, the most telling first.
REASONS = {
    r"statsmodels\.": "these are results of statsmodels, which il.from_statsmodels reads",
    r"(xgboost|lightgbm|catboost)\.": TREES,
    r"sklearn\.tree\.": TREES,
    r"sklearn\.ensemble\..*(Voting|Stacking|Bagging|AdaBoost)": SETS,
    r"sklearn\.ensemble\.": TREES,
    r"sklearn\.neighbors\.": NEIGHBOURS,
    r"sklearn\.calibration\.": "calibration fits a second model to the scores of the first. Hand in the first alone",
    r"sklearn\.(multiclass|multioutput)\.": SETS,
    r"sklearn\.compose\..*TransformedTarget": (
        "it fits targets that it transforms. Hand in its regressor_, with y as its transformer_ gives it"
    ),
    r"sklearn\.svm\.": SUPPORT,
    r"sklearn\..*(SGD|Perceptron|PassiveAggressive)": WANDERS,
    r"sklearn\..*(Lasso|ElasticNet|Lars|OrthogonalMatching)": SPARSE,
    r"sklearn\.(cluster|decomposition|manifold|mixture)\.": "it predicts no labels. Hand in a classifier or regressor",
}


def reader_of(estimator: Any) -> Any:
    """The module that reads this very class of scikit-learn; None for any other, subclasses too."""
    cls = type(estimator)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
    if cls.__module__.partition(".")[0] != "sklearn" or name not in modules_in(readers.__path__):
        return None
    return importlib.import_module(f"{readers.__name__}.{name}")


def class_of(module: str) -> str:
    """The class that a module reads, such as `RidgeCV` of `ridge_cv`."""
    return re.sub(r"Cv|Svc|Svr|Sgd|Mlp", lambda found: found[0].upper(), module.title().replace("_", ""))


def refusal(estimator: Any) -> str:
    """Why an estimator is not read, with the next step; '' where it is."""
    if isinstance(estimator, type):
        return f"it is a class, and no fitted estimator. Call it, and fit it: {estimator.__name__}().fit(X, y)"
    reader = reader_of(estimator)
    if reader is not None:
        return reader.refusal(estimator)
    full = f"{type(estimator).__module__}.{type(estimator).__name__}"
    for pattern, reason in REASONS.items():
        if re.match(pattern, full):
            return reason
    known = ", ".join(map(class_of, modules_in(readers.__path__)))
    return f"no reader knows this class. Fit one of scikit-learn's own, not derived from them: {known}"
