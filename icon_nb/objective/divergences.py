"""Divergences between the rows of p and q, computed from p and log q: (n, m), (n, m) -> (n,)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def kl(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Kullback-Leibler divergence, :math:`D(p_i \Vert q_i) = \sum_j p_{ij} (\log p_{ij} - \log q_{ij})`.

    The true KL: zero exactly when p = q, infinite when q is zero where p is not. Its gradient with respect to log q is that of
    the cross-entropy; its value is smaller by the entropy of p.

    Parameters
    ----------
    p : (n, m), rows sum to one
    log_q : (n, m), ``logsumexp`` of every row is 0; ``-inf`` where a candidate is excluded
    log_p : (n, m), optional
        Used instead of ``log(p)`` where p underflows.

    Returns
    -------
    (n,), in nats, at least 0

    Examples
    --------
    >>> p = torch.tensor([[0.5, 0.5]])
    >>> kl(p, p.log()).item()
    0.0
    """
    log_q = log_q.masked_fill(p == 0, 0)
    entropy = torch.xlogy(p, p) if log_p is None else p * log_p.masked_fill(p == 0, 0)
    return (entropy - p * log_q).sum(1)


def rkl(p: Tensor, log_q: Tensor, log_p: Tensor | None = None) -> Tensor:
    r"""Reverse KL, :math:`D(q_i \Vert p_i) = \sum_j q_{ij} (\log q_{ij} - \log p_{ij})`: mode-seeking.

    Infinite by definition where p is zero and q is not, so methods whose p has zeros need ``alpha > 0``.
    Parameters, shapes and units as :func:`kl`.

    Examples
    --------
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

    Symmetric and at most :math:`\log 2`; computed in log space. Parameters, shapes and units as :func:`kl`.

    Examples
    --------
    >>> round(js(torch.tensor([[1.0, 0.0]]), torch.tensor([[-torch.inf, 0.0]])).item(), 6)
    0.693147
    """
    floor = torch.finfo(log_q.dtype).min / 4  # stands for log 0 where -inf would make 0 * inf
    log_q = torch.where(log_q == -math.inf, floor, log_q)
    log_p = (p.log() if log_p is None else log_p).clamp_min(floor)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return 0.5 * (p * (log_p - log_m) + log_q.exp() * (log_q - log_m)).sum(1)


DIVERGENCES = {"kl": kl, "rkl": rkl, "js": js}
