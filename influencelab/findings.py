"""What the studies found, in words; every number in them is read from a report when the page is written."""

import re
from collections.abc import Sequence

from influencelab.number import Number
from influencelab.report import Report

# `{study:number}` stands for that number of the study's largest report that holds it.
PLACE = re.compile(r"\{([a-z_]+):([^{}]+)\}")

# One finding a line. No digit is typed here: a test refuses it.
FINDINGS: tuple[str, ...] = ()


def written(found: Sequence[Report], *, findings: Sequence[str] = FINDINGS) -> str:
    """The findings whose numbers were all measured, as a Markdown list with the numbers in their places.

    Args:
        found: reports, from the smallest profile of a study to its largest.
        findings: sentences with places for numbers.
    """
    numbers = {(report.study, name): number for report in found for name, number in report.numbers.items()}
    known = [text for text in findings if all(place in numbers for place in PLACE.findall(text))]
    return "\n".join(f"- {filled(text, numbers)}" for text in known)


def filled(text: str, numbers: dict[tuple[str, str], Number]) -> str:
    """One finding with its numbers."""
    return PLACE.sub(lambda place: str(numbers[place.group(1), place.group(2)]), text)
