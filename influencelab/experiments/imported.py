"""Scores that another library computed, in our sign and unit, so that truth can be held against them."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from influencelab.data.conversion import numbers_in
from influencelab.errors import InvalidData, InvalidParameter, require, unknown
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.training.fit import Fit

__all__ = ["Imported", "import_scores"]


class Meaning(NamedTuple):
    """What a library's scores are.

    Attributes:
        by_test: whether a row is a test point, not a training point.
        summed: whether they are n times the effect of a removal, the mean of losses being the objective.
        ranks: whether they only rank.
    """

    by_test: bool
    summed: bool = False
    ranks: bool = False


# By documentation and by measurement (tests/benchmarks/bench_peers.py); all rise where a removal raises the loss.
LIBRARIES = {
    "pyinfluence": Meaning(by_test=True),
    # `DirectInfluence` and its like, mode Up.
    "pydvl": Meaning(by_test=True, summed=True),
    # All training points in one batch: several batches give a sum of inverses, which is none of the sum.
    "dattri": Meaning(by_test=False, summed=True),
    # A loss of reduction 'sum', and the training points as hessian_dataset.
    "captum": Meaning(by_test=True),
    "kronfluence": Meaning(by_test=True, summed=True),
    "torch-influence": Meaning(by_test=True),
    # Of margins, by random projections of an unstated size.
    "trak": Meaning(by_test=False, ranks=True),
    # Its unit depends on its settings.
    "bergson": Meaning(by_test=True, ranks=True),
}


@dataclass(frozen=True)
class Imported(Estimator):
    """Another library's method: its scores come by `import_scores`, and it estimates nothing here.

    Attributes:
        library: its name.
    """

    library: str = "pyinfluence"

    def estimate(self, fit: Fit) -> Estimate:
        """Refused: there are no scores for another fit.

        Raises:
            InvalidParameter: always.
        """
        raise InvalidParameter(f"{self.library} gave scores of one fit only; import those of {fit.data.name}.")


def import_scores(scores: Any, fit: Fit, *, library: str) -> Estimate:
    """Scores of another library as an estimate, which `compare`, `check` and `Explorer` take like one of ours.

    Its convention of removals is the one that its objective's refit follows, and is not known here: the fit's own, if
    it has one, else any.

    Args:
        scores: as the library returned them: an array or tensor of training and test points, in its own order.
        fit: the model that they are of, with the same training and test points in the same order.
        library: one of those in `LIBRARIES`, whose sign, scale and order of axes are known.

    Raises:
        WrongType: no numbers, or no fit.
        InvalidData: another shape than this library's of that fit, or numbers that are not finite.
        UnknownName: a library whose scores are not known.
    """
    started = time.perf_counter()
    require(fit, Fit, what="fit", cure="Give the fit that was scored, such as il.from_sklearn(…) or il.fit(…).")
    if library not in LIBRARIES:
        raise unknown("library", library, sorted(LIBRARIES))
    meaning, values = LIBRARIES[library], numbers_in(scores, what="scores").to(fit.theta)
    values = values.T if meaning.by_test else values
    wanted = fit.data.n, len(fit.measures())
    if tuple(values.shape) != wanted:
        order = "test points × training points" if meaning.by_test else "training points × test points"
        raise InvalidData(
            f"scores are {' × '.join(map(str, values.T.shape if meaning.by_test else values.shape))}; {library} gives "
            f"{order}, and the fit has {wanted[0]} training and {wanted[1]} test points. Score all of them, in order."
        )
    if bad := int((~values.isfinite()).sum()):
        raise InvalidData(f"{bad} scores are NaN or infinite. Score those points again, or leave them out of the fit.")
    values = values / fit.data.n if meaning.summed else values.clone()
    unit = "none" if meaning.ranks else fit.unit
    return estimate_of(Imported(library=library), fit, values, unit=unit, convention=fit.convention, started=started)
