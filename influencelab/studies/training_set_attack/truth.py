"""What becomes true of attacks: rises after retraining beside those predicted, and where a defender would look."""

import base64
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.perturbations.feature_move import FeatureMove
from influencelab.data.perturbations.replacement import Replacement
from influencelab.influence.estimators.exact import Exact
from influencelab.studies.training_set_attack.attack import Attacked
from influencelab.studies.training_set_attack.boxes import as_file
from influencelab.studies.training_set_attack.moved_models import MovedModels
from influencelab.studies.training_set_attack.victim import Victim
from influencelab.training.fit import Fit, fit_at

# Shares of a move at which predictions are held against retraining.
SHARES = (0.25, 0.5, 1.0)
PIXELS, FEATURES, REPLACED = "pixel_move", "feature_move", "replacement"
PREDICTORS = (PIXELS, FEATURES, REPLACED)
TARGET, TRUSTED = "retrained", "trusted"
# ‖∇J‖ of a model that counts as truth.
CONVERGED = 1e-8


def pairs_of(victim: Victim, made: Attacked) -> dict[str, Tensor]:
    """Predicted and actual rises of each attacked test loss, at every share of each move, a row each."""
    model, data = victim.model, victim.model.data
    points, tests = made.points[:, 0], made.tests
    old, way = victim.pixels[points], made.pictures[:, 0] - victim.pixels[points]
    estimate = Exact().estimate(model)
    slopes = victim.slopes(points, tests)
    found: dict[str, list[Tensor]] = {name: [] for name in (*PREDICTORS, TARGET, TRUSTED)}
    for share in SHARES:
        with torch.no_grad():
            features = victim.network(old + share * way)
        move = FeatureMove(points=points, n=data.n, moves=features - data.x_train[points])
        swap = Replacement(points=points, n=data.n, x=features, y=data.y_train[points])
        rows = torch.arange(len(points)), tests
        found[PIXELS].append(share * (slopes * way).flatten(1).sum(1))
        found[FEATURES].append(estimate.predict(move)[rows])
        found[REPLACED].append(estimate.predict(swap)[rows])
        rises, trusted = retrained(model, points[:, None], features[:, None], tests)
        found[TARGET].append(rises)
        found[TRUSTED].append(trusted)
    return {
        **{name: torch.cat(each) for name, each in found.items()},
        "points": points.repeat(len(SHARES)),
        "tests": tests.repeat(len(SHARES)),
        "shares": torch.tensor(SHARES).repeat_interleave(len(points)),
    }


def looked_for(victim: Victim, made: Attacked, *, most: int) -> list[dict[str, Any]]:
    """Where scores put a poisoned point among all training points, and where they put it before.

    A row a score and attack: the share of the others whose score is lower, with the point as it was and poisoned.
    """
    found, clean = [], scores_of(victim.model)
    data = victim.model.data
    for row in range(min(most, len(made.tests))):
        point, x = int(made.points[row, 0]), data.x_train.clone()
        x[point] = made.features[row, 0]
        poisoned = fit_at(victim.model.task, replace(data, x_train=x), made.theta[row], trainer=victim.model.trainer)
        after = scores_of(poisoned)
        found += [
            {
                "test": int(data.test_ids[made.tests[row]]),
                "score": name,
                "before": below(clean[name], point),
                "after": below(each, point),
            }
            for name, each in after.items()
        ]
    return found


def pictures_of(
    victim: Victim, rows: list[dict[str, Any]], attempts: list[Attacked], *, most: int
) -> list[dict[str, Any]]:
    """The first attacks that flipped, as PNG files in base 64: a training picture before and after, and the aim."""
    places = [(made, place) for made in attempts for place in range(len(made.tests))]
    flipped = [(row, *place) for row, place in zip(rows, places, strict=True) if row["flipped"]]
    return [
        {
            **{name: row[name] for name in ("test", "points", "loss_before", "loss_after")},
            "before": as_text(victim.pixels[made.points[place, 0]]),
            "after": as_text(made.pictures[place, 0]),
            "aim": as_text(victim.shown[made.tests[place]]),
        }
        for row, made, place in flipped[:most]
    ]


def as_text(picture: Float[Tensor, " *shape"]) -> str:
    """A picture's PNG file in base 64, as JSON can hold it."""
    return base64.b64encode(as_file(picture)).decode()


def retrained(
    model: Fit, points: Int[Tensor, "k b"], features: Float[Tensor, "k b d"], tests: Int[Tensor, " k"]
) -> tuple[Float[Tensor, " k"], Bool[Tensor, " k"]]:
    """The rise of each test loss by models trained to their minimum with these points elsewhere, and which arrived."""
    models = MovedModels.of(model, points)
    arrived = models.train(models.features(features)) <= CONVERGED
    return models.losses(tests) - model.measures()[tests], arrived


def scores_of(model: Fit) -> dict[str, Float[Tensor, " n"]]:
    """What a defender could rank training points by: self-influence, leverage and training loss."""
    estimate, task, data = Exact().estimate(model), model.task, model.data
    outputs = task.outputs(model.theta, data.x_train)
    leverage = estimate.leverage
    found = {"self_influence": estimate.self_influence()}
    if leverage is not None:
        found["leverage"] = leverage
    return found | {"training_loss": task.output_loss.values(outputs, data.y_train)}


def below(score: Float[Tensor, " n"], point: int) -> float:
    """The share of the other points that score lower; ties count half."""
    others = torch.cat([score[:point], score[point + 1 :]])
    return float(((others < score[point]).double() + 0.5 * (others == score[point]).double()).mean())
