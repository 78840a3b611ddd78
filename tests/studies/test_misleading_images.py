"""Planted pictures: what is planted, whom scores blame and what mending does are what plain algebra and refits say."""

from dataclasses import replace

import numpy
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.data.arrays import Arrays
from influencelab.errors import InvalidData, InvalidParameter, Unavailable, UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.statistics.measurements import find
from influencelab.studies.misleading_images import analysis, components, figures, gallery
from influencelab.studies.misleading_images.called import SCORES
from influencelab.studies.misleading_images.claims import CLAIMS, FINDINGS, TABLES
from influencelab.studies.misleading_images.mending import change_of, effects, mended
from influencelab.studies.misleading_images.planted import PlantedPictures
from influencelab.studies.misleading_images.pool import ARMS, closer, moved, pool_of
from influencelab.studies.misleading_images.scene import planted_in
from influencelab.studies.misleading_images.scores import first, in_span, precision, scores

SOURCE = il.Digits(labels=(8, 3))
TRIAL = PlantedPictures(source=SOURCE, train=90, share=0.3, weight_decay=1e-2, relabelled=6, seed=1)


@pytest.fixture(scope="module")
def ran() -> Outcome:
    """One model with misleading digits."""
    return TRIAL.run()


def scene_of(arm="relabelled", **settings):
    """What the trial plants."""
    drawn = {"arm": arm, "share": TRIAL.share, "train": TRIAL.train, "seed": TRIAL.seed, **settings}
    return planted_in(pool_of(SOURCE, None, arm), **drawn)


@pytest.fixture(scope="module")
def given():
    """Features and labels of its training and of its test points, and which were planted."""
    scene = scene_of()
    data = scene.data
    return *(getattr(data, f"{each}_{part}").numpy() for part in ("train", "test") for each in "xy"), scene.planted


def refitted(x, y, *, total=None):
    """θ and the intercept by scikit-learn, the penalty beside sums over so many points."""
    strength = 1 / (TRIAL.weight_decay * (total or len(y)))
    model = LogisticRegression(C=strength, tol=1e-12, solver="newton-cholesky", max_iter=200).fit(x, y)
    return numpy.append(model.coef_[0], model.intercept_)


def outputs(theta, x):
    """Log-odds of class 1."""
    return x @ theta[:-1] + theta[-1]


def losses(theta, x, y):
    """The logistic loss of each point."""
    return numpy.logaddexp(0, numpy.where(y == 1, -1, 1) * outputs(theta, x))


def wrong_of(x, y, x_test, y_test):
    """Places of the threes that a refit calls eights."""
    return numpy.flatnonzero((outputs(refitted(x, y), x_test) < 0) & (y_test == 1))


def test_relabelled_pictures_are_threes_that_are_called_eights():
    scene, pool = scene_of(), pool_of(SOURCE, None, "relabelled")
    truth = pool.labels[torch.searchsorted(pool.data.train_ids, scene.data.train_ids)]
    assert (truth != scene.data.y_train).equal(scene.planted)
    assert (truth[scene.planted] == 1).all()
    assert int(scene.planted.sum()) == round(0.3 * int((truth == 1).sum()))
    assert (scene.own == -1).all()
    assert int(scene_of(share=0.0).planted.sum()) == 0


def test_copies_and_watermarks_are_made_of_test_pictures_and_take_places():
    plain = scene_of()
    for arm, right in (("copies", 0), ("watermarked", 0)):
        scene = scene_of(arm)
        assert scene.data.x_test.equal(plain.data.x_test)
        assert (scene.data.y_train[scene.planted] == right).all()
        assert len(scene.data.train_ids.unique()) == 90
        targets, counts = scene.own[scene.planted].unique(return_counts=True)
        assert (counts == 2).all()
        assert (scene.data.y_test[targets] == 1).all()
        left = ~scene.planted
        assert scene.data.x_train[left].equal(plain.data.x_train[left])
    # As many eights by label as where threes are relabelled, but for an odd one; and as many as there were.
    assert abs(int((scene_of("copies").data.y_train == 0).sum()) - int((plain.data.y_train == 0).sum())) <= 1
    untouched = scene_of(share=0.0).data.y_train
    assert scene_of("watermarked").data.y_train.equal(untouched)


