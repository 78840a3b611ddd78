"""Learned augmentation: what teaches the augmenter, and paired seeds, held against plain algebra."""

from dataclasses import replace

import numpy
import pytest
import torch
from figure_rules import faults
from scipy import optimize
from sklearn.linear_model import LogisticRegression
from torch import nn

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, Unavailable, UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.runner.setting import Setting
from influencelab.statistics.measurements import find
from influencelab.studies.learned_augmentation import analysis, figures
from influencelab.studies.learned_augmentation.claims import CLAIMS, FINDINGS
from influencelab.studies.learned_augmentation.classifier import trained
from influencelab.studies.learned_augmentation.learning import Augmenter, LastLayer, by_policy, departure, taught
from influencelab.studies.learned_augmentation.network_refits import NetworkRefits
from influencelab.studies.learned_augmentation.paired_arms import ARMS, PairedArms, labelled
from influencelab.studies.learned_augmentation.replaced import batches, copies_of
from influencelab.studies.learned_augmentation.transformation import (
    GROUPS,
    Policy,
    random_policy,
)

SOURCE = il.Digits(labels=(0, 1, 2), held_out=1597, train_size=30, test_size=60, scaling="unit")
TRIAL = PairedArms(
    SOURCE, steps=4, batch=10, learning_steps=3, policies=2, policy_steps=2, replacements=6, singles=2, share=0.1
)


class Plain:
    """Softmax regression with a penalty on all but the intercepts, in NumPy."""

    def __init__(self, x, y, *, classes, decay):
        self.x, self.y = numpy.hstack([x, numpy.ones((len(x), 1))]), y
        self.classes, self.decay, self.width = classes, decay, x.shape[1] + 1

    def losses(self, theta, x, y):
        """The loss of each point."""
        z = x @ theta.reshape(self.classes, self.width).T
        top = z.max(1)
        return top + numpy.log(numpy.exp(z - top[:, None]).sum(1)) - z[numpy.arange(len(y)), y]

    def slope(self, theta, x, y, weights):
        """The weighted sum of their gradients."""
        z = x @ theta.reshape(self.classes, self.width).T
        p = numpy.exp(z - z.max(1, keepdims=True))
        p = p / p.sum(1, keepdims=True) - numpy.eye(self.classes)[y]
        return ((p * weights[:, None]).T @ x).ravel()

    def minimum(self, x, y, weights, start):
        """Where the penalised sum is least."""
        mask = numpy.ones((self.classes, self.width))
        mask[:, -1] = 0
        mask = mask.ravel()

        def objective(theta):
            value = weights @ self.losses(theta, x, y) + self.decay / 2 * (mask * theta**2).sum()
            return value, self.slope(theta, x, y, weights) + self.decay * mask * theta

        return optimize.minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 3000}).x


def test_what_teaches_is_how_fast_validation_loss_falls_as_copies_take_over():
    """Held against refits in which a small share of every point is handed on to its copy."""
    rng = numpy.random.default_rng(0)
    n, d, classes, decay, share = 24, 3, 3, 0.05, 1e-3
    x, copies, other = (rng.normal(size=(count, d)) for count in (n, n, 15))
    y, labels = numpy.arange(n) % classes, rng.integers(classes, size=15)
    data = il.Dataset(x, y, other, labels, classes=classes)
    fitted = il.fit(il.Logistic(decay), data, il.Newton())
    theta, response = (
        each.unflatten(0, (classes, -1)) for each in (fitted.theta, il.Exact().sensitivity(fitted).values.mean(1))
    )
    layer = LastLayer(nn.Identity(), theta, response)
    target = torch.from_numpy(y)
    falls = (layer.fall(torch.from_numpy(copies), target) - layer.fall(torch.from_numpy(x), target)).numpy()
    plain = Plain(x, y, classes=classes, decay=decay)
    both = numpy.hstack([numpy.vstack([x, copies]), numpy.ones((2 * n, 1))])
    twice, held = numpy.concatenate([y, y]), numpy.hstack([other, numpy.ones((15, 1))])
    start = plain.minimum(both, twice, numpy.repeat([1 / n, 0.0], n), fitted.theta.numpy())
    after = plain.minimum(both, twice, numpy.repeat([(1 - share) / n, share / n], n), start)
    rise = (plain.losses(after, held, labels) - plain.losses(start, held, labels)).mean() / share
    assert falls.mean() == pytest.approx(-rise, rel=0.02)
    assert abs(rise) > 1e-3


