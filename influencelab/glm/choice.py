"""Influence of every row in one call: exact scores where these can be had, else a sketch, with the reason in words."""

from typing import Any

import numpy
import pandas

from influencelab.errors import InvalidData, InvalidParameter, WrongType, named, whole
from influencelab.glm.checkpoint import NOTHING, Checkpoint
from influencelab.glm.families.binomial import Binomial
from influencelab.glm.families.gamma import Gamma
from influencelab.glm.families.gaussian import Gaussian
from influencelab.glm.families.inverse_gaussian import InverseGaussian
from influencelab.glm.families.negative_binomial import NegativeBinomial
from influencelab.glm.families.poisson import Poisson
from influencelab.glm.family import Family
from influencelab.glm.influence import RowInfluence, row_influence
from influencelab.glm.link import Link
from influencelab.glm.links.complementary_log_log_link import ComplementaryLogLogLink
from influencelab.glm.links.identity_link import IdentityLink
from influencelab.glm.links.inverse_link import InverseLink
from influencelab.glm.links.inverse_square_link import InverseSquareLink
from influencelab.glm.links.log_link import LogLink
from influencelab.glm.links.logit_link import LogitLink
from influencelab.glm.links.probit_link import ProbitLink
from influencelab.glm.links.square_root_link import SquareRootLink
from influencelab.glm.objective import SQUARE
from influencelab.glm.projection import Projection
from influencelab.glm.projections.sparse_sign_projection import SparseSignProjection
from influencelab.glm.regression import Regression, regress
from influencelab.glm.sketch import SketchedInfluence, sketched_influence
from influencelab.recipe import Progress, unheard

__all__ = ["glm_influence"]

# What statsmodels calls families and links.
FAMILIES: dict[str, type[Family]] = {
    "Gaussian": Gaussian,
    "Binomial": Binomial,
    "Poisson": Poisson,
    "Gamma": Gamma,
    "InverseGaussian": InverseGaussian,
    "NegativeBinomial": NegativeBinomial,
}
LINKS: dict[str, type[Link]] = {
    "Identity": IdentityLink,
    "Logit": LogitLink,
    "Probit": ProbitLink,
    "CLogLog": ComplementaryLogLogLink,
    "Log": LogLink,
    "InversePower": InverseLink,
    "InverseSquared": InverseSquareLink,
    "Sqrt": SquareRootLink,
}
# Its models that are generalised linear models under names of their own.
MODELS: dict[str, Family] = {
    "OLS": Gaussian(),
    "WLS": Gaussian(),
    "Logit": Binomial(),
    "Probit": Binomial(ProbitLink()),
}
# Statsmodels' coefficients may differ from a minimum by its own tolerance.
SAME = 1e-4


def glm_influence(
    X: Any,
    y: Any = None,
    *,
    family: Family | None = None,
    weights: Any = None,
    offsets: Any = None,
    weight_decay: float = 0.0,
    intercept: bool = True,
    projection: Projection | None = None,
    sketches: int = 3,
    workers: int = 1,
    scheduler: str = "",
    progress: Progress = unheard,
    kept: Checkpoint = NOTHING,
) -> RowInfluence | SketchedInfluence:
    """Leverage, residuals and Cook's distance of every row of a generalised linear model.

    Scores are exact as long as a matrix of p × p fits in memory, which is as fast as any sketch up to there; with more
    coefficients they are sketched. `reason` says which was taken and why.

    Args:
        X: features, a `Table`, a `Regression`, or results of statsmodels' GLM, OLS, WLS, Logit
            or Probit, which bring everything along.
        y: responses, with `family`, `weights`, `offsets`, `weight_decay` and `intercept` as in `regress`.
        projection: a sketch by this one, whatever the size.
        sketches: independent ones, where a sketch is taken.
        workers: threads; 0 for one a core.
        scheduler: the address of a dask scheduler, such as `tcp://10.0.0.1:8786`, whose workers do the work instead.
        progress: told of each pass.
        kept: where finished parts are kept, so that a call that was interrupted goes on from there.

    Raises:
        InvalidData, NotConverged, InvalidParameter, WrongType, Unavailable: as in `regress` and `sketched_influence`.
    """
    whole(sketches, what="sketches", least=1)
    how: Any = {"workers": workers, "scheduler": scheduler, "progress": progress, "kept": kept}
    given: dict[str, Any] = {"family": family, "weights": weights, "offsets": offsets}
    if hasattr(X, "get_params") and hasattr(X, "fit"):
        raise WrongType(
            f"X is {named(X)}, which keeps no rows. Give these, its family and its penalty: il.glm_influence(X, y, "
            "family=…, weight_decay=…), 1 / (C n) of a LogisticRegression and alpha of a PoissonRegressor."
        )
    own = isinstance(X, Regression) or is_results(X)
    if own and not (y is None and all(each is None for each in given.values()) and not weight_decay):
        raise InvalidParameter("A fitted model brings its responses, weights and penalty along. Give it alone.")
    if isinstance(X, Regression):
        regression = X
    elif is_results(X):
        regression = regression_of(X, workers=workers, progress=progress)
    else:
        regression = regress(X, y, **given, weight_decay=weight_decay, intercept=intercept, **how)
    if projection is None and regression.p**2 <= SQUARE:
        return row_influence(regression, **how)
    drawn = SparseSignProjection() if projection is None else projection
    return sketched_influence(regression, drawn, sketches=sketches, **how)