def test_a_copy_is_near_its_picture_and_a_watermark_is_three_tenths_of_it():
    pool, marked = (pool_of(SOURCE, None, arm) for arm in ("copies", "watermarked"))
    asked = pool.labels == 1
    x, eights = pool.features[asked], pool.features[~asked]
    unit = torch.nn.functional.normalize(x, dim=1)
    for made in pool.made[:, asked]:
        likeness = torch.nn.functional.normalize(made, dim=1) @ unit.T
        assert likeness.diagonal().mean() > likeness.mean() + 0.05
    for made in marked.made[:, asked]:
        under = (made - 0.3 * x) / 0.7
        assert torch.cdist(under, eights).min(1).values.max() < 1e-6
    assert (pool.made[:, ~asked] == 0).all()


def test_closer_and_moved_pictures_by_hand():
    ramp = torch.arange(12.0, dtype=torch.float64).expand(2, 3, 12, 12)
    assert moved(ramp)[1, 2, 5].numpy() == pytest.approx([0, *range(11)], abs=1e-9)
    # Seven eighths of the picture about its middle, at 5.5, where pixels are as many.
    wanted = 5.5 + 7 / 8 * (numpy.arange(12) - 5.5)
    assert closer(ramp)[0, 1, 3].numpy() == pytest.approx(wanted)
    assert closer(ramp.mT)[0, 1, :, 3].numpy() == pytest.approx(wanted)
    grey = ramp[:, 0]
    assert closer(grey).equal(closer(ramp)[:, 0])
    assert moved(grey).equal(moved(ramp)[:, 0])


class Painted(il.Source):
    """Digits of which one class is red."""

    def arrays(self) -> Arrays:
        """Eights that are painted, and threes that are white."""
        found = il.Digits(labels=(8, 3)).load()
        parts = [(found.x_train, found.y_train, found.train_ids), (found.x_test, found.y_test, found.test_ids)]
        coloured = [x.unsqueeze(1).repeat(1, 3, 1, 1) * 10 for x, *_ in parts]
        for x, (_, y, _) in zip(coloured, parts, strict=True):
            x[y == 0, 1:] = 0
        (_, y, ids), (_, y_test, test_ids) = parts
        return Arrays(*(each.numpy() for each in (coloured[0], y, coloured[1], y_test, ids, test_ids)))


def test_colours_tell_nothing():
    pool = pool_of(Painted(), None, "relabelled")
    plain = pool_of(SOURCE, None, "relabelled")
    assert pool.data.train_ids.equal(plain.data.train_ids)
    red = pool.labels == 0
    assert pool.data.x_train[~red].numpy() == pytest.approx(10 * plain.data.x_train[~red].numpy())
    assert pool.data.x_train[red].numpy() == pytest.approx(2.99 * plain.data.x_train[red].numpy())


def test_the_surest_wrong_picture_is_shown_with_those_that_are_blamed(ran, made, given):
    planted, facts = given[4].numpy(), ran.facts["planted"]
    shown = gallery.blamed(TRIAL)
    assert shown.sure == max(facts["sure"])
    place = facts["sure"].index(shown.sure)
    assert shown.picture.flatten().numpy() == pytest.approx(16 * given[2][facts["wrong_places"][place]])
    named = first(made["influence"], count=4, seed=1)[:, place]
    assert shown.planted[0].tolist() == planted[named].tolist()
    assert shown.pictures[0].flatten(1).numpy() == pytest.approx(16 * given[0][named])
    assert shown.names == ("3", "8")
    with pytest.raises(InvalidData, match="plants 'copies', expected 'relabelled'"):
        gallery.blamed(replace(TRIAL, arm="copies"))
    with pytest.raises(InvalidData, match="seed 1 is wrong about no picture"):
        gallery.blamed(replace(TRIAL, share=0.0, train=340))


