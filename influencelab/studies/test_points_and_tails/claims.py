"""What is claimed, and was found, about test points and strata of removals: Basu et al. (2021)."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "test_points_and_tails"
claim = partial(Claim, paper="Basu et al. 2021", study=STUDY)
HIDDEN = {"one layer": {"depth": 1}, "two layers": {"depth": 2}}
SELECTIONS = {"most influential points": "top", "all points": "everything"}
CELLS = {
    f"{layers}, {words}": {**depth, "selection": selection}
    for layers, depth in HIDDEN.items()
    for words, selection in SELECTIONS.items()
}
# Pearson's correlation in the top stratum less that around the 30th percentile.
GAP = {"stratum": "top", "reference": "middle", "statistic": "pearson_difference"}
# RMS error as a share of the RMS of what happened, around the 30th percentile less that in the top.
ERROR_GAP = {"stratum": "middle", "reference": "top", "statistic": "relative_error_difference"}

CLAIMS = (
    claim(
        name="test_points_differ",
        statement="Some test points are predicted better than others (digits): their share of the variance of atanh ρ, "
        "seeds aside, is above 0. The printed size is the range from the worst test point to the best.",
        where={"statistic": "share"},
        settings=tuple(Setting(name, cell) for name, cell in CELLS.items()),
        low=0.0,
        sizes=tuple(
            Setting(name, {**cell, "statistic": "highest"}, less={"statistic": "lowest"}, low=0.4, high=0.7)
            for name, cell in CELLS.items()
        ),
        published="Spearman from 0.92 to 0.38 over test points, a range of 0.54",
    ),
    claim(
        name="top_beats_middle",
        statement="Influence is right among the most influential points and fails around the 30th percentile (digits): "
        "the first less the second of Pearson's correlations, and the second less the first of relative errors (RMS). "
        "Correlations alone decide nothing: around the 30th percentile the range is narrower, which lowers them.",
        where={"selection": "everything"},
        settings=(
            *(Setting(f"{name}, Pearson", {**depth, **GAP}) for name, depth in HIDDEN.items()),
            *(Setting(f"{name}, relative error", {**depth, **ERROR_GAP}) for name, depth in HIDDEN.items()),
        ),
        low=0.0,
        negligible=0.02,
        published="the top tail correlates well, the 30th percentile degrades sharply; range is not considered",
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**Test points differ, though less than was published.** Among each one's most influential points the mean "
        "rank correlation of the worst of 30 test points is {}, of the best {} (one layer; two: {} and {}).",
        tuple(
            {**depth, "selection": "top", "statistic": statistic}
            for depth in HIDDEN.values()
            for statistic in ("lowest", "highest")
        ),
    ),
    Finding(
        STUDY,
        "**Lower correlation around the 30th percentile is no proof of failure.** Pearson's correlation is {} lower "
        "there than among the most influential points; but influences there differ less, and that alone lowers it.",
        ({**GAP, "depth": 1},),
    ),
)
