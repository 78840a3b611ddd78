"""How much memory work takes at once, by what torch allocates: the same on every machine."""

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def tables(work: Callable[[], object], *, size: int) -> float:
    """The most that torch held at any time beyond what it held before, in tables of `size` numbers of float64."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        kept = work()
    events = [each for each in seen.profiler.kineto_results.events() if each.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda each: each.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    del kept
    return most / (8 * size)
