"""A line search finds a step along any smooth valley, also where differences of J drown in rounding."""

import pytest
import torch

from influencelab.training.line_search import search

VALLEYS = {
    "short": (lambda t: (t - 1e-3) ** 2, lambda t: 2 * (t - 1e-3)),
    "long": (lambda t: (t - 500) ** 2, lambda t: 2 * (t - 500)),
    "wavy": (lambda t: -t + t**2 / 8 + (9 * t).sin() / 5, lambda t: -1 + t / 4 + 9 * (9 * t).cos() / 5),
    "walled": (lambda t: -(0.01 - t).log() - 200 * t, lambda t: 1 / (0.01 - t) - 200),
}


def run(name: str) -> tuple[float, int]:
    """The accepted step and how many were refused before it."""
    value, slope = VALLEYS[name]
    none = torch.zeros(1, dtype=torch.float64)
    line = search(value(none), slope(none))
    while int(line.trials) < 30:
        step = line.step
        descended = line.descends(value(step), slope(step))
        if (descended & line.flattens(slope(step))).all():
            return float(step), int(line.trials)
        line = line.refused(slope(step), too_long=~descended)
    raise AssertionError(f"no step was accepted in the {name} valley")


@pytest.mark.parametrize("name", VALLEYS)
def test_the_accepted_step_descends_and_flattens(name):
    value, slope = VALLEYS[name]
    step, refused = run(name)
    there, start = torch.tensor([step], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    assert value(there) <= value(start) + 1e-4 * step * slope(start)
    assert slope(there) >= 0.9 * slope(start)
    assert refused <= 12


def test_a_parabola_is_met_near_its_bottom_after_few_trials():
    step, refused = run("short")
    assert step == pytest.approx(1e-3, rel=1e-6)
    assert refused <= 3
    assert run("long")[1] <= 2


def test_slopes_decide_where_values_drown():
    one = torch.ones(3, dtype=torch.float64)
    line = search(one, -1e-12 * one)
    value = 1 + torch.tensor([1e-14, 1e-14, 1e-9], dtype=torch.float64)
    slope = torch.tensor([0.5e-12, 1.5e-12, 0.5e-12], dtype=torch.float64)
    assert line.descends(value, slope).tolist() == [True, False, False]


def test_a_value_that_is_not_finite_is_too_far():
    one = torch.ones(2, dtype=torch.float64)
    line = search(one, -one)
    bad = torch.tensor([float("nan"), float("inf")], dtype=torch.float64)
    assert not line.descends(bad, bad).any()
    shorter = line.refused(bad, too_long=~line.descends(bad, bad))
    assert shorter.step.tolist() == [0.5, 0.5]


def test_searches_do_not_mix():
    values, slopes = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([-1.0, -2.0, -3.0])
    line = search(values, slopes).refused(slopes, too_long=torch.tensor([True, False, True]))
    rows = torch.tensor([False, True, True])
    assert line.take(rows).slope.tolist() == [-2.0, -3.0]
    mixed = line.put(rows.nonzero().squeeze(1), search(values[rows], slopes[rows]))
    assert mixed.trials.tolist() == [1, 0, 0]
    assert mixed.step.tolist() == [float(line.step[0]), 1.0, 1.0]
