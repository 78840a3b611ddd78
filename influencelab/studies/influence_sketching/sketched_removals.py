"""One draw of training rows: who is influential, what becomes of the model without them, and what a sketch sees."""

import itertools
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
import torch

from influencelab.errors import InvalidParameter, Unavailable
from influencelab.experiments.outcome import Outcome
from influencelab.glm.influence import RowInfluence, row_influence
from influencelab.glm.projections.count_sketch_projection import CountSketchProjection
from influencelab.glm.projections.gaussian_projection import GaussianProjection
from influencelab.glm.projections.sparse_sign_projection import SparseSignProjection
from influencelab.glm.regression import Regression
from influencelab.recipe import Progress, Recipe, kind_name, stage, unheard
from influencelab.studies.influence_sketching.called import EXACT, NORM, WITHOUT
from influencelab.studies.influence_sketching.compact import Compact
from influencelab.studies.influence_sketching.deletions import Deletions, deletions
from influencelab.studies.influence_sketching.designs import design
from influencelab.studies.influence_sketching.penalised_model import PenalisedModel
from influencelab.studies.influence_sketching.scores import (
    Scores,
    agreement,
    first,
    kinds,
    scores,
    sketch_of,
    worth,
)
from influencelab.studies.influence_sketching.weak_ridge import WeakRidge

DRAWN = (GaussianProjection, SparseSignProjection, CountSketchProjection)
# Removed rows are looked at in this share of all.
LOOKED_AT = 0.05
ACTUAL, SELECTION = "deleted", "single_rows"


