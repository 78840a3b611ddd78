"""What is claimed, and was found, of sketches of influence and of the rows that they find."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting
from influencelab.studies.influence_sketching.called import ARMS, EXACT, LOSS, NORM, PROJECTIONS, RANDOM, SCORES, SKETCH

STUDY = "influence_sketching"
PAPER = "Wojnowicz et al. 2016"
# Data of the record by name, with what they are and the parts of their test rows.
DATA = {
    "planted": "planted mistakes",
    "kddcup99": "connections",
    "kddcup99_crossed": "connections, crossed",
    "enron1": "mails",
}
PARTS = {"held_out": "held out", "published": "published test set"}
TESTED = {
    f"{words}, {PARTS[part]}, {penalty}": {"arm": arm, "data": data, "tests": part}
    for arm, penalty in ARMS.items()
    for data, words in DATA.items()
    for part in (PARTS if data.startswith("kddcup99") else ("held_out",))
}
EACH = tuple(Setting(words, where) for words, where in TESTED.items())
TENTH = {"removed": 0.1}
SIZED = {
    f"{DATA[data]}, {words}": {"arm": "ridge", "data": data, "estimator": name}
    for data in DATA
    for name, words in PROJECTIONS.items()
}
SKETCHES = tuple(Setting(words, where) for words, where in SIZED.items())
# The smallest difference of accuracies that matters.
SMALL = 0.01

claim = partial(Claim, study=STUDY, paper=f"{PAPER}, Fig. 5")
ours = partial(Claim, study=STUDY, paper="influencelab", published="not compared")
CLAIMS = (
    claim(
        name="removing_influential_rows_collapses_the_model",
        statement="Without the tenth of the training rows that a sketch calls most influential, held-out accuracy "
        "falls by 0.05 or more.",
        where={**TENTH, "estimator": SKETCH, "statistic": "accuracy_lost"},
        settings=EACH,
        low=0.05,
        published="from 0.9947 to 0.9024, programs of which some were malware",
    ),
    claim(
        name="influential_rows_cost_ten_times_what_random_rows_do",
        statement="What that costs is ten times or more what as many rows at random cost (accuracy lost, less ten "
        "times that at random).",
        where={**TENTH, "estimator": SKETCH, "statistic": "lost_less_ten_random"},
        settings=EACH,
        low=0.0,
        published="461 times",
    ),
    claim(
        name="removing_random_rows_does_nothing",
        statement="Without a tenth of the training rows at random held-out accuracy falls by less than 0.005.",
        where={**TENTH, "estimator": RANDOM, "statistic": "accuracy_lost"},
        settings=EACH,
        high=0.005,
        published="from 0.9947 to 0.9945",
    ),
    ours(
        name="removing_rows_of_the_highest_loss_does_the_same",
        statement="Without the tenth of the highest training loss held-out accuracy falls as far as without that of "
        "the largest sketched influence, to 0.01 (sketch less loss).",
        where={**TENTH, "estimator": LOSS, "statistic": "sketch_less"},
        settings=EACH,
        high=SMALL,
    ),
    ours(
        name="residual_and_row_norm_do_the_same",
        statement="So it does without the tenth of the largest squared residual times squared row norm, for which "
        "nothing is projected.",
        where={**TENTH, "estimator": NORM, "statistic": "sketch_less"},
        settings=EACH,
        high=SMALL,
    ),
    ours(
        name="a_sketch_removes_as_exact_distances_do",
        statement="Removing a tenth by a sketch costs what removing it by exact Cook's distances does, to 0.01.",
        where={**TENTH, "estimator": EXACT, "statistic": "sketch_less"},
        settings=EACH,
        low=-SMALL,
        high=SMALL,
    ),
    ours(
        name="sketches_of_a_fifth_of_the_coefficients_rank_as_exact_distances",
        statement="With k a fifth of the coefficients (of the rows, where these are fewer) sketched Cook's distances "
        "have a Spearman correlation of 0.9 or more with exact ones.",
        where={"k_of_p": 0.2, "statistic": "spearman"},
        settings=SKETCHES,
        low=0.9,
    ),
    ours(
        name="sketches_of_half_the_coefficients_rank_as_exact_distances",
        statement="With half of them it is 0.99 or more.",
        where={"k_of_p": 0.5, "statistic": "spearman"},
        settings=SKETCHES,
        low=0.99,
    ),
    ours(
        name="sketches_of_half_the_coefficients_beat_residual_and_row_norm",
        statement="With half of them that correlation is ahead of that of squared residual times squared row norm.",
        where={"k_of_p": 0.5, "statistic": "spearman_less_norm"},
        settings=SKETCHES,
        low=0.0,
        negligible=0.001,
    ),
    ours(
        name="sketched_distances_have_the_size_of_exact_ones",
        late=True,
        statement="With half of them sketched distances have the size of exact ones to a factor of 2 (the slope of "
        "exact on sketched). Where features are many more than k, ΩᵀΩ makes of the penalty one that is p / k times as "
        "strong.",
        where={"k_of_p": 0.5, "statistic": "slope"},
        settings=SKETCHES,
        low=0.5,
        high=2.0,
    ),
    claim(
        name="influential_rows_are_often_mislabelled",
        paper=PAPER,
        statement="Planted wrong labels are five times as frequent among the twentieth of the rows that a sketch puts "
        "first as among all, or more. How often the highest losses are wrong labels stands beside it.",
        where={"arm": "ridge", "data": "planted", "kind": "flipped", "statistic": "times", "estimator": SKETCH},
        low=5.0,
        published="especially likely to be mislabelled; no number printed",
    ),
    ours(
        name="one_step_predicts_what_a_deletion_does",
        statement="The step whose length is Cook's distance predicts what deleting a row does to test losses: the "
        "slope of actual on predicted change.",
        where={"estimator": "one_step", "target": "deleted", "statistic": "slope"},
        settings=tuple(Setting(words, {"data": data}) for data, words in DATA.items()),
        low=0.95,
        high=1.05,
    ),
)

LOST = {**TENTH, "statistic": "accuracy_lost"}
RANKED = {"arm": "ridge", "k_of_p": 0.5, "estimator": "sparse_sign_projection"}
KEPT = ("planted", "kddcup99", "enron1")
FLIPS = {"arm": "ridge", "data": "planted", "kind": "flipped"}
FINDINGS = (
    *(
        Finding(
            STUDY,
            f"**Of {words} the rows of the highest loss carry as much as the most influential ones.** Without a tenth "
            "of the training rows accuracy on rows held out falls by {} by sketched influence, by {} by exact Cook's "
            "distances, by {} by training loss, by {} by residual and row norm, and by {} at random.",
            tuple(
                {"arm": "ridge", "data": data, "tests": "held_out", **LOST, "estimator": name}
                for name in (SKETCH, EXACT, LOSS, NORM, RANDOM)
            ),
        )
        for data, words in {"kddcup99": "connections", "enron1": "mails"}.items()
    ),
    Finding(
        STUDY,
        "**Influential rows are often mislabelled, and so are those of the highest loss.** Planted wrong labels are {} "
        "times as frequent among the twentieth of the rows of largest sketched influence as among all, and {} times "
        "among that of the highest loss.",
        tuple({**FLIPS, "estimator": name, "statistic": "times"} for name in (SKETCH, LOSS)),
    ),
    Finding(
        STUDY,
        "**A sketch ranks rows as exact Cook's distances do, and is no measure of their size.** With half as many sums "
        "as coefficients its Spearman correlation with them is {} of planted rows, {} of connections and {} of mails; "
        "that of residual and row norm, which sums nothing, is {}, {} and {}. Exact distances are {}, {} and {} times "
        "the sketched ones.",
        (
            *({**RANKED, "data": data, "statistic": "spearman"} for data in KEPT),
            *({"arm": "ridge", "data": data, "estimator": NORM, "statistic": "spearman"} for data in KEPT),
            *({**RANKED, "data": data, "statistic": "slope"} for data in KEPT),
        ),
    ),
)

TABLES = (
    FindingTable(
        STUDY,
        "Held-out accuracy lost without the first tenth of the training rows of each score.",
        "test rows",
        TESTED,
        {words: {**LOST, "estimator": score} for score, words in SCORES.items()},
    ),
)
