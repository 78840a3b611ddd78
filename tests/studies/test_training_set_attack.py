"""Attacks on training pictures: slopes, retraining, boxes and counts are what plain algebra and other code say."""

import base64
import io
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy
import pandas
import pytest
import torch
from figure_rules import faults
from PIL import Image
from sklearn.linear_model import LogisticRegression
from torch import nn

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.models.extractor import Extractor
from influencelab.statistics.measurements import find
from influencelab.studies.training_set_attack import analysis, figures, pictures
from influencelab.studies.training_set_attack.attack import UNDECIDED
from influencelab.studies.training_set_attack.boxes import BetweenLevels, WholeLevels, as_file, saved
from influencelab.studies.training_set_attack.claims import CLAIMS, FINDINGS
from influencelab.studies.training_set_attack.moved_models import MovedModels
from influencelab.studies.training_set_attack.trial import TrainingSetAttack
from influencelab.studies.training_set_attack.truth import as_text, retrained
from influencelab.studies.training_set_attack.victim import Victim, levels_of, victim_of

SOURCE = il.Digits(labels=(3, 8), train_size=60, held_out=297)
DECAY = 1e-3


@dataclass(frozen=True)
class Drawn(Extractor):
    """A layer of random weights behind a tanh, smooth and quick."""

    width: int = 12

    def network(self, data: il.Dataset) -> nn.Module:
        """The layer, whatever the data."""
        layer = nn.Linear(64, self.width).double()
        drawn = torch.randn(self.width, 64, generator=torch.Generator().manual_seed(self.width), dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(drawn / 800)
            layer.bias.zero_()
        return nn.Sequential(nn.Flatten(), layer, nn.Tanh()).eval().requires_grad_(requires_grad=False)


TRIAL = TrainingSetAttack(SOURCE, Drawn(), Drawn(13), count=8, radius=24.0, step=0.2, most=5, candidates=5, inspected=2)


@pytest.fixture(scope="module")
def victim() -> Victim:
    """Sixty threes and eights."""
    return victim_of(SOURCE, Drawn(), DECAY, il.Newton(), "cpu")


@pytest.fixture(scope="module")
def ran() -> Outcome:
    """One block of eight test pictures."""
    return TRIAL.run()


@pytest.fixture(scope="module")
def elsewhere(victim) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Three models of which each has two points elsewhere: which, their features, and a test point each."""
    features = torch.randn(3, 2, 12, generator=torch.Generator().manual_seed(5), dtype=torch.float64).clamp(-1, 1)
    points = torch.tensor([[0, 5], [7, 2], [30, 31]])
    assert victim.model.data.n == 60
    return points, features, torch.tensor([0, 1, 4])


def refitted(x: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """θ by scikit-learn."""
    model = LogisticRegression(C=1 / (DECAY * len(y)), fit_intercept=False, tol=1e-13, solver="newton-cholesky")
    return model.fit(x, y).coef_[0]


def poisoned(victim: Victim, points: torch.Tensor, features: torch.Tensor) -> numpy.ndarray:
    """The training features with some points elsewhere."""
    x = victim.model.data.x_train.numpy().copy()
    x[points.numpy()] = features.numpy()
    return x


def chance(z: numpy.ndarray) -> numpy.ndarray:
    """σ(z)."""
    return 1 / (1 + numpy.exp(-z))


def test_models_with_points_elsewhere_are_those_of_scikit_learn(victim, elsewhere):
    points, features, tests = elsewhere
    models, y = MovedModels.of(victim.model, points), victim.model.data.y_train.numpy()
    assert models.train(features).max() < 1e-8
    for row in range(3):
        x = poisoned(victim, points[row], features[row])
        theta = refitted(x, y)
        assert models.theta[row].numpy() == pytest.approx(theta, rel=1e-4, abs=1e-6)
        assert abs(models.theta[row].numpy() - victim.model.theta.numpy()).max() > 1e-2
        p = chance(x @ theta)
        hessian = (x * (p * (1 - p))[:, None]).T @ x / len(y) + DECAY * numpy.eye(12)
        aim, label = (each[tests[row]].numpy() for each in (victim.model.data.x_test, victim.model.data.y_test))
        slope = (chance(aim @ theta) - label) * aim
        found = models.sensitivities(features, tests)[row].numpy()
        assert found == pytest.approx(numpy.linalg.solve(hessian, slope), rel=1e-2, abs=1e-3 * abs(found).max())
        assert float(models.losses(tests)[row]) == pytest.approx(
            numpy.logaddexp(0, (1 - 2 * label) * (aim @ theta)), rel=1e-4
        )


def test_slopes_in_features_are_those_of_the_influence_and_a_part_of_them_is_not(victim, elsewhere):
    points, features, tests = elsewhere
    features = 0.1 * features  # near the boundary, where the residual itself bends
    models = MovedModels.of(victim.model, points)
    toward = models.sensitivities(features, tests)
    found, y = models.feature_slopes(features, toward), victim.model.data.y_train
    theta, s, x, label = (each.numpy() for each in (models.theta[1], toward[1], features[1, 0], y[points[1, 0]]))

    def effect(x):
        return -(chance(x @ theta) - label) * (x @ s) / 60

    along = numpy.random.default_rng(0).normal(size=12)
    wanted = (effect(x + 1e-5 * along) - effect(x - 1e-5 * along)) / 2e-5
    assert along @ found[1, 0].numpy() == pytest.approx(wanted, rel=1e-5)
    without_bend = -(chance(x @ theta) - label) * (along @ s) / 60
    assert without_bend != pytest.approx(wanted, rel=1e-2)


def test_slopes_in_pixels_are_those_of_what_retraining_does_to_first_order(victim):
    points, tests = torch.tensor([3, 9]), torch.tensor([0, 4])
    slopes = victim.slopes(points, tests)
    way = 0.02 * slopes.sign()
    rises = []
    for sign in (1, -1):
        features = victim.network(victim.pixels[points] + sign * way)[:, None]
        rise, trusted = retrained(victim.model, points[:, None], features, tests)
        assert trusted.all()
        rises.append(rise)
    wanted = (slopes * way).flatten(1).sum(1)
    assert ((rises[0] - rises[1]) / 2).numpy() == pytest.approx(wanted.numpy(), rel=1e-2)
    assert (wanted > 0).all()


def test_the_picture_that_is_chosen_has_the_largest_slopes_of_all(victim):
    tests = torch.tensor([0, 4])
    found = victim.chosen(tests, toward="influence", count=3, candidates=60)
    for row, test in enumerate(tests):
        every = victim.slopes(torch.arange(60), test.repeat(60)).abs().flatten(1).sum(1)
        assert found[row].tolist() == every.topk(3).indices.tolist()


def test_flips_are_what_scikit_learn_finds_after_training_on_the_changed_pictures(victim):
    data = victim.model.data
    tests = torch.arange(8)[victim.model.predicted(data.x_test[:8]) == data.y_test[:8]]
    points = victim.chosen(tests, toward="influence", count=2, candidates=60)
    made = victim.attack(points, tests, BetweenLevels(40.0), toward="influence", step=6.0, most=10)
    rises, trusted = retrained(victim.model, points, made.features, tests)
    assert trusted.all()
    before = victim.model.measures()[tests]
    wrong = []
    for row, test in enumerate(tests):
        theta = refitted(poisoned(victim, points[row], made.features[row]), data.y_train.numpy())
        label = int(data.y_test[test])
        z = float(data.x_test[test].numpy() @ theta)
        wrong.append((z > 0) != bool(label))
        loss = numpy.logaddexp(0, (1 - 2 * label) * z)
        assert float(before[row] + rises[row]) == pytest.approx(loss, rel=1e-4, abs=1e-8)
        assert bool(made.steps[row] < 10) or not wrong[-1] or made.steps[row] == 10
    assert ((before + rises) > UNDECIDED).tolist() == wrong
    assert any(wrong)
    # The model as it was has all of them right, so that without training again nothing flips.
    assert (before < UNDECIDED).all()


def test_an_attack_goes_farther_than_a_coin_inside_the_same_box(victim):
    tests = torch.arange(8)[victim.model.predicted(victim.model.data.x_test[:8]) == victim.model.data.y_test[:8]]
    points, box = victim.chosen(tests, toward="influence", count=1, candidates=60), BetweenLevels(8.0)
    made = victim.attack(points, tests, box, toward="influence", step=2.0, most=6)
    drawn = victim.at_random(points, tests, box, torch.Generator().manual_seed(0))
    mean = [float(retrained(victim.model, points, each.features, tests)[0].mean()) for each in (made, drawn)]
    assert mean[0] > 3 * abs(mean[1])
    for each in (made, drawn):
        assert float((each.pictures - victim.pixels[points]).abs().max()) == pytest.approx(box.reach)


@pytest.mark.parametrize("shape", [(6, 5), (3, 6, 5)])
def test_between_levels_a_file_stays_what_it_was_and_by_whole_levels_it_is_the_picture(shape):
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, shape, generator=generator).double()
    v = torch.rand(shape, generator=generator, dtype=torch.float64) * 4 - 2
    slope = torch.randn(shape, generator=generator, dtype=torch.float64)
    between, whole = BetweenLevels(), WholeLevels()
    moved = between.picture(x, between.stepped(v, slope, step=0.02))
    assert (moved != x).any()
    assert (moved - x).abs().max() < 0.5
    assert torch.equal(saved(moved), x)
    assert as_file(moved) == as_file(x)
    # Half a level and a little more would show.
    assert not torch.equal(saved((x + 0.51 * slope.sign()).clamp(0, 255)), x)
    level = whole.picture(x, whole.stepped(v, slope, step=0.02))
    assert (level != x).any()
    assert (level - x).abs().max() == 1
    assert torch.equal(saved(level), level)
    read = numpy.array(Image.open(io.BytesIO(as_file(level))))
    assert read.dtype == numpy.uint8
    assert numpy.array_equal(read if read.ndim == 2 else read.transpose(2, 0, 1), level.numpy())


@pytest.mark.slow
def test_a_block_tells_of_every_attack(ran):
    table: Any = analysis.attacks({("digits", 0): ran})
    assert set(table["arm"]) == set(TRIAL.arms)
    assert table["trusted"].all()
    assert ((table["loss_after"] > math.log(2)) == table["flipped"]).all()
    assert (table["loss_before"] < math.log(2)).all()
    between = table[~table["arm"].isin(["whole_levels", "random_whole_levels"])]
    assert between["deviation"].max() < 24
    assert table["file_deviation"].max() <= 48
    growing = table[table["arm"] == "published"]
    # A test picture that flipped is left alone.
    for _, own in growing.groupby("test"):
        assert not own.sort_values("attempt")["flipped"].to_numpy()[:-1].any()
    assert growing.groupby("attempt")["budget"].first().to_dict() == {0: 1, 1: 1, 2: 2}
    assert {"self_influence", "leverage", "training_loss"} >= {each["score"] for each in ran.facts["looked_for"]}


@pytest.mark.slow
def test_predictions_of_a_quarter_of_the_move_are_near_the_truth_and_say_what_they_are(ran):
    pairs: Any = analysis.own_pairs({("digits", 0): ran})
    assert set(pairs["share"]) == {0.25, 0.5, 1.0}
    small = pairs[(pairs["share"] == 0.25) & (pairs["estimator"] == "feature_move") & (pairs["measure"] == "log_odds")]
    found = analysis.agreements(pairs, bootstrap=il.Bootstrap(resamples=60))
    slope = find(found, {"measure": "log_odds", "share": 0.25, "estimator": "feature_move", "statistic": "slope"})
    by_hand = numpy.polyfit(small["predicted"], small["actual"], 1)[0]
    assert slope is not None
    assert slope.value == pytest.approx(by_hand, rel=1e-6)
    assert 0.6 < by_hand < 2
    wrong = analysis.comparison(small.assign(predicted=-small["predicted"]))
    assert float(wrong.statistics(il.Bootstrap(resamples=60))["slope"].pooled.value) < 0


@pytest.mark.slow
def test_the_same_block_says_the_same_again(ran):
    """Equal bits: the same code on the same arrays."""
    assert TRIAL.run().facts["attacks"] == ran.facts["attacks"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arms": ("invisible",)}, "expected some of published"),
        ({"budgets": (2, 1)}, "rise from 1"),
        ({"budgets": (1, 9)}, "fewer than the pictures"),
        ({"most": 0}, "must be > 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(change, said):
    with pytest.raises(InvalidParameter, match=said):
        replace(TRIAL, **change)


def test_what_cannot_be_attacked_is_refused():
    with pytest.raises(InvalidData, match="expected pictures of 2"):
        replace(TRIAL, source=il.Digits(train_size=60, held_out=297)).run()
    with pytest.raises(InvalidParameter, match="begin before the last"):
        replace(TRIAL, first=10_000).run()
    with pytest.raises(InvalidParameter, match="grey levels above 0"):
        BetweenLevels(-1.0)
    with pytest.raises(UnknownName, match="no data set 'dogs'"):
        analysis.problem_of("dogs", side=96, train=0, seed=0)


def test_pictures_stand_before_and_after_with_fifty_times_their_difference():
    before = torch.full((3, 8, 8), 100.0, dtype=torch.float64)
    files = {"before": before, "after": before + 1, "aim": before}
    shown = {name: base64.b64encode(as_file(each)).decode() for name, each in files.items()}
    figure = figures.pictures([{**shown, "loss_before": 0.1, "loss_after": 0.9}])
    assert figure is not None
    assert faults(figure) == []
    drawn = [numpy.asarray(axis.images[0].get_array()) for axis in figure.axes]
    assert [int(each.max()) for each in drawn] == [100, 101, 177, 100]


def test_where_nothing_flipped_nothing_is_drawn():
    assert figures.pictures([]) is None
    assert figures.where_it_shows(pandas.DataFrame()) is None


def test_the_claims_speak_of_this_study():
    assert {claim.study for claim in CLAIMS} == {finding.study for finding in FINDINGS} == {"training_set_attack"}


def test_pictures_that_were_made_go_with_the_pairs_they_were_made_for(ran):
    before, after = torch.zeros(2, 3, 4), torch.full((2, 3, 4), 7.0)
    made = [{"points": [5, 6], "test": 9, "before": as_text(before[0]), "after": as_text(after[0])}]
    outcome = replace(ran, facts={**ran.facts, "pictures": made})
    pairs = pandas.DataFrame({"train_id": [5, 5, 6], "test_id": [8, 9, 9]})
    found = pictures.changed_among(pairs, {("digits", 0): outcome})
    assert found is not None
    assert list(found) == [(5, 9)]
    assert (found[5, 9] == 7).all()
    assert pictures.changed_among(pairs.iloc[:1], {("digits", 0): outcome}) is None


def test_levels_are_whole_and_reach_from_black_to_white():
    data = levels_of(SOURCE)
    assert torch.equal(data.x_train, data.x_train.round())
    assert (float(data.x_train.min()), float(data.x_train.max())) == (0, 255)
