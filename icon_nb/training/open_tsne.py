"""t-SNE of many points on a CPU by openTSNE (Poličar, Stražar & Zupan 2024): its p, its gradient and its gradient descent.

p is held on approximate nearest neighbours, and the repulsion is interpolated on a grid (Linderman et al. 2019), so that a step
takes time linear in the points. Each step is an epoch of the loop, which records, stops and goes on as with any other method.
"""

from __future__ import annotations

import importlib.util
import math
from functools import partial

import torch
from torch import Tensor

from ..methods.config import Config
from ..objective.closed_forms import KnownGradient
from .batches import Rows
from .candidates import Blocks
from .optimizers import uncompiled

FITS = {
    "backbone": "table", "supervisory": "gaussian_joint", "learned": "student_t_joint", "divergence": "kl",
    "distance": "sqeuclidean", "df": 1.0, "temperature": 1.0, "optimizer": "gains", "weight_decay": 0.0,
}  # fmt: skip
"""What a Config must say for openTSNE to train it, beside one or two dimensions and no ``alpha``."""

EXAGGERATION, EARLY = 12.0, 1 / 3  # p counts so many times in the first epochs, and this is their share: openTSNE's 250 of 750
GRID = {"n_interpolation_points": 3, "min_num_intervals": 50, "ints_in_interval": 1}  # openTSNE's, on which it interpolates
REMEDY = "openTSNE, which takes time linear in the points, is not installed: pip install 'icon_nb[tsne]'"


def fits(config: Config) -> bool:
    """Whether openTSNE minimises what a resolved Config describes."""
    plain = config.embedding_dim <= 2 and not config.alpha
    return plain and all(getattr(config, name) == value for name, value in FITS.items())


def installed() -> bool:
    return importlib.util.find_spec("openTSNE") is not None


Affinities = tuple[object, float, bool]
"""p of one epoch: a scipy matrix (n, n), the exaggeration that it sums to, and whether the loss is measured in this epoch."""


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

    def p(self, rows: Rows, epoch: int) -> Affinities:
        factor = EXAGGERATION if epoch <= self.early else 1.0
        return self.known if factor == 1 else self.exaggerated, factor, self.measures(epoch)

    def loss(self, p: Affinities, blocks: Blocks) -> Tensor:
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
