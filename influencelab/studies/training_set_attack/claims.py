"""What is claimed, and was found, of training pictures that look unchanged and flip predictions."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "training_set_attack"
# Pictures of the record: tench and springers.
PICTURES = {"data": "imagenette"}
RATE = {**PICTURES, "statistic": "flip_rate"}
BETWEEN, WHOLE = {"estimator": "published"}, {"estimator": "whole_levels"}

BUDGETS = {1: "one picture", 10: "ten pictures"}

claim = partial(Claim, study=STUDY, paper="Koh & Liang 2017, Sec. 5.2")
CLAIMS = (
    claim(
        name="one_training_picture_flips_most_test_predictions",
        statement="A change of one training picture by less than half a grey level a pixel flips most of the test "
        "pictures that the model had right (either of two pictures, tried alone).",
        where={**RATE, **BETWEEN, "budget": 1},
        low=0.5,
        sizes=(Setting("within ten points of the printed share", low=0.47, high=0.67),),
        published="57% (335 of 591), Inception features at 299 pixels",
        least="paper",
    ),
    claim(
        name="two_training_pictures_flip_three_quarters",
        statement="A change of two training pictures by less than half a grey level flips most test pictures.",
        where={**RATE, **BETWEEN, "budget": 2},
        low=0.5,
        sizes=(Setting("within ten points of the printed share", low=0.67, high=0.87),),
        published="77%",
        least="paper",
    ),
    claim(
        name="ten_training_pictures_flip_nearly_all",
        statement="A change of ten training pictures by less than half a grey level flips nearly all test pictures.",
        where={**RATE, **BETWEEN, "budget": 10},
        low=0.95,
        published="all but one of 591 (99.8%)",
        least="paper",
    ),
    claim(
        name="an_attack_flips_five_times_as_many_as_chance_directions",
        statement="Training pictures that climb influence flip at least five times as many test pictures as the same "
        "ones moved as far in a random direction.",
        where={**PICTURES, "statistic": "times"},
        settings=(
            *(
                Setting(f"between grey levels, {words}", {**BETWEEN, "rival": "random", "budget": budget})
                for budget, words in BUDGETS.items()
            ),
            *(
                Setting(f"by whole grey levels, {words}", {**WHOLE, "rival": "random_whole_levels", "budget": budget})
                for budget, words in BUDGETS.items()
            ),
        ),
        low=5.0,
        published="no control printed",
    ),
    claim(
        name="the_published_change_is_in_no_file_of_eight_bits",
        statement="The published change stays within half a grey level, so that a file of 8 bits of the poisoned "
        "picture is that of the clean one (largest difference of the files).",
        where={**PICTURES, **BETWEEN, "statistic": "file_deviation"},
        high=0.0,
        unit="grey levels",
        published="pixels within the same 8-bit value",
    ),
    claim(
        name="the_attack_works_in_files_of_eight_bits",
        paper="influencelab",
        statement="A change of one training picture by one grey level at most, in whole levels as a PNG file holds "
        "them, flips most test pictures (either of two pictures, tried alone).",
        where={**RATE, **WHOLE, "budget": 1},
        low=0.5,
        published="not tried",
        least="paper",
    ),
    claim(
        name="curvature_is_what_makes_an_attack",
        paper="influencelab",
        statement="Climbing influence flips more test pictures than climbing the product of gradients, without "
        "curvature (difference of the shares).",
        where={**PICTURES, **BETWEEN, "rival": "without_curvature", "statistic": "ahead"},
        settings=tuple(Setting(words, {"budget": budget}) for budget, words in BUDGETS.items()),
        low=0.0,
        negligible=0.05,
        published="not compared",
    ),
    claim(
        name="influence_predicts_what_a_small_move_of_a_picture_does",
        paper="influencelab",
        statement="Through features, the predicted fall of the log-odds of a test picture is that of training again, "
        "for a quarter of the move (slope of actual on predicted).",
        where={
            **PICTURES,
            "measure": "log_odds",
            "share": 0.25,
            "estimator": "feature_move",
            "statistic": "slope",
        },
        low=0.8,
        high=1.25,
        published="not printed",
    ),
    claim(
        name="a_poisoned_point_stands_out",
        paper="influencelab",
        statement="Self-influence, leverage or training loss put the poisoned point above nine tenths of the training "
        "points.",
        where={**PICTURES, "when": "after", "statistic": "auroc"},
        settings=tuple(
            Setting(words, {"estimator": name})
            for name, words in (
                ("self_influence", "self-influence"),
                ("leverage", "leverage"),
                ("training_loss", "training loss"),
            )
        ),
        low=0.9,
        published="not tried; accuracy does not show it",
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**Ten pictures that look unchanged flip most predictions; one or two flip few.** Changes below half a grey "
        "level in one training picture flip {} of the test pictures that were right, in two "
        "{}, in ten {}; ten moved as far in random directions {}, and ten without the curvature {}.",
        (
            {**RATE, **BETWEEN, "budget": 1},
            {**RATE, **BETWEEN, "budget": 2},
            {**RATE, **BETWEEN, "budget": 10},
            {**RATE, "estimator": "random", "budget": 10},
            {**RATE, "estimator": "without_curvature", "budget": 10},
        ),
    ),
    Finding(
        STUDY,
        "**None of that is in a file of eight bits.** A change by one whole grey level, which is, flips {} with one "
        "picture and {} with ten.",
        ({**RATE, **WHOLE, "budget": 1}, {**RATE, **WHOLE, "budget": 10}),
    ),
)