def brightness_layer():
    """Of one feature, the mean brightness: brighter copies of class 1 and darker ones of class 0 lower the loss."""

    def features(pictures):
        return pictures.mean((1, 2, 3))[:, None]

    theta = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    return LastLayer(features, theta, torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))


def test_an_augmenter_is_taught_what_lowers_the_loss_within_its_bounds():
    pictures = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    labels = torch.ones(40, dtype=torch.int64)
    learned = taught(brightness_layer(), pictures, labels, steps=40, batch=20, seed=0, hold=0.01)
    wrong = taught(brightness_layer(), pictures, 1 - labels, steps=40, batch=20, seed=0, hold=0.01)
    with torch.no_grad():
        before = Augmenter(1, seed=0)(pictures)
        after, against = learned.augmenter(pictures), wrong.augmenter(pictures)
    light = GROUPS.index("brightness")
    held = taught(brightness_layer(), pictures, labels, steps=40, batch=20, seed=0, hold=100.0)
    with torch.no_grad():
        assert departure(held.augmenter(pictures), held.augmenter.usual) < departure(after, held.augmenter.usual) / 10
    assert sum(learned.falls[-10:]) > sum(learned.falls[:10])
    assert float(after.centre[:, light].mean()) > 0.02 > -0.02 > float(against.centre[:, light].mean())
    assert float(before.centre.abs().max()) == 0
    ratio = after.spread / before.spread
    assert 0.5 <= float(ratio.min()) <= float(ratio.max()) <= 2
    assert (after.centre.abs() <= before.spread).all()


def test_networks_of_one_seed_see_the_same_batches_whatever_becomes_of_the_pictures():
    pictures, seen = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0)), {}
    labels = torch.arange(12) % 3

    def watched(name, augment):
        def look(x, rows, generator):
            seen.setdefault(name, []).append(rows.tolist())
            return augment(x, rows, generator)

        return look

    common = {"classes": 3, "steps": 5, "batch": 5, "seed": 3}
    policy = by_policy(random_policy(1, fields=True))
    made = {
        name: trained(pictures, labels, augment=watched(name, augment), **common)
        for name, augment in (("as_they_are", lambda x, *_: x), ("moved", policy))
    }
    assert seen["as_they_are"] == seen["moved"]
    rows = [row for each in seen["moved"] for row in each]
    assert len(rows) == 25
    assert len(set(rows[:12])) >= 10
    plain = trained(pictures, labels, augment=None, **common)
    # Equal bits: the same code on the same arrays.
    assert torch.equal(plain.network.last.weight, made["as_they_are"].network.last.weight)
    assert not torch.equal(plain.network.last.weight, made["moved"].network.last.weight)
    longer = trained(pictures, labels, augment=None, **{**common, "steps": 60})
    assert longer.loss < plain.loss


@pytest.fixture(scope="module")
def ran() -> Outcome:
    """One seed of thirty digits."""
    return TRIAL.run()


def test_a_seed_has_every_arm_and_the_best_policy_of_its_search(ran):
    facts = ran.facts["augmentation"]
    assert list(facts["arms"]) == list(ARMS)
    assert all(0 <= each["error"] <= 1 and each["seconds"] > 0 for each in facts["arms"].values())
    assert facts["arms"]["learned"]["seconds"] > facts["seconds"]["first"] + facts["seconds"]["learning"]
    assert len(facts["search"]["losses"]) == 2
    assert set(facts["search"]["times"]) == set(GROUPS)
    assert ran.facts["fit_converged"]
    assert ran.actual["refit"].shape == (12, 1)
    assert [int(each.sum()) for each in ran.chosen.values()] == [6, 6]


