"""What is claimed about influence and leave-one-out retraining where the theory holds: convex models."""

from influencelab.runner.claim import Claim

STUDY = "leave_one_out"
EXACT = "Koh & Liang 2017, Fig. 2 left"
STOCHASTIC = "Koh & Liang 2017, Fig. 2 middle"
RESCALED = "Rubinstein & Hopkins 2025"
DECAYS = (1e-2, 1e-3)
DIAGONAL = "500 points on the diagonal of a scatter; no number is printed"

CLAIMS = (
    Claim(
        name="influence_is_proportional_on_top_points",
        paper=EXACT,
        statement="Among the 500 most influential points, influence by conjugate gradients is proportional to the "
        "change in loss that retraining without each of them brings.",
        study=STUDY,
        where={"data": "mnist", "selection": "top", "estimator": "conjugate_gradient", "statistic": "pearson"},
        low=0.99,
        high=None,
        published=DIAGONAL,
        least="paper",
        arm="published",
    ),
    Claim(
        name="influence_sizes_top_points",
        paper=EXACT,
        statement="On the same points influence has the right size too: actual against predicted change has slope 1.",
        study=STUDY,
        where={"data": "mnist", "selection": "top", "estimator": "conjugate_gradient", "statistic": "slope"},
        low=0.95,
        high=1.05,
        published=DIAGONAL,
        least="paper",
        arm="published",
    ),
    Claim(
        name="influence_orders_random_points",
        paper=EXACT,
        statement="The agreement is no accident of looking at extreme points: influence ranks 500 random points as "
        "retraining does.",
        study=STUDY,
        where={
            "data": "mnist",
            "selection": "random_points",
            "estimator": "conjugate_gradient",
            "statistic": "spearman",
        },
        low=0.95,
        high=None,
        published="not shown: only the most influential points are drawn",
        least="paper",
        arm="controlled",
    ),
    Claim(
        name="stochastic_influence_is_proportional",
        paper=STOCHASTIC,
        statement="The stochastic estimate (LiSSA: scale 25, depth 5,000, 10 repeats) is proportional to the change "
        "that retraining brings as well.",
        study=STUDY,
        where={"data": "mnist", "selection": "top", "estimator": "lissa", "statistic": "pearson"},
        low=0.95,
        high=None,
        published=DIAGONAL,
        least="paper",
        arm="published",
    ),
    Claim(
        name="influence_underestimates_at_small_decay",
        paper=RESCALED,
        statement="Plain influence underestimates when weight decay is small: at 1e-4 on digits the median slope of "
        "actual against predicted change is 1.1 or more.",
        study=STUDY,
        where={
            "data": "digits",
            "selection": "top",
            "estimator": "exact",
            "statistic": "median_slope",
            "weight_decay": 1e-4,
        },
        low=1.1,
        high=None,
        published="influence underestimates where there are many parameters for the points; no slope is printed",
        least="standard",
        arm="controlled",
    ),
    *(
        Claim(
            name=f"newton_step_keeps_its_size_at_{str(decay).replace('.', '_')}",
            paper=RESCALED,
            statement=f"Dividing by one minus leverage mends that: at weight decay {decay:g} on digits the median "
            "slope of the rescaled influence is 1.",
            study=STUDY,
            where={
                "data": "digits",
                "selection": "top",
                "estimator": "newton_step",
                "statistic": "median_slope",
                "weight_decay": decay,
            },
            low=0.98,
            high=1.02,
            published="rescaled influence is close to retraining; no slope is printed",
            least="standard",
            arm="controlled",
        )
        for decay in DECAYS
    ),
    Claim(
        name="newton_step_keeps_its_size_on_mnist",
        paper=RESCALED,
        statement="On the 500 most influential points of MNIST the rescaled influence has slope 1 to two parts in a "
        "thousand, where plain influence misses six.",
        study=STUDY,
        where={"data": "mnist", "selection": "top", "estimator": "newton_step", "statistic": "slope"},
        low=0.998,
        high=1.002,
        published="rescaled influence is close to retraining; no slope is printed",
        least="paper",
        arm="controlled",
    ),
    *(
        Claim(
            name=f"size_of_influence_at_{str(decay).replace('.', '_')}",
            paper=RESCALED,
            statement=f"How far plain influence falls short on digits at weight decay {decay:g}: the median slope.",
            study=STUDY,
            where={
                "data": "digits",
                "selection": "top",
                "estimator": "exact",
                "statistic": "median_slope",
                "weight_decay": decay,
            },
            low=None,
            high=None,
            published="no slope is printed",
            least="standard",
            arm="controlled",
        )
        for decay in DECAYS
    ),
)
