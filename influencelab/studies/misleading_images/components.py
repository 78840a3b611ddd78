"""Koh & Liang (2017), Figure 1: what influence is without its factors, beside the truth of retraining."""

from dataclasses import replace
from typing import Any

import numpy
import pandas
import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.removals import leave_one_out
from influencelab.data.source import Source
from influencelab.errors import InvalidData
from influencelab.experiments.comparison import compare
from influencelab.experiments.tables import Agreement
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.gradient_dot import GradientDot
from influencelab.influence.retrainer import Retrained
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.influence.table import array
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.statistics.agreement import MEASURES, statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.misleading_images.called import WHOLE
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.newton import Newton

# Correlations alone: what lacks a factor has no size.
STATISTICS = ("pearson", "spearman")
SIZES = ("slope", "relative_error")
ONE = "of one model and one test picture; no interval"
# As published: no intercept, and this weight decay.
WEIGHT_DECAY = 0.01


def model_of(source: Source, *, test: int) -> Fit:
    """A logistic regression of two classes without an intercept, and one test picture by its place among those.

    Raises:
        InvalidData: there are not two classes, or no such test picture.
    """
    data = source.load()
    if data.classes != 2 or not 0 <= test < data.m:
        raise InvalidData(f"{data.name} has {data.classes} classes and {data.m} test points, of which {test} is asked.")
    parts: dict[str, Any] = {name: getattr(data, name)[test : test + 1] for name in ("x_test", "y_test", "test_ids")}
    alone: Dataset = replace(data, **parts)
    return fit(BinaryLogistic(WEIGHT_DECAY, intercept=False), alone, Newton(tolerance=1e-10))


def variants(model: Fit) -> dict[str, Float[numpy.ndarray, " n"]]:
    """Influence of each training point on the test picture, whole (in nats) and without factors (of no unit).

    Whole it is wᵢ · (p − y)ᵢ (p − y)ⱼ · xᵢᵀ H⁻¹ xⱼ. Without the factor of training loss every point counts as if the
    model were as wrong about it as about any other: the size of (p − y)ᵢ is left out and its sign kept.
    """
    outputs = model.task.outputs(model.theta, model.data.x_train)
    missing = array(model.task.output_loss.gradients(outputs, model.data.y_train)[0].abs())
    whole, plain = (array(each.estimate(model).values[:, 0]) for each in (Exact(), GradientDot()))
    return {
        WHOLE: whole,
        "without_loss": whole / missing,
        "without_curvature": plain,
        "without_both": plain / missing,
    }


def removed(found: dict[str, Float[numpy.ndarray, " n"]], *, count: int, seed: int) -> Int[Tensor, " r"]:
    """Points to train without: so many of the largest size by each variant, and as many at random."""
    tops = [numpy.argsort(-numpy.abs(values), kind="stable")[:count] for values in found.values()]
    drawn = numpy.random.default_rng(seed).permutation(len(found[WHOLE]))[:count]
    return torch.from_numpy(numpy.unique(numpy.concatenate([*tops, drawn])))


def retrained(model: Fit, rows: Int[Tensor, " r"]) -> Retrained:
    """The truth of each removal."""
    return SecondOrder().retrain(model, leave_one_out(model.data.n, rows=rows))


def agreements(
    model: Fit, found: dict[str, Float[numpy.ndarray, " n"]], truth: Retrained, *, name: str, bootstrap: Bootstrap
) -> list[Agreement]:
    """Each variant beside the truth."""
    whole, rows = compare(Exact().estimate(model), truth), array(truth.perturbation.changed)
    parts = []
    for variant, values in found.items():
        own = {"predicted": values[rows][:, None], "estimator": variant}
        pairs = replace(whole, **own, unit=whole.unit if variant == WHOLE else "none")
        names = (*STATISTICS, *SIZES) if variant == WHOLE else STATISTICS
        settings = {"data": name, "estimator": variant, "target": "second_order", "selection": "removed"}
        numbers = {each: statistic(pairs, each, bootstrap=bootstrap) for each in names}
        parts.append(Agreement(settings, pairs, numbers))
    return parts


def measurements(
    model: Fit, found: dict[str, Float[numpy.ndarray, " n"]], parts: list[Agreement], *, bootstrap: Bootstrap
) -> pandas.DataFrame:
    """Correlations with the truth, how far the whole is ahead in them, and where harm comes from the own class."""
    rows = [
        row(number.pooled, **part.settings, statistic=name)
        for part in parts
        for name, number in part.statistics.items()
    ]
    whole = parts[0]
    for part in parts[1:]:
        for name in STATISTICS:
            gain = ahead(whole, part, name, bootstrap)
            rows.append(row(gain, **part.settings, statistic=f"{name}_gain"))
    own = array(model.data.y_train == model.data.y_test[0])
    shared = {"data": parts[0].settings["data"], "estimator": WHOLE}
    order = numpy.argsort(found[WHOLE], kind="stable")
    rank = int(numpy.flatnonzero(own[order])[0]) + 1
    chance = float(torch.exp(-model.measures()[0]))
    rows += [
        row(Measurement(rank, n=len(order), note=ONE), **shared, statistic="first_harmful_of_own_class"),
        row(Measurement(chance, note=ONE), **shared, statistic="chance_of_own_class"),
    ]
    for variant, values in found.items():
        share = Measurement(float((values[own] < 0).mean()), n=int(own.sum()), note=ONE)
        rows.append(row(share, **shared | {"estimator": variant}, statistic="harmful_of_own_class"))
    return tidy(rows)


def ahead(whole: Agreement, part: Agreement, name: str, bootstrap: Bootstrap) -> Measurement:
    """A correlation of the whole less that of a part, over the same removals drawn anew."""
    measure = MEASURES[name]
    one, other = (
        numpy.concatenate([measure(each.comparison, weights)[:, 0] for weights in bootstrap.chunks(each.comparison.r)])
        for each in (whole, part)
    )
    value = whole.statistics[name].pooled.value - part.statistics[name].pooled.value
    found = bootstrap.interval(value, one - other, n=whole.comparison.r, over="bootstrap over removals, paired")
    return found.described("whole influence less this")


def pairs(model: Fit, found: dict[str, Float[numpy.ndarray, " n"]], truth: Retrained) -> pandas.DataFrame:
    """A row a removal that counts as truth: whose it is, every variant's score, and what training again did."""
    rows, kept = truth.perturbation.changed, truth.trusted
    own = array(model.data.y_train == model.data.y_test[0])[rows]
    table = {
        "train_id": array(model.data.train_ids[rows]),
        "own_class": own,
        **{name: values[rows] for name, values in found.items()},
        "actual": array(truth.values[:, 0]),
    }
    return pandas.DataFrame({name: values[array(kept)] for name, values in table.items()})
