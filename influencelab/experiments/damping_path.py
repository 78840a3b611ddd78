"""Exact influence of one fit at every damping, read off one spectrum."""

from dataclasses import dataclass, replace

from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import NEGATIVE, Outcome
from influencelab.experiments.trial import Trial
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.models.derivatives import check_kind
from influencelab.recipe import Progress, Recipe
from influencelab.training.fit import Fit


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
        """Run the trial with every damping among its estimators, and say what each damping leaves of the curvature."""
        path = {
            f"{kind}/{share:g}": ExactAtShare(self.allow_unconverged, share=share, curvature=kind)
            for kind in self.curvatures
            for share in self.shares
        }
        trial = replace(self.trial, estimators={**self.trial.estimators, **path})
        outcome = trial.run(device=device, progress=progress)
        fitted, described = trial.fit_of(outcome, device=device), {}
        for name, each in path.items():
            values = Curvature(fitted, kind=each.curvature).spectrum().values
            damping = outcome.facts["estimates"][name]["damping"]
            described[name] = {
                "curvature": each.curvature,
                "share": each.share,
                # Directions whose curvature outweighs the damping: all p without damping, none in the end.
                "effective_dimension": float((values.abs() / (values.abs() + damping)).sum()),
                "negative_eigenvalues": int((values + damping < -NEGATIVE * values[-1]).sum()),
            }
        return replace(outcome, facts={**outcome.facts, "damping_path": described})


@dataclass(frozen=True)
class ExactAtShare(Estimator):
    """Exact influence at a share of λ_max as damping, the Hessian's largest eigenvalue for both curvatures."""

    share: float = 0.0
    curvature: str = "hessian"

    def estimate(self, fit: Fit) -> Estimate:
        """Solve at this damping for all test points."""
        largest = float(Curvature(fit).spectrum().values[-1])
        exact = Exact(self.allow_unconverged, curvature=self.curvature, damping=self.share * largest)
        return exact.estimate(fit)