def test_every_picture_that_an_outcome_speaks_of_can_be_looked_at(ran):
    held = gallery.looked_at(TRIAL)
    assert set(ran.train_ids.tolist()) <= set(held.train_ids.tolist())
    assert set(ran.test_ids.tolist()) <= set(held.test_ids.tolist())
    pictures = dict(zip(held.train_ids.tolist(), held.x_train, strict=True))
    for ids, x in ((SOURCE.load().test_ids, SOURCE.load().x_test),):
        assert torch.equal(pictures[int(ids[0])].flatten(), x[0].flatten())


@pytest.fixture(scope="module")
def made(given):
    """Every score as the study makes them, on points in coordinates of their span."""
    x, y, x_test, y_test, _ = given
    fitted = il.fit(il.BinaryLogistic(TRIAL.weight_decay), in_span(scene_of().data), il.Newton(tolerance=1e-10))
    wrong = torch.from_numpy(wrong_of(x, y, x_test, y_test))
    features = torch.from_numpy(x), torch.from_numpy(x_test)
    apart = TRIAL.out_of_sample(fitted)
    return scores(fitted, wrong=wrong, features=features, out_of_sample=apart, seed=1)[0]


def test_scores_are_those_of_plain_algebra_and_nobody_looks_at_the_right_label(made, given):
    x, y, x_test, *_ = given
    theta, wrong, n = refitted(x, y), wrong_of(*given[:4]), len(y)
    assert len(wrong) >= 3
    ones, others = (numpy.column_stack([each, numpy.ones(len(each))]) for each in (x, x_test[wrong]))
    chance = 1 / (1 + numpy.exp(-outputs(theta, x)))
    penalty = TRIAL.weight_decay * numpy.diag([*numpy.ones(x.shape[1]), 0.0])
    inverse = numpy.linalg.inv((ones * (chance * (1 - chance))[:, None]).T @ ones / n + penalty)
    gradients = (chance - y)[:, None] * ones
    pulls = -(1 / (1 + numpy.exp(outputs(theta, x_test[wrong]))))[:, None] * others
    leverage = chance * (1 - chance) * numpy.einsum("ij,jk,ik->i", ones, inverse, ones) / n
    helped = gradients @ inverse @ pulls.T / n
    length = numpy.linalg.norm(gradients @ inverse, axis=1)
    cosine = gradients @ pulls.T / numpy.linalg.norm(gradients, axis=1)[:, None] / numpy.linalg.norm(pulls, axis=1)
    near = x @ x_test[wrong].T / numpy.linalg.norm(x, axis=1)[:, None] / numpy.linalg.norm(x_test[wrong], axis=1)
    wanted = {
        "influence": -helped,
        "newton_step": -helped / (1 - leverage)[:, None],
        "relatif": -helped * n / length[:, None],
        "gradient_dot": -gradients @ pulls.T / n,
        "gradient_cosine": -cosine,
        "neighbours": near,
        "training_loss": numpy.repeat(losses(theta, x, y)[:, None], len(wrong), axis=1),
        "self_influence": numpy.repeat((gradients @ inverse * gradients).sum(1)[:, None] / n, len(wrong), axis=1),
    }
    assert set(made) == set(SCORES)
    for name, table in made.items():
        assert numpy.isneginf(table).any(1).tolist() == (y == 1).tolist(), name
        if name in wanted:
            assert table[y == 0] == pytest.approx(wanted[name][y == 0], rel=1e-4, abs=1e-8), name


def test_out_of_sample_loss_is_that_of_a_refit_without_the_fold(made, given):
    x, y, *_ = given
    fold = TRIAL.generator(3).permutation(len(y)) % 5
    for each in range(5):
        theta = refitted(x[fold != each], y[fold != each])
        mine = (fold == each) & (y == 0)
        assert made["out_of_sample_loss"][mine, 0] == pytest.approx(losses(theta, x[mine], y[mine]), rel=1e-4)