def is_results(given: Any) -> bool:
    """Whether these are results of a GLM of statsmodels, which need not be installed."""
    kinds = {kind.__module__.partition(".")[0] for kind in type(given).__mro__}
    return "statsmodels" in kinds and hasattr(given, "model") and hasattr(given, "params")


def family_of(results: Any) -> Family:
    """The family of a model of statsmodels, with its link.

    Raises:
        WrongType: it has none of ours.
    """
    if type(results.model).__name__ in MODELS:
        return MODELS[type(results.model).__name__]
    family = getattr(results.model, "family", None)
    link = type(getattr(family, "link", None)).__name__
    if type(family).__name__ not in FAMILIES or link not in LINKS:
        raise WrongType(
            f"{named(results)} has the family {type(family).__name__} with the link {link}, expected a GLM of one of "
            f"{', '.join(FAMILIES)}, or a model of {', '.join(MODELS)}. il.from_statsmodels reads other models."
        )
    settings: dict[str, Any] = {"link": LINKS[link]()}
    if isinstance(alpha := getattr(family, "alpha", None), float | int):
        settings["alpha"] = float(alpha)
    return FAMILIES[type(family).__name__](**settings)


def row_numbers(model: Any, *names: str) -> Any:
    """The first of these that a model has a number a row of."""
    found = (getattr(model, name, None) for name in names)
    return next((each for each in found if isinstance(each, numpy.ndarray) and each.ndim), None)


def regression_of(results: Any, *, workers: int, progress: Progress) -> Regression:
    """Results of a GLM of statsmodels as a regression of ours, fitted to the minimum.

    Raises:
        WrongType: results of another kind.
        InvalidData: ours are other coefficients than theirs, as those of a penalised or an unfinished fit are.
    """
    model = results.model
    weights, trials = row_numbers(model, "iweights", "weights"), row_numbers(model, "n_trials")
    found = regress(
        pandas.DataFrame(model.exog, columns=model.exog_names, index=model.data.row_labels),
        model.endog,
        family=family_of(results),
        weights=weights if trials is None else weights * trials,
        offsets=row_numbers(model, "_offset_exposure"),
        intercept=False,
        frequencies=counted(results),
        workers=workers,
        progress=progress,
    )
    theirs = numpy.asarray(results.params, dtype=float)
    apart = numpy.abs(found.coefficients - theirs).max() / max(numpy.abs(theirs).max(), 1e-300)
    if not apart <= SAME:
        raise InvalidData(
            f"{named(results)} has other coefficients than the maximum of its likelihood, by {apart:.1e} of the "
            "largest: it was penalised, or did not converge. Give X, y and weight_decay instead."
        )
    return found


def counted(results: Any) -> bool:
    """Whether weights of results are numbers of equal rows.

    Raises:
        InvalidData: some are and others are not, and a dispersion is estimated.
    """
    model = results.model
    frequencies = (numpy.asarray(getattr(model, "freq_weights", 1.0)) != 1).any()
    if frequencies and (numpy.asarray(getattr(model, "var_weights", 1.0)) != 1).any() and results.scale != 1:
        raise InvalidData(
            f"{named(results)} has both frequencies and variance weights, which one weight a row cannot say. Repeat "
            "rows by their frequency, and fit with var_weights alone."
        )
    return bool(frequencies)
