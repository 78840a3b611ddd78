"""What is claimed, and was found, about solvers: that Kronecker factors order removals better than baselines do."""

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

NETWORKS = {
    f"{data}, {layers}": {"arm": "minimum", "data": data, "depth": depth}
    for data, depth, layers in (
        ("digits", 1, "one layer"),
        ("digits", 2, "two layers"),
        ("iris", 1, "one layer"),
        ("iris", 4, "four layers"),
    )
}
DIFFERENCE = {"reference": "gradient_dot", "statistic": "spearman_difference"}
# Rows of a damping path have a curvature.
SCORE = {"reference": None, "curvature": None, "statistic": "spearman"}

CLAIMS = (
    Claim(
        name="ekfac_beats_gradient_products_and_label_match",
        paper="Grosse et al. 2023, Fig. 6",
        statement="Kronecker factors (EK-FAC) order removals better than gradient products do, on every task; and, as "
        "a baseline must be beaten that knows labels alone, better than label match does: Spearman of the first less "
        "that of the other, each against retraining to a minimum (theirs is against the proximal response).",
        study="damping_and_solvers",
        where={"estimator": "ekfac", "target": "warm", "selection": "everything"},
        settings=tuple(
            setting
            for name, network in NETWORKS.items()
            for setting in (
                Setting(f"{name}: over gradient products", {**network, **DIFFERENCE}),
                Setting(f"{name}: over label match", {**network, **SCORE}, less={"estimator": "same_label"}),
            )
        ),
        low=0.0,
        negligible=0.02,
        published="EK-FAC above gradient products on every task, held against the proximal Bregman response",
    ),
)

DIGITS = {**NETWORKS["digits, one layer"], **SCORE, "target": "warm", "selection": "everything"}
IRIS = {**DIGITS, **NETWORKS["iris, one layer"]}
FINDINGS = (
    Finding(
        "damping_and_solvers",
        "**Damping costs more than the solver.** At a minimum, with one hidden layer on digits, influence without "
        "damping ranks retraining at {}; the damping that a solver needs to converge leaves {}, whoever solves it "
        "(conjugate gradients: {}).",
        tuple({**DIGITS, "estimator": name} for name in ("exact", "exact_damped", "conjugate_gradient")),
    ),
    Finding(
        "damping_and_solvers",
        "**EK-FAC hardly beats knowing the labels.** It ranks at {} on digits and {} on Iris, where gradient products "
        "reach {} and {}, and whether the labels agree alone {} and {}.",
        tuple(
            {**data, "estimator": name} for name in ("ekfac", "gradient_dot", "same_label") for data in (DIGITS, IRIS)
        ),
    ),
)
