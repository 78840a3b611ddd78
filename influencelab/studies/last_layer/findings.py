"""What the study `last_layer` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding
from influencelab.studies.last_layer.claims import CORRECTED, THEIRS

FINDINGS = (
    Finding(
        "last_layer",
        "**Numerics can look like fragility.** Through the last layer with the penalty left out and a "
        "singular matrix inverted, as in Epifano et al.'s code, the rank correlation is {}; mended, on the "
        "same networks and removals, it is {}.",
        (THEIRS, CORRECTED),
    ),
)
