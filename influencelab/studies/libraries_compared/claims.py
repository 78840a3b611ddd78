"""What is claimed, and was found, about scores of other libraries held against retraining."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting

STUDY = "libraries_compared"
# How scores are scaled: as the library gave them, or as `import_scores` reads them.
RETURNED, READ = "as returned", "in nats"
# Each call by its problem: those of the whole curvature, which should give one number, refits, and other calls.
WHOLE = {"pydvl": "digits", "dattri": "digits", "captum": "digits", "pyinfluence": "breast cancer"}
REFITS = {"pyinfluence, refits": "breast cancer"}
FACTORS = {"kronfluence": "network", "kronfluence, every class": "network"}
OTHER = {"dattri, six batches": "digits", "captum, its defaults": "digits"}
SLOPE, ORDER = {"statistic": "slope_of_scale"}, {"statistic": "spearman"}
DISTANCE, FROM_FACTORS = {"statistic": "distance_from_exact"}, {"statistic": "distance_from_ekfac"}


def settings(calls: dict[str, str]) -> tuple[Setting, ...]:
    """A setting a call."""
    return tuple(Setting(f"{call}, {data}", {"estimator": call, "data": data}) for call, data in calls.items())


claim = partial(Claim, study=STUDY, paper="pyDVL 0.10, dattri 0.3, captum 0.9, pyinfluence 0.5, kronfluence 1.0")
DEFINED = "scores are the change of the loss without the point, to first order"
# Between these slopes `influencelab.check` calls a size right.
LEAST, MOST = 0.8, 1.25
CLAIMS = (
    claim(
        name="scores_of_libraries_have_the_size_of_retraining_as_returned",
        statement="The scores of a library, as it returns them with all of the curvature, have the size of what "
        "retraining without a point does to the losses of test points.",
        where={**SLOPE, "scale": RETURNED},
        settings=settings(WHOLE | REFITS),
        published=DEFINED,
        low=LEAST,
        high=MOST,
    ),
    claim(
        name="scores_of_libraries_have_the_size_of_retraining_in_nats",
        statement="Read in nats by `import_scores`, which divides by n where a library leaves that out, they have it.",
        where={**SLOPE, "scale": READ},
        settings=settings(WHOLE | REFITS),
        published="not compared",
        low=LEAST,
        high=MOST,
    ),
    claim(
        name="libraries_agree_on_one_number",
        statement="Given one model and all of its curvature, libraries compute one influence: in nats each differs "
        "from our exact inverse by less than a thousandth of its size.",
        where=DISTANCE,
        high=1e-3,
        settings=settings(WHOLE),
        published="not compared",
    ),
    claim(
        name="kronecker_factors_of_two_libraries_are_one_number",
        statement="kronfluence's Kronecker factors, of every class at its probability, give the scores of our own to a "
        "hundredth of their size. Of labels that it draws, as it comes, they differ by the draw.",
        where=FROM_FACTORS,
        high=1e-2,
        settings=settings(FACTORS),
        published="not compared",
    ),
    claim(
        name="batches_and_defaults_change_no_score",
        statement="How a library is called with the same model changes no score: batches of training points in dattri, "
        "and captum's defaults (fifty eigenvectors, no penalty in the curvature).",
        where=DISTANCE,
        high=1e-2,
        settings=settings(OTHER),
        published="batches and defaults are not said to change the scores",
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**Libraries agree on the number, not on its unit, and how one is called changes it.** pyDVL's scores as "
        "returned are off by a factor of about n (slope {}), captum's are not (slope {}); in nats both are as near to "
        "retraining (slopes {} and {}). dattri ranks retraining with a Spearman correlation of {} where all training "
        "points are one batch, and of {} in six; captum's defaults give {}. On a network kronfluence's Kronecker "
        "factors rank retraining at {}.",
        (
            {"estimator": "pydvl", "scale": RETURNED, **SLOPE},
            {"estimator": "captum", "scale": RETURNED, **SLOPE},
            {"estimator": "pydvl", "scale": READ, **SLOPE},
            {"estimator": "captum", "scale": READ, **SLOPE},
            {"estimator": "dattri", **ORDER},
            {"estimator": "dattri, six batches", **ORDER},
            {"estimator": "captum, its defaults", **ORDER},
            {"estimator": "kronfluence", **ORDER},
        ),
    ),
)

TABLES = (
    FindingTable(
        STUDY,
        "Each call beside retraining: order, size as returned and in nats, distance from our exact inverse, and what "
        "one call cost on the machine of record.",
        "call",
        {
            f"{call} ({data})": {"estimator": call, "data": data}
            for call, data in (WHOLE | REFITS | OTHER | FACTORS).items()
        },
        {
            "Spearman": ORDER,
            "slope, as returned": {**SLOPE, "scale": RETURNED},
            "slope, in nats": {**SLOPE, "scale": READ},
            "distance from exact": DISTANCE,
            "from our Kronecker factors": FROM_FACTORS,
            "seconds": {"statistic": "seconds"},
            "MB": {"statistic": "megabytes"},
        },
    ),
)
