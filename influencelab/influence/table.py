"""Predictions as tables: a row a pair, and the points that matter most to one test point."""

import numpy
import pandas
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import by_name
from influencelab.errors import InvalidParameter, whole
from influencelab.training.fit import Fit

# A leverage above this is worth a word: influence falls short by that share.
HIGH = 0.1


def leverages(fit: Fit, leverage: Float[Tensor, " n"] | None, *, corrected: bool, most: bool = False) -> dict[str, str]:
    """The largest leverage, and what to use where it is high and not corrected for; nothing where none is known.

    Args:
        most: whether these are about the most that leverages can be.
    """
    if leverage is None:
        return {}
    value, row = leverage.max(0)
    many, size = int((leverage > HIGH).sum()), f"{float(value):.3g}"
    advice = "whose removal does more than this says: try NewtonStep, and retrain some"
    if most:
        size, advice = f"at most about {size}", "whose removal may do that much more than this says: see check()"
    at = f"{size} (id {fit.data.shown_ids('train')[int(row)]})"
    more = f"; {many:,} points above {HIGH:g}, {advice}"
    return {"largest leverage": at + (more if many and not corrected else "")}


def pairs(fit: Fit, values: Float[Tensor, "n m"], *, leverage: Float[Tensor, " n"] | None = None) -> pandas.DataFrame:
    """A row for each pair of a training and a test point: ids, labels, what is predicted, and known leverages."""
    data, (n, m), columns = fit.data, values.shape, fit.measure.columns(fit.task, fit.data)
    own = {} if leverage is None else {"leverage": numpy.repeat(array(leverage), m)}
    return pandas.DataFrame(
        {
            "test_id": numpy.tile(by_name(array(columns.ids), columns.names), n),
            **({"test_label": numpy.tile(data.shown_labels(columns.labels), n)} if columns.points else {}),
            "train_id": numpy.repeat(data.shown_ids("train"), m),
            "train_label": numpy.repeat(data.shown_labels(data.y_train), m),
            "predicted": array(values).flatten(),
            **own,
        }
    )


def top(
    fit: Fit,
    values: Float[Tensor, "n m"],
    *,
    test: int,
    k: int,
    unit: str,
    leverage: Float[Tensor, " n"] | None = None,
) -> pandas.DataFrame:
    """The k training points that help a test point most, then the k that harm it most, each the largest first.

    Of what is neither better nor worse as it rises, such as a parameter, those that lower and those that raise it most.
    """
    test, k, m = whole(test, what="test"), whole(k, what="k"), values.shape[1]
    if not 0 <= test < m or k < 1:
        raise InvalidParameter(f"test is {test} and k {k}; expected a test point 0 … {m - 1} and k ≥ 1.")
    found, data = array(values[:, test]), fit.data
    effects = ends(fit, found, k=k)
    rows = numpy.concatenate(list(effects.values()))
    return pandas.DataFrame(
        {
            "effect": [name for name, mine in effects.items() for _ in mine],
            "train_id": data.shown_ids("train")[rows],
            "train_label": data.shown_labels(data.y_train)[rows],
            "predicted": found[rows],
            "unit": unit,
            **({} if leverage is None else {"leverage": array(leverage)[rows]}),
        }
    )


def ends(fit: Fit, found: Float[numpy.ndarray, " n"], *, k: int) -> dict[str, Int[numpy.ndarray, " _"]]:
    """The training points at both ends of one column, at most k each, by what their effect is called."""
    order = numpy.argsort(-found, kind="stable")
    both = {1: order[found[order] > 0][:k], -1: order[found[order] < 0][::-1][:k]}
    return {name: both[sign] for name, sign in fit.measure.effects.items()}


def array(tensor: Tensor) -> numpy.ndarray:
    """The same values as NumPy, on the CPU."""
    return tensor.detach().cpu().numpy()
