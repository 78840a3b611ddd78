"""What is claimed, and was found, about scores of models that other libraries fitted."""

from collections.abc import Sequence
from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement

STUDY = "your_own_model"
OWN = {"target": "own_refit", "selection": "random_points", "estimator": "newton_step"}
CANCER, DIABETES = {**OWN, "data": "breast cancer"}, {**OWN, "data": "diabetes"}
NETWORK = {"data": "digits", "estimator": "exact", "target": "retrained", "selection": "random_points"}
SIZE, ORDER = {"statistic": "median_slope"}, {"statistic": "spearman"}

claim = partial(Claim, study=STUDY, paper="influencelab, the front page")
CLAIMS = (
    claim(
        name="scores_of_a_scikit_learn_model_are_as_its_refits_are",
        statement="Scores of a model that scikit-learn fitted have the size of what fitting it again by its own class "
        "without a point does to the losses of test points.",
        where=SIZE,
        low=0.98,
        high=1.02,
        settings=(
            Setting("logistic regression, breast cancer", CANCER),
            Setting("ridge regression, diabetes", DIABETES),
        ),
        published="what fitting again without a point would do",
    ),
    claim(
        name="scores_of_a_torch_network_rank_its_retraining",
        statement="Scores of a convolutional network that torch made, brought to its minimum, rank what training on "
        "from there without a point does to the losses of test points.",
        where={**NETWORK, **ORDER},
        low=0.9,
        published="what fitting again without a point would do",
    ),
)


def handed_in(numbers: Sequence[Measurement]) -> str:
    """How near the size of scores is to that of refits, in the words that the slopes' intervals support."""
    far = max(abs(end - 1) for number in numbers[:2] for end in number.interval or (float("inf"),))
    size = (
        "have the size of its refits, within a tenth" if far <= 0.1 else "are not shown to have the size of its refits"
    )
    return (
        f"**A model is handed in with its data, and its scores {size}.** Beside scikit-learn's own refits without a "
        "point the slope is {} for a logistic regression on breast cancer and {} for a ridge regression on diabetes. A "
        "small convolutional network of torch is ranked with a Spearman correlation of {}, and its changes are {} "
        "times what is predicted."
    )


FINDINGS = (
    Finding(STUDY, handed_in, ({**CANCER, **SIZE}, {**DIABETES, **SIZE}, {**NETWORK, **ORDER}, {**NETWORK, **SIZE})),
)
