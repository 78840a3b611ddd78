"""Agreement at every depth, width and weight decay of a study: what is read off its networks, as tables and pairs."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy
import pandas
from pandas.io.formats.style import Styler

from influencelab.experiments.grid import Key, grid
from influencelab.experiments.replication import correlations, repeatability
from influencelab.experiments.trial import Outcome, Trial, with_setting
from influencelab.recipe import Recipe
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.display import readable
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates, mean

Value = TypeVar("Value")
# The width of the published networks: names of numbers mention only others.
WIDTH = 5
# Pairs that a report keeps, over all networks.
KEPT = 40_000


class Cell(NamedTuple):
    """One setting of an arm, run with several seeds."""

    depth: int
    width: int
    decay: float

    @property
    def label(self) -> str:
        """`4/0.005`: depth and weight decay, as numbers are named; the width where it is not the usual one."""
        return f"{self.depth}/{self.decay:g}" + ("" if self.width == WIDTH else f"/width_{self.width}")


@dataclass(frozen=True)
class Reading(Recipe):
    """Which correlation is taken of which networks.

    Attributes:
        name: first part of its numbers' names, such as `controlled/warm`.
        arm: first part of the networks' keys in a grid over depth, width, weight decay and seed.
        estimator: whose predictions.
        target: which truth.
        selection: which removals count.
        minima: whether networks that reached no minimum are left out; a published protocol takes them as they are.
        trusted: whether retrained models that left the fit's basin are left out too, which conditions on the outcome.
    """

    name: str
    arm: str
    estimator: str = "exact"
    target: str = "warm"
    selection: str = "everything"
    minima: bool = True
    trusted: bool = False

    def cells(self, outcomes: Mapping[Key, Outcome]) -> dict[Cell, list[Outcome]]:
        """The networks of each setting, one a seed, with exactly those retrained models as truth that count here."""
        found: dict[Cell, list[Outcome]] = {}
        for (arm, depth, width, decay, _), outcome in outcomes.items():
            if arm == self.arm:
                found.setdefault(Cell(depth, width, decay), []).append(self.counting(outcome))
        return found

    def counting(self, outcome: Outcome) -> Outcome:
        """The outcome with those retrained models as truth that count here."""
        counted = outcome.trusted[self.target] if self.trusted else outcome.converged[self.target]
        if self.minima and not outcome.facts["fit_converged"]:
            counted = counted & False
        return replace(outcome, trusted={**outcome.trusted, self.target: counted})

    def correlations(self, outcomes: Mapping[Key, Outcome]) -> dict[Cell, Replicates]:
        """Signed Spearman correlation for each network and test point of each cell; NaN where undefined."""
        return {cell: self.correlation(part) for cell, part in self.cells(outcomes).items()}

    def correlation(self, outcomes: Sequence[Outcome]) -> Replicates:
        """The same of one cell. Where each network is asked about one test point of its own, that is its only column.

        Seeds then bring their test point along, so there is nothing but seeds to draw anew.
        """
        table = correlations(outcomes, selection=self.selection, estimator=self.estimator, target=self.target)
        if not self.own_test(outcomes):
            return table
        places = [int(outcome.chosen[self.selection].any(0).nonzero()[0, 0]) for outcome in outcomes]
        rows = numpy.arange(len(places))
        pairs = None if table.pairs is None else table.pairs[rows, places][:, None]
        return Replicates(values=table.values[rows, places][:, None], pairs=pairs, measure=table.measure)

    def own_test(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether the selection looks at one test point of each network."""
        return all(int(outcome.chosen[self.selection].any(0).sum()) == 1 for outcome in outcomes)

    def means(self, outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> dict[Cell, Measurement]:
        """The mean correlation of each cell."""
        return {cell: mean(table, bootstrap=bootstrap) for cell, table in self.correlations(outcomes).items()}

    def repeats(self, outcomes: Mapping[Key, Outcome]) -> dict[Cell, Replicates]:
        """How well the target repeats: its correlation between two seeds, over couples that share none.

        Cells whose networks have test points of their own are left out: there is nothing that two of them both say.
        """
        return {
            cell: repeatability(part[0:even:2], part[1:even:2], target=self.target)
            for cell, part in self.cells(outcomes).items()
            if (even := len(part) - len(part) % 2) and len({tuple(each.test_ids.tolist()) for each in part}) == 1
        }


def damped_without_decay(trials: Mapping[Key, Trial], damping: float, *, estimator: str = "exact") -> dict[Key, Trial]:
    """The same trials, with that damping where there is no weight decay, as Basu et al. (2021) did."""
    return {
        key: trial if trial.task.weight_decay else with_setting(trial, f"estimators.{estimator}.damping", damping)
        for key, trial in trials.items()
    }


def with_own_splits(trials: Mapping[Key, Trial]) -> dict[Key, Trial]:
    """The same trials, each on a split of its source drawn by its own seed.

    With the same few test points for all networks an interval is never narrower than what these points differ by,
    however many networks there are. Test points that come with the network average out as networks do.
    """
    return {key: with_setting(trial, "source.seed", trial.seed) for key, trial in trials.items()}


def up_to(trials: Mapping[Key, Trial], arm: str, seeds: Mapping[int, int]) -> dict[Key, Trial]:
    """The same trials, but of one arm only as many seeds as are wanted at each depth."""
    return {key: trial for key, trial in trials.items() if key[0] != arm or key[-1] < seeds[key[1]]}


def first_seeds(outcomes: Mapping[Key, Value], count: int) -> dict[Key, Value]:
    """Those of the first so many seeds: enough to look at."""
    return {key: outcome for key, outcome in outcomes.items() if key[-1] < count}


def choices(trial: Trial, options: Mapping[str, tuple[Sequence[str], Sequence[object]]]) -> dict[str, Trial]:
    """The trial under every combination of choices that a paper leaves open, by the combination in words.

    Args:
        options: by name in words: the settings that follow the choice, and its values.
    """
    found = {}
    for values in itertools.product(*(values for _, values in options.values())):
        varied = trial
        for (settings, _), value in zip(options.values(), values, strict=True):
            for setting in settings:
                varied = with_setting(varied, setting, value)
        found[", ".join(f"{name} {value}" for name, value in zip(options, values, strict=True))] = varied
    return found


def lay_out(arms: Mapping[str, tuple[Trial, Mapping[str, Sequence[object]]]]) -> dict[Key, Trial]:
    """Every arm over settings of its own, as `grid` does for settings that all share; an arm without any is left out.

    Args:
        arms: by name, a trial and the values of its depth, width, weight decay and seed, in this order.
    """
    return {
        key: trial
        for name, (base, settings) in arms.items()
        if all(settings.values())
        for key, trial in grid({name: base}, settings).items()
    }


def by_setting(tables: Mapping[str, Mapping[Cell, Value]], axis: str, *, least: int) -> dict[str, dict[float, Value]]:
    """A line along `decay` or `width` for each reading and whatever else differs, if it has that many points."""
    found: dict[str, dict[float, Value]] = {}
    for name, line in tables.items():
        for cell, value in line.items():
            layers = f"{name}, {cell.depth} hidden layer{'s' if cell.depth > 1 else ''}"
            label = layers if axis == "decay" else f"{layers}, weight decay {cell.decay:g}"
            found.setdefault(label, {})[getattr(cell, axis)] = value
    return {label: line for label, line in found.items() if len(line) >= least}


def along(table: Mapping[Cell, Value], axis: str, held: Mapping[str, float]) -> dict[float, Value]:
    """One line of the cells, by `depth`, `width` or `decay`, the others held: `along(t, "depth", {"decay": 0.005})`."""
    return {
        getattr(cell, axis): value
        for cell, value in table.items()
        if all(getattr(cell, name) == wanted for name, wanted in held.items())
    }


def cell_table(readings: Sequence[Reading], outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> Styler:
    """A row for each cell: how well its networks were trained, and ρ with and without models that moved."""
    rows = []
    for reading in readings:
        every = reading.means(outcomes, bootstrap=bootstrap)
        kept = replace(reading, trusted=True).means(outcomes, bootstrap=bootstrap)
        for cell, part in reading.cells(outcomes).items():
            rows.append(
                {"arm": reading.name, "layers": cell.depth, "width": cell.width, "weight decay": f"{cell.decay:g}"}
                | trained(part, reading.target)
                | {"ρ, all converged": every[cell].rounded(), "ρ, trusted only": kept[cell].rounded()}
            )
    return readable(pandas.DataFrame(rows), caption="Every cell; means over networks, ρ signed with 95% interval")


def trained(outcomes: Sequence[Outcome], target: str) -> dict[str, str]:
    """How well the networks of one cell were fitted and retrained, in words."""
    found = quality(outcomes, target)
    return {
        "fits at a minimum": f"{found['fits_at_a_minimum'] * len(outcomes):.0f} of {len(outcomes)}",
        "retrained converged": f"{found['converged']:.1%}",
        "trusted (same basin too)": f"{found['trusted']:.1%}",
        "train loss": f"{found['train_loss']:.3f}",
        "accuracy": f"{found['train_accuracy']:.2f}",
        "λ_min": f"{found['smallest_curvature']:.1e}",
        "λ_max": f"{found['largest_curvature']:.1e}",
    }


def quality(outcomes: Sequence[Outcome], target: str) -> dict[str, float]:
    """How well the networks of one cell were fitted and retrained: shares, and means over networks.

    The losses are in nats; `converged` and `trusted` are shares of all retrained models.
    """
    facts = [outcome.facts for outcome in outcomes]
    retrained = max(1, sum(len(outcome.train_ids) for outcome in outcomes))
    models = [each["targets"][target] for each in facts]
    means = {
        "train_loss": "fit_loss",
        "train_accuracy": "train_accuracy",
        "smallest_curvature": "smallest_curvature",
        "largest_curvature": "largest_curvature",
    }
    return {
        "fits_at_a_minimum": sum(each["fit_converged"] for each in facts) / len(facts),
        "converged": sum(each["converged"] for each in models) / retrained,
        "trusted": sum(each["trusted"] for each in models) / retrained,
    } | {name: float(numpy.mean([each[fact] for each in facts])) for name, fact in means.items()}


def agreement_table(means: Mapping[str, Mapping[Cell, Measurement]], *, rows: str, caption: str) -> Styler:
    """Mean ρ with its interval: a row a reading or choice, a column a cell."""
    cells = sorted({cell for line in means.values() for cell in line})
    table = [
        {rows: name}
        | {
            f"{cell.depth} layers, weight decay {cell.decay:g}": line[cell].rounded() if cell in line else ""
            for cell in cells
        }
        for name, line in means.items()
    ]
    return readable(pandas.DataFrame(table), caption=caption)


def by_network(readings: Sequence[Reading], outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, list[float]]]:
    """Each network's own mean ρ, by reading and cell, in the order of the seeds: what every mean is made of."""
    return {
        reading.name: {
            cell.label: [round(float(each), 5) for each in table.per_seed()]
            for cell, table in reading.correlations(outcomes).items()
        }
        for reading in readings
    }


def pairs(readings: Sequence[Reading], outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """Predicted beside actual change of each network, a sample where there are too many to keep."""
    tables, generator = [], numpy.random.default_rng(0)
    networks = [
        (reading, key, reading.counting(outcome))
        for reading in readings
        for key, outcome in outcomes.items()
        if key[0] == reading.arm
    ]
    for reading, (_, *setting, seed), outcome in networks:
        table = outcome.comparison(reading.selection, reading.estimator, reading.target).table()
        most = max(1, KEPT // len(networks))
        if len(table) > most:
            table = table.iloc[numpy.sort(generator.permutation(len(table))[:most])]
        labels = {"reading": reading.name, "cell": Cell(*setting).label, "seed": seed}
        tables.append(table[["test_id", "train_id", "predicted", "actual"]].assign(**labels))
    whole = pandas.concat(tables, ignore_index=True)
    small = dict.fromkeys(("predicted", "actual"), "float32") | dict.fromkeys(("test_id", "train_id", "seed"), "int16")
    return whole.astype(small | dict.fromkeys(("reading", "cell"), "category"))
