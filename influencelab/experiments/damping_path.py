"""One fit and one spectrum of it, and from them influence at every damping."""

from dataclasses import dataclass, replace

from influencelab.errors import InvalidParameter
from influencelab.experiments.trial import NEGATIVE, Outcome, Trial
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.models.derivatives import check_kind
from influencelab.recipe import Progress, Recipe
from influencelab.training.fit import Fit, fit


@dataclass(frozen=True)
class DampingPath(Recipe):
    """A trial that also holds exact influence at many dampings against its truth.

    Each damping is a share of the largest eigenvalue of the fit's own Hessian, so that seeds and depths can be laid
    over each other. All dampings of one curvature are read off one spectrum. The outcome's facts gain `damping_path`:
    for each of these estimators its share, effective dimension and number of negative eigenvalues after damping.

    Attributes:
        trial: what is fitted and retrained; its own estimators come first, and the first of them selects.
        shares: dampings as shares of λ_max, such as 1e-3.
        curvatures: `hessian`, `gauss_newton`, or both.
        allow_unconverged: take fits that are no minimum.
    """

    trial: Trial
    shares: tuple[float, ...]
    curvatures: tuple[str, ...] = ("hessian", "gauss_newton")
    allow_unconverged: bool = False

    def __post_init__(self) -> None:
        for kind in self.curvatures:
            check_kind(kind)
        if not self.shares or not all(0 < share < float("inf") for share in self.shares):
            raise InvalidParameter(f"shares are {self.shares}, expected finite numbers > 0, at least one.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Fit once for the spectrum, then run the trial with every damping that follows from it."""
        trial = self.trial
        fitted = fit(trial.task, trial.source.load().to(device), trial.trainer, seed=trial.seed)
        largest = float(Curvature(fitted).spectrum().values[-1])
        estimators: dict[str, Estimator] = dict(trial.estimators)
        described = {}
        for kind in self.curvatures:
            for share in self.shares:
                damping, name = share * largest, path_name(kind, share)
                estimators[name] = Exact(self.allow_unconverged, curvature=kind, damping=damping)
                described[name] = {"curvature": kind, "share": share, **left_of(fitted, kind, damping)}
        outcome = replace(trial, estimators=estimators).run(device=device, progress=progress)
        return replace(outcome, facts={**outcome.facts, "damping_path": described})


def path_name(kind: str, share: float) -> str:
    """What the estimator at one damping is called, such as `hessian/0.001`."""
    return f"{kind}/{share:g}"


def left_of(fitted: Fit, kind: str, damping: float) -> dict[str, float]:
    """What damping leaves: Σ |μ| / (|μ| + λ) over all eigenvalues μ, and how many μ + λ still bend down.

    The sum counts the directions whose curvature outweighs the damping: all p without damping, none in the end.
    """
    values = Curvature(fitted, kind=kind).spectrum().values
    return {
        "effective_dimension": float((values.abs() / (values.abs() + damping)).sum()),
        "negative_eigenvalues": int((values + damping < -NEGATIVE * values[-1]).sum()),
    }
