"""Agreement of each data set and network, its trends along depth, and their means over data sets."""

from collections.abc import Iterable, Mapping, Sequence

import numpy
import pandas
from scipy import stats

from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.seed_agreement import AgreementQuery, Cell, Row, agreement_rows, cells_of, share
from influencelab.statistics.agreement import FOUR
from influencelab.statistics.bootstrap import FEWEST_REPLICATES, Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.beyond_iris.claims import POOLED, REFERENCE
from influencelab.studies.beyond_iris.networks import SETS

SELECTION = "random_points"
# What is pooled: what each depth has, and the trends.
LEVELS = ("spearman", "pearson", "median_slope", "median_relative_error")
TRENDS = tuple(f"{name}_per_layer" for name in FOUR)
# The settings that the rows of one mean share.
SHARED = ("network", "depth", "width", "weight_decay", "statistic")
# Facts of a fit, whose means over the networks of a cell are reported.
FACTS = {"parameters": "p", "train_loss": "fit_loss", "smallest_curvature": "smallest_curvature"}


def queries(trials: Iterable[Key], *, part: str = "") -> list[AgreementQuery]:
    """One for each data set and network among the keys of trials."""
    found = []
    for name in dict.fromkeys(key[0] for key in trials):
        points, _, network = name.partition(", ")
        own = {"data": SETS[points].data, "train": SETS[points].train, "network": network}
        found.append(AgreementQuery(name, own | ({"part": part} if part else {}), selection=SELECTION))
    return found


def measurements(
    asked: Sequence[AgreementQuery], outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap
) -> pandas.DataFrame:
    """Every number of the study, as a tidy table."""
    cells = cells_of(asked, outcomes)
    # Of real targets no share is right, so that no network would count as trained.
    rows = [line for line in agreement_rows(cells, bootstrap=bootstrap) if "trained" not in line["statistic"]]
    return tidy([*rows, *quality_rows(cells), *pooled_rows(rows)])


def quality_rows(cells: Sequence[Cell]) -> list[Row]:
    """Shares of fits at a minimum, of retrained models that converged and that stayed in the basin; means of facts."""
    found = []
    for cell in cells:
        networks = list(cell.outcomes.values())
        facts = [each.facts for each in networks]
        models, target = sum(len(each.train_ids) for each in networks), cell.settings["target"]
        minima = sum(each["fit_converged"] for each in facts)
        numbers = {
            "fits_at_a_minimum": share(minima, len(networks), "fits at a proven minimum"),
            **{
                name: share(sum(each["targets"][target][name] for each in facts), models, f"retrained models {words}")
                for name, words in (("converged", "converged"), ("trusted", "converged in the basin of the fit"))
            },
            **{
                name: Measurement(
                    float(numpy.mean([each[fact] for each in facts])), n=len(facts), note="mean; no interval"
                )
                for name, fact in FACTS.items()
            },
            "largest_gradient_norm": Measurement(
                max(max(each["fit_grad_norm"], each["targets"][target]["largest_grad_norm"]) for each in facts),
                n=len(facts) + models,
                note="of fits and retrained models; no interval",
            ),
        }
        found += [row(number, **cell.settings, statistic=name) for name, number in numbers.items()]
    return found


def pooled_rows(rows: Sequence[Row]) -> list[Row]:
    """Means over data sets but Iris, each the mean over its sizes; data sets are what is drawn."""
    parts: dict[tuple, dict[str, list[float]]] = {}
    for each in rows:
        if each["statistic"] in LEVELS + TRENDS and each["data"] != REFERENCE and numpy.isfinite(each["value"]):
            key = tuple((name, each[name]) for name in (*SHARED, "estimator", "target", "part") if name in each)
            parts.setdefault(key, {}).setdefault(each["data"], []).append(each["value"])
    return [row(over_sets(sets), data=POOLED, **dict(key)) for key, sets in parts.items()]


def over_sets(values: Mapping[str, Sequence[float]]) -> Measurement:
    """The mean of the data sets' own means, with a 95% interval by Student's t over them where there are five."""
    means = numpy.array([numpy.mean(each) for each in values.values()])
    n, names = len(means), ", ".join(values)
    if n < FEWEST_REPLICATES:
        return Measurement(float(means.mean()), n=n, note=f"mean over {names}; no interval of fewer than five sets")
    half = float(stats.t.ppf(0.975, n - 1) * means.std(ddof=1) / n**0.5)
    note = f"mean over {names}; 95% by Student's t over these {n} data sets"
    return Measurement(float(means.mean()), float(means.mean()) - half, float(means.mean()) + half, n, note)
