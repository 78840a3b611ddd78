"""Published claims, and a finding, about groups that can be predicted where single points cannot."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "group_removals"
SCORES = {"estimator": "influence", "statistic": "spearman"}
# There is no share where single points are removed.
HALVES, SINGLE = ({**SCORES, "share": share} for share in (0.5, None))

claim = partial(Claim, study=STUDY, paper="dattri (Deng et al. 2024), MLP")
unpaired = partial(
    claim, published="LDS 0.26 where the correlation with leave-one-out is 0.02 (conjugate gradients), a ratio of 13"
)

CLAIMS = (
    unpaired(
        name="halves_are_predicted_unpaired",
        statement="Damped influence predicts what retraining without a random half does (LDS above 0.1) though each "
        "model draws its own batches. Our network, n, p and dropout are not theirs.",
        where={**HALVES, "target": "unpaired"},
        low=0.1,
        sizes=(Setting("within a tenth", low=0.16, high=0.36),),
    ),
    unpaired(
        name="single_points_are_hardly_predicted_unpaired",
        statement="The same scores rank single points hardly at all: their mean correlation is 0.05 at most.",
        where={**SINGLE, "target": "unpaired"},
        high=0.05,
    ),
    unpaired(
        name="halves_are_predicted_better_than_single_points",
        statement="Halves are predicted at least twice as well as single points: the ratio of the two correlations.",
        where={**HALVES, "target": "unpaired"},
        settings=(Setting("each its own batches", over={"share": None}),),
        low=2.0,
        sizes=(Setting("10 to 16, as printed", over={"share": None}, low=10.0, high=16.0),),
    ),
    claim(
        name="pairing_makes_single_points_predictable",
        paper="influencelab, beside dattri (Deng et al. 2024)",
        statement="With batches that models with and without a point share, single points are predicted as well as "
        "groups are: the correlation is above 0.5 for each.",
        where={**SCORES, "target": "paired"},
        settings=tuple(
            Setting(name, {"share": share})
            for name, share in (("single points", None), ("1%", 0.01), ("5%", 0.05), ("halves", 0.5))
        ),
        low=0.5,
        published="not compared",
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**Single points are hidden by noise, not by influence.** Where each model draws its own batches, influence "
        "ranks single removals at {} and halves at {}; the truth itself repeats at {} and {}. With batches paired it "
        "ranks them at {} and {}.",
        (
            {**SINGLE, "target": "unpaired"},
            {**HALVES, "target": "unpaired"},
            *({"share": share, "target": "unpaired", "statistic": "repeatability"} for share in (None, 0.5)),
            {**SINGLE, "target": "paired"},
            {**HALVES, "target": "paired"},
        ),
    ),
)