@pytest.mark.slow
def test_coordinates_of_the_span_leave_the_model_and_every_score_as_they_are():
    data = scene_of(train=40).data
    small = in_span(data)
    assert small.x_train.shape[1] <= 40 < data.x_train.shape[1]
    assert in_span(small) is small
    one, two = (il.fit(il.BinaryLogistic(1e-2), each, il.Newton(tolerance=1e-10)) for each in (data, small))
    assert one.measures().numpy() == pytest.approx(two.measures().numpy(), abs=1e-8)
    for kind in (il.Exact(), il.NewtonStep(), il.Relatif()):
        values = [kind.estimate(each).values.numpy() for each in (one, two)]
        assert values[0] == pytest.approx(values[1], rel=1e-5, abs=1e-9)


def test_the_first_are_the_largest_and_equal_ones_come_in_random_order():
    table = numpy.array([[1.0, 5.0], [3.0, -numpy.inf], [2.0, 4.0], [0.0, 4.5]])
    assert first(table, count=2, seed=0).T.tolist() == [[1, 2], [0, 3]]
    drawn = [first(numpy.zeros((50, 1)), count=4, seed=seed) for seed in range(40)]
    assert 18 < numpy.mean(drawn) < 31
    planted = numpy.array([True, False, True, False])
    assert precision(first(table, count=2, seed=0), planted) == 0.5


def test_facts_are_those_of_refits_before_and_after_mending(ran, made, given):
    x, y, x_test, y_test, planted = given
    facts, wrong, theta = ran.facts["planted"], wrong_of(*given[:4]), refitted(x, y)
    assert facts["wrong_places"] == wrong.tolist()
    sure = 1 / (1 + numpy.exp(outputs(theta, x_test[wrong])))
    assert facts["sure"] == pytest.approx(sure, rel=1e-5)
    right = (outputs(theta, x_test) > 0) == y_test
    assert facts["accuracy"] == pytest.approx(right.mean())
    named = first(made["influence"], count=4, seed=1)
    found = facts["scores"]["influence"]
    assert found["precision"] == pytest.approx(planted.numpy()[named].mean())
    for start, inspected in (("", False), ("inspected_", True)):
        turned, spoiled, after = [], [], right
        for picture, points in [*zip(wrong, named.T, strict=True), (wrong, named.ravel())]:
            labels = y.copy()
            labels[points[planted.numpy()[points]] if inspected else points] = 1
            after = (outputs(refitted(x, labels), x_test) > 0) == y_test
            turned.append(after[picture].mean())
            spoiled.append((right & ~after).sum())
        assert found[f"{start}turned"] == pytest.approx(numpy.mean(turned[:-1]))
        assert found[f"{start}spoiled"] == pytest.approx(numpy.mean(spoiled[:-1]))
        assert (found[f"{start}all_turned"], found[f"{start}all_spoiled"]) == (turned[-1], spoiled[-1])
        assert found[f"{start}all_accuracy"] == pytest.approx(after.mean())
    assert found["named"] == len(numpy.unique(named))
    assert facts["scores"]["training_loss"]["named"] == 4
    assert found["own"] is None
    assert facts["models"] == facts["converged"] <= 2 * len(SCORES) * (len(wrong) + 1) + 6


def test_the_truth_of_a_relabelling_is_that_of_a_refit_with_the_label(ran, given):
    x, y, x_test, y_test, planted = given
    data = scene_of().data
    rows = numpy.searchsorted(data.train_ids.sort().values.numpy(), ran.train_ids.numpy())
    rows = data.train_ids.argsort().numpy()[rows]
    assert sorted(planted.numpy()[rows].tolist()) == [False] * 3 + [True] * 3
    places = [data.test_ids.tolist().index(each) for each in ran.test_ids.tolist()]
    before = losses(refitted(x, y), x_test, y_test)[places]
    for row, change in zip(rows, ran.actual["retrained"], strict=True):
        labels = numpy.where(numpy.arange(len(y)) == row, 1 - y, y)
        after = losses(refitted(x, labels), x_test, y_test)[places]
        assert change.numpy() == pytest.approx(after - before, abs=1e-6)


