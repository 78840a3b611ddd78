"""`influencelab list`: the studies and their questions, or one study's parameters and profiles."""

from pathlib import Path

from influencelab.runner.study import notebooks, problem, studies, study


def listed(name: str | None, folder: Path | None) -> str:
    """Every study with its question, or of the one that is named its question, parameters and profiles."""
    if not name:
        return "\n".join(aligned([(each.name, each.question) for each in studies(folder)]))
    declared = study(name, folder=folder)
    parameters = aligned([(each.name, each.type, repr(each.default), each.help) for each in declared.parameters])
    profiles = ["Profiles (time and memory expected on two cores)"]
    for each in declared.profiles.values():
        settled = declared.values(each.name)
        values = ", ".join(f"{name}={settled[name]}" for name in each.parameters)
        profiles.append(f"{each.name:<9} {each.seconds:>6g} s  {each.memory_gb:>4g} GB  {values}".rstrip())
    return "\n\n".join([declared.question, "\n  ".join(["Parameters", *parameters]), "\n  ".join(profiles)])


def left_out(folder: Path | None) -> list[str]:
    """A line on each notebook of a folder that is no study, for the error stream."""
    found = {each.path.name: problem(each) for each in notebooks(folder)}
    return [f"influencelab: {name} is no study, and is left out: {wrong}" for name, wrong in found.items() if wrong]


def aligned(lines: list[tuple[str, ...]]) -> list[str]:
    """A text a line, every column but the last as wide as its longest cell."""
    if not lines:
        return []
    widths = [*(max(map(len, column)) for column in list(zip(*lines, strict=True))[:-1]), 0]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
