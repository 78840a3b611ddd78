"""What is claimed about where the error of an influence function comes from: Bae et al. (2022)."""

from typing import NamedTuple

from influencelab.runner.claim import Claim

STUDY = "where_the_error_comes_from"
PAPER = "Bae et al. 2022"
PUBLISHED = "the first three terms dominate; the last two are at least an order smaller for most networks"


class Row(NamedTuple):
    """One arm on one data: what it is called, and which solver its influence has."""

    arm: str
    data: str
    words: str
    estimator: str
    solver: str


ROWS = (
    Row("published", "iris", "networks stopped early on Iris", "estimate", "LiSSA"),
    Row("controlled", "iris", "networks at a true minimum on Iris", "linearised", "an exact solver"),
    Row("published", "digits", "a network stopped early on digits", "estimate", "LiSSA"),
    Row("controlled", "digits", "a network at a true minimum on digits", "linearised", "an exact solver"),
)

CLAIMS = tuple(
    claim
    for row in ROWS
    for claim in (
        Claim(
            name=f"influence_answers_the_proximal_question_{row.arm}_{row.data}",
            paper=PAPER,
            statement=f"For {row.words}, influence (by {row.solver}) ranks removals as the proximal Bregman response "
            "does: Spearman .9 or more.",
            study=STUDY,
            where={"name": f"{row.arm}/{row.data}/{row.estimator}/pbrf/spearman"},
            low=0.9,
            high=None,
            published=PUBLISHED,
            least="standard",
            arm=row.arm,
        ),
        Claim(
            name=f"influence_is_nearer_to_the_response_than_to_retraining_{row.arm}_{row.data}",
            paper=PAPER,
            statement=f"For {row.words}, influence (by {row.solver}) agrees more with that response than with "
            "retraining anew: the difference of Spearman's correlations is positive.",
            study=STUDY,
            where={"name": f"{row.arm}/{row.data}/{row.estimator}/pbrf_over_cold"},
            low=0.0,
            high=None,
            published=PUBLISHED,
            least="standard",
            arm=row.arm,
        ),
        Claim(
            name=f"linearisation_and_solver_hardly_err_{row.arm}_{row.data}",
            paper=PAPER,
            statement=f"For {row.words}, linearisation and solver (LiSSA) together err a tenth, at most, of what warm "
            "start, proximity and non-convergence do together: RMS over removals.",
            study=STUDY,
            where={"name": f"{row.arm}/{row.data}/estimate/ratio"},
            low=None,
            high=0.1,
            published=PUBLISHED,
            least="standard",
            arm=row.arm,
        ),
    )
)
