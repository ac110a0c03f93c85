"""The objective: p, q and a divergence put together from a resolved Config. One equation for every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name

import torch
from torch import Tensor

from ..methods import axes
from ..methods.catalogue import DIVERGENCES, DivergenceKind
from ..methods.config import Config
from ..methods.resolve import method_of
from . import learned, supervisory
from .closed_forms import FusedClusters, FusedKL, closed_form
from .component import Batch, Target


@dataclass(frozen=True)
class Objective:
    r"""Mean divergence between p and q, :math:`L = \frac1n \sum_i D(p_i \Vert q_i)` in nats.

    Parameters
    ----------
    supervisory : Batch -> (n, m)
    learned : (n, d), optional (m, d) -> (n, m) log-probabilities
    divergence : (n, m), (n, m) -> (n,)
    fused : FusedKL or FusedClusters, optional
        The same in closed form, used where the candidates are the batch itself.

    Examples
    --------
    >>> simclr = build_objective(Config(method="simclr", temperature=0.5).resolve())
    >>> views = Batch(index=torch.tensor([0, 1, 0, 1]))
    >>> round(simclr(views, torch.eye(4)[[0, 1, 0, 1]]).item(), 4)
    0.2395
    """

    supervisory: Callable[[Batch], Tensor]
    learned: Callable[..., Tensor]
    divergence: Callable[..., Tensor]
    fused: FusedKL | FusedClusters | None = None

    def __call__(self, batch: Batch, z: Tensor, candidates: Tensor | None = None) -> Tensor:
        """The loss, a scalar, of embeddings z (n, d) against the batch or against candidates (m, d)."""
        return self.loss(self.target(batch), [(z, candidates)])

    @torch.no_grad()
    def target(self, batch: Batch) -> Target:
        """p of a batch."""
        names = "log", "measure", "weights"
        log_p, *more = (getattr(self.supervisory, name, lambda batch: None)(batch) for name in names)
        p = self.supervisory(batch) if log_p is None else log_p.exp()
        return Target(p, log_p, *(each if each is None else each.to(p.dtype) for each in more))

    def loss(self, target: Target, blocks) -> Tensor:
        """The loss for a p that is already known, and rows of q in blocks of (anchors, candidates or None)."""
        z, candidates = blocks[0]
        if self.fused and candidates is None and (target.measure is None or isinstance(self.fused, FusedClusters)):
            return self.fused(target, z)
        log_q = torch.cat([self.learned(z, candidates, target.measure) for z, candidates in blocks])
        if log_q.shape != target.p.shape:
            raise ValueError(f"p has shape {tuple(target.p.shape)} and q {tuple(log_q.shape)}: both need one row per anchor")
        return target.mean(self.divergence(target.p.to(log_q.dtype), log_q, target.log_p))


def make(row: axes.Axis, **settings):
    """The component p or q of a row of the table."""
    component = resolve_name(row.make)
    return component(make(axes.LEARNED[row.kernel], **settings)) if row.kernel else component(**row.options, **settings)


def build_objective(config: Config, t: float = 0.0) -> Objective:
    """The objective of a Config, which is resolved if it is not yet; of schedules, when a share t of the epochs is over."""
    config = config.resolve().at(t)
    method = method_of(config)
    p_self, q_self = axes.counts_self(method.p, method.q)
    either = {"include_self": p_self} if method.p.include_self is None else {}
    p = make(method.p, **_settings(config, method.p), **either)
    q = make(method.q, **_settings(config, method.q), include_self=q_self)
    if method.q.limit:
        divergence = q.divergence
    else:
        row = DIVERGENCES[config.divergence]
        divergence = partial(resolve_name(row.make), **_settings(config, row)) if row.settings else resolve_name(row.make)
    if config.alpha and config.alpha_on in ("p", "both"):
        p = supervisory.Mixed(p, config.alpha, own=q_self)
    if config.alpha and config.alpha_on in ("q", "both"):
        q = learned.Mixed(q, config.alpha)
    return Objective(p, q, divergence, closed_form(q, divergence, getattr(p, "symmetric", False)))


def _settings(config: Config, row: axes.Axis | DivergenceKind) -> dict[str, object]:
    return {name: getattr(config, name) for name in row.settings}
