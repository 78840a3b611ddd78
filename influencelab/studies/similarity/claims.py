"""What is claimed, and was found, of two models of the same pictures: who helps, and whether that is nearness."""

from collections.abc import Mapping
from functools import partial
from itertools import product

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting

STUDY = "similarity"
KERNEL, DEEP = "kernel machine", "deep features"
MODELS = (KERNEL, DEEP)
DATA = {"dog against fish": "imagenette", "dog against frog": "cifar10"}
RIVALS = {"kernel of pixels": "pixel_kernel", "cosine of features": "feature_cosine", "same label": "same_label"}
SELECTIONS = {"most influential": "top", "at random": "random_points"}
EACH = tuple(Setting(name, {"data": data}) for name, data in DATA.items())
EACH_MODEL = tuple(
    Setting(f"{name}, {model}", {"data": data, "model": model}) for (name, data), model in product(DATA.items(), MODELS)
)

figure = partial(Claim, study=STUDY, paper="Koh & Liang 2017, Fig. 4")
ours = partial(figure, paper="influencelab, beside Koh & Liang 2017", published="no model is trained again")

CLAIMS = (
    figure(
        name="kernel_influence_follows_the_distance_of_pixels",
        statement="In a support vector machine with a Gaussian kernel of the pixels, training pictures of a test "
        "picture's own class help it the more the nearer they are: mean Spearman correlation of influence and "
        "closeness over 30 test pictures.",
        where={"model": KERNEL, "statistic": "same_class_spearman"},
        settings=EACH,
        low=0.5,
        published="a figure of one test picture, in which influence falls off with distance; no number",
    ),
    figure(
        name="deep_influence_follows_it_less",
        statement="On deep features it does not, or less: the kernel machine's correlation less the size of the deep "
        "model's, on the same test pictures.",
        where={"model": "difference", "statistic": "same_class_spearman_difference"},
        settings=EACH,
        low=0.0,
        negligible=0.05,
        published="a figure of one test picture, in which influence does not depend on distance; no number",
    ),
    figure(
        name="pictures_of_the_other_class_help_on_deep_features_alone",
        statement="Pictures of the other class help on deep features, and do not in the kernel machine: the share of "
        "them with positive influence, however small.",
        where={"statistic": "other_class_helps"},
        settings=tuple(
            Setting(f"{name}, {model}", {"data": data, "model": model}, low=low, high=high)
            for (name, data), (model, low, high) in product(DATA.items(), ((KERNEL, None, 0.05), (DEEP, 0.05, None)))
        ),
        published="of the most helpful pictures on deep features the first of the other class has rank 5 in the text, "
        "19 in the notebook; of the kernel machine the first five are of the own class",
    ),
    figure(
        name="more_of_the_most_helpful_are_of_the_other_class_on_deep_features",
        statement="Of the twenty most helpful pictures more are of the other class on deep features than in the kernel "
        "machine: the difference of the two shares, on the same test pictures.",
        where={"model": "difference", "statistic": "other_class_among_first_difference"},
        settings=EACH,
        low=0.0,
        negligible=0.05,
        published="one test picture: rank 5 or 19 on deep features, none among the five shown of the kernel machine",
        late=True,
    ),
    ours(
        name="both_models_do_what_influence_says",
        statement="Both are true of models that are trained again: mean Spearman correlation of predicted and actual "
        "change over 30 test pictures, of the most influential training pictures.",
        where={"estimator": "exact", "selection": "top", "statistic": "spearman"},
        settings=EACH_MODEL,
        low=0.9,
    ),
    ours(
        name="influence_has_the_size_of_what_happens",
        statement="The size is right too: slope of actual on predicted change.",
        where={"estimator": "exact", "selection": "top", "statistic": "slope"},
        settings=EACH_MODEL,
        low=0.9,
        high=1.1,
    ),
    ours(
        name="one_newton_step_has_the_size_of_what_happens",
        statement="One Newton step without the picture, which takes out the curvature that the picture itself brings, "
        "has the right size: slope of actual on predicted change.",
        where={"estimator": "newton_step", "statistic": "slope"},
        settings=tuple(
            Setting(f"{each.name}, {words}", {**each.where, "selection": selection})
            for each, (words, selection) in product(EACH_MODEL, SELECTIONS.items())
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
        where={"selection": "random_points", "statistic": "influence_less_rival"},
        settings=tuple(
            Setting(f"{each.name}, {rival}", {**each.where, "estimator": kind})
            for each, (rival, kind) in product(EACH_MODEL, RIVALS.items())
        ),
        low=0.0,
        negligible=0.02,
    ),
)


def quotes(data: str, *named: tuple[str, str]) -> tuple[Mapping[str, str], ...]:
    """The settings of means over test pictures, by model and what is measured."""
    return tuple({"data": data, "model": model, "statistic": what} for model, what in named)


HEADS = {
    "near": "The nearest pictures help most in a kernel machine, though most pictures are far and matter little.",
    "other": "On deep features pictures of the other class are among the most helpful.",
    "true": "On deep features influence ranks what training again gives, and is several times too small.",
}


def findings(name: str, data: str) -> tuple[Finding, ...]:
    """What was found on one pair of classes."""
    own = partial(quotes, data)

    def head(what: str) -> str:
        """What both pairs of classes show, said once."""
        return f"**{HEADS[what]}** " if data == next(iter(DATA.values())) else ""

    return (
        Finding(
            STUDY,
            f"{head('near')}{name.capitalize()}: within a test picture's class, influence and closeness of pixels "
            "correlate by {} in the kernel machine and by {} on deep features; paired, the first less the size of the "
            "second is {}.",
            own(
                (KERNEL, "same_class_spearman"),
                (DEEP, "same_class_spearman"),
                ("difference", "same_class_spearman_difference"),
            ),
        ),
        Finding(
            STUDY,
            f"{head('other')}Of the twenty most helpful pictures a share of {{}} is of the other class in the kernel "
            "machine and of {} on deep features; the first of them has rank {} and {} (geometric means).",
            own(
                (KERNEL, "other_class_among_first"),
                (DEEP, "other_class_among_first"),
                (KERNEL, "first_of_other_class"),
                (DEEP, "first_of_other_class"),
            ),
        ),
        Finding(
            STUDY,
            "Of the twenty most influential a share of {} is among the twenty nearest in pixels in the kernel machine, "
            "of {} on deep features; among the twenty most alike by the cosine of features, of {} and {}.",
            own(
                (KERNEL, "nearest_among_first"),
                (DEEP, "nearest_among_first"),
                (KERNEL, "alike_among_first"),
                (DEEP, "alike_among_first"),
            ),
        ),
        Finding(
            STUDY,
            f"{head('true')}Training again without one of the most influential moves the losses {{}} times as far as "
            "influence says in the kernel machine and {} times on deep features; {} and {} times as far as one Newton "
            "step says.",
            tuple(
                {"data": data, "model": model, "estimator": kind, "selection": "top", "statistic": "slope"}
                for kind, model in product(("exact", "newton_step"), MODELS)
            ),
        ),
    )


def agreement(name: str, data: str) -> FindingTable:
    """How influence and its rivals rank what training again gives on one pair of classes."""
    rivals = {f"{rival}, signed": {"data": data, "estimator": kind} for rival, kind in RIVALS.items()}
    known = {"influence": "exact", "one Newton step": "newton_step"}
    return FindingTable(
        STUDY,
        caption=f"{name.capitalize()}: Spearman of what is predicted with what training again gives, of removals at "
        "random; the rivals know no curvature.",
        corner="score",
        rows={**{words: {"data": data, "estimator": kind} for words, kind in known.items()}, **rivals},
        columns={model: {"model": model, "selection": "random_points", "statistic": "spearman"} for model in MODELS},
    )


FINDINGS = tuple(part for each in DATA.items() for part in (*findings(*each), agreement(*each)))
