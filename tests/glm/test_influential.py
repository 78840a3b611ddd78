"""Which rows are influential at all: draws as their family says, fits to them as by others, and what chance does."""

import jaxtyping
import numpy
import pandas
import pytest
import statsmodels.api as sm
from regressions import CASES, COUNTS, SLOWLY, WITH, N, X
from scipy import stats

import influencelab as il
from influencelab import names
from influencelab.errors import InvalidData, InvalidParameter, NotConverged, UnknownName, WrongType
from influencelab.glm.family import Family
from influencelab.glm.influence import objective_of
from influencelab.glm.simulation import responses, simulated
from influencelab.recipe import unheard

SHARES = (numpy.arange(20_000) + 0.5) / 20_000


@pytest.mark.parametrize("name", names(Family))
def test_responses_have_the_mean_and_the_variance_of_their_family(name):
    family = il.make(Family, name)
    mean = numpy.full_like(SHARES, 0.4)
    for weight in (1.0, 3.0):
        spread = (1.0 if family.fixed_dispersion else 0.3) / weight
        found = family.quantile(SHARES, mean, numpy.full_like(SHARES, spread))
        assert (numpy.diff(found) >= 0).all()
        assert found.mean() == pytest.approx(0.4, rel=0.005)
        assert found.var() == pytest.approx(spread * family.variance(numpy.array([0.4]))[0], rel=0.02)


@pytest.mark.parametrize(("family", "theirs"), [(il.Poisson(), stats.poisson), (il.Binomial(), stats.binom)])
@pytest.mark.parametrize("mean", [0.3, 40.0, 400.0])
def test_quantiles_of_counts_are_the_least_that_reach_their_share(family, theirs, mean):
    trials = 1000
    if isinstance(family, il.Binomial):
        found = family.quantile(SHARES, numpy.full(1, mean / 1000), numpy.full(1, 1 / trials)) * trials
        cumulative = theirs(trials, mean / 1000).cdf
    else:
        found, cumulative = family.quantile(SHARES, numpy.full(1, mean), numpy.ones(1)), theirs(mean).cdf
    assert (cumulative(found) >= SHARES).all()
    assert (cumulative(found - 1) < SHARES).all()


def drawn(fitted, draws=6):
    """A simulation, and the responses of each draw."""
    influence = il.row_influence(fitted)
    objective = objective_of(fitted, workers=1, progress=unheard)
    simulation = simulated(influence, objective, draws=draws, seed=0)
    parts = responses(influence, objective, 0, simulation.draws)
    y = numpy.concatenate([y for given in fitted.table.chunks() for _, _, y in parts(given)])
    return simulation, y


@pytest.mark.parametrize("case", SLOWLY)
def test_fits_to_draws_are_those_of_statsmodels_to_a_hundredth_of_an_error(case):
    ours, theirs, y = CASES[case]
    simulation, drawn_y = drawn(il.regress(X, y, family=ours))
    for each in range(len(simulation.draws)):
        other = sm.GLM(drawn_y[:, each], WITH, family=theirs).fit(tol=1e-12)
        assert simulation.coefficients[:, each] == pytest.approx(other.params, abs=0.01 * other.bse.min())
        assert simulation.dispersions[each] == pytest.approx(other.scale, rel=1e-3)


# Rows that are farther from the mean than most.
PLANTED = numpy.argsort(-(X**2).sum(1))[20:24]


def planted(seed: int, outliers: int = 4):
    """Counts of 300 rows, some of which are far from the model."""
    rng = numpy.random.default_rng(seed)
    y = rng.poisson(numpy.exp(X @ [0.3, -0.2, 0.1, 0.25] + 1)).astype(float)
    y[PLANTED[:outliers]] += 15
    return y


def test_planted_rows_are_told_apart_and_chance_is_not():
    found = il.influential_rows(il.row_influence(il.regress(X, planted(0), family=il.Poisson())))
    assert sorted(found.rows()) == sorted(PLANTED)
    assert len(il.influential_rows(il.row_influence(il.regress(X, planted(1, 0), family=il.Poisson()))).rows()) == 0
    table = found.table()
    assert list(table.index) == ["dfbetas", "dffits", "covratio", "cook", "4/n", "hat"]
    assert (table["calibrated rows"] >= 4)[["dfbetas", "dffits", "cook"]].all()
    # Leverage knows no responses: as many rows have it by chance, and none is told apart.
    assert table.loc["hat", "by chance"] == table.loc["hat", "rows"]
    assert table.loc["hat", "calibrated rows"] == 0
    assert found.calibrated("hat") == numpy.inf
    assert found.measures["cook"][found.rows()].min() == found.calibrated()
    assert "beyond chance by Cook's distance: 4" in repr(found)


