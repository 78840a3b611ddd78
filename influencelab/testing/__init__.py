"""What an estimator of anyone's can be held against: problems, truths that share no code with it, known mistakes.

`EstimatorContract` is a class of tests for pytest, which is not needed for anything else here; `examine` says the same
in one call. From the ground up: `problems`, `oracles` (plain NumPy), `bounds` (what an estimate must meet), `impostors`
(estimators that are wrong on purpose), `diagnosis` (which mistake scores show), `contract`.
"""

from influencelab.testing.bounds import INFLUENCE, NEWTON_STEP, ORDER, Bounds
from influencelab.testing.contract import EstimatorContract, examine
from influencelab.testing.impostors import IMPOSTORS, Impostor

__all__ = ["IMPOSTORS", "INFLUENCE", "NEWTON_STEP", "ORDER", "Bounds", "EstimatorContract", "Impostor", "examine"]
