"""Types of the arrays that come up most, by their shape letters: p parameters, n training points, k models.

b are some points, whichever they are; c are the outputs of a model.
"""

from jaxtyping import Float, Int, Num
from torch import Tensor

# One vector of parameters, such as θ or a gradient, and one a row: of k models, or k directions.
P = Float[Tensor, " p"]
KP = Float[Tensor, "k p"]
# k directions for each of r samples of points.
RKP = Float[Tensor, "r k p"]
# The training weights of one model, and of k.
N = Float[Tensor, " n"]
KN = Float[Tensor, "k n"]
# A number of each of k models, such as J, and a dense curvature of each.
K = Float[Tensor, " k"]
KPP = Float[Tensor, "k p p"]
# A measure of each of m test points, for k models, and its gradients in the θ of one.
KM = Float[Tensor, "k m"]
MP = Float[Tensor, "m p"]
# θ of one model, of k, or of any grid of them.
Theta = Float[Tensor, "*k p"]
# Features and labels of some points, a row of labels each where there are several, and which training points they are:
# the same for all models, or a row for each.
X = Float[Tensor, " b *shape"]
Y = Num[Tensor, " b *target"]
Rows = slice | Int[Tensor, "*_ b"]
# Outputs of one model, of any grid of models or along k directions, and one number a point of each.
CB = Float[Tensor, "c b"]
KCB = Float[Tensor, "*k c b"]
KB = Float[Tensor, "*k b"]
