"""Who helps, and whether that is nearness: the kernel's width, test pictures in doubt, and numbers by hand."""

from dataclasses import replace

import numpy
import pandas
import pytest
import torch
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter, MissingData
from influencelab.runner.finding import Finding
from influencelab.statistics.measurements import find, joined
from influencelab.studies.similarity import analysis, claims, pictures
from influencelab.studies.similarity.claims import DEEP, KERNEL
from influencelab.studies.similarity.models import (
    PUBLISHED_C,
    every_retrained,
    in_doubt,
    machine,
    models,
    removed,
    retrained,
)
from influencelab.studies.similarity.pictures import Choice, Pictures, balanced

BOOTSTRAP = il.Bootstrap(resamples=60)


def drawn(n: int = 40, m: int = 14, *, seed: int = 0) -> Pictures:
    """Pictures of noise, one class brighter than the other, with features that know it."""
    generator = torch.Generator().manual_seed(seed)
    y, y_test = (torch.arange(count) % 2 for count in (n, m))
    x, x_test = (
        (torch.rand(len(each), 4, 4, generator=generator, dtype=torch.float64) + 0.3 * each[:, None, None]) / 1.3
        for each in (y, y_test)
    )
    mix = torch.randn(16, 5, generator=generator, dtype=torch.float64)
    pixels = il.Dataset(x, y, x_test, y_test, class_names=("dark", "bright"))
    features = replace(pixels, x_train=x.flatten(1) @ mix, x_test=x_test.flatten(1) @ mix)
    return Pictures("drawn", pixels, features)


@pytest.fixture(scope="module")
def fitted():
    """Both models of noise, with the pictures that they watch."""
    return models(drawn(), weight_decay=0.01, tests=7)


