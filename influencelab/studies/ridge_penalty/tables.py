"""Tables that a report of this study keeps, which its figures and its explorer are drawn from."""

from collections.abc import Iterable

import numpy
import pandas

from influencelab.studies.ridge_penalty.analysis import HELD, SCORES, alone_on_top, inside
from influencelab.studies.ridge_penalty.deletions import WEIGHTS, Tuned
from influencelab.studies.ridge_penalty.problems import Regression

# What the columns of the curves are called where they are drawn for themselves.
AXES = {"weight": "weight of the observation", "log_penalty": "log λ̂"}


def pairs_table(found: dict[str, list[Tuned | None]]) -> pandas.DataFrame:
    """Changes of log λ̂, predicted and tuned again, a row a deletion of each draw; those at an end left out."""
    tables = []
    for data, draws in found.items():
        for draw, each in enumerate(inside(draws)):
            for estimator, target in HELD:
                table = pandas.DataFrame(
                    {
                        "data": data,
                        "draw": draw,
                        "estimator": estimator,
                        "target": target,
                        "train_id": numpy.arange(each.n),
                        "test_id": 0,
                        "predicted": each.changes[estimator],
                        "actual": each.changes[target],
                    }
                )
                tables.append(table[numpy.isfinite(table["actual"]) & numpy.isfinite(table["predicted"])])
    whole = pandas.concat(tables, ignore_index=True)
    narrow = dict.fromkeys(("predicted", "actual"), "float32") | dict.fromkeys(
        ("data", "estimator", "target"), "category"
    )
    return whole.astype(narrow)


def curves_table(found: dict[str, list[Tuned | None]]) -> pandas.DataFrame:
    """λ̂ against the weight of each observation, of the first draw; infinite where λ̂ is 0 or ∞."""
    tables = []
    for data, draws in found.items():
        for each in inside(draws)[:1]:
            rows, weights = numpy.indices(each.curves.shape).reshape(2, -1)
            columns = {
                "data": data,
                "train_id": rows,
                "weight": WEIGHTS[weights],
                "log_penalty": each.curves.reshape(-1),
            }
            table = pandas.DataFrame(columns)
            tables.append(table)
    return pandas.concat(tables, ignore_index=True).astype({"data": "category", "log_penalty": "float32"})


def parts_table(found: dict[str, list[Tuned | None]]) -> pandas.DataFrame:
    """RMS change of predictions by each deletion, through the fit and through the penalty, and Cook's distance."""
    tables = []
    for data, draws in found.items():
        for draw, each in enumerate(inside(draws)):
            fit, penalty = (numpy.sqrt((part**2).mean(1)) for part in (each.fit_part, each.penalty_part))
            scale = each.regression.y.std()
            columns = {"data": data, "draw": draw, "train_id": numpy.arange(each.n)}
            sizes = {"fit": fit / scale, "penalty": penalty / scale, "cook": each.criterion.cook(each.log_penalty)}
            tables.append(pandas.DataFrame({**columns, **sizes}))
    return pandas.concat(tables, ignore_index=True).astype({"data": "category"})


def outliers_table(found: dict[str, list[Tuned | None]]) -> pandas.DataFrame:
    """Of each draw with an outlier on which side of its signal that lies, and whose score puts it alone on top."""
    rows = []
    for data, draws in found.items():
        for draw, each in enumerate(inside(draws)):
            odd = each.regression.odd
            if odd is not None:
                scores = {name: score(each) for name, score in SCORES.items()}
                top = {f"{name}_shrinker": alone_on_top(score, odd) for name, score in scores.items()}
                top |= {f"{name}_expander": alone_on_top(-scores[name], odd) for name in ("curve", "weight_slope")}
                rows.append({"data": data, "draw": draw, "against": each.regression.against, **top})
    return pandas.DataFrame(rows)


def accuracy(found: dict[str, list[Tuned | None]]) -> dict[str, float]:
    """How well everything was minimised: the largest Newton step that is left, and the largest ‖∇J‖ of a fit."""
    known = [each for draws in found.values() for each in inside(draws)]
    return {
        "largest_step_left_in_log_penalty": max(each.criterion.stationarity(each.log_penalty) for each in known),
        "largest_grad_norm": max(each.grad_norm for each in known),
    }


def datasets(regressions: Iterable[Regression]) -> list[tuple[str, str]]:
    """Name and content hash of the first draw of each, which a seed makes the others of."""
    first: dict[str, Regression] = {}
    for each in regressions:
        first.setdefault(each.data, each)
    return [(name, each.dataset().content_hash()) for name, each in first.items()]