@pytest.mark.slow
def test_watermarks_are_mended_by_removal_and_copies_found_as_ones_own():
    for arm in ("copies", "watermarked"):
        trial = replace(TRIAL, arm=arm, relabelled=0, share=0.4, weight_decay=1e-3)
        scene, facts = scene_of(arm, share=0.4), trial.run().facts["planted"]
        x, y = scene.data.x_train.numpy(), scene.data.y_train.numpy()
        assert facts["targets"] == len(scene.own[scene.own >= 0].unique()) == facts["planted"] / 2
        assert facts["wrong"] > 0
        if arm == "copies":
            assert 0 < facts["scores"]["neighbours"]["own"] <= 1
            continue
        fitted = il.fit(il.BinaryLogistic(1e-3), in_span(scene.data), il.Newton())
        (change,) = il.SecondOrder().retrain(fitted, change_of(fitted, [(0, 1)], removes=True)).values
        model = LogisticRegression(C=1 / (1e-3 * len(y)), tol=1e-12, solver="newton-cholesky", max_iter=200)
        kept = model.fit(x[2:], y[2:])
        theta = numpy.append(kept.coef_[0], kept.intercept_)
        truth = losses(theta, scene.data.x_test.numpy(), scene.data.y_test.numpy()) - fitted.measures().numpy()
        assert change.numpy() == pytest.approx(truth, abs=1e-5)


def test_points_of_no_group_change_nothing_and_equal_groups_are_trained_once():
    fitted = il.fit(il.BinaryLogistic(1e-2), scene_of().data, il.Newton())
    planted, one = numpy.zeros(90, dtype=bool), numpy.array([[5, 5], [7, 7]])
    found = mended(fitted, {"a": one, "b": one[::-1]}, planted, removes=False)
    assert list(found.places) == [(5, 7)]
    numbers = effects(found, one, planted, wrong=torch.nonzero(found.before)[:2, 0])
    assert (numbers["inspected_turned"], numbers["inspected_all_spoiled"]) == (0, 0)
    planted[7] = True
    assert set(mended(fitted, {"a": one}, planted, removes=False).places) == {(5, 7), (7,)}


def invented(values: dict[str, list[float | None]]) -> dict[analysis.Key, Outcome]:
    """Outcomes that hold nothing but such precisions, one a seed."""
    blank, found = torch.zeros(0), {}
    for seed in range(len(values["random"])):
        own = {name: {"precision": values.get(name, values["random"])[seed]} for name in SCORES}
        counts = {"accuracy": 1.0, "wrong": 1, "asked": 4, "planted": 3, "looked_at": 10, "targets": 0}
        planted = {"scores": own, "sure": [0.9, 0.6], "targets_wrong": 0, **counts}
        if own["random"]["precision"] is None:
            planted |= {"scores": {}, "sure": [], "wrong": 0}
        parts = {"predicted": {}, "chosen": {}, "actual": {}, "trusted": {}, "control": {}}
        ids = dict.fromkeys(("train_ids", "train_labels", "test_ids", "test_labels"), blank.long())
        found["digits", "relabelled", 0.15, seed] = Outcome(**parts, **ids, facts={"planted": planted})
    return found


@pytest.mark.parametrize("repeats", [4, 8])
def test_differences_are_paired_and_seeds_without_a_wrong_picture_are_left_out(repeats):
    base = [*(0.1 + 0.08 * numpy.arange(repeats)).tolist(), None]
    apart = [*(0.05 + 0.001 * (-1.0) ** numpy.arange(repeats)).tolist(), 0]
    better = [None if each is None else each + gain for each, gain in zip(base, apart, strict=True)]
    table = analysis.measurements(
        invented({"random": base, "influence": better}), bootstrap=il.Bootstrap(resamples=200)
    )
    common = {"data": "digits", "arm": "relabelled", "planted": 0.15}
    gain = find(table, {**common, "estimator": "random", "statistic": "precision_gain"})
    mean = find(table, {**common, "estimator": "random", "statistic": "precision"})
    surest, wrong = (
        find(table, {**common, "estimator": None, "statistic": each}) for each in ("surest", "wrong_share")
    )
    assert gain
    assert mean
    assert surest
    assert wrong
    assert gain.value == pytest.approx(numpy.mean(apart[:-1]))
    assert (gain.interval is None) == (repeats < 5)
    assert repeats < 5 or gain.half_width < 0.002 < 0.04 < mean.half_width
    assert surest.value == pytest.approx(0.9)
    assert surest.n == repeats
    assert wrong.value == pytest.approx(0.25 * repeats / (repeats + 1))