def test_the_kernel_is_the_published_one_at_any_number_of_pixels():
    given = drawn(n=10, m=4)
    published = torch.rand(2, 3 * 299 * 299, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wide = replace(
        given.pixels, x_train=published, y_train=[0, 1], x_test=published, y_test=[0, 1], train_ids=None, test_ids=None
    )
    # Koh & Liang's pixels run from −1 to 1.
    squares = float((2 * published[0] - 2 * published[1]).square().sum())
    wanted = numpy.exp(-0.05 / 1800 * squares)
    found = replace(given, pixels=wide).kernel
    assert float(found.x_train[0] @ found.x_train[1]) == pytest.approx(wanted, rel=1e-6)
    larger = replace(
        given.pixels,
        **{
            part: getattr(given.pixels, part).repeat_interleave(3, 1).repeat_interleave(3, 2)
            for part in ("x_train", "x_test")
        },
    )
    small, large = (each.x_test @ each.x_train.T for each in (given.kernel, replace(given, pixels=larger).kernel))
    assert large.numpy() == pytest.approx(small.numpy(), abs=1e-9)


def test_as_many_of_each_class_are_drawn_by_the_seed():
    data = il.Digits(labels=(3, 8)).load()
    first, again, other = (balanced(data, train=20, test=9, seed=seed) for seed in (0, 0, 1))
    assert torch.bincount(first.y_train).tolist() == [20, 20]
    assert torch.bincount(first.y_test).tolist() == [9, 9]
    assert first.content_hash() == again.content_hash()
    assert first.train_ids.tolist() != other.train_ids.tolist()
    place = {point: row for row, point in enumerate(data.train_ids.tolist())}
    rows = [place[point] for point in first.train_ids.tolist()]
    assert torch.equal(first.x_train, data.x_train[rows])
    with pytest.raises(InvalidParameter, match=r"test is 900, but .* of a class\. Ask for fewer"):
        balanced(data, train=20, test=900, seed=0)


def test_pictures_that_cannot_be_had_are_digits_only_where_they_may_be(tmp_path, monkeypatch):
    class Absent(Source):
        """Pictures that are not there."""

        def arrays(self):
            """None."""
            raise MissingData("there are none")

    small = Choice(il.Digits(labels=(3, 8)), il.SmallCnn(channels=2, features=4, steps=2))
    monkeypatch.setattr(pictures, "CHOICES", {"imagenette": Choice(Absent(), small.extractor), "digits": small})
    settings = {"train": 300, "test": 5, "seed": 0, "store": tmp_path}
    with pytest.raises(MissingData):
        pictures.pictures("imagenette", **settings)
    with pytest.warns(UserWarning, match="digits take its place: there are none"):
        found = pictures.pictures("imagenette", **settings, optional=True)
    assert (found.name, found.pixels.m) == ("digits", 10)
    assert float(found.pixels.x_train.max()) == 1.0
    assert torch.equal(found.pixels.train_ids, found.features.train_ids)
    with pytest.raises(InvalidParameter, match="no pictures 'fish' here, expected imagenette or digits"):
        pictures.pictures("fish", **settings)


def test_watched_are_those_in_doubt_that_the_hinge_sees(fitted):
    whole = drawn()
    kept, found = fitted
    deep = il.fit(il.BinaryLogistic(weight_decay=0.01), whole.features, il.Newton())
    kernel = machine(whole.kernel, weight_decay=1 / (40 * PUBLISHED_C))
    y = whole.pixels.y_test.numpy()
    margin = (2 * y - 1) * (whole.kernel.x_test @ kernel.theta).numpy()
    odds = numpy.abs((whole.features.x_test @ deep.theta[:-1] + deep.theta[-1]).numpy())
    wanted = []
    for label, count in ((0, 4), (1, 3)):
        seen = [row for row in range(14) if y[row] == label and margin[row] < 1]
        wanted += sorted(seen, key=lambda row: odds[row])[:count]
    assert kept.pixels.test_ids.tolist() == wanted
    assert in_doubt(deep, kernel, tests=7).tolist() == wanted
    assert {name: each.fit.data.m for name, each in found.items()} == {KERNEL: 7, DEEP: 7}
    assert all(each.fit.converged for each in found.values())
    with pytest.raises(InvalidParameter, match="on which the hinge is not flat"):
        in_doubt(deep, kernel, tests=40)


def test_the_machine_has_the_published_weights_at_most():
    data = drawn().kernel
    made = machine(data, weight_decay=1 / (40 * PUBLISHED_C))
    # The dual variables of the minimum: θ = Σ αᵢ sᵢ φᵢ, with 0 ≤ αᵢ ≤ C.
    weights, *_ = numpy.linalg.lstsq(data.x_train.T.numpy(), made.theta.numpy(), rcond=None)
    dual = weights * (2 * data.y_train.numpy() - 1)
    assert dual.min() > -1e-6
    assert dual.max() < PUBLISHED_C + 1e-6
    assert made.grad_norm < 1e-8


def ranked(one, other):
    """Spearman's correlation, by its definition."""
    return numpy.corrcoef(rankdata(one), rankdata(other))[0, 1]


def test_numbers_of_a_test_picture_are_what_their_names_say(fitted, monkeypatch):
    given, found = fitted
    monkeypatch.setattr(analysis, "FIRST", 5)
    model = found[DEEP]
    table = analysis.by_test(given, model)
    for test, line in enumerate(table.itertuples()):
        value = model.values[:, test]
        own = (given.pixels.y_train == given.pixels.y_test[test]).numpy()
        far = (given.pixels.x_train - given.pixels.x_test[test]).flatten(1).norm(dim=1).numpy()
        train, aim = given.features.x_train.numpy(), given.features.x_test[test].numpy()
        cosine = train @ aim / numpy.linalg.norm(train, axis=1) / numpy.linalg.norm(aim)
        assert line.same_class_spearman == pytest.approx(ranked(value[own], -far[own]))
        assert line.other_class_spearman == pytest.approx(ranked(value[~own], -far[~own]))
        assert line.other_class_helps == pytest.approx(sum(value[~own] > 0) / 20)
        order = sorted(range(40), key=lambda row: -value[row])
        assert line.other_class_among_first == sum(not own[row] for row in order[:5]) / 5
        assert line.first_of_other_class == 1 + next(place for place, row in enumerate(order) if not own[row])
        largest = set(numpy.argsort(-abs(value))[:5])
        assert line.nearest_among_first == len(largest & set(numpy.argsort(far)[:5])) / 5
        assert line.alike_among_first == len(largest & set(numpy.argsort(-cosine)[:5])) / 5


def test_means_are_over_test_pictures_and_differences_paired(fitted):
    given, found = fitted
    tables = [analysis.by_test(given, each) for each in found.values()]
    table = pandas.concat(tables, ignore_index=True)
    measured = analysis.measurements("drawn", table, bootstrap=BOOTSTRAP)
    kernel, deep = (part["same_class_spearman"].to_numpy() for part in tables)
    at = {"model": "difference", "statistic": "same_class_spearman_difference"}
    assert find(measured, at).value == pytest.approx(numpy.mean(kernel - abs(deep)))
    ranks = tables[1]["first_of_other_class"].to_numpy()
    number = find(measured, {"model": DEEP, "statistic": "first_of_other_class"})
    assert number.value == pytest.approx(numpy.exp(numpy.log(ranks).mean()))
    assert number.n == 7
    share = find(measured, {"model": KERNEL, "statistic": "other_class_helps"})
    assert share.low <= share.value <= share.high


def test_rivals_and_influence_stand_beside_training_again(fitted):
    given, found = fitted
    model = found[DEEP]
    rows = removed(model, count=6, seed=0)
    sizes = numpy.abs(model.values).mean(1)
    assert set(rows["top"]) == set(numpy.argsort(-sizes)[:6])
    assert not set(rows["top"]) & set(rows["random_points"])
    truth = retrained(model, rows)
    parts = analysis.agreements(given, model, truth, rows, bootstrap=BOOTSTRAP)
    at = {(part.settings["estimator"], part.settings["selection"]): part for part in parts}
    same = (given.pixels.y_train[:, None] == given.pixels.y_test).numpy()
    squares = ((given.pixels.x_train[:, None] - given.pixels.x_test[None]) ** 2).sum((2, 3)).numpy()
    closeness = numpy.where(same, 1, -1) * numpy.exp(-given.gamma * squares)
    actual = truth.values.numpy()[6:]
    wanted = [spearmanr(closeness[rows["random_points"], test], actual[:, test])[0] for test in range(7)]
    rival = at["pixel_kernel", "random_points"].statistics["spearman"]
    assert rival.per_test == pytest.approx(numpy.array(wanted))
    # Training again by scikit-learn, without one picture.
    x, y = given.features.x_train.numpy(), given.features.y_train.numpy()

    def losses(kept):
        made = LogisticRegression(C=1 / (0.01 * 40), tol=1e-10, max_iter=10_000).fit(x[kept], y[kept])
        chances = made.predict_proba(given.features.x_test.numpy())
        return -numpy.log(chances[numpy.arange(7), given.features.y_test.numpy()])

    before, point = losses(numpy.arange(40)), rows["top"][0]
    changed = losses(numpy.delete(numpy.arange(40), point)) - before
    assert truth.values.numpy()[0] == pytest.approx(changed, rel=1e-3, abs=1e-6)
    ahead = analysis.advantage(parts, bootstrap=BOOTSTRAP)
    mine = at["exact", "random_points"].statistics["spearman"].pooled.value
    number = find(ahead, {"estimator": "pixel_kernel", "selection": "random_points"})
    assert number.value == pytest.approx(mine - numpy.mean(wanted))


@pytest.mark.slow
def test_claims_and_findings_select_the_numbers(fitted):
    given, found = fitted
    rows = {name: removed(each, count=6, seed=0) for name, each in found.items()}
    truths = every_retrained(found, rows, workers=2)
    alone = retrained(found[DEEP], rows[DEEP])
    assert truths[DEEP].values.numpy() == pytest.approx(alone.values.numpy(), rel=1e-9, abs=1e-12)
    assert truths[KERNEL].fit is found[KERNEL].fit
    tables = []
    for name in claims.DATA.values():
        called = replace(given, name=name)
        table = pandas.concat([analysis.by_test(called, each) for each in found.values()], ignore_index=True)
        parts = analysis.every_agreement(called, found, truths, rows, bootstrap=BOOTSTRAP)
        tables += [
            analysis.measurements(name, table, bootstrap=BOOTSTRAP),
            analysis.agreement_rows(parts),
            analysis.advantage(parts, bootstrap=BOOTSTRAP),
        ]
    measured = joined(tables)
    for claim in claims.CLAIMS:
        assert all(cell.number(measured) is not None for cell in claim.cells), claim.name
    for finding in claims.FINDINGS:
        if isinstance(finding, Finding):
            assert all(find(measured, where) is not None for where in finding.quotes), finding.text
    called = given
    kept = analysis.kept_values(called, found)
    assert len(kept) == 40 * min(7, 2 * (analysis.KEPT // 2))
    facts = analysis.facts(called, found, truths)
    assert facts[KERNEL]["share of retrained that converged"] == 1.0
