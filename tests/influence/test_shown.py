"""An estimate in a notebook: whom it shows, by pictures or by name, and how much room that takes."""

import base64
import io
import re
from dataclasses import replace

import numpy
import pytest
import torch
from PIL import Image
from problems import images, logistic_problem, ridge_problem, split

import influencelab as il
from influencelab.influence.shown import EACH, TESTS

MOST = 40_000  # bytes
TASK, PLAIN = logistic_problem(n=20, m=5)


def estimate_of(task, data):
    return il.Exact().estimate(il.fit(task, data, il.Newton()))


def rows_of(html):
    """Of each test point that is shown: its own cell, and those of the points that help and harm it."""
    lines = re.findall(r"<tr>(<td.*?)</tr>", html)
    return [
        [re.findall(r"<span.*?</span>", cell) for cell in line.split("</td>")[:-1]] for line in lines if "span" in line
    ]


def pictures_in(items):
    """The pictures of some items."""
    found = [re.search(r"base64,([^\"]+)\"", item) for item in items]
    return [numpy.asarray(Image.open(io.BytesIO(base64.b64decode(each[1])))) for each in found if each]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_first_test_points_have_those_who_help_and_harm_them_most_with_their_values(sign):
    estimate = estimate_of(TASK, PLAIN)
    estimate = replace(estimate, values=sign * estimate.values)
    lines = rows_of(estimate._repr_html_())
    assert len(lines) == TESTS
    for test, (own, helpful, harmful) in enumerate(lines):
        assert f"id {int(PLAIN.test_ids[test])}<br>class {int(PLAIN.y_test[test])}" in own[0]
        pairs = sorted(((float(value), row) for row, value in enumerate(estimate.values[:, test])), reverse=True)
        for items, wanted in ((helpful, pairs[:EACH]), (harmful, pairs[::-1][:EACH])):
            for item, (value, row) in zip(items, wanted, strict=True):
                shown = f"{value:+.3g}".replace("-", "−")
                assert f"id {row}<br>class {int(PLAIN.y_train[row])}<br><b>{shown}</b>" in item


def test_only_effects_of_their_own_sign_are_shown_and_none_where_there_are_none():
    estimate = estimate_of(TASK, PLAIN)
    values = torch.zeros_like(estimate.values)
    values[4, 0] = 0.5
    lines = rows_of(replace(estimate, values=values)._repr_html_())
    assert [len(cell) for cell in lines[0]] == [1, 1, 0]
    assert [len(cell) for cell in lines[1]] == [1, 0, 0]
    assert replace(estimate, values=values)._repr_html_().count(">none</td>") == 2 * TESTS - 1


def test_pictures_are_those_of_the_points_and_share_one_scale():
    data = images(side=8, n=12, m=2)
    estimate = estimate_of(il.Logistic(0.1), data)
    (own, helpful, _), *_ = rows_of(estimate._repr_html_())
    row = int(estimate.values[:, 0].argmax())
    for items, pixels in ((own, data.x_test[0]), (helpful, data.x_train[row])):
        assert numpy.corrcoef(pictures_in(items)[0].ravel(), pixels.numpy().ravel())[0, 1] > 0.9999
    assert not numpy.array_equal(pictures_in(own)[0], pictures_in(helpful)[0])


@pytest.mark.parametrize("shape", [(3, 96, 96), (96, 96, 3), (96, 80)])
def test_large_pictures_in_colour_stay_small(shape):
    generator = torch.Generator().manual_seed(0)
    flat, data = images(side=4, n=30, m=4), torch.rand(34, *shape, generator=generator, dtype=torch.float64)
    small = estimate_of(il.Logistic(0.1), flat)
    html = replace(small, fit=seen(small.fit, split(data, torch.cat([flat.y_train, flat.y_test]), n=30, classes=3)))
    found = html._repr_html_()
    assert len(found) <= MOST
    assert found.count("<img") == TESTS * (1 + 2 * EACH)
    (own, *_), *_ = rows_of(found)
    assert max(pictures_in(own)[0].shape) == 32


def seen(fit, data):
    """The fit with other features to look at; nothing of it is computed again."""
    copy = object.__new__(type(fit))
    for name, value in {**vars(fit), "data": data}.items():
        object.__setattr__(copy, name, value)
    return copy


def test_names_are_text_and_long_ones_are_cut():
    names = tuple(f"<b>{place}</b> {'long ' * 20}" for place in range(20))
    data = replace(PLAIN, train_names=names, class_names=("a & b", "rose", "<i>"))
    _, html = estimate_of(TASK, data)._repr_html_().split("</table><table>")
    assert "&lt;b&gt;" in html
    assert "<b>0</b> long" not in html
    assert "…" in html
    assert "long " * 6 not in html
    assert "<i>" not in html


def test_targets_scores_without_a_unit_and_parameters_are_named_as_what_they_are():
    regression = estimate_of(*ridge_problem(n=20, m=2))
    html = regression._repr_html_()
    assert "target " in html
    assert "test losses: each training point with the predicted rise without it" in html
    assert len(rows_of(html)) == 2
    assert "score, which has no unit" in il.GradientDot().estimate(regression.fit)._repr_html_()
    watched = il.Exact().estimate(replace(regression.fit, measure=il.Parameters()))._repr_html_()
    assert "most lowering" in watched
    assert "most raising" in watched
    assert ">watched<" in watched


def test_the_plain_text_and_the_summary_are_as_before():
    estimate = estimate_of(TASK, PLAIN)
    assert "<" not in repr(estimate).replace("< ", "")
    assert estimate._repr_html_().startswith("<table><caption>Estimate</caption>")
    assert len(estimate._repr_html_()) < 10_000
