"""What a user hands in beside the model, brought to the form in which the model met it."""

from typing import Any

import numpy
import pandas
from torch import Tensor

from influencelab.adapters.wrappers import Opened
from influencelab.data import conversion
from influencelab.data.dataset import Dataset
from influencelab.data.names import check_rows, rows_of
from influencelab.errors import InvalidData
from influencelab.training.weights import checked_weights

# Of more than two classes these fit a machine a class, and give its own points alone the weight of the class.
MACHINES = ("LinearSVC", "SGDClassifier")


def dataset_of(inside: Opened, x: Any, y: Any, x_test: Any, y_test: Any) -> Dataset:
    """Training and test points as the model met them and numbers its classes; rows go by a table's own names."""
    estimator = inside.model
    for part, features, labels in (("train", x, y), ("test", x_test, y_test)):
        check_rows(features, labels, part=part)
    classes = getattr(estimator, "classes_", None)
    met = [inside.transform(each, what=what) for each, what in ((x, "X"), (x_test, "X_test"))]
    features = [features_of(estimator, each, what=what) for each, what in zip(met, ("X", "X_test"), strict=True)]
    labels = [labels_of(each, classes, what=what) for each, what in ((y, "y"), (y_test, "y_test"))]
    for rows, known, what in zip(features, labels, ("X and y", "X_test and y_test"), strict=True):
        if len(rows) != len(known):
            raise InvalidData(f"{what} have {len(rows)} and {len(known)} rows. Give one label a row.")
    if classes is not None and len(numpy.unique(labels[0])) < len(classes):
        raise InvalidData(f"y lacks some of the classes {listed(classes)}. Give the y that the model was fitted to.")
    train, test = (
        rows_of(None, *held, names=None, count=len(each), what=what)
        for held, each, what in zip(((x, y), (x_test, y_test)), features, ("train", "test"), strict=True)
    )
    return Dataset(
        features[0],
        labels[0],
        features[1],
        labels[1],
        train_ids=train[0],
        test_ids=test[0],
        train_names=train[1],
        test_names=test[1],
        classes=0 if classes is None else len(classes),
        name=f"data of {type(estimator).__name__}",
        feature_names=inside.columns(met[0]),
        class_names=() if classes is None or numbered(classes) else [str(each) for each in classes],
    )


def features_of(estimator: Any, given: Any, *, what: str) -> Tensor:
    """Features in float64, a row a point and a column a coefficient."""
    columns, own = (
        list(given) if isinstance(given, pandas.DataFrame) else [],
        getattr(estimator, "feature_names_in_", ()),
    )
    if columns and len(own) and columns != list(own):
        raise InvalidData(
            f"The columns of {what} are {columns[:8]}; the model was fitted to {list(own)[:8]}. Give them in that "
            f"order: {what}[model.feature_names_in_]."
        )
    found = conversion.features(given, what=what).double()
    linear = hasattr(estimator, "coef_")
    count = estimator.coef_.shape[-1] if linear else estimator.n_features_in_
    if found.dim() != 2 or found.shape[1] != count:
        takes = f"has {count} coefficients an output" if linear else f"was fitted to {count} features"
        if numpy.ndim(given) == 1 and len(found) == count:
            raise InvalidData(f"{what} is a flat row of {count} numbers. Give one point as a row: [{what}].")
        raise InvalidData(
            f"{what} is {' × '.join(map(str, found.shape))}; the model {takes}. Give the features that it was fitted "
            "to, transformed as they were, or hand in the pipeline."
        )
    return found


def labels_of(given: Any, classes: numpy.ndarray | None, *, what: str) -> numpy.ndarray:
    """Targets as real numbers, or each label's place among the estimator's classes."""
    found = numpy.asarray(given)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if found.ndim != 1:
        cure = f"Give such, as [{what}]" if found.ndim == 0 else "Give one column"
        raise InvalidData(f"{what} is of shape {found.shape}, expected one label or target a row. {cure}.")
    if classes is None:
        return conversion.numbers_in(found, what=what).double().numpy()
    if pandas.isna(found).any():
        raise InvalidData(f"{what} has {int(pandas.isna(found).sum())} missing labels. Drop those points.")
    known = {each: place for place, each in enumerate(classes.tolist())}
    strange = [each for each in found.tolist() if each not in known]
    if strange:
        raise InvalidData(
            f"{what} has the label {strange[0]!r}, which the model never met; its classes are {listed(classes)}. Leave "
            "those points out, or write labels as they were when it was fitted."
        )
    return numpy.array([known[each] for each in found.tolist()], dtype=numpy.int64)


def weights_of(estimator: Any, data: Dataset, sample_weight: Any) -> numpy.ndarray:
    """sᵢ: the weight of each training point, times that of its class where that is the same for all outputs."""
    weights = numpy.ones(data.n)
    if sample_weight is not None:
        weights = checked_weights(sample_weight, data, what="weights in sample_weight").numpy()
    given = getattr(estimator, "class_weight", None)
    if given is None or (data.classes > 2 and type(estimator).__name__ in MACHINES):
        return weights
    return weights * class_weights(estimator, data, weights)


def class_weights(estimator: Any, data: Dataset, weights: numpy.ndarray) -> numpy.ndarray:
    """The weight of each training point's class, as this version of scikit-learn counts it."""
    from inspect import signature

    from sklearn.utils.class_weight import compute_class_weight

    labels = data.y_train.numpy()
    classes, own = numpy.asarray(estimator.classes_), {}
    # These balance weights of points; all others balance their number, as older versions do.
    if type(estimator).__name__ in ("LogisticRegression", "LogisticRegressionCV", "LinearSVC"):
        own = {"sample_weight": weights} if "sample_weight" in signature(compute_class_weight).parameters else {}
    return compute_class_weight(estimator.class_weight, classes=classes, y=classes[labels], **own)[labels]


def numbered(classes: numpy.ndarray) -> bool:
    """Whether the classes are 0, 1, 2, and so on already."""
    return classes.dtype.kind in "iu" and bool((classes == numpy.arange(len(classes))).all())


def listed(classes: numpy.ndarray) -> str:
    """Some of the classes, as an error names them."""
    shown = ", ".join(map(repr, classes.tolist()[:8]))
    return f"{shown}, …" if len(classes) > 8 else shown
