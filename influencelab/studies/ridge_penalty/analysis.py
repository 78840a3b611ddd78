"""What the study measures: who decides the penalty, how well slopes predict it, and how much goes through it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy
import pandas
from jaxtyping import Bool, Float

from influencelab.statistics.agreement import FOUR, MEASURES, bounds, median_over_tests
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import comparison_of
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.ridge_penalty.deletions import LARGEST, ZERO, Tuned, tune
from influencelab.studies.ridge_penalty.problems import Regression

# The changes of log λ̂ that are held against each other: what predicts, and what is tuned again.
HELD = (
    ("weight_slope", "weight_0"),
    ("deletion_slope", "deletion"),
    ("newton_step", "deletion"),
    ("weight_slope", "deletion"),
    ("weight_0", "deletion"),
)
STATISTICS = (*FOUR, "sign_agreement")
SHOWN = (*STATISTICS, "median_slope")
# By what an observation may be the top shrinker: what is largest where its weight or presence raises the penalty most.
SCORES: Mapping[str, Callable[[Tuned], numpy.ndarray]] = {
    "curve": lambda each: each.curves[:, LARGEST],
    "weight_slope": lambda each: -each.changes["weight_slope"],
    "deletion_slope": lambda each: -each.changes["deletion_slope"],
    "deletion": lambda each: -each.changes["deletion"],
    "cook": lambda each: each.criterion.cook(each.log_penalty),
}
# Observations whose predictions are watched, evenly spread where there are more.
WATCHED = 60


def tune_all(regressions: Iterable[Regression]) -> dict[str, list[Tuned | None]]:
    """Every regression tuned, by the name of its data."""
    found: dict[str, list[Tuned | None]] = {}
    for each in regressions:
        found.setdefault(each.data, []).append(tune(each))
    return found


def inside(draws: Sequence[Tuned | None]) -> list[Tuned]:
    """Those whose penalty is finite and above 0."""
    return [each for each in draws if each is not None]


def measurements(found: dict[str, list[Tuned | None]], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """All numbers of the study as a tidy table."""
    rows = []
    for data, draws in found.items():
        share = numpy.array([each is not None for each in draws], dtype=float)
        rows.append(row(Measurement(share.mean(), n=len(draws), note="of all draws"), data=data, statistic="inside"))
        if known := inside(draws):
            own = [*penalty_rows(known, bootstrap), *rival_rows(known, bootstrap), *odd_rows(known, bootstrap)]
            own += [*curve_rows(known), *share_rows(known, bootstrap), *prediction_rows(known, bootstrap)]
            rows += [{"data": data, **each} for each in own]
    return tidy(rows)


def penalty_rows(known: Sequence[Tuned], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Changes of log λ̂: predicted against tuned again, and weight 0 against a deletion."""
    rows = []
    for estimator, target in HELD:
        predicted, actual = (numpy.stack([each.changes[name] for each in known]) for name in (estimator, target))
        finite = numpy.isfinite(actual) & numpy.isfinite(predicted)
        settings = {"estimator": estimator, "target": target, "what": "penalty"}
        rows += agreement_rows(predicted, actual, finite, bootstrap, **settings)
        lost = Measurement(float(1 - finite.mean()), n=finite.size, note="λ̂ is 0 or ∞: left out of the statistics")
        rows.append(row(lost, **settings, statistic="left_out"))
    return rows


