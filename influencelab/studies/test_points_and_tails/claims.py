"""What is claimed about test points and strata of removals: Basu et al. (2021)."""

from functools import partial

from influencelab.runner.claim import Claim

claim = partial(Claim, paper="Basu et al. 2021", study="test_points_and_tails", low=0.0)
HIDDEN = {1: "one hidden layer", 2: "two hidden layers"}
SELECTIONS = {"top": "among each one's most influential points", "everything": "over all training points"}
# Pearson's correlation in the top stratum less that in another, the reference.
LESS = {"stratum": "top", "statistic": "pearson_difference"}

CLAIMS = (
    *(
        claim(
            name=f"test_points_differ_on_digits_{depth}_{selection}",
            statement="Some test points are much better predicted than others, beyond what sampling makes of them: "
            f"digits, {layers}, {removed}.",
            where={"depth": depth, "selection": selection, "statistic": "excess"},
            published="Spearman from 0.92 to 0.38 over test points",
        )
        for depth, layers in HIDDEN.items()
        for selection, removed in SELECTIONS.items()
    ),
    *(
        claim(
            name=f"top_beats_middle_on_digits_{depth}",
            statement="Influence is right among the most influential points and fails around the 30th percentile: "
            f"Pearson of the first less that of the second, digits, {layers}.",
            where={"depth": depth, "reference": "middle", **LESS},
            published="the top tail correlates well, the 30th percentile degrades sharply",
            control={"depth": depth, "reference": "middle_corrected", **LESS},
        )
        for depth, layers in HIDDEN.items()
    ),
    *(
        claim(
            name=f"top_beats_middle_of_equal_range_on_digits_{depth}",
            statement="That is more than their narrower range: the difference is left when the correlation around the "
            f"30th percentile is corrected for it, digits, {layers}.",
            where={"depth": depth, "reference": "middle_corrected", **LESS},
            published="range is not considered",
        )
        for depth, layers in HIDDEN.items()
    ),
)
