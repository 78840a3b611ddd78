"""What a worker process of a cluster is forked from: all it needs is imported, and the version of the code is known."""

import torch._dynamo  # noqa: F401  the first derivative would import it
from gated_sweep import trials

from influencelab.experiments.code_version import recipe_version

recipe_version(trials(1)[0])
