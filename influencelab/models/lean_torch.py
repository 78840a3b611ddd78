"""A light stand-in for `torch._dynamo`, whose import takes as long as that of all the rest of torch.

`torch.func.grad` imports it to switch compiled autograd off, which cannot be on where it was never imported. Whoever
asks for anything else gets the true module, as without the stand-in.
"""

import importlib
import sys
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

NAME = "torch._dynamo"
OFF = SimpleNamespace(_disable=nullcontext, disable=nullcontext)


class StandIn(ModuleType):
    """`torch._dynamo` until it is needed."""

    def __getattr__(self, name: str) -> Any:
        if name == "compiled_autograd" and NAME not in sys.modules:
            return OFF
        return getattr(importlib.import_module(NAME), name)


if NAME not in sys.modules:
    torch._dynamo = StandIn(NAME)
