"""What new users bring, each in under ten lines from the fitted model to a sentence on what to believe."""

import inspect

import numpy
import pytest
import statsmodels.api as statsmodels
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from torch import nn

import influencelab as il


def own_numbers():
    """Arrays of one's own."""
    generator = numpy.random.default_rng(0)
    x = generator.normal(size=(120, 4))
    y = (x[:, 0] + generator.logistic(size=120) > 0).astype(int)
    model = LogisticRegression().fit(x[:100], y[:100])
    return il.influence(model, x[:100], y[:100], x[100:], y[100:])


def a_classifier():
    """A table, labels that are words."""
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    y = y.map({0: "malignant", 1: "benign"})
    model = LogisticRegression(C=0.1, max_iter=10000).fit(x[:300], y[:300])
    return il.influence(model, x[:300], y[:300], x[300:330], y[300:330])


def a_regression():
    """A table whose rows have names."""
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    x.index = y.index = [f"patient {number}" for number in x.index]
    model = Ridge(0.1).fit(x[:200], y[:200])
    return il.influence(model, x[:200], y[:200], x[200:220], y[200:220])


def texts():
    """Words, as a sparse matrix."""
    words = numpy.array(["good", "fine", "bad", "poor", "film", "plot", "actor", "scene"])
    texts = [" ".join(each) for each in numpy.random.default_rng(0).choice(words, (120, 5))]
    liked = [text.count("good") + text.count("fine") > text.count("bad") + text.count("poor") for text in texts]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts[:100], liked[:100])
    return il.influence(model, texts[:100], liked[:100], texts[100:], liked[100:])


def a_logit():
    """Results of statsmodels, with the names of their columns."""
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    design = statsmodels.add_constant(x[["mean texture", "mean smoothness"]])
    return il.influence(statsmodels.Logit(y, design).fit(disp=0), X_test=design[:20], y_test=y[:20])


def a_network():
    """A convolutional network of torch, with its optimiser's weight decay."""
    digits = load_digits()
    x, y = torch.tensor(digits.images[:150], dtype=torch.float32)[:, None] / 16, torch.tensor(digits.target[:150] % 3)
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 3, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(27, 3)]
    network, loss = nn.Sequential(*layers), nn.CrossEntropyLoss()
    fit = il.from_torch(network, loss, x[:130], y[:130], x[130:], y[130:], weight_decay=0.3, polish=True)
    return il.influence(fit)


@pytest.mark.parametrize("case", [own_numbers, a_classifier, a_regression, texts, a_logit, a_network])
def test_a_newcomer_gets_scores_to_believe_in_under_ten_lines(case):
    assert len(inspect.getsource(case).splitlines()) - 2 < 10
    estimate = case()
    found = estimate.check(points=10)
    assert found.slope.value == pytest.approx(1, abs=0.1)
    assert found.sentence.startswith("Believe order and size")
    assert len(estimate.top(0, k=3)) == 6
