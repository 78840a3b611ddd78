"""The problems that libraries were given: models at their minimum, and the same as plain arrays."""

from pathlib import Path

import numpy
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from influencelab.adapters.scikit_learn import from_sklearn
from influencelab.data.sources.digits import Digits
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.training.fit import Fit, fit, fit_at
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sequential import Sequential

DECAY, C = 0.01, 1.0
NETWORK = Path(__file__).parent / "scores" / "network.npy"
TRAIN, TESTS, WIDTH = 300, 10, 8


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


def network() -> Fit:
    """A network of 610 parameters on the same digits, where training came to rest on the machine of record.

    Its parameters are kept beside the scores that are of them: another processor may train it to another minimum.
    """
    data = Digits(scaling="unit", train_size=TRAIN, test_size=TESTS).load()
    return fit_at(MLP(width=WIDTH, weight_decay=DECAY), data, numpy.load(NETWORK), trainer=Sequential())


PROBLEMS = {"digits": digits, "breast cancer": tumours, "network": network}


def arrays(fitted: Fit) -> dict[str, numpy.ndarray]:
    """What a library is given: features and labels, and parameters, layers or C of scikit-learn.

    Linear models have a constant as their last feature, layers their biases as their last column.
    """
    data = fitted.data
    parts = {"x": data.x_train.flatten(1).numpy(), "x_test": data.x_test.flatten(1).numpy()}
    labels = {"y": data.y_train.numpy(), "y_test": data.y_test.numpy(), "decay": numpy.array(DECAY)}
    if not fitted.task.linear:
        first = WIDTH * (parts["x"].shape[1] + 1)
        layers = fitted.theta[:first].view(WIDTH, -1).numpy(), fitted.theta[first:].view(data.classes, -1).numpy()
        return {**parts, **labels, "layer0": layers[0], "layer1": layers[1]}
    wide = {name: numpy.hstack([part, numpy.ones((len(part), 1))]) for name, part in parts.items()}
    own = {"c": numpy.array(C)} if data.classes == 2 else {"theta": fitted.theta.view(data.classes, -1).numpy()}
    return {**wide, **labels, **own}
