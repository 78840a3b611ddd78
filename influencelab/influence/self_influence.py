"""Self-influence of training points, some at a time where each takes a solve of its own."""

import sys
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.conversion import positions
from influencelab.errors import InvalidParameter, require
from influencelab.influence.curvature import Curvature
from influencelab.influence.drawn_leverage import draws_of
from influencelab.influence.leverage import self_influences
from influencelab.influence.solves import LONG, seconds_of
from influencelab.recipe import Progress, kind_name
from influencelab.training.trainers.newton import FACTORISED

# Points that are solved for before progress is told, and seconds that nobody waits for without having asked.
BLOCK, TOO_LONG = 256, 600.0


def self_influence_of(estimate: Any, points: Any, *, corrected: bool, progress: Progress | None) -> Float[Tensor, " t"]:
    """`self_influences` of these training points, or of all, by the curvature and the removals of an `Estimate`.

    Raises:
        WrongType, InvalidParameter: scores that only rank; no such points; too many parameters for a factor, or for a
            solve of each point.
    """
    fit, kind = estimate.fit, getattr(estimate.estimator, "curvature", "hessian")
    n, p, name = fit.data.n, len(fit.theta), kind_name(estimate.estimator)
    if estimate.unit == "none":
        raise InvalidParameter(f"'{name}' only ranks and gives no self-influence: take 'exact' or 'newton_step'.")
    curvature = Curvature(fit, kind=kind, damping=estimate.damping)
    require(progress or print, Callable, what="progress", cure="Give a function of (points done, points in all).")
    if p > FACTORISED and not curvature.by_products:
        raise InvalidParameter(
            f"'{name}' of {p:,} parameters gives no self-influence: take 'exact' or 'newton_step', for at most "
            f"{FACTORISED:,}, or hand the training points in as test points."
        )
    rows = torch.arange(n) if points is None else places(points, n=n)
    if not len(rows):
        return fit.theta.new_zeros(0)
    rows, common = rows.to(fit.theta.device), {"corrected": corrected, "convention": estimate.removals}
    if points is None and (count := getattr(estimate.estimator, "draws", None)) is not None:
        drawn = draws_of(curvature, count=count, seed=estimate.estimator.seed)
        return self_influences(curvature, **common, rows=rows, drawn=drawn)
    if not curvature.by_products and progress is None:
        return self_influences(curvature, **common, rows=rows)
    seconds = seconds_of(fit, len(rows)) if curvature.by_products else 0.0
    if seconds > TOO_LONG and points is None:
        raise InvalidParameter(
            f"Self-influence of {n:,} points takes a solve of {p:,} parameters for each, about {seconds / 60:,.0f} "
            "minutes on one core. Take il.NewtonStep(draws=256), which knows it to a tenth of itself; name some, such "
            "as points=estimate.values.abs().sum(1).topk(100).indices; or all, points=range(n), with progress=print."
        )
    if seconds > LONG:
        text = f"influencelab: self-influence of {len(rows):,} points takes about {seconds:,.0f} s, a solve each."
        print(text, file=sys.stderr)
    found = []
    for part in rows.split(BLOCK):
        found.append(self_influences(curvature, **common, rows=part))
        if progress is not None:
            progress(sum(map(len, found)), len(rows))
    return torch.cat(found)


def places(points: Any, *, n: int) -> Int[Tensor, " t"]:
    """Positions of training points as a tensor; an InvalidParameter error where there are no such points."""
    rows = positions(points, what="points")
    if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < n:
        raise InvalidParameter(f"points go from {rows.min()} to {rows.max()}, expected training points 0 … {n - 1}.")
    return rows
