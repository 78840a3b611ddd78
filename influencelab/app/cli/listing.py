"""`influencelab list`: the studies and their questions, or one study's parameters and profiles."""

from pathlib import Path

from influencelab.runner.study import Study, studies, study


def all_studies(folder: Path | None) -> str:
    """List of the studies and their questions."""
    found = studies(folder)
    width = max((len(each.name) for each in found), default=0)
    return "\n".join(f"{each.name:<{width}}  {each.question}" for each in found)


def one_study(name: str, folder: Path | None) -> str:
    """One study's question, parameters and profiles."""
    declared = study(name, folder=folder)
    return "\n\n".join([declared.question, parameters(declared), profiles(declared)])


def parameters(declared: Study) -> str:
    """A line per parameter: name, type, default, meaning."""
    lines = [(each.name, each.type, repr(each.default), each.help) for each in declared.parameters]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)][:3]
    return "Parameters\n" + "\n".join(
        "  " + "  ".join([*(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)), line[3]]).rstrip()
        for line in lines
    )


def profiles(declared: Study) -> str:
    """A line per profile: its cost and the values it sets."""
    lines = []
    for each in declared.profiles.values():
        settled = declared.values(each.name)
        values = ", ".join(f"{name}={settled[name]}" for name in each.parameters)
        lines.append(f"  {each.name:<9} {each.seconds:>6g} s  {each.memory_gb:>4g} GB  {values}".rstrip())
    return "Profiles (time and memory expected on two cores)\n" + "\n".join(lines)
