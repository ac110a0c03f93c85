"""q(j|i) through clusters: walk from a point to one of its clusters, and from there to one of the cluster's points."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import demand
from ..component import Learned


@dataclass(frozen=True)
class Clusters(Learned):
    r"""Uniform on clusters, :math:`q_{ij} = \sum_c \phi_{ic} \phi_{jc} m_j / \sum_k \phi_{kc} m_k`, self included.

    The embedding is the (n, C) logits of the cluster probabilities :math:`\phi = \text{softmax}(z)`; every row sums to one.
    A point is a member of its own clusters, so ``include_self`` is always True.

    Examples
    --------
    >>> Clusters()(torch.tensor([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])).exp().round(decimals=2)
    tensor([[0.5000, 0.5000, 0.0000],
            [0.5000, 0.5000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """

    include_self: bool = True

    def __post_init__(self):
        demand(self.include_self, "include_self=False: a point is a member of its own clusters, so q counts it; leave it True")

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        """log q (n, m) from logits (n, C) of the anchors and (m, C) of the candidates, weighed by a measure (m,) if any."""
        join = z.log_softmax(1)  # (n, C): from point to cluster
        member = join if candidates is None else candidates.log_softmax(1)
        if measure is not None:
            member = member + measure.log()[:, None]
        leave = member - member.logsumexp(0)  # (m, C): from cluster to point
        return log_matmul(join, leave)


def log_matmul(a: Tensor, b: Tensor) -> Tensor:
    r""":math:`\log \sum_c e^{a_{ic} + b_{jc}}` for a (n, C) and b (m, C): (n, m).

    A matrix product of shifted exponentials, exact unless terms underflow; then the slower sum in log space.

    Examples
    --------
    >>> log_matmul(torch.tensor([[0.0, -1000.0]]), torch.tensor([[-1001.0, 0.0]])).round()
    tensor([[-1000.]])
    """
    top_a, top_b = a.detach().amax(1, keepdim=True), b.detach().amax(1, keepdim=True)
    product = (a - top_a).exp() @ (b - top_b).exp().T
    if bool((product < torch.finfo(product.dtype).tiny ** 0.5).any()):
        return (a[:, None] + b).logsumexp(2)
    return product.log() + top_a + top_b.T