def test_published_cut_offs_and_measures_are_written_out():
    fitted = il.regress(X, CASES["gaussian"][2], family=il.Gaussian())
    influence = il.row_influence(fitted)
    found = il.influential_rows(influence, draws=20)
    p = fitted.p
    half = stats.f.median(p, N - p)
    wanted = [1, 3 * numpy.sqrt(p / (N - p)), 3 * p / (N - p), half, 4 / N, 3 * p / N]
    assert list(found.cutoffs.values()) == pytest.approx(wanted)
    table = il.influence_measures(influence)
    wanted = pandas.DataFrame(
        {
            "dfbetas": table.filter(like="dfb.").abs().max(axis=1),
            "dffits": table["dffit"].abs(),
            "covratio": (1 - table["cov.r"]).abs(),
            "cook": table["cook.d"],
            "hat": table["hat"],
        }
    )
    assert found.measures.to_numpy() == pytest.approx(wanted.to_numpy(), rel=1e-9)


@pytest.mark.slow
def test_what_is_by_chance_is_counted_over_refits():
    y = CASES["gaussian"][2]
    fitted = il.regress(X, y, family=il.Gaussian())
    found = il.influential_rows(il.row_influence(fitted), draws=20)
    _, drawn_y = drawn(fitted, 20)
    far = []
    for each in drawn_y.T:
        theirs = sm.OLS(each, WITH).fit().get_influence()
        ratio = theirs.sigma2_not_obsi / theirs.scale
        far.append(
            numpy.c_[
                abs(theirs.dfbetas).max(1),
                abs(theirs.dffits[0]),
                abs(1 - ratio**fitted.p / (1 - theirs.hat_matrix_diag)),
                theirs.cooks_distance[0],
            ]
        )
    far = numpy.concatenate(far)
    for place, name in enumerate(["dfbetas", "dffits", "covratio", "cook"]):
        wanted = [((far[:, place] >= own).sum() + 1) / (20 + 1 / N) for own in found.measures[name]]
        assert found.expected[name].to_numpy() == pytest.approx(wanted, abs=0.11)
        beyond = (far[:, place] > found.cutoffs[name]).sum() / 20
        assert found.by_chance[name] == pytest.approx(beyond, abs=0.051)


@pytest.mark.slow
def test_chunks_threads_and_frequencies_change_nothing():
    weights = numpy.tile([1.0, 2.0], N // 2)
    wanted = il.influential_rows(
        il.row_influence(il.regress(X, COUNTS, family=il.Poisson(), weights=weights)), draws=30
    )
    table = il.ArrayTable(X, COUNTS, weights, rows=41)
    influence = il.row_influence(il.regress(table, family=il.Poisson(), frequencies=True))
    found = il.influential_rows(influence, draws=30, workers=2)
    assert found.measures.to_numpy() == pytest.approx(wanted.measures.to_numpy(), rel=1e-8)
    # A distance that rounding moves past one of a draw changes a count by one draw.
    assert found.expected.to_numpy() == pytest.approx(wanted.expected.to_numpy(), abs=0.04)


def test_bad_questions_are_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    influence = il.row_influence(il.regress(X, COUNTS, family=il.Poisson()))
    with pytest.raises(WrongType, match=r"Make one: il\.row_influence\(regression\)"):
        il.influential_rows(COUNTS)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidParameter, match="level is 5, expected a share"):
        il.influential_rows(influence, level=5)
    with pytest.raises(InvalidParameter, match="draws is 3, expected 20 or more"):
        il.influential_rows(influence, draws=3)
    with pytest.raises(UnknownName, match=r"No measure is named 'cooks'.*Did you mean 'cook'"):
        il.influential_rows(influence, draws=20).rows("cooks")
    with pytest.raises(InvalidData, match="5 rows are too few to judge beside 5 coefficients"):
        il.influential_rows(il.row_influence(il.regress(X[:5], COUNTS[:5], family=il.Poisson(), weight_decay=1.0)))
    rare = il.regress(X[:40], (numpy.arange(40) < 2) * 1.0, weight_decay=1e-6)
    with pytest.raises(NotConverged, match="too few to say what is chance"):
        il.influential_rows(il.row_influence(rare))


