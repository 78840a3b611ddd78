"""Agreement of the published network, which stops short of a minimum, and of one that is at a minimum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas

from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, correlations, means, repeatability
from influencelab.experiments.seed_agreement import Row, share
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import joined, row, tidy

# The two networks; rows of the first have no such setting.
PUBLISHED, MINIMUM = "published", "at a minimum"
HELD = {"target": "warm", "estimator": "exact"}
RANDOM = "random_points"
MEASURES = ("spearman", "within_class_spearman", "pearson", "slope", "relative_error")


def by_network(outcomes: Mapping[Key, Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes by (data, network, seed) as lists by network; of one at a minimum every converged model counts.

    Those that left the fit's basin count too: to leave them out would condition on the outcome.
    """
    found: dict[str, list[Outcome]] = {}
    for (_, network, _), outcome in outcomes.items():
        counted = replace(outcome, trusted=outcome.converged) if network == MINIMUM else outcome
        found.setdefault(network, []).append(counted)
    return found


def measurements(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Means over networks of each kind, how well the truth repeats, and how sure the minima are."""
    parts, rows = list[Measured](), list[Row]()
    data = next(iter(outcomes))[0]
    for network, held in by_network(outcomes).items():
        own = {"data": data} | ({} if network == PUBLISHED else {"network": network})
        parts += measured(held, own)
        rows += facts(held, own) if network == MINIMUM else []
    return joined([means(parts, bootstrap=bootstrap), *([tidy(rows)] if rows else [])])


def measured(networks: Sequence[Outcome], settings: Mapping[str, str]) -> Iterator[Measured]:
    """Agreement among the most influential points and among random ones, and how well the truth of these repeats.

    Starts are paired, 0 with 1, 2 with 3 and so on, so that no network is in two couples.
    """
    for selection in ("top", RANDOM):
        for measure in MEASURES:
            table = correlations(networks, selection=selection, measure=measure, **HELD)
            yield {**settings, **HELD, "selection": selection, "statistic": measure}, table
    even, again = len(networks) - len(networks) % 2, {"target": "warm", "selection": RANDOM}
    yield (
        {**settings, **again, "statistic": "repeatability"},
        repeatability(networks[0:even:2], networks[1:even:2], **again),
    )


def facts(networks: Sequence[Outcome], settings: Mapping[str, str]) -> list[Row]:
    """p and n, the largest ‖∇J‖ and smallest curvature of any fit, and shares of fits and models that converged."""
    held = [each.facts for each in networks]
    truth, models = [each["targets"]["warm"] for each in held], sum(len(each.train_ids) for each in networks)
    minima = sum(each["fit_converged"] and each["smallest_curvature"] > 0 for each in held)
    numbers = {
        "parameters": Measurement(float(held[0]["p"]), note="a count"),
        "train": Measurement(float(held[0]["n"]), note="a count"),
        "largest_gradient": Measurement(max(each["fit_grad_norm"] for each in held), note="largest of all fits"),
        "smallest_curvature": Measurement(
            min(each["smallest_curvature"] for each in held), note="smallest of all fits"
        ),
        "fits_at_a_minimum": share(minima, len(held), "fits at a minimum, every curvature above 0"),
        "converged": share(sum(each["converged"] for each in truth), models, "retrained models converged"),
        "trusted": share(sum(each["trusted"] for each in truth), models, "retrained models stayed in the fit's basin"),
    }
    return [row(number, **settings, statistic=name) for name, number in numbers.items()]