def prediction_rows(known: Sequence[Tuned], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Changes of predictions by deletions: each part, and the whole with and without the part of the penalty."""
    parts = {
        ("influence", "fit_part"): ("predicted_fit_part", "fit_part"),
        ("influence", "penalty_part"): ("predicted_penalty_part", "penalty_part"),
    }
    stacked = {name: numpy.stack([getattr(each, name) for each in known]) for pair in parts.values() for name in pair}
    pairs = {key: (stacked[one], stacked[two]) for key, (one, two) in parts.items()}
    whole = stacked["fit_part"] + stacked["penalty_part"]
    both = stacked["predicted_fit_part"] + stacked["predicted_penalty_part"]
    pairs["influence", "deletion"] = both, whole
    pairs["influence_at_fixed_penalty", "deletion"] = stacked["predicted_fit_part"], whole
    rows = []
    for (estimator, target), (predicted, actual) in pairs.items():
        everywhere = numpy.ones(actual.shape, dtype=bool)
        settings = {"estimator": estimator, "target": target, "what": "predictions"}
        rows += agreement_rows(predicted, actual, everywhere, bootstrap, **settings)
    return rows


def agreement_rows(
    predicted: Float[numpy.ndarray, " _ *_"],
    actual: Float[numpy.ndarray, " _ *_"],
    mask: numpy.ndarray,
    bootstrap: Bootstrap,
    **settings: Any,
) -> list[dict[str, Any]]:
    """Every statistic over all pairs, with intervals over draws, or over deletions where there is one data set."""
    units, over = units_of(predicted)
    tables = [each.reshape(units, -1) for each in (predicted, actual, mask)]
    size = tables[0].shape[1]
    kept = tables[2].reshape(-1)
    compared = comparison_of(
        *(numpy.where(kept, each.reshape(-1), 0.0)[:, None] for each in tables[:2]), mask=kept[:, None]
    )
    rows = []
    for name in STATISTICS:
        value = float(MEASURES[name](compared, numpy.ones((1, compared.r)))[0, 0])
        resampled = [
            MEASURES[name](compared, numpy.repeat(some, size, axis=1))[:, 0]
            for whole in bootstrap.chunks(units)
            for some in numpy.array_split(whole, max(1, len(whole) * size * units // 2**22))
        ]
        numbers = {"n": int(kept.sum()), "over": over, "replicates": units}
        found = bootstrap.interval(value, numpy.concatenate(resampled), within=bounds(name), **numbers)
        rows.append(row(found.finite(), **settings, statistic=name))
    if len(predicted) > 1:
        rows.append(row(median_slope(tables[0], tables[1], tables[2], bootstrap), **settings, statistic="median_slope"))
    return rows


def median_slope(
    predicted: Float[numpy.ndarray, "u k"],
    actual: Float[numpy.ndarray, "u k"],
    mask: Bool[numpy.ndarray, "u k"],
    bootstrap: Bootstrap,
) -> Measurement:
    """The median over draws of each draw's own slope, which no single wild draw decides."""
    compared = comparison_of(*(numpy.where(mask, each, 0.0).T for each in (predicted, actual)), mask=mask.T)
    own = MEASURES["slope"](compared, numpy.ones((1, compared.r)))
    weights = numpy.concatenate(list(bootstrap.chunks(len(predicted))))
    value, resampled = (
        median_over_tests(own, numpy.ones_like(own)),
        median_over_tests(own.repeat(len(weights), 0), weights),
    )
    over = f"median over draws; bootstrap over {len(predicted)} draws"
    return bootstrap.interval(
        float(value[0]), resampled, n=int(mask.sum()), over=over, replicates=len(predicted)
    ).finite()


def units_of(stacked: numpy.ndarray) -> tuple[int, str]:
    """What is drawn anew: the draws, or the deletions of the only data set."""
    if len(stacked) > 1:
        return len(stacked), f"bootstrap over {len(stacked)} draws"
    return stacked.shape[1], f"bootstrap over {stacked.shape[1]} deletions of one data set"


def rival_rows(known: Sequence[Tuned], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """How well sizes of slopes, and Cook's distance, rank the sizes of what deletions do to log λ̂."""
    actual = numpy.abs(numpy.stack([each.changes["deletion"] for each in known]))
    scores = {
        name: numpy.abs(numpy.stack([each.changes[name] for each in known]))
        for name in ("deletion_slope", "weight_slope")
    }
    scores["cook"] = numpy.stack([each.criterion.cook(each.log_penalty) for each in known])
    finite = numpy.isfinite(actual)
    units, over = units_of(actual)
    size = actual.size // units
    weights = numpy.concatenate(list(bootstrap.chunks(units)))
    values, resampled = {}, {}
    for name, score in scores.items():
        pairs = (numpy.where(finite, each, 0.0).reshape(-1, 1) for each in (score, actual))
        compared = comparison_of(*pairs, mask=finite.reshape(-1, 1))
        spearman = MEASURES["spearman"]
        values[name] = float(spearman(compared, numpy.ones((1, compared.r)))[0, 0])
        resampled[name] = spearman(compared, numpy.repeat(weights, size, axis=1))[:, 0]
    numbers: dict[str, Any] = {"n": int(finite.sum()), "over": over, "replicates": units}
    settings = {"target": "deletion", "what": "penalty"}
    rows = []
    for name in scores:
        found = bootstrap.interval(values[name], resampled[name], within=(-1.0, 1.0), **numbers)
        rows.append(row(found.finite(), **settings, estimator=name, statistic="spearman_of_sizes"))
        if name != "cook":
            more = values[name] - values["cook"], resampled[name] - resampled["cook"]
            gain = bootstrap.interval(*more, within=(-2.0, 2.0), **numbers)
            rows.append(row(gain.finite(), **settings, estimator=name, statistic="spearman_less_cook"))
    return rows


def odd_rows(known: Sequence[Tuned], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """In which share of draws the outlier is the only top shrinker, by its curve, its slopes, and Cook's distance.

    By its curve and slope also the only top expander, and each where its shift goes with or against its signal's sign.
    """
    marked = [each for each in known if each.regression.odd is not None]
    if not marked:
        return []
    rows = [share_on_top(marked, bootstrap, score, estimator=name, shift="any") for name, score in SCORES.items()]
    for shift, side in (("any", None), ("with", False), ("against", True)):
        draws = [each for each in marked if side in (None, each.regression.against)]
        for name in ("curve", "weight_slope") if draws else ():
            score, settings = SCORES[name], dict[str, Any](estimator=name, shift=shift)
            if side is not None:
                rows.append(share_on_top(draws, bootstrap, score, **settings))
            rows.append(share_on_top(draws, bootstrap, score, sign=-1, **settings))
    return rows


def share_on_top(
    draws: Sequence[Tuned],
    bootstrap: Bootstrap,
    score: Callable[[Tuned], numpy.ndarray],
    *,
    sign: int = 1,
    **settings: Any,
) -> dict[str, Any]:
    """In which share of draws the outlier alone has the largest score, or of a negative sign the smallest."""
    places = [(sign * score(each), each.regression.odd) for each in draws]
    top = numpy.array([[alone_on_top(scores, odd)] for scores, odd in places], dtype=float)
    found = bootstrap.mean(top, over=f"bootstrap over {len(top)} draws", within=(0.0, 1.0))
    return row(found.finite(), **settings, statistic=f"outlier_is_top_{'shrinker' if sign > 0 else 'expander'}")


def alone_on_top(scores: Float[numpy.ndarray, " n"], row: int | None) -> bool:
    """Whether no other observation scores as high as this one."""
    return bool((scores >= scores[row]).sum() == 1)


def curve_rows(known: Sequence[Tuned]) -> list[dict[str, Any]]:
    """By which factor one observation can change λ̂ as its weight goes from 0 to 4, the largest of each draw."""
    reach = [each.curves[:, LARGEST] - each.curves[:, ZERO] for each in known]
    with numpy.errstate(over="ignore", invalid="ignore"):
        factors = [float(numpy.exp(numpy.nanmax(numpy.abs(each)))) for each in reach]
    deleted = [float(numpy.exp(numpy.abs(each.changes["deletion"]).max())) for each in known]
    how = "one data set: no interval" if len(known) == 1 else f"no interval: the median of {len(known)} draws"
    return [
        row(Measurement(float(numpy.median(factors)), n=len(known), note=how), statistic="largest_factor"),
        row(Measurement(float(numpy.median(deleted)), n=len(known), note=how), statistic="largest_factor_of_deletion"),
        row(
            Measurement(float(numpy.median([numpy.exp(each.log_penalty) for each in known])), n=len(known), note=how),
            statistic="penalty",
        ),
    ]


def share_rows(known: Sequence[Tuned], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """The share of each deletion's change of predictions that goes through the penalty: a/(a + b) of two RMS sizes."""
    shares = numpy.stack([penalty_shares(each) for each in known])
    units, over = units_of(shares)
    mean = bootstrap.mean(shares.reshape(units, -1), over=over, nested=("tests",), within=(0.0, 1.0))
    most = Measurement(float((shares > 0.5).mean()), n=shares.size, note="of all deletions")
    return [
        row(mean.finite(), statistic="share_through_penalty", what="predictions"),
        row(most, statistic="deletions_mostly_through_penalty", what="predictions"),
    ]


def penalty_shares(each: Tuned) -> Float[numpy.ndarray, " n"]:
    """RMS of the penalty's part over the sum of both parts' RMS, a deletion each: 0 if all goes through the fit."""
    fit, penalty = (numpy.sqrt((part**2).mean(1)) for part in (each.fit_part, each.penalty_part))
    return penalty / (fit + penalty)
