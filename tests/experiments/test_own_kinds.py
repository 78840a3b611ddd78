"""Results of own kinds are found again only while their code, the values they name and their data stay."""

import sys
import types
from dataclasses import replace

import numpy
import pytest

from influencelab.data.sources.iris import Iris
from influencelab.errors import InvalidParameter
from influencelab.experiments.code_version import code_version, recipe_version
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_trials
from influencelab.experiments.trial import Trial
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.logistic import Logistic
from influencelab.training.trainers.newton import Newton

ESTIMATOR = '''
import time
from dataclasses import dataclass
from influencelab.influence.estimator import Estimator, estimate_of
from influencelab.influence.estimators.exact import Exact
import helper_of_users as helper

factor = {factor}

def stretched(values):
    return {called}

@dataclass(frozen=True)
class Mine(Estimator):
    """{words}"""

    def estimate(self, fit):
        values = stretched(Exact().estimate(fit).values) * helper.size({argument}){comment}
        return estimate_of(self, fit, values, convention="drop", started=time.perf_counter())
'''
PLAIN = {"factor": "1.0", "called": "factor * values", "words": "Mine.", "argument": "1.0", "comment": ""}
SOURCE = """
from dataclasses import dataclass
import numpy
from influencelab.data.arrays import hold_out
from influencelab.data.source import Source

@dataclass(frozen=True)
class First(Source):
    def arrays(self):
        return hold_out(X, (X[:, 0] > shift).astype(int), held_out=5, seed=0)
"""


def defined(text: str, name: str, *, module: str = "__main__", **names):
    """A class as a script or a notebook defines it, in a name space of its own."""
    space = {"__name__": module, **names}
    exec(compile(text, "<cell>", "exec"), space)
    return space[name]


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Write a module of the user's, which the estimator calls."""

    def write(text: str) -> None:
        path = tmp_path / "helper_of_users.py"
        path.write_text(text, encoding="utf-8")
        made = types.ModuleType("helper_of_users")
        made.__file__ = str(path)
        exec(text, vars(made))
        monkeypatch.setitem(sys.modules, "helper_of_users", made)

    write("def size(x):\n    return x\n")
    return write


def trial(**changes) -> Trial:
    estimator = defined(ESTIMATOR.format(**{**PLAIN, **changes}), "Mine")()
    source = Iris(scaling="standard", train_size=12, test_size=2)
    return Trial(source, Logistic(0.1), Newton(), {"mine": estimator})


CHANGES = {"a value": {"factor": "10.0"}, "a function": {"called": "values ** 2"}, "a method": {"argument": "3.0"}}


@pytest.mark.slow
@pytest.mark.usefixtures("helper")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_code_of_an_own_estimator_is_run_again(tmp_path, change):
    first, other = (run_trials([trial(**each)], store=Store(tmp_path))[0] for each in ({}, change))
    fresh = trial(**change).run()
    assert other.predicted["mine"].allclose(fresh.predicted["mine"])
    assert not other.predicted["mine"].allclose(first.predicted["mine"], rtol=0.1, atol=0)
    assert len(list(tmp_path.rglob("*.entry"))) == 2


def test_a_changed_module_of_the_users_counts_and_a_comment_does_not(helper):
    first = recipe_version(trial())
    assert recipe_version(trial()) == first
    assert recipe_version(trial(comment="  # the same")) == first
    helper("def size(x):\n    return 2 * x\n")
    assert recipe_version(trial()) != first


@pytest.mark.usefixtures("helper")
def test_a_value_that_cannot_be_known_is_refused_with_the_reason(tmp_path):
    text = ESTIMATOR.format(**{**PLAIN, "factor": "(each for each in [1.0])", "called": "next(factor) * values"})
    known = replace(trial(), estimators={"mine": defined(text, "Mine")()})
    with pytest.raises(InvalidParameter, match=r"which uses factor cannot be stored: the generator there.*settings"):
        run_trials([known], store=Store(tmp_path))


def test_the_key_of_the_packages_own_kinds_knows_nothing_of_this():
    known = Trial(Iris(), Logistic(0.1), Newton(), {"exact": Exact()})
    modules = {type(part).__module__ for part in vars(known).values() if hasattr(part, "__dataclass_fields__")}
    modules |= {Trial.__module__, Exact.__module__, *(type(each).__module__ for each in known.selections)}
    modules |= {type(each).__module__ for each in known.targets.values()}
    assert recipe_version(known) == code_version(*sorted(modules))


@pytest.mark.slow
def test_changed_data_of_an_own_source_are_run_again(tmp_path):
    drawn = numpy.random.default_rng(0).normal(size=(25, 3))
    hashes, task = [], Logistic(0.1)
    for x, shift in ((drawn, 0.0), (3 * drawn + 1, 0.0), (drawn, 0.2), (drawn, 0.0)):
        known = Trial(defined(SOURCE, "First", X=x, shift=shift)(), task, Newton(), {"exact": Exact()})
        found = run_trials([known], store=Store(tmp_path))[0]
        assert found.facts["data_hash"] == known.source.load().content_hash()
        hashes.append(found.facts["data_hash"])
    assert len(set(hashes)) == 3
    assert len(list(tmp_path.rglob("*.entry"))) == 3


@pytest.mark.slow
def test_a_source_that_gives_other_data_each_time_is_refused(tmp_path):
    drawing = numpy.random.default_rng(0)
    text = SOURCE.replace("X[:, 0] > shift", "X[:, 0] + drawing.normal(size=len(X)) > 0")
    source = defined(text, "First", X=drawing.normal(size=(25, 3)), drawing=drawing)()
    known = Trial(source, Logistic(0.1), Newton(), {"exact": Exact()})
    with pytest.raises(InvalidParameter, match="First gives other data each time"):
        run_trials([known], store=Store(tmp_path))
