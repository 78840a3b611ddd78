"""The two problems that every library was given: models at their minimum, and the same as plain arrays."""

import numpy
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from influencelab.adapters.scikit_learn import from_sklearn
from influencelab.data.sources.digits import Digits
from influencelab.models.tasks.logistic import Logistic
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.newton import Newton

DECAY, C = 0.01, 1.0
TRAIN, TESTS = 300, 10


def digits() -> Fit:
    """Ten classes of 8 × 8 pixels, every parameter penalised; kept by one seed."""
    data = Digits(scaling="unit", train_size=TRAIN, test_size=TESTS).load()
    return fit(Logistic(weight_decay=DECAY, penalise_intercept=True), data, Newton())


def tumours() -> Fit:
    """Two classes by thirty measurements, as scikit-learn fits them; the first 300 tumours, and the last ten."""
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    model = LogisticRegression(C=C, tol=1e-12, max_iter=10000).fit(x[:TRAIN], y[:TRAIN])
    return from_sklearn(model, x[:TRAIN], y[:TRAIN], x[-TESTS:], y[-TESTS:])


PROBLEMS = {"digits": digits, "breast cancer": tumours}


def arrays(fitted: Fit) -> dict[str, numpy.ndarray]:
    """What a library is given: features with a constant last, labels, and parameters or C of scikit-learn."""
    data = fitted.data
    parts = {"x": data.x_train.flatten(1).numpy(), "x_test": data.x_test.flatten(1).numpy()}
    wide = {name: numpy.hstack([part, numpy.ones((len(part), 1))]) for name, part in parts.items()}
    labels = {"y": data.y_train.numpy(), "y_test": data.y_test.numpy()}
    if data.classes == 2:
        return {**wide, **labels, "c": numpy.array(C)}
    theta = fitted.theta.view(data.classes, -1).numpy()
    return {**wide, **labels, "theta": theta, "decay": numpy.array(DECAY)}
