"""The optimizers by name; ``gains`` is the one that layouts of free points were made with."""

from __future__ import annotations

import inspect
from functools import cache
from pkgutil import resolve_name

import torch
from torch import Tensor

from ..errors import ConfigError, demand
from ..methods.catalogue import OPTIMIZERS
from ..methods.config import Config
from ..methods.settings import OWN, is_own, thing_of


@cache
def uncompiled(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """The same optimizer, whose methods do not import torch's compiler: that takes nearly as long as torch itself."""
    names = "add_param_group", "zero_grad", "state_dict", "load_state_dict"
    bare = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    step = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), {**bare, "step": step, "__module__": kind.__module__, "__doc__": kind.__doc__})


@uncompiled
class Gains(torch.optim.Optimizer):
    r"""Momentum with a gain per coordinate that grows while the direction holds and shrinks when it turns (Jacobs 1988).

    :math:`g \leftarrow g + 0.2` where step and gradient agree, :math:`0.8 g` where they do not, at least 0.01;
    :math:`v \leftarrow \mu v - \eta\, n\, g \odot \nabla`. The mean over n rows is undone, so that one learning rate fits every
    number of points. It is what t-SNE was published with.
    """

    def __init__(self, params, lr: float, momentum: float = 0.9, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            for point in group["params"]:
                if point.grad is not None:
                    self._move(point, point.grad, group)

    def _move(self, point: Tensor, gradient: Tensor, group: dict) -> None:
        state = self.state[point]
        if not state:
            state["velocity"], state["gain"] = torch.zeros_like(point), torch.ones_like(point)
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * point
        velocity, gain = state["velocity"], state["gain"]
        holds = velocity * gradient < 0
        gain.copy_(torch.where(holds, gain + 0.2, gain * 0.8).clamp_(min=0.01))
        velocity.mul_(group["momentum"]).addcmul_(gain, gradient, value=-group["lr"] * len(point))
        point.add_(velocity)


def build_optimizer(config: Config, parameters) -> torch.optim.Optimizer:
    """The optimizer of a resolved Config, by its name or by a function of the user's."""
    if is_own(config.optimizer):
        return made("optimizer", config.optimizer, list(parameters), torch.optim.Optimizer)
    row = OPTIMIZERS[config.optimizer]
    momentum = {"momentum": config.momentum} if row.momentum else {}
    make = uncompiled(resolve_name(row.make))
    return make(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, **momentum, **row.options)


def made(setting: str, text: str, given: object, kind: type):
    """What a function of the user's makes; anything else than it must make is refused."""
    try:
        made = thing_of(setting, text)(given)
    except ConfigError:
        raise
    except Exception as error:  # a function of the user's may raise anything
        raise ConfigError(f"{setting}={text!r} failed ({type(error).__name__}: {error}): give {OWN[setting]}") from error
    demand(isinstance(made, kind), f"{setting}={text!r} made an object of type {type(made).__name__}: give {OWN[setting]}")
    if isinstance(made, torch.optim.LBFGS):
        raise ConfigError(f"{setting}={text!r} made LBFGS, which asks for several losses a step: give one that asks for none")
    return made
