"""Which results of statsmodels are not read, why, and what would answer instead."""

import re
from typing import Any

# The model and the class of its results, as `fit` returns it.
READ = {
    "OLS": ("OLSResults", "RegressionResults"),
    "WLS": ("RegressionResults",),
    "Logit": ("LogitResults",),
    "Probit": ("ProbitResults",),
    "Poisson": ("PoissonResults",),
    "GLM": ("GLMResults",),
}
MODULES = (
    "statsmodels.regression.linear_model",
    "statsmodels.discrete.discrete_model",
    "statsmodels.genmod.generalized_linear_model",
)
KNOWN = "Read are OLS, WLS, Logit, Probit, Poisson and GLM"
AGAIN = "Fit it again without the points in question: only that says what they do"
GLM = "Fit GLM with a family, whose only parameters are coefficients"
# The beginning of a model's full name, the most telling first.
REASONS = {
    r"statsmodels\.regression\.linear_model\.GLS": (
        "its errors are correlated, so that no point has a loss of its own. Where sigma is diagonal, fit "
        "WLS(weights=1 / sigma)"
    ),
    r"statsmodels\.regression\.(mixed|process)": f"its points share random effects, which go with no point. {AGAIN}",
    r"statsmodels\.genmod\.(generalized_estimating|qif)": (
        "estimating equations minimise nothing, and its clusters, not its points, are independent. Fit GLM, or again "
        "without the cluster"
    ),
    r"statsmodels\.genmod\.bayes": f"it is a posterior, not a minimum of losses. {AGAIN}",
    r"statsmodels\.gam": "its smoothing penalty is not plain weight decay. Fit GLM on the columns of the splines",
    r"statsmodels\.robust": (
        "its scale is estimated between steps, so that no one objective is minimised. Fit scikit-learn's "
        "HuberRegressor, whose scale is estimated with the coefficients, and il.from_sklearn"
    ),
    r"statsmodels\.tsa": f"a series is no set of independent points: a point's removal leaves a gap. {AGAIN}",
    r"statsmodels\.regression\.(quantile|recursive|rolling|dimred)": (
        "its objective has a kink or is none over all points. Fit OLS, or HuberRegressor of scikit-learn"
    ),
    r"statsmodels\.duration": f"the partial likelihood has no loss of a point alone. {AGAIN}",
    r"statsmodels\.discrete\.conditional": f"points share the terms of their group. {AGAIN}",
    r"statsmodels\.discrete\.discrete_model\.MNLogit": (
        "a row of coefficients is fixed at 0. Fit LogisticRegression(C=numpy.inf) of scikit-learn, which has the same "
        "predictions, and il.from_sklearn"
    ),
    r"statsmodels\.(discrete|othermod|miscmodels)": (
        f"it has parameters beside its coefficients, such as a dispersion or thresholds. {GLM}"
    ),
    r"statsmodels\.base\.elastic_net|.*L1": (
        "results of fit_regularized do not hold their penalty. Fit Ridge, Lasso, ElasticNet or LogisticRegression of "
        "scikit-learn, and il.from_sklearn"
    ),
}


def inner(results: Any) -> Any:
    """The results themselves, without the wrapper that names their numbers."""
    return getattr(results, "_results", results)


def refusal(results: Any) -> str:
    """Why this is not read, with the next step; '' where it is."""
    found = inner(results)
    model = getattr(found, "model", None)
    if not type(found).__module__.startswith("statsmodels."):
        return f"expected what the fit method of a model of statsmodels returned. {KNOWN}"
    if model is None or not hasattr(found, "params"):
        return f"it is no fitted result. Hand in what model.fit() returns. {KNOWN}"
    if getattr(model, "exog", None) is None or getattr(model, "endog", None) is None:
        return "remove_data took its training points away. Hand in the results before that, or fit it again"
    if re.search(r"\.elastic_net\.|\.L1", f"{type(found).__module__}.{type(found).__name__}"):
        return REASONS[r"statsmodels\.base\.elastic_net|.*L1"]
    kind = type(model)
    if kind.__module__ in MODULES and type(found).__name__ in READ.get(kind.__name__, ()):
        return (
            "fit_constrained holds coefficients where the data would move them. Put the constraint into the columns"
            if getattr(found, "constraints", None) is not None
            else ""
        )
    full = f"{kind.__module__}.{kind.__name__}"
    reasons = (reason for pattern, reason in REASONS.items() if re.match(pattern, full))
    return next(reasons, f"no reader knows {kind.__name__}, which is another class. {KNOWN}")
