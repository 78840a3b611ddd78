"""What is claimed, and was found, of misleading pictures and of whoever looks for them."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting
from influencelab.studies.misleading_images.called import INFLUENCE, SCORES, VARIANTS, WHOLE

STUDY = "misleading_images"
# The share of the pictures asked about of which every arm plants as many.
SHARE = 0.15
# What is planted among which pictures, by the words of a setting.
CELLS = {
    f"{data}, {arm}": {"data": data, "arm": arm, "planted": SHARE}
    for data in ("guitars", "digits")
    for arm in ("relabelled", "copies", "watermarked")
}
RELABELLED = CELLS["guitars, relabelled"]
RIVALS = {name: words for name, words in SCORES.items() if name != INFLUENCE}
# Where some picture is predicted wrongly, so that there is something to ask.
LABELS = tuple(Setting(words, where) for words, where in CELLS.items() if where["arm"] != "watermarked")
GUITARS = tuple(each for each in LABELS if each.where["data"] == "guitars")
WATERMARKED = CELLS["guitars, watermarked"]
AGAINST = tuple(
    Setting(f"{cell}, {words}", {**CELLS[cell], "estimator": rival})
    for cell in ("guitars, relabelled", "digits, relabelled")
    for rival, words in RIVALS.items()
)
# The smallest difference of shares that matters.
SMALL = 0.05

ours = partial(Claim, study=STUDY, paper="influencelab, beside Barshan et al. 2020", published="not compared")
figure = partial(Claim, study=STUDY, paper="Koh & Liang 2017, Fig. 1", least="paper")
CLAIMS = (
    Claim(
        name="planted_pictures_make_confident_mistakes",
        paper="the question that talks on influence begin with: why is this cat a guitar?",
        statement="Training pictures that mislead, 15% of the cats, make a model call test pictures that are plainly "
        "cats guitars, and the surest of them with a probability of 0.93 or more (mean over splits).",
        study=STUDY,
        where={"statistic": "surest"},
        settings=GUITARS,
        published="cats called guitars with 93% to 99%; how is not said",
        low=0.93,
    ),
    ours(
        name="without_planted_pictures_no_cat_is_a_guitar",
        statement="Where nothing is planted, at most one in a hundred test cats is called a guitar.",
        where={"data": "guitars", "arm": "relabelled", "planted": 0.0, "statistic": "wrong_share"},
        high=0.01,
    ),
    ours(
        name="watermarks_make_no_cat_a_guitar",
        statement="Guitars, rightly labelled, through which test cats show at an opacity of 0.3, as many as 15% of the "
        "training cats, make a model call at most one in a hundred test cats a guitar.",
        where={**WATERMARKED, "statistic": "wrong_share"},
        high=0.01,
        late=True,
    ),
    ours(
        name="influence_names_planted_pictures",
        statement="Of the four training pictures that influence blames most for a wrong test picture, half or more "
        "were planted.",
        where={"statistic": "precision", "estimator": INFLUENCE},
        settings=LABELS,
        low=0.5,
    ),
    ours(
        name="influence_names_more_planted_pictures_than_rivals",
        statement="Of the four pictures that influence blames, more were planted than of those that a rival blames.",
        where={"statistic": "precision_gain"},
        settings=tuple(
            Setting(f"{cell}, {words}", {**CELLS[cell], "estimator": rival})
            for cell in ("guitars, relabelled", "guitars, copies", "digits, relabelled")
            for rival, words in RIVALS.items()
        ),
        low=0.0,
        negligible=SMALL,
    ),
    ours(
        name="mending_what_influence_names_turns_pictures_back",
        statement="Where the four pictures that influence blames get the right label and the model is trained again, "
        "half or more of the wrong test pictures turn back.",
        where={"statistic": "turned", "estimator": INFLUENCE},
        settings=LABELS,
        low=0.5,
    ),
    ours(
        name="mending_by_influence_turns_more_back_than_by_rivals",
        statement="Giving the four pictures that influence blames the other label, whatever they are, turns more wrong "
        "test pictures back than doing so with those that a rival blames.",
        where={"statistic": "turned_gain"},
        settings=AGAINST,
        low=0.0,
        negligible=SMALL,
    ),
    ours(
        name="inspecting_by_influence_turns_more_back_than_by_rivals",
        statement="Putting right what was planted among the four pictures that influence blames turns more wrong test "
        "pictures back than putting right what was planted among the four of a rival.",
        where={"statistic": "inspected_turned_gain"},
        settings=AGAINST,
        low=0.0,
        negligible=SMALL,
    ),
    ours(
        name="influence_predicts_what_another_label_does",
        statement="Influence predicts what changing the label of one training picture does to test losses.",
        where={"selection": "relabelled", "target": "retrained"},
        settings=tuple(
            Setting(f"{data}, {words}", {"data": data, "statistic": name}, low=low, high=high)
            for data in ("guitars", "digits")
            for name, words, low, high in (
                ("spearman", "order (Spearman)", 0.9, None),
                ("pearson", "order (Pearson)", 0.9, None),
                ("slope", "size (slope)", 0.8, 1.25),
                ("relative_error", "error (RMS error / RMS truth)", None, 0.5),
            )
        ),
    ),
    figure(
        name="influence_needs_both_of_its_factors",
        statement="Without the factor of training loss, without curvature, or without both, scores agree less with "
        "training again than influence does (Pearson correlation).",
        where={"data": "mnist", "selection": "removed", "statistic": "pearson_gain"},
        settings=tuple(Setting(words, {"estimator": name}) for name, words in VARIANTS.items() if name != WHOLE),
        published="scatter plots of influence against its parts; no number printed, and no model trained again",
        low=0.0,
        negligible=0.01,
    ),
    figure(
        name="harm_comes_from_the_own_class_too",
        statement="Among the five training pictures that harm a seven most there is a seven.",
        where={"data": "mnist", "estimator": WHOLE, "statistic": "first_harmful_of_own_class"},
        published="the harmful picture that is shown is a seven, the fifth most harmful",
        high=5.0,
    ),
    figure(
        name="without_curvature_the_own_class_cannot_harm",
        statement="Without curvature no training picture of the test picture's own class harms it.",
        where={"data": "mnist", "estimator": "without_curvature", "statistic": "harmful_of_own_class"},
        published="said to follow from pixels that are not negative",
        high=0.0,
    ),
)

PRECISE = {**RELABELLED, "statistic": "precision"}
FINDINGS = (
    Finding(
        STUDY,
        "**Why is this cat a guitar? Influence names what was planted, and so does the training loss.** With 15% of "
        "the training cats called guitars, {} of the test cats are called guitars, the surest with {}. Of the four "
        "training pictures that influence blames for one, {} were planted; of those of the gradient product {}, of "
        "relative influence {}, of nearest neighbours {}, of training loss {}, of out-of-sample loss {}, and of random "
        "ones of that label {}.",
        (
            {**RELABELLED, "statistic": "wrong_share"},
            {**RELABELLED, "statistic": "surest"},
            *(
                {**PRECISE, "estimator": name}
                for name in (
                    INFLUENCE,
                    "gradient_dot",
                    "relatif",
                    "neighbours",
                    "training_loss",
                    "out_of_sample_loss",
                    "random",
                )
            ),
        ),
    ),
    Finding(
        STUDY,
        "**To find what is wrong is not to find what matters.** Where whoever looks at the four pictures blamed for a "
        "wrong cat puts right what was planted among them, {} of the cats turn back by influence, {} by gradient "
        "products, {} by nearest neighbours, {} by training loss and {} at random. Where nobody looks, and all four "
        "are called cats, it is {}, {}, {}, {} and {}, and {}, {}, {}, {} and {} other test pictures turn wrong.",
        tuple(
            {**RELABELLED, "statistic": statistic, "estimator": name}
            for statistic in ("inspected_turned", "turned", "spoiled")
            for name in (INFLUENCE, "gradient_dot", "neighbours", "training_loss", "random")
        ),
    ),
    Finding(
        STUDY,
        "**Of one label that is changed, influence predicts the order better than the size.** Of pictures, the "
        "Spearman correlation with training again is {}, the slope {}, and the error {} times the size of the truth.",
        tuple(
            {"data": "guitars", "selection": "relabelled", "statistic": each}
            for each in ("spearman", "slope", "relative_error")
        ),
    ),
)
TABLES = (
    FindingTable(
        STUDY,
        "Share of the four blamed that were planted (15% of the cats planted), by score and by what is planted.",
        "score",
        {words: {"estimator": name, "statistic": "precision"} for name, words in SCORES.items()},
        CELLS,
    ),
)
