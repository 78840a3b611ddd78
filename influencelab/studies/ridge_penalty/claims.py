"""What is claimed, and was found, about the observations that decide a ridge penalty."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "ridge_penalty"
PAPER = "Hellton, Lingjærde & De Bin 2024"
OURS = f"influencelab, beside {PAPER}"
# Where all is measured at the published size, by its name in words.
DATA = {
    "body fat": "bodyfat",
    "body fat, penalised intercept": "bodyfat_penalised_intercept",
    "simulated": "simulated",
    "more covariates than rows": "wide",
}
EVERYWHERE = tuple(Setting(name, {"data": data}) for name, data in DATA.items())
TOP = {"data": "simulated", "statistic": "outlier_is_top_shrinker", "shift": "any"}
PENALTY = {"what": "penalty"}
SLOPE = {**PENALTY, "statistic": "slope"}
STEP = {**PENALTY, "estimator": "newton_step", "target": "deletion"}
LESS_COOK = {**PENALTY, "target": "deletion", "estimator": "deletion_slope", "statistic": "spearman_less_cook"}
SHARE = {"what": "predictions", "statistic": "share_through_penalty"}

claim = partial(Claim, study=STUDY, paper=OURS, published="not compared")

CLAIMS = (
    claim(
        name="outlier_becomes_the_dominant_shrinker",
        paper=f"{PAPER}, simulation",
        statement="An observation whose response lies 3 standard deviations too high is the one whose weight raises "
        "the penalty most, in at least 0.8 of all draws. How often Cook's distance, the rival, names it stands beside.",
        where={**TOP, "estimator": "curve"},
        low=0.8,
        published="one draw, in which it was",
    ),
    claim(
        name="an_outlier_with_its_signal_shrinks_nothing",
        late=True,
        statement="Where the shift goes with the sign of the observation's own signal, so that less shrinkage meets it "
        "better, it is the top shrinker in at most 0.05 of draws.",
        where={**TOP, "shift": "with", "estimator": "curve"},
        high=0.05,
    ),
    claim(
        name="one_observation_changes_the_penalty_dramatically",
        paper=f"{PAPER}, body fat",
        statement="As the weight of one man goes from 0 to 4 the penalty of body fat changes by a factor of 2 or more "
        "(an infinite one where it becomes 0).",
        where={"data": "bodyfat", "statistic": "largest_factor"},
        low=2.0,
        published="curves that part, without a number",
    ),
    claim(
        name="slope_predicts_the_penalty_at_weight_0",
        statement="The derivative by an observation's weight predicts the change of the log penalty where it weighs "
        "0 in the sum: the slope of actual on predicted.",
        where={**SLOPE, "estimator": "weight_slope", "target": "weight_0"},
        settings=EVERYWHERE,
        low=0.8,
        high=1.25,
    ),
    claim(
        name="weight_0_is_a_deletion",
        statement="To give an observation weight 0 in the sum changes the log penalty as deleting it does: the slope "
        "of one on the other.",
        where={**SLOPE, "estimator": "weight_0", "target": "deletion"},
        settings=EVERYWHERE,
        low=0.95,
        high=1.05,
    ),
    claim(
        name="slope_through_all_fits_predicts_a_deletion",
        statement="The derivative by a weight that acts in every fit too predicts the change of the log penalty "
        "where the observation is deleted: the slope of actual on predicted.",
        where={**SLOPE, "estimator": "deletion_slope", "target": "deletion"},
        settings=EVERYWHERE,
        low=0.8,
        high=1.25,
    ),
    claim(
        name="newton_step_ranks_deletions",
        late=True,
        statement="One Newton step of the penalty on the exact criterion without the observation ranks what deletions "
        "do to the log penalty, signs included (Spearman). Its sizes are off where the penalty nearly vanishes.",
        where={**STEP, "statistic": "spearman"},
        settings=EVERYWHERE,
        low=0.95,
    ),
    claim(
        name="slope_ranks_deletions_better_than_cooks_distance",
        statement="The size of that derivative ranks how much deletions move the penalty better than Cook's distance "
        "does, by 0.05 of Spearman's correlation or more.",
        where=LESS_COOK,
        settings=EVERYWHERE,
        low=0.05,
    ),
    claim(
        name="deletions_act_through_the_fit",
        statement="Of what a deletion does to predictions less than half goes through the penalty.",
        where=SHARE,
        settings=EVERYWHERE,
        high=0.5,
    ),
)


def of(data: str, **settings: str) -> dict[str, str]:
    """Settings of a slope of the penalty on one data set."""
    return {**SLOPE, "data": data, **settings}


FINDINGS = (
    Finding(
        STUDY,
        "**An outlier decides the penalty in one direction or the other, or not at all.** In the paper's simulation "
        "it alone raises the penalty most in {} of all draws: in {} where its shift goes against its own signal, in "
        "{} where it goes with it, and there it alone lowers the penalty most in {}. It has the largest Cook's "
        "distance in {} of all draws.",
        (
            {**TOP, "estimator": "curve"},
            {**TOP, "estimator": "curve", "shift": "against"},
            {**TOP, "estimator": "curve", "shift": "with"},
            {**TOP, "estimator": "curve", "shift": "with", "statistic": "outlier_is_top_expander"},
            {**TOP, "estimator": "cook"},
        ),
    ),
    Finding(
        STUDY,
        "**Weight 0 is not a deletion.** On body fat the slope of what a deletion does to the log penalty on what "
        "weight 0 in the sum does is {} (Spearman's correlation {}), with more covariates than rows {} ({}). One "
        "Newton step without the observation ranks deletions at {} and {}, with a relative error of {} and {} in size.",
        (
            *(
                {**of(data, estimator="weight_0", target="deletion"), "statistic": name}
                for data in ("bodyfat", "wide")
                for name in ("slope", "spearman")
            ),
            *(
                {**STEP, "data": data, "statistic": name}
                for name in ("spearman", "relative_error")
                for data in ("bodyfat", "wide")
            ),
        ),
    ),
    Finding(
        STUDY,
        "**Deletions act through the fit and through the penalty.** Of what they do to predictions, a share of {} goes "
        "through the penalty on body fat, of {} in the simulation and of {} with more covariates than rows.",
        tuple({**SHARE, "data": data} for data in ("bodyfat", "simulated", "wide")),
    ),
)
