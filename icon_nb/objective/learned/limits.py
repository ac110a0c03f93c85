r"""The two ends of the temperature of a Gaussian q, in closed form: no giant temperature, no overflow.

With :math:`H(p, q) = D(p \Vert q) + H(p)` and distances d over m candidates,

- wide, :math:`\tau \to \infty`: :math:`\tau (H(p_i, q_i) - \log m) \to \sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`,
  cohesion less variance: PCA for p = identity, the core of VICReg for positive pairs;
- narrow, :math:`\tau \to 0`: :math:`\tau H(p_i, q_i) \to \sum_j p_{ij} d_{ij} - \min_k d_{ik}`, the triplet loss with the hardest
  negative for positive pairs, the perceptron loss for labels.

A limit is a q whose call returns distances instead of log q, and whose ``divergence`` stands in the place of D(p || q). It may
be negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..component import Learned, without_self
from ..distances import DISTANCES


@dataclass(frozen=True)
class GaussianWide(Learned):
    r"""A Gaussian q as :math:`\tau \to \infty`: cohesion less variance, :math:`\sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`.

    Unbounded below where the embedding may grow: use cosine distance, or ``backbone="linear"``, which is kept orthonormal.

    Examples
    --------
    >>> q = GaussianWide(include_self=True)
    >>> d = q(torch.tensor([[0.0], [2.0]]))
    >>> q.divergence(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), d)
    tensor([2., 2.])
    """

    distance: str = "sqeuclidean"
    include_self: bool = True

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        """Distances (n, m); infinite where self is excluded."""
        d = DISTANCES[self.distance](z, z if candidates is None else candidates)
        return d if self.include_self or candidates is not None else without_self(d, math.inf)

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        r""":math:`\sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`: (n, m), (n, m) -> (n,)."""
        allowed = d < math.inf
        d = d.masked_fill(~allowed, 0)
        return (p * d).sum(1) - d.sum(1) / allowed.sum(1)


@dataclass(frozen=True)
class GaussianNarrow(GaussianWide):
    r"""A Gaussian q as :math:`\tau \to 0`: only the nearest candidate is left, :math:`\sum_j p_{ij} d_{ij} - \min_k d_{ik}`.

    The margin is what an extra :math:`\mu / \tau` on the logits of all candidates with p = 0 becomes.

    Examples
    --------
    >>> q = GaussianNarrow(margin=1.0)
    >>> q.divergence(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 2.5]]))
    tensor([0.5000])
    """

    include_self: bool = False
    margin: float = 0.0

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        r""":math:`\sum_j p_{ij} d_{ij} - \min_k (d_{ik} - \mu 1[p_{ik} = 0])`: (n, m), (n, m) -> (n,), at least 0."""
        nearest = torch.where(p > 0, d, d - self.margin).amin(1)
        return (p * d.masked_fill(p == 0, 0)).sum(1) - nearest
