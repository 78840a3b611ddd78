"""Points, settings and a loss that all tests of modules of torch share."""

from problems import class_data
from torch.nn import functional

DATA = class_data(3, n=30, m=4, classes=2)
X, Y, WATCHED = DATA.x_train, DATA.y_train, (DATA.x_test, DATA.y_test)
DECAY, STANDS = 0.05, {"allow_unconverged": True}


def entropy(outputs, labels):
    """The loss of each point, by torch."""
    return functional.cross_entropy(outputs, labels, reduction="none")


def close(found, wanted, *, share=1e-6):
    """Whether nothing is off by more than a share of the largest."""
    return bool((found - wanted).abs().max() <= share * wanted.abs().max())
