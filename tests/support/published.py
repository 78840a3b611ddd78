"""Reports made here, without running a study."""

from pathlib import Path

from influencelab.runner.report_writer import start_report
from influencelab.statistics.measurement import Measurement


def published(root: Path, *, name: str = "fine", profile: str = "tiny") -> None:
    """A report, made here."""
    draft = start_report(name, profile=profile, parameters={"size": 3, "rates": (0.1,)}, results=root / "results")
    draft.number(Measurement(1.0, low=0.5, high=1.5, n=3), statistic="sum")
    draft.publish()