SETS, PLACES = 100, 200
WIDE = numpy.random.default_rng(5).normal(size=(PLACES, 4))
SLOPE = WIDE @ [0.3, -0.2, 0.1, 0.25]


def made(name: str, rng, outliers: int):
    """A family, responses, and which of them are planted: among rows of large leverage, or certain classes turned."""
    far = rng.choice(numpy.argsort(-(WIDE**2).sum(1))[10:60], outliers, replace=False)
    if name == "gaussian":
        y = SLOPE + rng.normal(size=PLACES)
        y[far] += 4 * numpy.sign(rng.normal(size=outliers))
        return il.Gaussian(), y, far
    if name == "poisson":
        y = rng.poisson(numpy.exp(SLOPE + 1)).astype(float)
        y[far] += 12
        return il.Poisson(), y, far
    if name == "gamma":
        y = rng.gamma(3, numpy.exp(SLOPE) / 3)
        y[far] *= 8
        return il.Gamma(il.LogLink()), y, far
    odds = 3 * SLOPE - 1
    y = (rng.uniform(size=PLACES) < 1 / (1 + numpy.exp(-odds))).astype(float)
    far = rng.choice(numpy.argsort(odds)[:30], outliers, replace=False)
    y[far] = 1
    return il.Binomial(), y, far


def flagged(name: str, outliers: int) -> pandas.DataFrame:
    """A line a data set and rule: how many rows are flagged by both cut-offs, and how many of them were planted."""
    rng, lines = numpy.random.default_rng(0), []
    for number in range(SETS):
        family, y, far = made(name, rng, outliers)
        influence = il.row_influence(il.regress(WIDE, y, family=family, workers=1))
        found = il.influential_rows(influence, draws=100, seed=number)
        for rule, cutoff in found.cutoffs.items():
            measure = "cook" if rule == "4/n" else rule
            beyond, told = numpy.flatnonzero(found.measures[measure] > cutoff), found.rows(measure)
            hits = [numpy.isin(each, far).sum() for each in (beyond, told)]
            lines.append((rule, len(beyond), found.by_chance[rule], hits[0], len(told), hits[1]))
    return pandas.DataFrame(lines, columns=["rule", "published", "chance", "hits", "calibrated", "calibrated hits"])


def within(count: int, of: int) -> tuple[float, float]:
    """The exact 99.9% interval of a share."""
    found = stats.binomtest(count, of).proportion_ci(0.999)
    return found.low, found.high


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["gaussian", "poisson", "gamma", "logit"])
def test_how_many_rows_are_flagged_of_nothing_and_found_of_planted_ones(name):
    """The table of DIAGNOSTICS.md; -s shows it, the half of each 95% interval over data sets below it."""
    nothing, planted_ones = flagged(name, 0), flagged(name, 5)
    shares = pandas.DataFrame(
        {
            "rule": nothing["rule"],
            "published": nothing["published"],
            "chance": nothing["chance"],
            "any by calibrated": nothing["calibrated"] > 0,
            "found by published": planted_ones["hits"] / 5,
            "false of published": 1 - planted_ones["hits"] / planted_ones["published"].clip(lower=1),
            "found by calibrated": planted_ones["calibrated hits"] / 5,
            "false of calibrated": 1 - planted_ones["calibrated hits"] / planted_ones["calibrated"].clip(lower=1),
        }
    )
    for kind in ("published", "calibrated"):
        shares.loc[planted_ones[kind] == 0, f"false of {kind}"] = 0.0
    table = shares.groupby("rule", sort=False).mean()
    half = 1.96 * shares.groupby("rule", sort=False).std() / SETS**0.5
    print(name, table.round(3).to_string(), half.round(3).to_string(), sep="\n")
    for rule in ("dfbetas", "dffits", "cook"):
        # Of nothing, a share of 0.05 of data sets at most has any row flagged.
        low, _ = within(int((nothing.loc[nothing["rule"] == rule, "calibrated"] > 0).sum()), SETS)
        assert low <= 0.05
        assert table.loc[rule, "false of calibrated"] < 0.1
        # What is said of chance is what happens where there is nothing else.
        assert table.loc[rule, "chance"] == pytest.approx(table.loc[rule, "published"], abs=0.5)
    assert table.loc["hat", "any by calibrated"] == 0
    # Turned classes go no farther than rows that a logit makes itself.
    assert (table.loc["cook", "found by calibrated"] > 0.2) == (name != "logit")
    assert table.loc["cook", "found by published"] < 0.05
