"""Progress counts whole things, never goes back, and says early how long it will take."""

import re
import sys
from collections.abc import Callable

import pytest

from influencelab.app.cli.progress import Bar
from influencelab.app.pace import Pace
from influencelab.runner.atomic_folder import RunProgress

# From the start of a kernel to its first report, in seconds; and how often a study is looked at.
START, TICK = 6.0, 1.0
Curve = Callable[[float], float]


class Terminal:
    """A text stream that says it is a terminal, and keeps what is drawn on it."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.drawn = ""

    def write(self, text: str) -> int:
        """Keep a text."""
        self.drawn += text
        return len(text)

    def flush(self) -> None:
        """There is nothing to flush."""

    def isatty(self) -> bool:
        """It is a terminal."""
        return True


def test_one_bar_tells_how_far_all_studies_are_and_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    bar = Bar(100)
    for said in (
        None,
        RunProgress(1, 4, "networks"),
        RunProgress(3.7, 4, "networks"),
        RunProgress(1, 9, "removals"),
        RunProgress(0.9, 1.0, "3 of 9 tables and figures"),
        None,
    ):
        bar.move("first", said, expected=80)
    bar.end("first")
    bar.move("second", RunProgress(1, 2, "networks"), expected=20)
    bar.drawn.close()
    percents = [int(found) for found in re.findall(r"(\d+)% ", screen.drawn)]
    assert percents == sorted(percents)
    assert {20, 74, 90} <= set(percents)
    assert re.search(r"first: +74% \|.+ so far, about \d\d:\d\d left \(3 of 4 networks\)", screen.drawn)
    assert "(3 of 9 tables and figures)" in screen.drawn
    assert "left ," not in screen.drawn
    assert not re.search(r"\d\.\d+ of ", screen.drawn)


def test_of_studies_side_by_side_the_bar_names_two_and_their_time_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    now = 0.0
    bar = Bar(90, at_once=3, clock=lambda: now)
    for name in ("first", "second", "third"):
        bar.move(name, None, expected=30)
    assert "first, second and 1 more: " in screen.drawn
    assert bar.seconds_left() == 30
    now = 15.0
    for name in ("first", "second", "third"):
        bar.move(name, None, expected=30)
    assert " 50% |" in screen.drawn
    for name in ("first", "third"):
        bar.end(name)
    bar.move("second", RunProgress(3, 4, "networks"), expected=30)
    bar.drawn.close()
    # The two that are over did all, and the third is where it says.
    assert re.search(r"second: +92% \|.+\(3 of 4 networks\)", screen.drawn)


def estimates(studies: list[tuple[float, float, float, Curve]]) -> list[tuple[float, float]]:
    """(time, time plus estimate) at every tick of studies of (expected, true seconds, share found, share by time)."""
    now = 0.0
    found = []
    bar = Bar(sum(expected for expected, *_ in studies), clock=lambda: now)
    for number, (expected, seconds, stored, curve) in enumerate(studies):
        began = now
        while now - began < seconds:
            ran = (now - began - START) / (seconds - START)
            said = None if ran < 0 else RunProgress(stored + (1 - stored) * curve(ran), 1.0, "trials")
            bar.move(str(number), said, expected=expected)
            found.append((now, now + bar.seconds_left()))
            now += TICK
        bar.end(str(number))
    bar.drawn.close()
    return found


@pytest.mark.parametrize(
    "studies",
    [
        pytest.param([(400, 400, 0.0, lambda time: time)], id="as expected"),
        pytest.param([(400, 800, 0.0, lambda time: time)], id="a machine half as fast"),
        pytest.param([(400, 200, 0.0, lambda time: time)], id="a machine twice as fast"),
        pytest.param([(400, 400, 0.0, lambda time: time**1.2)], id="the large trials come first"),
        pytest.param([(400, 400, 0.0, lambda time: time**0.75)], id="the large trials come last"),
        pytest.param([(400, 400, 0.0, lambda time: int(time * 12) / 12)], id="a dozen trials"),
        pytest.param([(400, 246, 0.4, lambda time: time)], id="trials that were in the store"),
        pytest.param([(60, 90, 0.0, lambda time: time), (30, 45, 0.0, lambda time: time)] * 5, id="ten slow studies"),
        pytest.param([(60, 24, 0.7, lambda time: time), (30, 15, 0.7, lambda time: time)] * 5, id="ten stored studies"),
    ],
)
def test_the_estimate_is_right_within_half_after_a_tenth_of_the_time(
    studies: list[tuple[float, float, float, Curve]],
) -> None:
    total = sum(seconds for _, seconds, *_ in studies)
    late = [estimate for now, estimate in estimates(studies) if now >= total / 10]
    assert total / 1.5 <= min(late)
    assert max(late) <= total * 1.5


@pytest.mark.parametrize("slow", [1, 2, 4, 12])
@pytest.mark.parametrize(("stored", "power"), [(0.0, 1.0), (0.4, 1.0), (0.0, 1.2), (0.0, 0.75)])
def test_a_slow_machine_shows_itself_in_the_estimate_of_one_study(slow: float, stored: float, power: float) -> None:
    work, start = 40 * slow, START * slow
    total = start + work * (1 - stored)
    pace = Pace(START + 40, 0.0)
    assert pace.seconds_left(0.0, speed=pace.slowness(0.0)) == START + 40
    for tick in range(1, 200):
        now = total * tick / 200
        if now > start:
            pace.report(stored + (1 - stored) * ((now - start) / (total - start)) ** power, now)
        estimate = now + pace.seconds_left(now, speed=pace.slowness(now))
        # What lies in the store is known from the first report on.
        if now > max(total / 10, start if stored else 0.0):
            assert total / 1.5 <= estimate <= 1.5 * total, now / total
