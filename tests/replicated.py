"""Outcomes made by hand, and tables of values with known effects of seeds and test points."""

import numpy
import torch

from influencelab.trial import Outcome


def outcome(predicted, actual, *, trusted=None, train_ids=None, test_ids=None):
    """One outcome with a single estimator `exact`, target `warm` and selection `everything`."""
    r, m = numpy.shape(predicted)
    whole = torch.ones(r, dtype=torch.bool)
    return Outcome(
        predicted={"exact": torch.tensor(numpy.array(predicted))},
        chosen={"everything": torch.ones(r, m, dtype=torch.bool)},
        actual={"warm": torch.tensor(numpy.array(actual))},
        trusted={"warm": whole if trusted is None else torch.as_tensor(trusted)},
        control={"warm": torch.zeros(m, dtype=torch.float64)},
        train_ids=torch.arange(r) if train_ids is None else torch.as_tensor(train_ids),
        train_labels=torch.zeros(r, dtype=torch.int64),
        test_ids=torch.arange(m) if test_ids is None else torch.as_tensor(test_ids),
        test_labels=torch.zeros(m, dtype=torch.int64),
        facts={"classes": 3, "single": True, "estimates": {"exact": {"unit": "nats"}}},
    )


def table(generator, s, m, *, seed=0.0, test=0.0, rest=0.0, mean=0.0, tests=None):
    """Values with normal effects of these standard deviations about a mean."""
    of_tests = generator.normal(size=m) * test if tests is None else tests
    return mean + generator.normal(size=(s, 1)) * seed + of_tests + generator.normal(size=(s, m)) * rest
