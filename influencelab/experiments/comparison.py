"""Predictions held against truth: the comparison of an estimate with the retraining of its own fit."""

from typing import Any

import numpy
import torch
from torch import Tensor

from influencelab.data.conversion import numbers_in
from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Perturbation
from influencelab.errors import InvalidData, require
from influencelab.influence.estimator import Estimate
from influencelab.influence.retrainer import Retrained
from influencelab.influence.table import array as array
from influencelab.recipe import kind_name
from influencelab.statistics.comparison import Comparison

__all__ = ["compare"]


def compare(estimate: Estimate, retrained: Retrained, *, mask: Any = None) -> Comparison:
    """Hold an estimate against the truth of the same fit; experiments that did not converge do not count.

    Args:
        mask: which pairs enter statistics, a truth value for each (r m); all by default.

    Raises:
        WrongType: something else was given.
        InvalidData: the two speak of different fits, or the mask is of another shape.
        InvalidParameter: the estimator cannot predict this perturbation.
    """
    require(estimate, Estimate, what="estimate")
    require(retrained, Retrained, what="retrained")
    if estimate.fit is not retrained.fit:
        raise InvalidData(
            "The estimate and the retraining come from different fits: estimate and retrain the same one."
        )
    data, perturbation = estimate.fit.data, retrained.perturbation
    single = bool((perturbation.changed >= 0).all())
    (ids, labels), columns = labels_of(data, perturbation), estimate.fit.measure.columns(estimate.fit.task, data)
    selected = torch.ones_like(retrained.values, dtype=torch.bool) if mask is None else numbers_in(mask, what="mask")
    if selected.dtype != torch.bool or selected.shape != retrained.values.shape:
        raise InvalidData(
            f"mask is {tuple(selected.shape)} of {selected.dtype}, expected a truth value for each of the "
            f"{tuple(retrained.values.shape)} pairs of an experiment and a test point."
        )
    return Comparison(
        predicted=array(estimate.predict(perturbation)),
        actual=array(retrained.values),
        mask=array(selected.to(retrained.trusted.device) & retrained.trusted[:, None]),
        train_ids=array(ids),
        train_labels=one_label(labels),
        test_ids=array(columns.ids),
        test_labels=one_label(columns.labels),
        classes=data.classes if single and columns.points else 0,
        estimator=kind_name(estimate.estimator),
        unit=estimate.unit,
        class_names=data.class_names,
        train_names=data.train_names if single else (),
        test_names=columns.names,
        deed=perturbation.deed(data),
    )


def one_label(labels: Tensor) -> numpy.ndarray:
    """The label of each point; NaN where it has several targets, which are no one label."""
    return array(labels) if labels.dim() == 1 else numpy.full(len(labels), numpy.nan)


def labels_of(data: Dataset, perturbation: Perturbation) -> tuple[Tensor, Tensor]:
    """The id and label of the point that each experiment changes; of a group, or no point, its number and −1."""
    points = perturbation.changed
    if (points >= 0).all():
        return data.train_ids[points], data.y_train[points]
    return torch.arange(len(points)), torch.full_like(points, -1)
