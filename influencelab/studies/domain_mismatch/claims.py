"""What is claimed, and was found, about a training set in which a few children are not what children are elsewhere."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "domain_mismatch"
# Removals that are compared, and test points that they are compared on.
CHILDREN, OTHERS, ALL = "the four children", "other points", "all removals"
WATCHED_TEST, EVERY_TEST = "the watched child", "all test children"
PATIENTS = {"data": "diabetes130"}
INFLUENCE = {**PATIENTS, "estimator": "exact"}
# As printed, the most harmful first: three children who were readmitted, and one who was not.
EFFECTS = (-0.1189, -0.1175, -0.0826, 0.0794)
PLACES = ("the first", "the second", "the third", "the fourth")
RIVALS = {
    "training loss": "training_loss",
    "self-influence": "self_influence",
    "gradient product": "gradient_dot",
    "gradient product, features scaled": "gradient_product_scaled",
    "gradient cosine": "gradient_cosine",
    "nearest in features": "nearest_features",
    "nearest, features scaled": "nearest_scaled",
}
AGREEMENT = {**INFLUENCE, "target": "second_order", "watched": WATCHED_TEST, "statistic": "slope"}

published = partial(Claim, study=STUDY, paper="Koh & Liang 2017, section 5.3", least="paper")
ours = partial(
    published, paper="influencelab, beside Koh & Liang 2017", published="not compared: no model is trained again"
)

CLAIMS = (
    published(
        name="influence_finds_the_four_children",
        statement="Of 19,980 training patients the four children are those of the largest influence on a test child "
        "whom the model gets wrong: the last of them has rank 4.",
        where={**INFLUENCE, "statistic": "last_rank"},
        high=4.0,
        published="the four children, 30 to 40 times as influential as the next one",
    ),
    published(
        name="the_four_children_stand_far_out",
        statement="Each of the four is at least twenty times as influential as any other patient.",
        where={**INFLUENCE, "statistic": "times_the_next"},
        low=20.0,
        published="30 to 40 times in the text; 27 to 56 times by the values that its notebook prints",
    ),
    published(
        name="readmitted_children_harm_and_the_other_helps",
        statement="All four have the sign of their label: without one of the three who were readmitted the loss of "
        "the test child, who was not, falls, and without the fourth it rises.",
        where={**INFLUENCE, "statistic": "signs"},
        low=4.0,
        published="−0.1189, −0.1175, −0.0826 (readmitted) and +0.0794 nats without each",
    ),
    published(
        name="children_have_the_published_influence",
        statement="At a minimum, which the published training stops short of, each effect is within a tenth of the "
        "one that was printed.",
        where={**INFLUENCE, "statistic": "effect"},
        settings=tuple(
            Setting(name, {"place": place}, low=min(0.9 * each, 1.1 * each), high=max(0.9 * each, 1.1 * each))
            for place, (name, each) in enumerate(zip(PLACES, EFFECTS, strict=True), start=1)
        ),
        unit="nats",
        published="−0.1189, −0.1175, −0.0826 and +0.0794 nats, at ‖∇J‖ = 0.002",
    ),
    published(
        name="accuracy_does_not_show_the_mismatch",
        statement="Leaving the twenty children out changes the shares of training and of test patients that are "
        "predicted rightly by less than 0.005.",
        where={**PATIENTS, "statistic": "accuracy_change"},
        settings=(Setting("training patients", {"part": "train"}), Setting("test patients", {"part": "test"})),
        high=0.005,
        published="0.6239 → 0.6241 in training, 0.6812 → 0.6813 in testing",
    ),
    published(
        name="coefficients_do_not_show_the_mismatch",
        statement="Ten or more of the 127 coefficients are larger than that of the children.",
        where={**PATIENTS, "model": "mismatched", "statistic": "larger_coefficients"},
        low=10.0,
        published="its notebook prints no coefficients",
    ),
    ours(
        name="influence_has_the_size_of_retraining_without_children",
        statement="Influence has the size of what training again without a patient does to the loss of the test child: "
        "slope of actual on predicted change, for the four children alone and with a hundred others.",
        where=AGREEMENT,
        settings=(Setting("all removals", {"selection": ALL}), Setting("the children alone", {"selection": CHILDREN})),
        low=0.8,
        high=1.25,
    ),
    ours(
        name="other_scores_do_not_find_all_children",
        statement="What is cheaper than influence does not find them: by each of these scores the last of the four "
        "children is not among the first twenty.",
        where={**PATIENTS, "statistic": "last_rank"},
        settings=tuple(Setting(name, {"estimator": score}) for name, score in RIVALS.items()),
        low=21.0,
        published="accuracy and coefficients are the only rivals",
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**Influence finds the children whom accuracy and coefficients hide.** Without twenty children of the training "
        "set the test accuracy changes by {}, and {} coefficients are larger than that of the children; by influence "
        "on one test child the last of the four children has rank {}, and each is {} times as large as any other "
        "patient. Training again without one of the four changes the loss {} times as much as influence predicts, "
        "which leaves their leverage in place, and {} times as much as one Newton step predicts.",
        (
            {**PATIENTS, "part": "test", "statistic": "accuracy_change"},
            {**PATIENTS, "model": "mismatched", "statistic": "larger_coefficients"},
            {**INFLUENCE, "statistic": "last_rank"},
            {**INFLUENCE, "statistic": "times_the_next"},
            {**AGREEMENT, "selection": CHILDREN},
            {**AGREEMENT, "estimator": "newton_step", "selection": CHILDREN},
        ),
    ),
    Finding(
        STUDY,
        "**It takes no curvature to find them, and to be found is no sign of a mismatch.** By a gradient product of "
        "features as they are the last child has rank {}, of scaled ones rank {}, and each is then {} times as large "
        "as any other patient. In the original training set, in which nobody is left out, the three readmitted "
        "children are as far ahead of all who are no children: {} times, by influence.",
        (
            {**PATIENTS, "estimator": "gradient_dot", "statistic": "last_rank"},
            {**PATIENTS, "estimator": "gradient_product_scaled", "statistic": "last_rank"},
            {**PATIENTS, "estimator": "gradient_product_scaled", "statistic": "times_the_next"},
            {**PATIENTS, "kept": 20, "statistic": "diluted_times_the_next"},
        ),
    ),
    Finding(
        STUDY,
        "**The printed effects are those of a model short of its minimum.** For the child who was not readmitted "
        "+0.0794 was printed; stopped after 1000 iterations, as there, training gives {} (‖∇J‖ = {}, and rounding "
        "decides where it stops), at the minimum {}.",
        (
            {**PATIENTS, "iterations": 1000, "place": 4, "statistic": "effect"},
            {**PATIENTS, "iterations": 1000, "statistic": "gradient_norm"},
            {**INFLUENCE, "place": 4, "statistic": "effect"},
        ),
    ),
)
