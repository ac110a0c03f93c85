r"""Divergences between the rows of p and q, computed from p and log q: (n, m), (n, m) -> (n,).

All take the same arguments. At least 0, and 0 where p = q.

Parameters
----------
p : (n, m), rows sum to one
log_q : (n, m), ``logsumexp`` of every row is 0; ``-inf`` where a candidate is excluded
log_p : (n, m), optional
    Used instead of ``log(p)`` where p underflows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def kl(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Kullback-Leibler divergence, :math:`D(p_i \Vert q_i) = \sum_j p_{ij} (\log p_{ij} - \log q_{ij})`, in nats.

    The true KL: zero exactly when p = q, infinite when q is zero where p is not. Its gradient with respect to log q is that of
    the cross-entropy; its value is smaller by the entropy of p.

    >>> p = torch.tensor([[0.5, 0.5]])
    >>> kl(p, p.log()).item()
    0.0
    """
    log_q = log_q.masked_fill(p == 0, 0)
    entropy = torch.xlogy(p, p) if log_p is None else p * log_p.masked_fill(p == 0, 0)
    return (entropy - p * log_q).sum(1)


def rkl(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Reverse KL, :math:`D(q_i \Vert p_i) = \sum_j q_{ij} (\log q_{ij} - \log p_{ij})`: mode-seeking, in nats.

    Infinite by definition where p is zero and q is not, so methods whose p has zeros need ``alpha > 0``.

    >>> rkl(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]]).log()).item()
    inf
    """
    q = log_q.exp()
    log_p = p.log() if log_p is None else log_p
    excluded = log_q == -math.inf
    gap = log_q.masked_fill(excluded, 0) - log_p.masked_fill(excluded, 0)
    return (q * gap).sum(1)


def js(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Jensen-Shannon divergence, :math:`\tfrac12 D(p_i \Vert m_i) + \tfrac12 D(q_i \Vert m_i)`, :math:`m = (p + q)/2`.

    Symmetric and at most :math:`\log 2`; computed in log space.

    >>> round(js(torch.tensor([[1.0, 0.0]]), torch.tensor([[-torch.inf, 0.0]])).item(), 6)
    0.693147
    """
    log_q = floored(log_q)
    log_p = floored(p.log() if log_p is None else log_p)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return 0.5 * (p * (log_p - log_m) + log_q.exp() * (log_q - log_m)).sum(1)


def floored(log: Tensor) -> Tensor:
    """Logarithms with a number far down in the place of log 0, where minus infinity would make 0 * inf."""
    return log.clamp_min(torch.finfo(log.dtype).min / 4)


def jeffreys(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Jeffreys divergence, :math:`D(p_i \Vert q_i) + D(q_i \Vert p_i)`: symmetric, infinite where :func:`kl` or :func:`rkl` is.

    >>> round(jeffreys(torch.tensor([[0.2, 0.8]]), torch.tensor([[0.5, 0.5]]).log()).item(), 4)
    0.4159
    """
    return kl(p, log_q, log_p) + rkl(p, log_q, log_p)


def nerv(p: Tensor, log_q: Tensor, log_p: Tensor | None = None, *, kl_weight: float = 0.5) -> Tensor:
    r"""NeRV's mixture, :math:`\lambda D(p_i \Vert q_i) + (1 - \lambda) D(q_i \Vert p_i)` (Venna et al. 2010).

    ``kl_weight`` is :math:`\lambda` in [0, 1]: of 1, no neighbour is to be missed; of 0, no false one to be shown.

    >>> p, log_q = torch.tensor([[0.2, 0.8]]), torch.tensor([[0.5, 0.5]]).log()
    >>> bool(nerv(p, log_q, kl_weight=0.0) == rkl(p, log_q))
    True
    """
    return kl_weight * kl(p, log_q, log_p) + (1 - kl_weight) * rkl(p, log_q, log_p)


def tv(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Total variation, :math:`\tfrac12 \sum_j |p_{ij} - q_{ij}|`: the mass that would have to move, at most 1.

    >>> tv(torch.tensor([[0.25, 0.75]]), torch.tensor([[0.5, 0.5]]).log()).item()
    0.25
    """
    return (p - log_q.exp()).abs().sum(1) / 2


def hellinger(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Squared Hellinger distance, :math:`\tfrac12 \sum_j (\sqrt{p_{ij}} - \sqrt{q_{ij}})^2 = 1 - \sum_j \sqrt{p_{ij} q_{ij}}`.

    >>> hellinger(torch.tensor([[1.0, 0.0]]), torch.tensor([[-torch.inf, 0.0]])).item()
    1.0
    """
    return (p.sqrt() - (log_q / 2).exp()).square().sum(1) / 2


def chi2(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Pearson's chi-squared, :math:`\sum_j (p_{ij} - q_{ij})^2 / q_{ij}`: infinite when q is zero where p is not.

    >>> round(chi2(torch.tensor([[0.2, 0.8]]), torch.tensor([[0.5, 0.5]]).log()).item(), 4)
    0.36
    """
    ratio = ((p.log() if log_p is None else log_p).masked_fill(p == 0, 0) - log_q.masked_fill(p == 0, 0)).exp()
    return (p * ratio - 2 * p + log_q.exp()).sum(1)


def renyi(p: Tensor, log_q: Tensor, log_p: Tensor | None = None, *, renyi_order: float = 0.5) -> Tensor:
    r"""Renyi divergence of order a > 0, :math:`\frac{1}{a - 1} \log \sum_j p_{ij}^a q_{ij}^{1 - a}`, in nats.

    Grows with the order ``renyi_order`` and is the KL at 1. Below 1 it is finite wherever p and q share a candidate. With
    Amari's alpha-divergence it shares all level sets, so that both have the same best q.

    >>> p, log_q = torch.tensor([[0.2, 0.8]]), torch.tensor([[0.5, 0.5]]).log()
    >>> bool(renyi(p, log_q, renyi_order=1.0) == kl(p, log_q))
    True
    """
    if renyi_order == 1:
        return kl(p, log_q, log_p)
    out = p == 0
    log_p = (p.log() if log_p is None else log_p).masked_fill(out, 0)
    terms = renyi_order * log_p + (1 - renyi_order) * log_q.masked_fill(out, 0)
    return terms.masked_fill(out, -math.inf).logsumexp(1) / (renyi_order - 1)


def any_neighbor(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""It is enough that q is on some neighbour, :math:`-\log \sum_{p_{ij} > 0} q_{ij}`: NCA, MIL-NCE, SupCon's :math:`L_{in}`.

    The KL between p and q once all neighbours are one candidate; of how p is spread among them it knows nothing.

    >>> any_neighbor(torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.9, 0.1, 1e-9]]).log()).abs().round(decimals=4)
    tensor([0.])
    """
    return -log_q.masked_fill(p == 0, -math.inf).logsumexp(1)


def each_neighbor(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Every neighbour by itself against the strangers, :math:`\sum_j p_{ij} \log \frac{q_{ij} + q_i(p = 0)}{q_{ij}}`: SINCERE.

    The mean over neighbours of the KL with that neighbour alone in p and all the others taken out of q.

    >>> each_neighbor(torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.4, 0.4, 0.2]]).log()).round(decimals=4)
    tensor([0.4055])
    """
    strangers = floored(log_q.masked_fill(p > 0, -math.inf)).logsumexp(1, keepdim=True)
    own = log_q.masked_fill(p == 0, 0)
    return (p * (torch.logaddexp(own, strangers) - own)).sum(1)
