"""The objective: p, q and a divergence put together from a resolved Config. One equation for every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from . import axes, learned, supervisory
from .config import Config
from .divergences import DIVERGENCES
from .resolve import method_of
from .supervisory import Batch

SUPERVISORY = {
    "gaussian": supervisory.Gaussian,
    "gaussian_joint": supervisory.GaussianJoint,
    "positive_pairs": supervisory.PositivePairs,
    "same_class": supervisory.SameClass,
    "label": supervisory.Label,
}
LEARNED = {
    "gaussian": learned.Gaussian,
    "student_t": learned.StudentT,
    "student_t_joint": lambda **settings: learned.Joint(learned.StudentT(**settings)),
}


@dataclass(frozen=True)
class Objective:
    r"""Mean divergence between p and q, :math:`L = \frac1n \sum_i D(p_i \Vert q_i)` in nats.

    Parameters
    ----------
    supervisory : Batch -> (n, m)
    learned : (n, d), optional (m, d) -> (n, m) log-probabilities
    divergence : (n, m), (n, m) -> (n,)

    Examples
    --------
    >>> import torch
    >>> simclr = build_objective(Config(method="simclr", temperature=0.5).resolve())
    >>> views = Batch(index=torch.tensor([0, 1, 0, 1]))
    >>> round(simclr(views, torch.eye(4)[[0, 1, 0, 1]]).item(), 4)
    0.2395
    """

    supervisory: Callable[[Batch], Tensor]
    learned: Callable[..., Tensor]
    divergence: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, batch: Batch, z: Tensor, candidates: Tensor | None = None) -> Tensor:
        """The loss, a scalar, of embeddings z (n, d) against the batch or against candidates (m, d)."""
        return self.loss(self.supervisory(batch), z, candidates)

    def loss(self, p: Tensor, z: Tensor, candidates: Tensor | None = None) -> Tensor:
        """The loss for a p that is already known, (n, m)."""
        log_q = self.learned(z, candidates)
        return self.divergence(p.to(log_q.dtype), log_q).mean()


def build_objective(config: Config) -> Objective:
    """The objective of a resolved Config."""
    method = method_of(config)
    p_axis, q_axis = axes.SUPERVISORY[method.supervisory], axes.LEARNED[method.learned]
    p = SUPERVISORY[p_axis.name](**_settings(config, p_axis))
    q = LEARNED[q_axis.name](**_settings(config, q_axis), include_self=p_axis.include_self)
    if config.alpha and config.alpha_on in ("p", "both"):
        p = supervisory.Mixed(p, config.alpha)
    if config.alpha and config.alpha_on in ("q", "both"):
        q = learned.Mixed(q, config.alpha)
    return Objective(p, q, DIVERGENCES[config.divergence])


def _settings(config: Config, axis: axes.Axis) -> dict[str, object]:
    return {name: getattr(config, name) for name in axis.settings}
