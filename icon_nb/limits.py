r"""The two ends of the temperature of a Gaussian q, in closed form: no giant temperature, no overflow.

With :math:`H(p, q) = D(p \Vert q) + H(p)` and distances d over m candidates,

- wide, :math:`\tau \to \infty`: :math:`\tau (H(p_i, q_i) - \log m) \to \sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`,
  cohesion less variance: PCA for p = identity, the core of VICReg for positive pairs;
- narrow, :math:`\tau \to 0`: :math:`\tau H(p_i, q_i) \to \sum_j p_{ij} d_{ij} - \min_k d_{ik}`, the triplet loss with the hardest
  negative for positive pairs, the perceptron loss for labels.

A limit takes the place of the divergence: it is called with p and with the distances instead of log q. It may be negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .distances import DISTANCES


@dataclass(frozen=True)
class Distances:
    """What a limit looks at instead of log q: the distances (n, m); infinite where self is excluded.

    Parameters
    ----------
    distance : {"sqeuclidean", "cosine", "neg_dot"}
    include_self : bool

    Examples
    --------
    >>> Distances()(torch.tensor([[0.0], [2.0]]))
    tensor([[inf, 4.],
            [4., inf]])
    """

    distance: str = "sqeuclidean"
    include_self: bool = False

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        d = DISTANCES[self.distance](z, z if candidates is None else candidates)
        if self.include_self or candidates is not None:
            return d
        return d.masked_fill(torch.eye(len(d), dtype=torch.bool, device=d.device), math.inf)


@dataclass(frozen=True)
class Wide:
    r"""Cohesion less variance, :math:`\sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`: (n, m), (n, m) -> (n,).

    Unbounded below where the embedding may grow: use cosine distance, or the orthonormal map that ``backbone="linear"`` is
    kept to.

    Examples
    --------
    >>> Wide()(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 4.0]]))
    tensor([2.])
    """

    def __call__(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        allowed = d < math.inf
        d = d.masked_fill(~allowed, 0)
        return (p * d).sum(1) - d.sum(1) / allowed.sum(1)


@dataclass(frozen=True)
class Narrow:
    r"""Positive less nearest, :math:`\sum_j p_{ij} d_{ij} - \min_k (d_{ik} - \mu 1[p_{ik} = 0])`: (n, m), (n, m) -> (n,), at least 0.

    Parameters
    ----------
    margin : float, >= 0
        :math:`\mu`, in units of the distance: how much farther than the positives everything else has to be.

    Examples
    --------
    >>> Narrow(margin=1.0)(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 2.5]]))
    tensor([0.5000])
    """

    margin: float = 0.0

    def __call__(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        nearest = torch.where(p > 0, d, d - self.margin).amin(1)
        return (p * d.masked_fill(p == 0, 0)).sum(1) - nearest
