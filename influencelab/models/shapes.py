"""Types of the arrays that come up most, by their shape letters: p parameters, n training points, k models."""

from jaxtyping import Float
from torch import Tensor

# One vector of parameters, such as θ or a gradient, and one a row: of k models, or k directions.
P = Float[Tensor, " p"]
KP = Float[Tensor, "k p"]
# The training weights of one model, and of k.
N = Float[Tensor, " n"]
KN = Float[Tensor, "k n"]
# A number of each of k models, such as J.
K = Float[Tensor, " k"]
