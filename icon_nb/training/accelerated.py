"""What makes a step faster on some machines and is done only when asked: torch.compile, and images channels last in memory.

Both leave the mathematics alone; sums are taken in another order, so results agree within rounding and not bit for bit.
"""

from __future__ import annotations

import os
import shutil

import torch
from torch import Tensor, nn

from ..errors import ConfigError, DeviceError
from ..methods.catalogue import BACKBONES
from ..methods.config import Config
from .candidates import Model

COMPILERS = ("c++", "g++", "clang++")


def accelerate(config: Config, model: Model, device: torch.device) -> None:
    """Prepare a model as ``compile`` and ``channels_last`` of a resolved Config say, in place; its parameters keep their names.

    Raises
    ------
    ConfigError
        ``channels_last`` for a network without convolutions.
    DeviceError
        ``compile`` where there is nothing to compile with.
    """
    if config.channels_last:
        convolutional = [name for name, row in BACKBONES.items() if row.reads == "images"]
        if config.backbone not in convolutional:
            names = ", ".join(convolutional)
            raise ConfigError(f"channels_last=True has no effect with backbone={config.backbone!r}: leave it out, or use {names}")
        model.to(memory_format=torch.channels_last)
    if config.compile != "none":
        _check_compiler(config.compile, device)
        networks = [part for part in (model.backbone, getattr(model, "other", None)) if isinstance(part, nn.Module)]
        for network in networks:
            network.compile(mode=None if config.compile == "default" else config.compile, dynamic=False)


def _check_compiler(mode: str, device: torch.device) -> None:
    if device.type == "mps":
        raise DeviceError(f"compile={mode!r} is not supported on mps: use compile='none'")
    if device.type == "cpu" and not any(map(shutil.which, (os.environ.get("CXX", "c++"), *COMPILERS))):
        raise DeviceError(f"compile={mode!r} needs a C++ compiler on the CPU: install g++, or use compile='none'")


def laid_out(config: Config, x: Tensor) -> Tensor:
    """A batch of inputs in the memory layout that the network expects."""
    return x.contiguous(memory_format=torch.channels_last) if config.channels_last and x.dim() == 4 else x