@dataclass(frozen=True)
class SketchedRemovals(Recipe):
    """Wojnowicz et al. (2016), once: rows are scored, the first of each order removed, and the model fitted again.

    Logistic regression with an intercept, on rows that no other seed draws (mails: another split). The facts gain
    `sketching`: what the model is `worth` on each part of the test rows, and `without` the first rows of each score;
    `agreement` of sketches with exact Cook's distances; `kinds` of the rows that each score puts first; and how well
    all models converged. Rows that are deleted one at a time are the pairs of the outcome.

    Attributes:
        data: its name.
        rows: to train on.
        columns: of planted rows.
        model: how rows are fitted.
        k: columns of the sketch by which rows are removed.
        shares: of the rows that are removed.
        sketched: columns of sketches that are held against exact scores; as many as there are fewer than coefficients.
        parts: the same as shares of the coefficients, or of the rows where these are fewer.
        deleted: rows that are deleted one at a time.
        watched: test rows whose losses these change.
        seed: of the draw of rows, of Ω and of the random order.
    """

    data: str = "planted"
    rows: int = 2000
    columns: int = 400
    model: PenalisedModel = field(default_factory=lambda: WeakRidge(1e-4))
    k: int = 200
    shares: tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1)
    sketched: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 1024)
    parts: tuple[float, ...] = (0.2, 0.5)
    deleted: int = 0
    watched: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.deleted and not isinstance(self.model, WeakRidge):
            raise InvalidParameter(f"deleted is {self.deleted}; only a WeakRidge is fitted again without single rows.")
        if not all(0 < share < 1 for share in (*self.shares, *self.parts)):
            raise InvalidParameter(f"shares are {self.shares} and parts {self.parts}, expected numbers within 0 … 1.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Fit, score, remove, sketch, delete."""
        if device != "cpu":
            raise Unavailable(f"device is '{device}', expected 'cpu': these models know no other.")
        report, began = progress or unheard, time.perf_counter()
        given = self.model.prepared(design(self.data, rows=self.rows, columns=self.columns, seed=self.seed))
        fitted = self.model.fit(given)
        found = row_influence(self.model.curved(given, fitted))
        wide, size = self.model.wide(given, found.regression), found.regression.p - 1
        k = min(self.k, max(1, size // 2))
        ranked = scores(found, sketch_of(wide, SparseSignProjection(k=k, seed=self.seed)), given.design, seed=self.seed)
        models = [quality(fitted)]
        without = self.without(given, ranked, models, progress=stage(report, 0.05, 0.8))
        facts: dict[str, Any] = {
            "worth": worth(fitted, given.tests),
            "without": without,
            "agreement": self.agreements(wide, ranked, size=size),
            "kinds": self.kinds(found, given, ranked),
            "k": k,
            "size": size,
            "columns": len(given.columns),
            "counts": dict(given.design.counts),
        }
        report(0.95)
        singly = deletions(found, given, ranked, count=self.deleted, watched=self.watched, seed=self.seed)
        if len(singly.rows):
            facts["distance"] = singly.distances
        facts |= {
            "models": len(models),
            "converged": sum(converged for converged, _ in models),
            "largest_grad_norm": max(norm for _, norm in models),
            "seconds": time.perf_counter() - began,
        }
        return self.outcome(given, fitted, singly, facts)

    def without(
        self, given: Compact, ranked: Scores, models: list[tuple[bool, float]], *, progress: Progress
    ) -> dict[str, list[dict[str, dict[str, float]]]]:
        """What the model is worth without the first rows of each score, by score and share."""
        found: dict[str, list[Any]] = {name: [] for name in ranked}
        tasks = list(itertools.product(ranked, self.shares))
        for place, (name, share) in enumerate(tasks, start=1):
            kept = numpy.ones(len(given.design.y), dtype=bool)
            kept[first(ranked[name], share)] = False
            fitted = self.model.fit(given, kept)
            models.append(quality(fitted))
            found[name].append(worth(fitted, given.tests))
            progress(place, len(tasks))
        return found

    def agreements(self, wide: Regression, ranked: Scores, *, size: int) -> list[dict[str, Any]]:
        """How each sketch, and what needs no sketch, agrees with exact Cook's distances."""
        exact = ranked[EXACT]
        found = [{"estimator": name, **agreement(ranked[name], exact)} for name in (NORM, "highest_loss", "leverage")]
        sizes = {k: {"k": k} for k in self.sketched if k < size}
        of_all = {part: max(1, round(part * size)) for part in self.parts}
        drawn = [(kind_name(kind), kind, wide) for kind in DRAWN]
        if isinstance(self.model, WeakRidge):
            drawn.append((WITHOUT, SparseSignProjection, replace(wide, weight_decay=0.0)))
        for name, kind, regression in drawn:
            for k, about in (*sizes.items(), *((k, {"part": part}) for part, k in of_all.items())):
                score = sketch_of(regression, kind(k=k, seed=self.seed))
                found.append({"estimator": name, **about, **agreement(score, exact)})
        return found

    def kinds(self, found: RowInfluence, given: Compact, ranked: Scores) -> dict[str, dict[str, dict[str, float]]]:
        """Of each kind of row how many are among the first of each score: as a share of these, and of that kind."""
        known, counts = kinds(found, given.design), {}
        for name, score in ranked.items():
            some = first(score, LOOKED_AT)
            counts[name] = {
                kind: {"share": float(rows[some].mean()), "found": float(rows[some].sum() / max(1, rows.sum()))}
                for kind, rows in known.items()
            }
        counts["all"] = {kind: {"share": float(rows.mean()), "found": 1.0} for kind, rows in known.items()}
        return counts

    def outcome(self, given: Compact, found: Regression, singly: Deletions, facts: dict[str, Any]) -> Outcome:
        """The pairs of single deletions, and all facts."""
        rows, tests = singly.rows, singly.tests
        y = next(iter(given.tests.values()))[1]
        actual = torch.from_numpy(singly.actual)
        trusted = torch.from_numpy(singly.converged)
        return Outcome(
            predicted={name: torch.from_numpy(each) for name, each in singly.predicted.items()},
            chosen={SELECTION: torch.ones(actual.shape, dtype=torch.bool)},
            actual={ACTUAL: actual},
            trusted={ACTUAL: trusted},
            converged={ACTUAL: trusted},
            control={ACTUAL: torch.zeros(len(tests), dtype=torch.float64)},
            train_ids=torch.from_numpy(rows),
            train_labels=torch.from_numpy(given.design.y[rows].astype(numpy.int64)),
            test_ids=torch.from_numpy(tests),
            test_labels=torch.from_numpy(y[tests].astype(numpy.int64)),
            facts={
                "data": given.design.name,
                "data_hash": given.design.content_hash(),
                "n": found.n,
                "p": found.p,
                "classes": 2,
                "single": True,
                "fit_loss": found.loss,
                "fit_grad_norm": found.grad_norm,
                "estimates": {name: {"unit": "nats"} for name in singly.predicted},
                "names": [given.design.names[row] for row in rows],
                "sketching": facts,
            },
        )


def quality(found: Regression) -> tuple[bool, float]:
    """Whether a model is at its minimum, and its ‖∇J‖."""
    return found.converged, found.grad_norm
