"""A rare group among generated points: its counts, its labels, and classes that follow features elsewhere."""

import numpy
import pytest
from sklearn.linear_model import LogisticRegression

from influencelab.data.sources.rare_group import RareGroup
from influencelab.errors import InvalidParameter


def test_the_group_has_the_published_counts_and_its_test_members_have_class_0():
    data, names = RareGroup().load(), RareGroup().feature_names
    assert (data.n, data.m, data.x_train.shape[1]) == (2000, 1000, len(names))
    for x, y, raised in ((data.x_train, data.y_train, 3), (data.x_test, data.y_test, 0)):
        member = x[:, names.index("member")] == 1
        assert (int(member.sum()), int(y[member].sum())) == (24, raised)
        assert (x[:, names.index("others")] == 1 - x[:, names.index("member")]).all()


def test_classes_of_others_follow_their_features_and_about_half_are_1():
    data = RareGroup(points=4000, tested=2000).load()
    others = data.x_train[:, 0] == 0
    assert float(data.y_train[others].double().mean()) == pytest.approx(0.5, abs=0.1)
    model = LogisticRegression(max_iter=500).fit(data.x_train[others].numpy(), data.y_train[others].numpy())
    tested = data.x_test[:, 0] == 0
    right = model.predict(data.x_test[tested].numpy()) == data.y_test[tested].numpy()
    assert numpy.mean(right) > 0.6


@pytest.mark.parametrize(
    "settings", [{"members": 0, "raised": 0}, {"raised": 25}, {"raised": -1}, {"points": 24}, {"tested": 20}]
)
def test_a_group_that_cannot_be_is_refused(settings):
    with pytest.raises(InvalidParameter, match="expected raised ≤ members < points and tested"):
        RareGroup(**settings).load()