@pytest.mark.slow
def test_claims_findings_and_figures_find_their_numbers(ran):
    outcomes = {("guitars", arm, share, seed): ran for arm, share in cells() for seed in range(5)}
    table = analysis.measurements(outcomes, bootstrap=il.Bootstrap(resamples=60))
    parts = il.measurements(analysis.relabelling({("guitars", "relabelled", 0.15, 0): ran}, bootstrap=il.Bootstrap(60)))
    measured = {claim.name for claim in CLAIMS for each in (table, parts) if any(c.number(each) for c in claim.cells)}
    assert measured == {claim.name for claim in CLAIMS if claim.paper != "Koh & Liang 2017, Fig. 1"}
    assert all(find(table, where) for sentence in FINDINGS[:2] for where in sentence.quotes)
    assert all(find(parts, where) for where in FINDINGS[2].quotes)
    assert all(
        find(table, {**own, **column, "data": "guitars"})
        for each in TABLES
        for own in each.rows.values()
        for column in each.columns.values()
    )
    for draw in (figures.who_is_named, figures.what_mending_brings):
        assert draw(table).axes
    assert len(gallery.gallery(gallery.blamed(TRIAL)).axes) == 15
    assert analysis.convergence(outcomes)["guitars"]["converged"] == 20 * ran.facts["planted"]["converged"]
    assert set(analysis.seeds_table(outcomes)["score"]) == set(SCORES)


def cells():
    """Arms and shares of a study."""
    return [("relabelled", 0.0), *((arm, 0.15) for arm in ARMS)]


def test_trials_relabel_at_other_shares_and_one_by_one_in_the_first_seed_alone():
    made = analysis.trials(["digits"], arms=ARMS, share=0.15, shares=[0.0, 0.15], repeats=2, relabelled=8)
    assert list(dict.fromkeys(key[1:3] for key in made)) == cells()
    assert [key for key, trial in made.items() if trial.relabelled] == [("digits", "relabelled", 0.15, 0)]
    with pytest.raises(UnknownName, match=r"There are no pictures 'dogs' here\. There are: digits"):
        analysis.trials(["dogs"], arms=ARMS, share=0.1, shares=[], repeats=1, relabelled=2)


class Three(il.Source):
    """Pictures of three classes."""

    def arrays(self) -> Arrays:
        """Six of them."""
        x = numpy.zeros((6, 4, 4))
        return Arrays(x, numpy.arange(6) % 3, x[:3], numpy.arange(3))


def test_what_cannot_be_planted_is_refused():
    for settings in ({"share": 1.0}, {"arm": "flipped"}, {"named": 0}, {"folds": 1}, {"relabelled": -1}):
        with pytest.raises(InvalidParameter, match="expected"):
            replace(TRIAL, **settings)
    with pytest.raises(InvalidData, match=r"3 classes and points of shape \(4, 4\); expected pictures of 2"):
        replace(TRIAL, source=Three()).run()
    with pytest.raises(InvalidData, match=r"train is 400, expected 1 … 356 of the 357 pictures"):
        replace(TRIAL, train=400).run()
    with pytest.raises(InvalidData, match=r"share 0.9 asks for .* test pictures and .* places.* smaller share"):
        scene_of("copies", share=0.9, train=340)
    with pytest.raises(Unavailable, match="expected 'cpu'"):
        TRIAL.run(device="cuda")
    with pytest.raises(InvalidData, match=r"has 3 classes and .* test points, of which 9 is asked"):
        components.model_of(il.Wine(), test=9)
