r"""SNE and t-SNE of many points: p on the nearest neighbours only, q exact but never held whole.

Most of a Gaussian p lies on the nearest three times the perplexity (van der Maaten 2014): on digits at perplexity 30 all but 2 %,
of one point all but 14 %. The rest is left out, and p is kept as edges that sum to one again. q still runs over all pairs: its
normaliser and its gradient are summed over blocks of rows, so memory is linear in n and time quadratic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..errors import DataError
from .closed_forms import FusedKL, KnownGradient
from .supervisory.neighbourhoods import log_perplexity_of

BLOCK = 2**25
"""Entries of a block of rows of q."""


@dataclass(frozen=True)
class Edges:
    """A sparse p: ``weight[e]`` from point ``i[e]`` to point ``j[e]``, and its entropy."""

    i: Tensor  # (n_edges,)
    j: Tensor  # (n_edges,)
    weight: Tensor  # (n_edges,), which sum to one over each point's edges, or over all of them for one distribution over pairs
    entropy: float  # sum of the entropies of the rows, in nats


def neighbour_edges(x: Tensor, perplexity: float, joint: bool) -> Edges:
    """Gaussian neighbourhoods of x (n, features) on the ``3 * perplexity`` nearest, found exactly by scikit-learn."""
    from sklearn.neighbors import NearestNeighbors

    n, k = len(x), min(len(x) - 1, math.ceil(3 * perplexity))
    if perplexity > n - 1:
        raise DataError(f"perplexity={perplexity:g} needs more than {n} points: lower it")
    distances, index = NearestNeighbors(n_neighbors=k).fit(x.cpu().double().numpy()).kneighbors()
    weight = log_perplexity_of(torch.from_numpy(distances).square(), perplexity).exp().to(x)  # (n, k)
    i = torch.arange(n, device=x.device).repeat_interleave(k)
    j = torch.from_numpy(index).to(x.device).reshape(-1)
    i, j, weight = _symmetric(i, j, weight.reshape(-1), n) if joint else (i, j, weight.reshape(-1))
    return Edges(i, j, weight, -torch.xlogy(weight, weight).sum().item())


def _symmetric(i: Tensor, j: Tensor, weight: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Edges of (p + p.T) / 2n, each pair once in each direction."""
    where, back = torch.cat([i * n + j, j * n + i]).unique(return_inverse=True)
    total = torch.zeros(len(where), dtype=weight.dtype, device=weight.device).index_add_(0, back, weight.repeat(2))
    return where // n, where % n, total / (2 * n)


def sparse_kl(fused: FusedKL, edges: Edges, z: Tensor) -> Tensor:
    """The loss of embeddings z (n, d) for a sparse p, a scalar that autograd can follow to z."""
    return KnownGradient.apply(partial(value_and_gradient, fused, edges), z)


def value_and_gradient(fused: FusedKL, edges: Edges, z: Tensor) -> tuple[Tensor, Tensor]:
    """As :meth:`FusedKL.value_and_gradient`, for a sparse p: the loss, and its gradient by z (n, d)."""
    z = z - z.mean(0)
    rows = 1 if fused.joint else len(z)
    log_norm = _log_norms(fused, z)  # (n,), the same for all when joint
    step = z[edges.i] - z[edges.j]
    log_kernel, slope = _kernel(fused, step.square().sum(1))
    value = -(edges.weight * log_kernel).sum() - edges.entropy + (log_norm[0] if fused.joint else log_norm.sum())
    pull = (edges.weight * slope)[:, None] * step
    force = torch.zeros_like(z).index_add_(0, edges.i, pull).index_add_(0, edges.j, pull, alpha=-1)
    return value / rows, (2 * fused.rate / rows) * (force - _repulsion(fused, z, log_norm))


def _kernel(fused: FusedKL, d: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the unnormalised kernel at squared distances d, and the factor of its derivative beside the constant rate."""
    kernel = fused.kernel
    if fused.heavy:
        base = 1 + d / (kernel.df * kernel.temperature)
        return base.log().mul_(-(kernel.df + 1) / 2), base.reciprocal_()
    return -d / kernel.temperature, torch.ones_like(d)


def _blocks(z: Tensor):
    """Slices of rows, and the squared distances (rows, n) of each to all points."""
    size = max(1, BLOCK // len(z))
    squares = z.square().sum(1)
    for start in range(0, len(z), size):
        rows = slice(start, min(start + size, len(z)))
        yield rows, torch.addmm(squares[rows, None] + squares, z[rows], z.T, alpha=-2).clamp_(min=0)


def _log_norms(fused: FusedKL, z: Tensor) -> Tensor:
    norms = torch.empty(len(z), dtype=z.dtype, device=z.device)
    for rows, d in _blocks(z):
        scores, _ = _kernel(fused, d)
        scores[:, rows].fill_diagonal_(-math.inf)
        norms[rows] = scores.logsumexp(1)
    return norms.logsumexp(0).expand(len(z)) if fused.joint else norms


def _repulsion(fused: FusedKL, z: Tensor, log_norm: Tensor) -> Tensor:
    """sum_j (q_ij + q_ji) slope_ij (z_i - z_j) for every i: (n, d)."""
    force = torch.empty_like(z)
    for rows, d in _blocks(z):
        scores, slope = _kernel(fused, d)
        both = (scores - log_norm[rows, None]).exp_().add_(scores.sub_(log_norm).exp_()).mul_(slope)
        both[:, rows].fill_diagonal_(0)
        force[rows] = both.sum(1, keepdim=True) * z[rows] - both @ z
    return force
