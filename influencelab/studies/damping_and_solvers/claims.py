"""What is claimed about solvers: that Kronecker factors order removals better than gradient products do."""

from influencelab.runner.claim import Claim

CLAIMS = tuple(
    Claim(
        name=f"ekfac_beats_gradient_products_on_digits_{depth}",
        paper="Grosse et al. 2023, Fig. 6",
        statement="Kronecker factors order removals better than gradient products do: Spearman of the first less "
        f"that of the second, held against retraining, digits, {layers}.",
        study="damping_and_solvers",
        where={
            "arm": "minimum",
            "data": "digits",
            "depth": depth,
            "estimator": "ekfac",
            "reference": "gradient_dot",
            "statistic": "spearman_difference",
        },
        low=0.0,
        published="EK-FAC above gradient products on every task, held against the proximal Bregman response",
    )
    for depth, layers in ((1, "one hidden layer"), (2, "two hidden layers"))
)