def test_replaced_batches_are_refits_of_the_last_layer(ran):
    """Truth by scikit-learn on the same features, the copies in their places and the intercept a penalised feature."""
    assert ran.trusted["refit"].all()
    assert set(ran.facts["augmentation"]["whole"]) == {"affine", "taught"}
    inner, generator = TRIAL.parted(SOURCE.load()), torch.Generator().manual_seed(0)
    layer = TRIAL.learn(inner)[1]
    x, y = layer.fit.data.x_train.numpy(), inner.y_train.numpy()
    points, rows = batches(inner.n, count=4, size=3, generator=generator)
    copies = copies_of(labelled(inner)[0], points, by_policy(random_policy(1, fields=True)), generator)
    found, new = layer.replaced(copies, points, rows), layer.features.of(copies).numpy()

    def losses(x):
        made = LogisticRegression(C=1 / (1e-2 * len(y)), fit_intercept=False, tol=1e-10, max_iter=5000)
        chance = made.fit(with_one(x), y).predict_proba(with_one(layer.fit.data.x_test.numpy()))
        return -numpy.log(chance[numpy.arange(inner.m), inner.y_test.numpy()])

    def with_one(x):
        return numpy.hstack([x, numpy.ones((len(x), 1))])

    for number in range(4):
        changed = x.copy()
        changed[points[rows == number].numpy()] = new[(rows == number).numpy()]
        assert found.actual[number].numpy() == pytest.approx(losses(changed) - losses(x), abs=2e-5)
    assert float(found.actual.abs().max()) > 1e-3
    assert numpy.corrcoef(found.predicted.mean(1), found.actual.mean(1))[0, 1] > 0.9


def test_whole_networks_are_trained_again_from_the_start_of_the_first(ran):
    outcome = NetworkRefits(TRIAL, 3).run()
    predicted, actual = outcome.predicted["last_layer_influence"], outcome.actual["network"]
    assert predicted.shape == actual.shape == (3, 1)
    assert float(actual.abs().min()) > 0
    # Nothing is replaced where every copy is its picture: a network trained again is then the first, to the last bit.
    inner = TRIAL.parted(SOURCE.load())
    one, two = (TRIAL.learn(inner)[0].network for _ in range(2))
    assert torch.equal(one.last.weight, two.last.weight)
    table = analysis.network_measurements({("digits", 0, "network"): outcome}, bootstrap=il.Bootstrap(resamples=60))
    assert set(table["statistic"]) == {"spearman", "pearson", "slope", "relative_error"}
    assert set(analysis.pairs({("digits", 0): ran}, {("digits", 0, "network"): outcome})["target"]) == {
        "refit",
        "network",
    }
    with pytest.raises(InvalidParameter, match="count is 0"):
        NetworkRefits(TRIAL, 0)


def test_the_copies_that_are_shown_are_those_whose_effect_is_told(ran):
    key, told = ("digits", 0), ran.facts["augmentation"]["singles"]
    pictures = analysis.looked_at({key: TRIAL})
    shown = analysis.copies({key: ran}, pictures)
    assert list(shown) == told["train_id"]
    assert {each.shape for each in shown.values()} == {tuple(pictures.x_train.shape[1:])}
    layer, every = TRIAL.learn(TRIAL.parted(SOURCE.load()))[1], torch.arange(2)
    copies = torch.from_numpy(numpy.stack(list(shown.values())))[:, None].float()
    # Shown in 256 levels, they were replaced as they are.
    near = 0.02 * numpy.abs(told["predicted"]).max()
    assert layer.predicted(copies, every, every)[:, :10].numpy() == pytest.approx(
        numpy.array(told["predicted"]), abs=near
    )
    swapped = layer.predicted(copies.flip(0), every, every)[:, :10].numpy()
    assert numpy.abs(swapped - told["predicted"]).max() > 5 * near


