"""Scores of other libraries, by formulas of what each returns: truth agrees with them in our sign and unit."""

import numpy
import pytest
import torch
from problems import binary_problem, minimum, ridge_problem

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, UnknownName, WrongType
from influencelab.experiments.imported import LIBRARIES


def returned(library, fitted):
    """What a library returns: influence of the mean loss, by plain linear algebra, in its own scale and order."""
    data, n = fitted.data, fitted.data.n
    x, x_test = (fitted.task.features(part).numpy() for part in (data.x_train, data.x_test))
    residual, residual_test = (
        fitted.task.output_loss.gradients(fitted.task.outputs(fitted.theta, part), y)[0].numpy()
        for part, y in ((data.x_train, data.y_train), (data.x_test, data.y_test))
    )
    bend = fitted.task.output_loss.hessians(fitted.task.outputs(fitted.theta, data.x_train), data.y_train)[0, 0].numpy()
    hessian = (x.T * bend) @ x / n + numpy.diag(fitted.task.penalised(data).double().numpy()) * fitted.weight_decay
    scores = (residual[:, None] * x) @ numpy.linalg.solve(hessian, (residual_test[:, None] * x_test).T)
    meaning = LIBRARIES[library]
    scores = scores if meaning.summed else scores / n
    return scores.T if meaning.by_test else scores


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("build", [binary_problem, ridge_problem])
def test_what_a_library_returns_is_held_against_truth(library, build):
    fitted = minimum(build, n=80, m=5, weight_decay=0.05)
    estimate = il.import_scores(torch.from_numpy(returned(library, fitted)), fitted, library=library)
    found = il.check(estimate)
    assert found.order.value > 0.95
    assert library in repr(estimate.estimator)
    if LIBRARIES[library].ranks:
        assert found.slope is None
    else:
        assert estimate.values.numpy() == pytest.approx(il.Exact().estimate(fitted).values.numpy(), rel=1e-6)
        assert found.slope.value == pytest.approx(1, abs=0.3)


def test_scores_of_something_else_are_refused():
    fitted = minimum(binary_problem, n=80, m=5)
    right = returned("pydvl", fitted)
    for scores, words in ((right.T, r"80 × 5; pydvl gives test points × training points"), (right * numpy.nan, "400")):
        with pytest.raises(InvalidData, match=words):
            il.import_scores(scores, fitted, library="pydvl")
    with pytest.raises(UnknownName, match="pydvl"):
        il.import_scores(right, fitted, library="pydlv")
    with pytest.raises(WrongType):
        il.import_scores("scores", fitted, library="pydvl")
    with pytest.raises(InvalidParameter, match="one fit only"):
        il.Imported().estimate(fitted)
