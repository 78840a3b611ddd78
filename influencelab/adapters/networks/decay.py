"""Weight decay of each parameter of a module: one number, numbers by name, or what an optimiser was given."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import torch
from torch import nn

from influencelab.adapters.networks.frozen_module import fitting
from influencelab.errors import InvalidParameter, WrongType, named

# Optimisers that add weight_decay · θ to the gradient, so that their minimum is that of a penalty.
COUPLED = ("SGD", "Adam", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "ASGD", "Rprop", "LBFGS")


def decays(module: nn.Module, names: tuple[str, ...], weight_decay: Any, optimizer: Any) -> dict[str, float]:
    """The strength of the penalty on each trained parameter.

    Raises:
        WrongType: neither a number nor numbers by name; no optimiser of torch.
        InvalidParameter: both were given, a number is out of range, a name fits nothing, or decay is no penalty.
    """
    if optimizer is not None:
        if weight_decay != 0:
            raise InvalidParameter("Both weight_decay and optimizer were given. Leave one out.")
        return of_optimizer(module, names, optimizer)
    if isinstance(weight_decay, Mapping):
        found = by_pattern(names, weight_decay)
    elif isinstance(weight_decay, Real) and not isinstance(weight_decay, bool):
        found = dict.fromkeys(names, float(weight_decay))
    else:
        raise WrongType(f"weight_decay is {named(weight_decay)}, expected a number, or numbers by parameters' names.")
    for name, strength in found.items():
        if not 0 <= strength < float("inf"):
            raise InvalidParameter(f"weight_decay of {name} is {strength}, expected a finite number ≥ 0.")
    return found


def by_pattern(names: tuple[str, ...], given: Mapping[Any, Any]) -> dict[str, float]:
    """The number of the first pattern that fits each name; 0 where none does."""
    found = dict.fromkeys(names, 0.0)
    for pattern, strength in reversed(list(given.items())):
        if not isinstance(strength, Real) or isinstance(strength, bool):
            raise WrongType(f"weight_decay of {pattern!r} is {named(strength)}, expected a number, such as 0.01.")
        found |= dict.fromkeys(fitting(pattern, names), float(strength))
    return found


def of_optimizer(module: nn.Module, names: tuple[str, ...], optimizer: Any) -> dict[str, float]:
    """The weight decay of the group that each parameter is in."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise WrongType(f"optimizer is {named(optimizer)}, expected one of torch.optim, such as the one that you used.")
    kind, groups = type(optimizer).__name__, {}
    for group in optimizer.param_groups:
        strength = float(group.get("weight_decay", 0.0))
        if strength and (group.get("decoupled_weight_decay", False) or kind == "AdamW"):
            raise InvalidParameter(
                f"{kind} shrinks parameters beside its steps (weight_decay={strength:g}), which is no penalty: where "
                "it comes to rest, no objective has its minimum. Train with SGD or Adam, or say weight_decay= of the "
                "penalty that you mean, with polish=True."
            )
        if (strength and kind not in COUPLED) or group.get("maximize", False):
            what = "maximises" if group.get("maximize", False) else "is not known to decay by a penalty"
            raise InvalidParameter(f"{kind} {what}. Leave it out, and say weight_decay= of the objective itself.")
        groups |= {id(each): strength for each in group["params"]}
    held = dict(module.named_parameters())
    absent = [name for name in names if id(held[name]) not in groups]
    if absent:
        raise InvalidParameter(
            f"The optimiser does not train {', '.join(absent[:8])}. Give the one that trained this module, or name by "
            "parameters= those that it trained."
        )
    return {name: groups[id(held[name])] for name in names}
