"""The optimizers by name, and t-SNE of many points on a CPU by openTSNE (Poličar, Stražar & Zupan 2024), which brings its own.

Its p is held on approximate nearest neighbours, and the repulsion is interpolated on a grid (Linderman et al. 2019), so that a
step takes time linear in the points. Each step is an epoch of the loop, which records, stops and goes on as with any method.
"""

from __future__ import annotations

import importlib.util
import inspect
import math
from functools import cache, partial
from pkgutil import resolve_name

import torch
from torch import Tensor

from ..errors import ConfigError, demand
from ..methods.catalogue import OPTIMIZERS
from ..methods.config import Config
from ..methods.settings import OWN, is_own, thing_of
from ..objective.closed_forms import KnownGradient

FITS = {
    "backbone": "table", "supervisory": "gaussian_joint", "learned": "student_t_joint", "divergence": "kl",
    "distance": "sqeuclidean", "df": 1.0, "temperature": 1.0, "optimizer": "gains", "weight_decay": 0.0,
}  # fmt: skip
"""What a Config must say for openTSNE to train it, beside one or two dimensions and no ``alpha``."""

EXAGGERATION, EARLY = 12.0, 1 / 3  # p counts so many times in the first epochs, and this is their share: openTSNE's 250 of 750
GRID = {"n_interpolation_points": 3, "min_num_intervals": 50, "ints_in_interval": 1}  # openTSNE's, on which it interpolates
REMEDY = "openTSNE, which takes time linear in the points, is not installed: pip install 'icon_nb[tsne]'"


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


def fits(config: Config) -> bool:
    """Whether openTSNE minimises what a resolved Config describes."""
    plain = config.embedding_dim <= 2 and not config.alpha
    return plain and all(getattr(config, name) == value for name, value in FITS.items())


def installed() -> bool:
    return importlib.util.find_spec("openTSNE") is not None


class OpenTSNE:
    """p, D(p || q) and the optimizer of openTSNE, as the loop asks for them; for a Config that :func:`fits`."""

    def __init__(self, config: Config, x: Tensor):
        from openTSNE import __version__
        from openTSNE.affinity import PerplexityBasedNN

        self.config, self.early = config, round(EARLY * config.epochs)
        known = PerplexityBasedNN(x.numpy(), config.perplexity, n_jobs=torch.get_num_threads(), random_state=config.seed).P
        self.known, self.exaggerated = known, EXAGGERATION * known
        self.engine = (
            f"openTSNE {__version__}: p on about {3 * config.perplexity:g} nearest neighbours, "
            f"exaggerated {EXAGGERATION:g} times until epoch {self.early}, q interpolated"
        )

    def measures(self, epoch: int) -> bool:
        """The loss is measured where a frame is recorded; it takes as long as the gradient."""
        return epoch % self.config.record_every == 0 or epoch == self.config.epochs

    def p(self, rows, epoch: int) -> tuple[object, float, bool]:
        """A scipy matrix (n, n), the exaggeration that it sums to, and whether the loss is measured in this epoch."""
        factor = EXAGGERATION if epoch <= self.early else 1.0
        return self.known if factor == 1 else self.exaggerated, factor, self.measures(epoch)

    def loss(self, p, blocks) -> Tensor:
        """KL(p || q) of p as it is without exaggeration, NaN in an epoch that does not measure it."""
        return KnownGradient.apply(partial(value_and_gradient, *p), blocks[0][0])

    def optimizer(self, config: Config, parameters) -> torch.optim.Optimizer:
        return GradientDescent(parameters, config.learning_rate, config.momentum)


def value_and_gradient(p, exaggeration: float, measured: bool, z: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and the gradient by z (n, d) of the exaggerated one over the exaggeration: the repulsion counts less instead.

    openTSNE leaves the factor 4 of the gradient to its learning rate, and divides that by the exaggeration.
    """
    from openTSNE.tsne import kl_divergence_fft

    points, threads = z.detach().double().numpy(), torch.get_num_threads()
    error, gradient = kl_divergence_fft(points, p, 1, GRID, should_eval_error=measured, n_jobs=threads)
    value = error / exaggeration - math.log(exaggeration) if measured else math.nan
    return z.new_tensor(value), torch.from_numpy(gradient).to(z) * (4 / exaggeration)


@uncompiled
class GradientDescent(torch.optim.Optimizer):
    """openTSNE's gradient descent, a step at a time; its momentum and gains are in the state, so that a run can go on."""

    def __init__(self, params, lr: float, momentum: float):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        from openTSNE.tsne import gradient_descent

        for group in self.param_groups:
            for point in group["params"]:
                state, descent, gradient = self.state[point], gradient_descent(), point.grad.double().numpy()
                descent.update, descent.gains = (state[name].double().numpy() if state else None for name in ("update", "gains"))
                known = lambda *_, gradient=gradient, **__: (math.nan, gradient)  # noqa: E731
                _, moved = descent(
                    point.double().numpy(), None, 1, known, learning_rate=group["lr"] * len(point), momentum=group["momentum"]
                )
                point.copy_(torch.from_numpy(moved))
                state["update"], state["gains"] = (torch.from_numpy(each).to(point) for each in (descent.update, descent.gains))
