"""Published claims about groups that can be predicted where single points cannot."""

from functools import partial

from influencelab.runner.claim import Claim

STUDY = "group_removals"
SCORES = {"estimator": "influence", "statistic": "spearman"}
# Settings of the numbers by which the claims are judged; there is no share where single points are removed.
HALVES, SINGLE = ({**SCORES, "share": share} for share in (0.5, None))
DISTANCE = {**SINGLE, "statistic": "distance_from_zero"}

claim = partial(Claim, study=STUDY, paper="dattri (Deng et al. 2024), MLP", published="not compared")
published = partial(claim, published="LDS 0.26 where the correlation with leave-one-out is 0.02 (conjugate gradients)")

CLAIMS = (
    published(
        name="halves_are_predicted_unpaired",
        statement="Damped influence predicts what retraining without a random half does (LDS above 0.1) though each "
        "model draws its own batches.",
        where={**HALVES, "target": "unpaired"},
        low=0.1,
    ),
    published(
        name="single_points_are_not_predicted_unpaired",
        statement="The same scores show nothing for single points: the interval of their mean correlation holds 0, so "
        "that its distance from 0, the number here, is 0; explained, if it leaves 0 once batches are paired.",
        where={**DISTANCE, "target": "unpaired"},
        high=0.0,
        control={**DISTANCE, "target": "paired"},
        bare="distance of an interval from 0",
    ),
    published(
        name="single_points_unpaired",
        statement="How well the same scores rank single points, each model with its own batches.",
        where={**SINGLE, "target": "unpaired"},
    ),
    claim(
        name="single_points_are_predicted_paired",
        statement="With paired batches the same scores rank single points too.",
        where={**SINGLE, "target": "paired"},
        low=0.0,
    ),
    claim(
        name="halves_are_predicted_paired",
        statement="With paired batches the LDS stays above 0.1.",
        where={**HALVES, "target": "paired"},
        low=0.1,
    ),
)
