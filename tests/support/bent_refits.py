"""Support vector machines, and the minimum of their objective with a smooth loss by SciPy."""

from copy import copy
from itertools import combinations

import numpy
from scipy.optimize import minimize
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC

# Every class whose loss has a kink, in every option: the estimator and the kind of its labels.
BENT = {
    "svc": (SVC(gamma=0.3), "two"),
    "svc, polynomial, balanced": (SVC(kernel="poly", degree=2, coef0=1.0, C=0.3, class_weight="balanced"), "two"),
    "svc, linear": (SVC(kernel="linear", C=0.3), "two"),
    "nu svc": (NuSVC(nu=0.6), "two"),
    "svc, three": (SVC(gamma=0.3, decision_function_shape="ovo"), "three"),
    "svc, three, linear, balanced": (
        SVC(kernel="linear", C=0.3, class_weight="balanced", decision_function_shape="ovo"),
        "three",
    ),
    "nu svc, three": (NuSVC(nu=0.4, decision_function_shape="ovo"), "three"),
    "linear svc, hinge, three": (LinearSVC(loss="hinge", C=0.3, max_iter=100000, random_state=0), "three"),
    "a class, svc": (OneVsRestClassifier(SVC(gamma=0.3)), "three"),
    "svr": (SVR(epsilon=0.2), "real"),
    "svr, linear": (SVR(kernel="linear", epsilon=0.2), "real"),
    "linear svc, hinge": (LinearSVC(loss="hinge", C=0.3, max_iter=100000, random_state=0), "two"),
    "linear svc, hinge, scaled intercept": (
        LinearSVC(loss="hinge", intercept_scaling=3.0, max_iter=100000, random_state=0),
        "two",
    ),
    "linear svr, absolute": (LinearSVR(epsilon=0.2, max_iter=100000, random_state=0), "real"),
}


def sides(model, y) -> numpy.ndarray:
    """+1 and −1 of points a machine, and 0 of those that it does not see: of each class, or of each pair of classes."""
    if not hasattr(model, "n_support_") or len(model.classes_) == 2:
        own = numpy.arange(len(model.classes_)) if len(model.classes_) > 2 else numpy.array([1])
        return 2.0 * (y[:, None] == own) - 1
    pairs = combinations(range(len(model.classes_)), 2)
    return numpy.array([1.0 * (y == one) - 1.0 * (y == other) for one, other in pairs]).T


def machine_outputs(model, x, y, weights, x_test, *, t):
    """Outputs of each machine for test points, a row a machine, each from the points that it sees."""
    if not hasattr(model, "classes_") or len(model.classes_) == 2:
        return smooth_outputs(model, x, y, weights, x_test, t=t)[None]
    held, found = copy(model), []
    if getattr(model, "class_weight", None) == "balanced":
        weights, held.class_weight = weights * len(y) / (len(model.classes_) * numpy.bincount(y))[y], None
    for place, side in enumerate(sides(model, y).T):
        each, seen = model.estimators_[place] if hasattr(model, "estimators_") else held, side != 0
        labels = (side[seen] > 0).astype(int)
        found.append(smooth_outputs(each, x[seen], labels, weights[seen], x_test, t=t))
    return numpy.array(found)


def smooth_outputs(model, x, y, weights, x_test, *, t):
    """Outputs for test points at the minimum of C Σ sᵢ ℓᵢ + ½ ‖f‖², the loss with bends of width t."""
    linear = hasattr(model, "intercept_scaling")
    if linear:
        x, x_test = (numpy.column_stack([each, numpy.full(len(each), model.intercept_scaling)]) for each in (x, x_test))
        gram, across = x @ x.T, x_test @ x.T
    else:
        settings = {"gamma": model._gamma, "degree": model.degree, "coef0": model.coef0, "filter_params": True}
        gram, across = (pairwise_kernels(each, x, metric=model.kernel, **settings) for each in (x, x_test))
    c = numpy.abs(model.dual_coef_ / weights[model.support_]).max() if isinstance(model, NuSVC) else model.C
    if getattr(model, "class_weight", None) == "balanced":
        counts = numpy.bincount(y)
        weights = weights * len(y) / (2 * counts[y])
    values, vectors = numpy.linalg.eigh(gram)
    kept = values > 1e-10 * values[-1]
    phi = vectors[:, kept] * numpy.sqrt(values[kept])

    def objective(at):
        f = phi @ at[:-1] + (0.0 if linear else at[-1])
        if hasattr(model, "classes_"):
            side = 2.0 * y - 1
            u = (1 - side * f) / t
            loss, slope = t * numpy.logaddexp(0, u), -side / (1 + numpy.exp(-u))
        else:
            over, under = (f - y - model.epsilon) / t, (y - f - model.epsilon) / t
            loss = t * (numpy.logaddexp(0, over) + numpy.logaddexp(0, under))
            slope = 1 / (1 + numpy.exp(-over)) - 1 / (1 + numpy.exp(-under))
        slope = c * weights * slope
        return c * weights @ loss + at[:-1] @ at[:-1] / 2, numpy.append(
            phi.T @ slope + at[:-1], 0 if linear else slope.sum()
        )

    start = numpy.zeros(phi.shape[1] + 1)
    found = minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000}).x
    return across @ (vectors[:, kept] / numpy.sqrt(values[kept])) @ found[:-1] + (0.0 if linear else found[-1])