def test_who_validates_trains_nothing_that_is_learned_from():
    data = SOURCE.load()
    inner = TRIAL.parted(data)
    assert (inner.n, inner.m) == (20, 10)
    assert not set(inner.train_ids.tolist()) & set(inner.test_ids.tolist())
    assert sorted([*inner.train_ids.tolist(), *inner.test_ids.tolist()]) == sorted(data.train_ids.tolist())


def invented(errors: dict[str, list[float]], ran: Outcome) -> dict[analysis.Key, Outcome]:
    """Outcomes with such errors, a seed each."""
    found = {}
    for seed in range(len(errors["none"])):
        facts = ran.facts["augmentation"]
        arms = {arm: {**facts["arms"][arm], "error": errors.get(arm, errors["none"])[seed]} for arm in ARMS}
        found["digits", seed] = replace(ran, facts={**ran.facts, "augmentation": {**facts, "arms": arms}})
    return found


@pytest.mark.parametrize("seeds", [4, 8])
def test_gains_are_paired_and_few_seeds_have_no_interval(seeds, ran):
    # Seeds differ far more than the arms do within each.
    base = 0.1 + 0.02 * numpy.arange(seeds)
    apart = 0.01 + 0.0005 * (-1.0) ** numpy.arange(seeds)
    outcomes = invented({"none": base.tolist(), "learned": (base - apart).tolist()}, ran)
    table = analysis.measurements(outcomes, bootstrap=il.Bootstrap(resamples=200))
    gain = find(table, {"data": "digits", "arm": "learned", "rival": "affine", "statistic": "error_gain"})
    mean = find(table, {"data": "digits", "arm": "learned", "statistic": "test_error", "rival": None})
    assert gain
    assert mean
    assert gain.value == pytest.approx(100 * apart.mean())
    assert mean.value == pytest.approx(100 * (base - apart).mean())
    assert (gain.interval is None) == (seeds < 5)
    assert seeds < 5 or gain.half_width < 0.1 < 1 < mean.half_width


@pytest.mark.slow
def test_claims_findings_and_figures_find_their_numbers(ran):
    outcomes = {("digits", seed): ran for seed in range(5)}
    table = analysis.measurements(outcomes, bootstrap=il.Bootstrap(resamples=60))
    for claim in CLAIMS:
        if claim.name == "influence_ranks_whole_networks":
            continue
        assert [cell for cell in claim.cells if cell.number(table)], claim.name
    assert FINDINGS[-1].quotes
    assert all(Setting("", where).number(table) for where in FINDINGS[-1].quotes if not isinstance(where, Setting))
    drawn = {
        "errors": figures.test_errors(table, analysis.by_seed(outcomes)),
        "against": figures.predicted_against_actual(analysis.pairs(outcomes), table),
        "pictures": figures.pictures(analysis.shown({("digits", 0): ran})),
    }
    assert {name: faults(figure) for name, figure in drawn.items() if figure and faults(figure)} == {}
    assert analysis.convergence(outcomes)["digits"]["converged_refits"] == 60


def test_what_cannot_be_run_is_refused():
    for settings in (
        {"validation": 1.0},
        {"share": 0.0},
        {"steps": 0},
        {"policies": 0},
        {"singles": -1},
        {"holds": ()},
    ):
        with pytest.raises(InvalidParameter, match="expected"):
            replace(TRIAL, **settings)
    with pytest.raises(Unavailable, match="expected 'cpu'"):
        TRIAL.run(device="cuda")
    with pytest.raises(InvalidData, match="expected pictures"):
        replace(TRIAL, source=il.Iris(scaling="unit")).run()
    with pytest.raises(InvalidData, match="scaling='unit'"):
        replace(TRIAL, source=replace(SOURCE, scaling="none")).run()
    with pytest.raises(UnknownName, match="There is no data set 'mails' here"):
        analysis.trials(["mails"], seeds=1, singles=0, optional=False)


def test_a_policy_holds_a_row_a_picture_or_one_for_all():
    policy = Policy(torch.zeros(3, 4), torch.ones(3, 4))
    assert policy.drawn(3, torch.Generator().manual_seed(0)).shape == (3, 4)
