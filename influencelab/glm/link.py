"""Links: the mean μ of a response as a function of its linear predictor η, with two derivatives."""

from abc import abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from numpy import ndarray

from influencelab.recipe import Recipe

B = Float[ndarray, " b"]


@dataclass(frozen=True)
class Link(Recipe):
    """g with η = g(μ); what is needed is its inverse, for η of any rows."""

    @abstractmethod
    def predictor(self, mean: B) -> B:
        """η of a mean inside the range."""

    @abstractmethod
    def mean(self, predictor: B) -> B:
        """μ; NaN where no mean has this predictor."""

    @abstractmethod
    def slope(self, predictor: B) -> B:
        """∂μ/∂η."""

    @abstractmethod
    def bend(self, predictor: B) -> B:
        """∂²μ/∂η²."""
