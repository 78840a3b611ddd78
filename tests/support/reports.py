"""Reports made without running a study, and a small sweep with what an explorer shows of it, made once."""

from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt

from influencelab.data.sources.digits import Digits
from influencelab.experiments.grid import grid
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.trial import Trial
from influencelab.explorer.build import explorer_data
from influencelab.explorer.data import ExplorerData
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.gradient_dot import GradientDot
from influencelab.models.tasks.logistic import Logistic
from influencelab.runner.report import Report
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement
from influencelab.training.trainers.newton import Newton

NAMES = ("data", "weight decay", "seed")
SOURCE = Digits(scaling="unit", labels=(0, 1), train_size=30, test_size=5)
TRIAL = Trial(
    source=SOURCE,
    task=Logistic(weight_decay=0.1),
    trainer=Newton(),
    estimators={"exact": Exact(), "gradient_dot": GradientDot()},
)


@cache
def run() -> tuple[dict[tuple, Trial], dict[tuple, Outcome]]:
    """Two weight decays with two seeds each."""
    trials = grid({"digits": TRIAL}, {"task.weight_decay": [0.1, 0.01], "seed": [0, 1]})
    return trials, {key: trial.run() for key, trial in trials.items()}


@cache
def explored() -> ExplorerData:
    trials, outcomes = run()
    return explorer_data(
        outcomes, trials, names=NAMES, details=[key for key in trials if key[-1] == 0], title="two digits"
    )


@cache
def report(folder: Path, kept: bool = True) -> Report:
    """A published report with or without what can be explored."""
    draft = ReportWriter("look", folder=folder / "look" / "tiny", parameters={"size": 3})
    draft.number(Measurement(1.0, 0.5, 1.5, n=3, note="made up"), statistic="one")
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.plot([0, 1])
    draft.figure("drawn", figure)
    plt.close(figure)
    if kept:
        draft.explore(explored())
    return draft.publish()


def published(root: Path, *, name: str = "fine", profile: str = "tiny") -> None:
    """A report, made here."""
    draft = ReportWriter(name, folder=root / "results" / name / profile, parameters={"size": 3, "rates": (0.1,)})
    draft.number(Measurement(1.0, low=0.5, high=1.5, n=3), statistic="sum")
    draft.publish()
