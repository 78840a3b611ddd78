"""What is claimed, and was found, of influence as a finder of wrong labels."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting

STUDY = "mislabelled_data"
# Data of the record by name, with what they are.
DATA = {"enron1": "Enron1 mails", "digits": "digits 3 and 8", "fashion": "pullovers and coats"}
FLIPPED = {"flipped": 0.1}
EACH = tuple(Setting(words, {"data": name}) for name, words in DATA.items())
RIVALS = {
    "training_loss": "training loss (in-sample margin)",
    "self_confidence": "out-of-sample loss",
    "neighbours": "nearest neighbours",
    "gradient_length": "gradient length",
}
GAIN = {**FLIPPED, "statistic": "area_gain"}
# The smallest difference of areas, and of accuracies, that matters.
SMALL = 0.01

claim = partial(Claim, study=STUDY, paper="Koh & Liang 2017, Fig. 6")
CLAIMS = (
    claim(
        name="self_influence_finds_flips_before_random_inspection",
        statement="Of labels 10% of which were flipped, inspecting training points by self-influence finds more than "
        "inspecting at random (difference of the areas under the curves of flips found, to 30% inspected).",
        where={**GAIN, "estimator": "random"},
        settings=EACH,
        published="curves well apart, Enron1, 40 repeats; no number printed",
        low=0.0,
        negligible=SMALL,
    ),
    claim(
        name="self_influence_finds_flips_before_training_loss",
        statement="Inspecting by self-influence finds more of the flips than inspecting by training loss, whose order "
        "is that of the margin where there are two classes.",
        where={**GAIN, "estimator": "training_loss"},
        settings=EACH,
        published="influence above loss, Enron1, 40 repeats; no number printed, and bars called standard deviations "
        "are standard errors",
        low=0.0,
        negligible=SMALL,
    ),
    claim(
        name="mending_by_self_influence_restores_accuracy",
        statement="Where the flips among the 20% or 30% of the points of largest self-influence are put right, test "
        "accuracy is within 0.01 of that with all labels right.",
        where={**FLIPPED, "estimator": "self_influence", "statistic": "accuracy_lost"},
        settings=tuple(
            Setting(f"{words}, {share:.0%} inspected", {"data": name, "inspected": share})
            for name, words in DATA.items()
            for share in (0.2, 0.3)
        ),
        published="back to the accuracy of clean labels, Enron1; no number printed",
        high=SMALL,
    ),
    claim(
        name="cheap_scores_find_flips_as_well_as_self_influence",
        paper="influencelab",
        statement="Scores that need no curvature find flips as well as self-influence does: its area is ahead of "
        "theirs by less than 0.01.",
        where=GAIN,
        settings=tuple(
            Setting(f"{words}, {rival}", {"data": name, "estimator": score})
            for name, words in DATA.items()
            for score, rival in RIVALS.items()
        ),
        published="compared with training loss alone",
        high=SMALL,
    ),
)

WORDS = {"enron1": "mails", "digits": "handwritten threes and eights", "fashion": "pullovers and coats"}
# Shares found by these scores are quoted.
QUOTED = ("self_influence", "training_loss", "self_confidence", "neighbours", "random")
FOUND = tuple(
    Finding(
        STUDY,
        f"**{head}** Of {WORDS[name]}, inspecting a share of 0.1 of the training points, as many as there "
        "are flips, finds {} of these by self-influence, {} by training loss, {} by out-of-sample loss, {} by nearest "
        "neighbours and {} at random. The area under the curve of self-influence is ahead of that of training loss by "
        "{}, and of that of nearest neighbours by {}.",
        (
            *(
                {"data": name, **FLIPPED, "statistic": "found", "inspected": 0.1, "estimator": score}
                for score in QUOTED
            ),
            *({"data": name, **GAIN, "estimator": score} for score in ("training_loss", "neighbours")),
        ),
    )
    for name, head in {
        "enron1": "Influence finds flipped mails before the loss does, and nearest neighbours find more than both.",
        "digits": "On digits the loss finds flips as influence does, and nearest neighbours find nearly all.",
        "fashion": "On clothes the loss finds flips as influence does, and nearest neighbours find more than both.",
    }.items()
)
TRUE = tuple(
    Finding(
        STUDY,
        f"**{head}** Of {WORDS[name]}, where one label is changed and the model trained again, "
        "influence ranks the changes in validation loss with a Spearman correlation of {}; their size is {} times "
        "the predicted one, and the error {} times the size of the truth.",
        tuple(
            {"data": name, "selection": "relabelled", "statistic": each}
            for each in ("spearman", "slope", "relative_error")
        ),
    )
    for name, head in {
        "enron1": "What a changed label does among mails, influence ranks and predicts far too large.",
        "digits": "Among digits it has the right size on the whole.",
        "fashion": "Among clothes it is about a tenth too large.",
    }.items()
)
FINDINGS = (*FOUND, *TRUE)

TABLES = (
    FindingTable(
        STUDY,
        "Area under the curve of flips found (to 30% inspected, 10% flipped; at most 0.833), by score.",
        "score",
        {
            name: {"estimator": score, **FLIPPED, "statistic": "area"}
            for score, name in {
                "self_influence": "self-influence",
                "newton_self_influence": "Newton self-influence",
                "validation_influence": "validation influence",
                **RIVALS,
                "random": "random order",
            }.items()
        },
        {words: {"data": name} for name, words in DATA.items()},
    ),
)
