"""`OneVsRestClassifier` around a linear or kernel machine of two classes: the sum of its objectives, one a class."""

from typing import Any

import numpy

from influencelab.adapters import refusals
from influencelab.adapters.one_versus_rest import put_together
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset

# What one machine may be.
MACHINES = ("LogisticRegression", "LinearSVC", "SVC", "SGDClassifier", "RidgeClassifier")


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    inside = estimator.estimator
    name = type(inside).__name__
    if name == "Pipeline":
        return (
            "it has a pipeline a class, whose steps are not alike. Put steps before it, which see no labels: "
            "make_pipeline(steps, OneVsRestClassifier(model))"
        )
    if name not in MACHINES or refusals.reader_of(inside) is None:
        reason = refusals.refusal(inside)
        why = f": {reason}" if reason else ""
        return f"one {name} a class is not read{why}. Take one of {', '.join(MACHINES)} inside"
    binarizer = getattr(estimator, "label_binarizer_", None)
    if str(getattr(binarizer, "y_type_", "")).startswith("multilabel"):
        return "a point may have several of its labels. Fit one model a label"
    for machine in (inside, *getattr(estimator, "estimators_", ())):
        if reason := refusals.refusal(machine):
            return f"of its machines, {reason}"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """What a refit of one machine holds, and one a class."""
    reader = refusals.reader_of(estimator.estimator)
    return put_together(estimator.estimators_, data, weights, reader.read)
