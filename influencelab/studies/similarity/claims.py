"""What is claimed, and was found, of two models of the same pictures: who helps, and whether that is nearness."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting

STUDY = "similarity"
KERNEL, DEEP = "rbf_svm", "deep_features"
MODELS = {"kernel machine": KERNEL, "deep features": DEEP}
RIVALS = {"kernel of pixels": "pixel_kernel", "cosine of features": "feature_cosine", "same label": "same_label"}
FISH = {"data": "imagenette"}

figure = partial(Claim, study=STUDY, paper="Koh & Liang 2017, Fig. 4", least="paper")
ours = partial(figure, paper="influencelab, beside Koh & Liang 2017", published="no model is trained again")

CLAIMS = (
    figure(
        name="kernel_influence_follows_the_distance_of_pixels",
        statement="In a support vector machine with a Gaussian kernel of the pixels, training pictures of a test "
        "picture's own class help it the more the nearer they are: mean Spearman correlation of influence and "
        "closeness over 30 test pictures.",
        where={**FISH, "model": KERNEL, "statistic": "same_class_spearman"},
        low=0.5,
        published="a figure of one test picture, in which influence falls off with distance; no number",
    ),
    figure(
        name="deep_influence_follows_it_less",
        statement="On deep features it does not, or less: the kernel machine's correlation less the size of the deep "
        "model's, on the same test pictures.",
        where={**FISH, "model": "difference", "statistic": "same_class_spearman_difference"},
        low=0.0,
        negligible=0.05,
        published="a figure of one test picture, in which influence does not depend on distance; no number",
    ),
    figure(
        name="pictures_of_the_other_class_help_on_deep_features_alone",
        statement="Pictures of the other class help on deep features, and do not in the kernel machine: the share of "
        "them with positive influence.",
        where={**FISH, "statistic": "other_class_helps"},
        settings=(
            Setting("kernel machine", {"model": KERNEL}, high=0.05),
            Setting("deep features", {"model": DEEP}, low=0.05),
        ),
        published="of the most helpful pictures on deep features the first of the other class has rank 5 in the text, "
        "19 in the notebook; of the kernel machine the first five are of the own class",
    ),
    figure(
        name="more_of_the_most_helpful_are_of_the_other_class_on_deep_features",
        statement="Of the twenty most helpful pictures more are of the other class on deep features than in the kernel "
        "machine: the difference of the two shares, on the same test pictures.",
        where={**FISH, "model": "difference", "statistic": "other_class_among_first_difference"},
        low=0.0,
        negligible=0.05,
        published="one test picture: rank 5 or 19 on deep features, none among the five shown of the kernel machine",
        late=True,
    ),
    ours(
        name="both_models_do_what_influence_says",
        statement="Both are true of models that are trained again: mean Spearman correlation of predicted and actual "
        "change over 30 test pictures, of the most influential training pictures.",
        where={**FISH, "estimator": "exact", "selection": "top", "statistic": "spearman"},
        settings=tuple(Setting(name, {"model": model}) for name, model in MODELS.items()),
        low=0.9,
    ),
    ours(
        name="influence_has_the_size_of_what_happens",
        statement="The size is right too: slope of actual on predicted change.",
        where={**FISH, "estimator": "exact", "selection": "top", "statistic": "slope"},
        settings=tuple(Setting(name, {"model": model}) for name, model in MODELS.items()),
        low=0.9,
        high=1.1,
    ),
    ours(
        name="one_newton_step_has_the_size_of_what_happens",
        statement="One Newton step without the picture, which takes out the curvature that the picture itself brings, "
        "has the right size: slope of actual on predicted change.",
        where={**FISH, "estimator": "newton_step", "statistic": "slope"},
        settings=tuple(
            Setting(f"{name}, {words}", {"model": model, "selection": selection})
            for name, model in MODELS.items()
            for words, selection in {"most influential": "top", "at random": "random_points"}.items()
        ),
        low=0.9,
        high=1.1,
        late=True,
    ),
    ours(
        name="influence_ranks_better_than_closeness",
        statement="Influence ranks what happens better than closeness does that counts for a picture of the test "
        "picture's class and against one of the other: its Spearman correlation less the rival's, of removals at "
        "random.",
        where={**FISH, "selection": "random_points", "statistic": "influence_less_rival"},
        settings=tuple(
            Setting(f"{name}, {rival}", {"model": model, "estimator": kind})
            for name, model in MODELS.items()
            for rival, kind in RIVALS.items()
        ),
        low=0.0,
        negligible=0.02,
    ),
)


def quote(model: str, what: str) -> dict[str, str]:
    """The settings of one mean over test pictures."""
    return {**FISH, "model": model, "statistic": what}


FINDINGS = (
    Finding(
        STUDY,
        "Dog against fish: within a test picture's class, influence and closeness of pixels correlate by {} in the "
        "kernel machine and by {} on deep features; paired, the first less the size of the second is {}.",
        (
            quote(KERNEL, "same_class_spearman"),
            quote(DEEP, "same_class_spearman"),
            quote("difference", "same_class_spearman_difference"),
        ),
    ),
    Finding(
        STUDY,
        "Pictures of the other class help in {} of cases in the kernel machine and in {} on deep features; the first "
        "of them has rank {} and {} (geometric means) among the most helpful.",
        (
            quote(KERNEL, "other_class_helps"),
            quote(DEEP, "other_class_helps"),
            quote(KERNEL, "first_of_other_class"),
            quote(DEEP, "first_of_other_class"),
        ),
    ),
    Finding(
        STUDY,
        "Of the twenty most influential pictures {} are among the twenty nearest in pixels in the kernel machine, {} "
        "on deep features; among the twenty most alike by the cosine of features, {} and {}.",
        (
            quote(KERNEL, "nearest_among_first"),
            quote(DEEP, "nearest_among_first"),
            quote(KERNEL, "alike_among_first"),
            quote(DEEP, "alike_among_first"),
        ),
    ),
    FindingTable(
        STUDY,
        caption="Spearman of what is predicted with what training again gives, of removals at random; the rivals know "
        "no curvature.",
        corner="score",
        rows={
            "influence": {**FISH, "estimator": "exact"},
            "one Newton step": {**FISH, "estimator": "newton_step"},
            **{f"{name}, signed": {**FISH, "estimator": kind} for name, kind in RIVALS.items()},
        },
        columns={
            name: {"model": model, "selection": "random_points", "statistic": "spearman"}
            for name, model in MODELS.items()
        },
    ),
)
