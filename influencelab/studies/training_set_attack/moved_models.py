"""Logistic regressions of which each has a few training points elsewhere, trained anew from where each one was."""

from copy import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.models.shapes import KP
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.training.fit import Fit

# ‖∇J‖ of a trained model, and of one on its way; shares that conjugate gradients leave of a Newton step and of a
# sensitivity; and most steps of each kind.
TOLERANCE, ON_THE_WAY, OF_A_STEP, OF_A_SENSITIVITY = 1e-9, 1e-6, 1e-3, 1e-4
STEPS, PRODUCTS, HALVINGS = 50, 200, 30


@dataclass(eq=False)
class MovedModels:
    """k models like one fit, in each of which b training points have other features; θ of each changes by training.

    Conjugate gradients know the fit's own inverse curvature, from which that of each model differs by a few directions.

    Attributes:
        model: the fit of all points where they were.
        points: the training points that each model has elsewhere.
        theta: of each model, at first the fit's.
    """

    model: Fit
    points: Int[Tensor, "k b"]
    theta: KP

    @classmethod
    def of(cls, model: Fit, points: Int[Tensor, "k b"]) -> "MovedModels":
        """Models at the fit's own θ; an InvalidParameter error of another task than logistic regression."""
        if not isinstance(model.task, BinaryLogistic):
            raise InvalidParameter(
                f"the task is {type(model.task).__name__}, expected BinaryLogistic: attacks are on one output. "
                "Fit il.BinaryLogistic."
            )
        return cls(model, points, model.theta.repeat(len(points), 1))

    def __post_init__(self) -> None:
        data, task = self.model.data, self.model.task
        self.x, self.y = task.features(data.x_train), data.y_train.to(data.x_train)
        self.stiffness = task.weight_decay * task.penalised(data).to(self.x)
        self.inverse = Curvature(self.model).inverse()

    def take(self, rows: Int[Tensor, " q"]) -> "MovedModels":
        """Some of the models, as they are now."""
        some = copy(self)
        some.points, some.theta = self.points[rows], self.theta[rows]
        return some

    def features(self, values: Float[Tensor, "k b d"]) -> Float[Tensor, "k b p"]:
        """Features of points with what an intercept multiplies, where there is one."""
        return self.model.task.features(values.flatten(0, 1)).unflatten(0, values.shape[:2])

    def residuals(self, theta: KP, moved: Float[Tensor, "k b p"]) -> tuple[Tensor, Tensor]:
        """wᵢ (σ(z) − y) of all points (n k), 0 for those that are elsewhere, and of these where they are now (k b)."""
        own = self.model.weights[:, None] * (torch.sigmoid(self.x @ theta.T) - self.y[:, None])
        there = torch.sigmoid((moved * theta[:, None]).sum(2)) - self.y[self.points]
        return self.without(own), self.model.weights[self.points] * there

    def without(self, table: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """The table with 0 for the points that each model has elsewhere."""
        return table.scatter(0, self.points.T, 0.0)

    def gradients(self, theta: KP, moved: Float[Tensor, "k b p"]) -> KP:
        """∇J of each model."""
        own, there = self.residuals(theta, moved)
        return own.T @ self.x + torch.einsum("kb,kbp->kp", there, moved) + self.stiffness * theta

    def train(self, moved: Float[Tensor, "k b p"], *, tolerance: float = TOLERANCE) -> Float[Tensor, " k"]:
        """Bring each θ to the minimum for these features of its points; ‖∇J‖ of each, small but for failures."""
        gradient = self.gradients(self.theta, moved)
        for _ in range(STEPS):
            norm = gradient.norm(dim=1)
            left = norm > tolerance
            if not left.any():
                break
            step = self.solve(gradient, moved, share=OF_A_STEP)
            length, before = left.to(norm), self.theta
            for _ in range(HALVINGS):
                there = before - length[:, None] * step
                found = self.gradients(there, moved)
                better = (left & (found.norm(dim=1) < norm))[:, None]
                self.theta, gradient = there.where(better, self.theta), found.where(better, gradient)
                left = left & ~better[:, 0]
                if not left.any():
                    break
                length = length.where(~left, length / 2)
            # What no step makes smaller has come as far as rounding lets it.
            if torch.equal(self.theta, before):
                break
        return gradient.norm(dim=1)

    def solve(self, right: KP, moved: Float[Tensor, "k b p"], *, share: float) -> KP:
        """H⁻¹ of each model times its row, by conjugate gradients to this share of the row."""
        curved = self.without(self.model.weights[:, None] * slope_of_chance(self.x @ self.theta.T))
        there = self.model.weights[self.points] * slope_of_chance((moved * self.theta[:, None]).sum(2))

        def product(v: KP) -> KP:
            own = (curved * (self.x @ v.T)).T @ self.x
            few = torch.einsum("kb,kbp->kp", there * torch.einsum("kbp,kp->kb", moved, v), moved)
            return own + few + self.stiffness * v

        found = right @ self.inverse
        rest = right - product(found)
        ahead = rest @ self.inverse
        direction, size = ahead, (rest * ahead).sum(1)
        goal = share * right.norm(dim=1)
        for _ in range(PRODUCTS):
            left = rest.norm(dim=1) > goal
            if not left.any():
                break
            bent = product(direction)
            length = (size / (direction * bent).sum(1)).where(left, 0.0)[:, None]
            found, rest = found + length * direction, rest - length * bent
            ahead = rest @ self.inverse
            before, size = size, (rest * ahead).sum(1)
            direction = ahead + (size / before).where(left, 0.0)[:, None] * direction
        return found

    def sensitivities(self, moved: Float[Tensor, "k b p"], tests: Int[Tensor, " k"]) -> KP:
        """s = H⁻¹ ∇L of each model for the loss of its own test point."""
        return self.solve(self.loss_gradients(tests), moved, share=OF_A_SENSITIVITY)

    def loss_gradients(self, tests: Int[Tensor, " k"]) -> KP:
        """∇L of each model for the loss of its own test point."""
        x, y = self.test_points(tests)
        return (torch.sigmoid((x * self.theta).sum(1)) - y)[:, None] * x

    def losses(self, tests: Int[Tensor, " k"]) -> Float[Tensor, " k"]:
        """L of each model's own test point, in nats; it is predicted wrongly above ln 2."""
        x, y = self.test_points(tests)
        return torch.nn.functional.softplus((1 - 2 * y) * (x * self.theta).sum(1))

    def test_points(self, tests: Int[Tensor, " k"]) -> tuple[Float[Tensor, "k p"], Float[Tensor, " k"]]:
        """Features and labels of test points."""
        data = self.model.data
        return self.model.task.features(data.x_test[tests]), data.y_test[tests].to(data.x_test)

    def feature_slopes(self, moved: Float[Tensor, "k b p"], toward: KP) -> Float[Tensor, "k b p"]:
        """How the effect −w ∇ℓ(x̃)ᵀ s on each test loss rises with the features of each point, s a row of `toward`."""
        z, along = (moved * self.theta[:, None]).sum(2), torch.einsum("kbp,kp->kb", moved, toward)
        weights, labels = self.model.weights[self.points], self.y[self.points]
        bent = (weights * slope_of_chance(z) * along)[..., None] * self.theta[:, None]
        return -bent - (weights * (torch.sigmoid(z) - labels))[..., None] * toward[:, None]


def slope_of_chance(z: Tensor) -> Tensor:
    """σ(z) (1 − σ(z))."""
    chance = torch.sigmoid(z)
    return chance * (1 - chance)
