"""What is claimed about influence and leave-one-out retraining where the theory holds: convex models."""

from functools import partial

from influencelab.runner.claim import Claim

# The 500 most influential points of MNIST, and those of digits at one weight decay.
MNIST = {"data": "mnist", "selection": "top"}
DIGITS = {"data": "digits", "selection": "top", "statistic": "median_slope"}

claim = partial(Claim, study="leave_one_out")
on_diagonal = partial(
    claim,
    paper="Koh & Liang 2017, Fig. 2 left",
    published="500 points on the diagonal of a scatter; no number is printed",
    least="paper",
)
rescaled = partial(
    claim, paper="Rubinstein & Hopkins 2025", published="rescaled influence is close to retraining; no slope is printed"
)

CLAIMS = (
    on_diagonal(
        name="influence_is_proportional_on_top_points",
        statement="Among the 500 most influential points, influence by conjugate gradients is proportional to the "
        "change in loss that retraining without each of them brings.",
        where={**MNIST, "estimator": "conjugate_gradient", "statistic": "pearson"},
        low=0.99,
    ),
    on_diagonal(
        name="influence_sizes_top_points",
        statement="On the same points influence has the right size too: actual against predicted change has slope 1.",
        where={**MNIST, "estimator": "conjugate_gradient", "statistic": "slope"},
        low=0.95,
        high=1.05,
    ),
    on_diagonal(
        name="influence_orders_random_points",
        statement="The agreement is no accident of looking at extreme points: influence ranks 500 random points as "
        "retraining does.",
        where={**MNIST, "selection": "random_points", "estimator": "conjugate_gradient", "statistic": "spearman"},
        low=0.95,
        published="not shown: only the most influential points are drawn",
    ),
    on_diagonal(
        name="stochastic_influence_is_proportional",
        paper="Koh & Liang 2017, Fig. 2 middle",
        statement="The stochastic estimate (LiSSA: scale 25, depth 5,000, 10 repeats) is proportional to the change "
        "that retraining brings as well.",
        where={**MNIST, "estimator": "lissa", "statistic": "pearson"},
        low=0.95,
    ),
    rescaled(
        name="influence_underestimates_at_small_decay",
        statement="Plain influence underestimates when weight decay is small: at 1e-4 on digits the median slope of "
        "actual against predicted change is 1.1 or more.",
        where={**DIGITS, "estimator": "exact", "weight_decay": 1e-4},
        low=1.1,
        published="influence underestimates where there are many parameters for the points; no slope is printed",
    ),
    *(
        rescaled(
            name=f"newton_step_keeps_its_size_at_{str(decay).replace('.', '_')}",
            statement=f"Dividing by one minus leverage mends that: at weight decay {decay:g} on digits the median "
            "slope of the rescaled influence is 1.",
            where={**DIGITS, "estimator": "newton_step", "weight_decay": decay},
            low=0.98,
            high=1.02,
        )
        for decay in (1e-2, 1e-3)
    ),
    rescaled(
        name="newton_step_keeps_its_size_on_mnist",
        statement="On the 500 most influential points of MNIST the rescaled influence has slope 1 to two parts in a "
        "thousand, where plain influence misses six.",
        where={**MNIST, "estimator": "newton_step", "statistic": "slope"},
        low=0.998,
        high=1.002,
        least="paper",
    ),
    *(
        rescaled(
            name=f"size_of_influence_at_{str(decay).replace('.', '_')}",
            statement=f"How far plain influence falls short on digits at weight decay {decay:g}: the median slope.",
            where={**DIGITS, "estimator": "exact", "weight_decay": decay},
            published="no slope is printed",
        )
        for decay in (1e-2, 1e-3)
    ),
)
