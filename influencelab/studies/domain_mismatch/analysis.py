"""Numbers of the mismatch: what accuracy and coefficients show of it, what scores show, and what retraining says."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
import pandas
import torch
from jaxtyping import Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from influencelab.data.removals import leave_one_out
from influencelab.experiments.comparison import compare
from influencelab.experiments.tables import Agreement
from influencelab.influence.estimator import Estimate
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainer import Retrained
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.influence.table import array
from influencelab.statistics.agreement import FOUR, statistic
from influencelab.statistics.bootstrap import FEWEST_REPLICATES, Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.measurement import Measurement, Statistic
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.domain_mismatch.claims import ALL, CHILDREN, EVERY_TEST, OTHERS, WATCHED_TEST
from influencelab.studies.domain_mismatch.cohort import Cohort, accuracy
from influencelab.studies.domain_mismatch.scores import CONVENTION, beside_others, effects, in_order, ranks
from influencelab.threads import one_thread
from influencelab.training.fit import Fit, fit_at

Rows = Int[numpy.ndarray, " t"]
KEPT = ("exact", "training_loss", "self_influence", "gradient_product_scaled")
ONE_FIT = "of one model; no interval"
STOPPED = "of one model, and where that stopped is decided by rounding; no interval"
FIRST = 20  # scores that somebody would look through


def seen_at_first(cohort: Cohort, models: Mapping[str, Fit]) -> pandas.DataFrame:
    """What one looks at before any score: accuracies, the watched child's prediction, and coefficients.

    Models come by name: the one of all patients, then that of the mismatch.
    """
    found, shown = [], {}
    for name, model in models.items():
        own: dict[str, Any] = {"data": cohort.name, "model": name}
        shown[name] = {"train": accuracy(model, model.data, "train"), "test": accuracy(model, cohort.data, "test")}
        for part, share in shown[name].items():
            count = len(getattr(cohort.data if part == "test" else model.data, f"y_{part}"))
            found.append(row(Measurement(share, n=count, note=ONE_FIT), **own, part=part, statistic="accuracy"))
        chance = float(torch.exp(-model.measures()[0]))
        found.append(row(Measurement(chance, note=ONE_FIT), **own, statistic="chance_of_own_class"))
        sizes = numpy.abs(array(model.theta))
        larger = int((sizes > sizes[cohort.child]).sum())
        counted = Measurement(larger, n=len(sizes), note="coefficients larger than that of the children; a count")
        found.append(row(counted, **own, statistic="larger_coefficients"))
    first, second = shown.values()
    for part in first:
        change = Measurement(abs(second[part] - first[part]), note=ONE_FIT)
        found.append(row(change, data=cohort.name, part=part, statistic="accuracy_change"))
    return tidy(found)


def children_of(cohort: Cohort, estimate: Estimate) -> Rows:
    """The rows of training children, the most harmful to the watched test child first."""
    return in_order(effects(estimate), array(cohort.children(estimate.fit.data)))


def children_found(cohort: Cohort, estimates: Mapping[str, Estimate], table: pandas.DataFrame) -> pandas.DataFrame:
    """Effect, rank and leverage of each child, and for every score the rank of its last child and how it stands out.

    `place` counts the children from the most harmful one. `signs` is how many have the sign that their label
    suggests: harmful (negative) where readmitted, since the watched child was not.
    """
    leading = next(iter(estimates.values()))
    rows, labels = children_of(cohort, leading), array(leading.fit.data.y_train)
    found = []
    for name, estimate in estimates.items():
        values, own = effects(estimate), {"data": cohort.name, "estimator": name}
        for place, child in enumerate(rows, start=1):
            number = Measurement(float(values[child]), note=ONE_FIT, unit="nats")
            found.append(row(number, **own, place=place, statistic="effect"))
        right = int(((values[rows] < 0) == (labels[rows] == 1)).sum())
        counted = Measurement(right, n=len(rows), note="children with the sign of their label; a count")
        found.append(row(counted, **own, statistic="signs"))
    leverage = leading.leverage
    if leverage is not None:
        for place, child in enumerate(rows, start=1):
            number = Measurement(float(leverage[child]), note=ONE_FIT)
            found.append(row(number, data=cohort.name, place=place, statistic="leverage"))
    for name in table.columns:
        found += score_rows(table[name].to_numpy(dtype=float), rows, data=cohort.name, estimator=str(name))
    return tidy(found)


def score_rows(score: numpy.ndarray, rows: Rows, **own: Any) -> list[dict[str, Any]]:
    """Of one score the rank of each child, the last of these, and how many children come first."""
    place = ranks(score)[rows]
    count = len(score)
    numbers = {
        "last_rank": Measurement(
            float(place.max()), n=count, note="rank of the last child among all; of ties the mean"
        ),
        "among_first": Measurement(
            int((place <= FIRST).sum()), n=len(rows), note=f"children among the first {FIRST}; a count"
        ),
    }
    found = [row(number, **own, statistic=name) for name, number in numbers.items()]
    found += [
        row(Measurement(float(each), n=count, note="of ties the mean"), **own, place=number, statistic="rank")
        for number, each in enumerate(place, start=1)
    ]
    if score.min() >= 0:
        times = Measurement(beside_others(score, rows, among=rows), n=count, note="least child over largest other")
        found.append(row(times, **own, statistic="times_the_next"))
    return found


def stopped_early(cohort: Cohort, estimate: Estimate, *, iterations: Sequence[int]) -> pandas.DataFrame:
    """The children's effects where training stopped after so many iterations, and the gradient that was left then.

    The solver is the published one, scikit-learn's L-BFGS; influence takes the point where it stopped for a minimum.
    """
    model, rows, found = estimate.fit, children_of(cohort, estimate), []
    x, y = array(model.data.x_train), array(model.data.y_train)
    for most in iterations:
        solver = LogisticRegression(
            C=1 / (len(y) * model.weight_decay), fit_intercept=False, tol=1e-8, max_iter=most, solver="lbfgs"
        )
        # Features of many sizes make the path of so many steps depend on rounding, and so on the number of threads.
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is to stop early
            solver.fit(x, y)
        stopped = fit_at(model.task, model.data, solver.coef_[0], trainer=model.trainer)
        values = effects(Exact(allow_unconverged=True).estimate(stopped))
        own: dict[str, Any] = {"data": cohort.name, "iterations": most}
        found.append(row(Measurement(stopped.grad_norm, note=STOPPED), **own, statistic="gradient_norm"))
        found += [
            row(Measurement(float(values[child]), note=STOPPED, unit="nats"), **own, place=place, statistic="effect")
            for place, child in enumerate(rows, start=1)
        ]
    return tidy(found)


def removed(cohort: Cohort, estimate: Estimate, *, count: int, seed: int) -> dict[str, Rows]:
    """Rows to remove and train without: all children, as many others of the largest effects, and as many at random."""
    rows, values = children_of(cohort, estimate), numpy.abs(effects(estimate))
    others = numpy.delete(numpy.arange(len(values)), rows)
    top = others[numpy.argsort(-values[others], kind="stable")[:count]]
    rest = numpy.setdiff1d(others, top)
    drawn = numpy.random.default_rng(seed).choice(rest, size=min(count, len(rest)), replace=False)
    return {"children": rows, "top": top, "random": drawn}


def retrained(model: Fit, rows: Mapping[str, Rows]) -> Retrained:
    """The truth of each of these removals, one at a time, as published: the mean loss of those who stay."""
    every = torch.from_numpy(numpy.concatenate(list(rows.values())))
    return SecondOrder().retrain(model, leave_one_out(model.data.n, rows=every, convention=CONVENTION))


def agreements(
    cohort: Cohort,
    estimates: Mapping[str, Estimate],
    truth: Retrained,
    rows: Mapping[str, Rows],
    *,
    bootstrap: Bootstrap | None = None,
) -> list[Agreement]:
    """Each estimate beside the truth, of the children, of the others and of all; for the watched child and for all."""
    children, found = len(rows["children"]), []
    for name, estimate in estimates.items():
        whole = compare(estimate, truth)
        for selection, part in ((CHILDREN, slice(children)), (OTHERS, slice(children, None)), (ALL, slice(None))):
            for watched, columns in ((WATCHED_TEST, slice(1)), (EVERY_TEST, slice(None))):
                mask = numpy.zeros_like(whole.mask)
                mask[part, columns] = whole.mask[part, columns]
                pairs = replace(whole, mask=mask).without_empty_tests()
                own = {"data": cohort.name, "watched": watched, "estimator": name}
                settings = {**own, "target": "second_order", "selection": selection}
                found.append(Agreement(settings, pairs, statistics(pairs, bootstrap)))
    return found


def statistics(pairs: Comparison, bootstrap: Bootstrap | None) -> dict[str, Statistic]:
    """The four measures, without an interval where fewer than five removals could be drawn anew."""
    found = {name: statistic(pairs, name, bootstrap=bootstrap) for name in FOUR}
    few = int(pairs.mask.any(1).sum())
    if few >= FEWEST_REPLICATES:
        return found
    return {
        name: replace(each, pooled=bare(each.pooled, few), median=bare(each.median, few))
        for name, each in found.items()
    }


def bare(number: Measurement, few: int) -> Measurement:
    """The same without an interval."""
    return replace(number, low=None, high=None, note=f"no interval: of {few} removals")


def agreement_rows(parts: Sequence[Agreement]) -> pandas.DataFrame:
    """The four measures of every part as rows, means over test points."""
    return tidy(
        row(each.pooled, **part.settings, statistic=name) for part in parts for name, each in part.statistics.items()
    )


def of_watched(parts: Sequence[Agreement]) -> list[Agreement]:
    """The parts of the watched child, the children apart from the others: their pairs are each pair once."""
    return [part for part in parts if part.settings["watched"] == WATCHED_TEST and part.settings["selection"] != ALL]


def kept_scores(cohort: Cohort, model: Fit, table: pandas.DataFrame) -> pandas.DataFrame:
    """Some of the scores as a report keeps them, in float32, with who is a child and who was readmitted."""
    children = numpy.zeros(len(table), dtype=bool)
    children[array(cohort.children(model.data))] = True
    known = {"child": children, "readmitted": array(model.data.y_train) == 1}
    return table[list(KEPT)].astype("float32").reset_index().assign(**known)


def gradient_norms(models: Mapping[str, Fit], truth: Retrained, drawn: pandas.DataFrame) -> dict[str, float]:
    """How near their minima all models are: the largest ‖∇J‖ of fits, of retrained models and of draws."""
    largest = {name: model.grad_norm for name, model in models.items()}
    largest["retrained"] = float(truth.grad_norm.max())
    largest["share of retrained that converged"] = float(truth.trusted.double().mean())
    return largest | {"draws": float(drawn["gradient_norm"].to_numpy().max())}
