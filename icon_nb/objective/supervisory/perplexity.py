"""The width of every Gaussian neighbourhood from its perplexity (Hinton & Roweis 2002), all rows at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import DataError


@torch.no_grad()
def perplexity_rows(distances: Tensor, perplexity: float, steps: int = 60) -> Tensor:
    """Rows of Gaussian weights (n, n) without self, each with the same perplexity.

    A safeguarded Newton search over the log of each row's precision, all rows at once.

    Raises
    ------
    DataError
        Fewer than ``perplexity + 1`` points.
    """
    n = len(distances)
    if perplexity > n - 1:
        least = math.ceil(perplexity) + 1
        raise DataError(f"perplexity={perplexity:g} needs at least {least} points in a batch, got {n}: lower it")
    return _search(shifted_and_scaled(distances, own=True), perplexity, steps, own=True)


@torch.no_grad()
def perplexity_of(distances: Tensor, perplexity: float, steps: int = 60) -> Tensor:
    """The same for the distances (n, k) of every point to its k nearest others, self not among them.

    >>> weights = perplexity_of(torch.tensor([[1.0, 2.0, 4.0, 9.0]]), perplexity=2.0)
    >>> torch.xlogy(weights, weights).sum().neg().exp().round(decimals=3)
    tensor(2.)
    """
    return _search(shifted_and_scaled(distances, own=False), min(perplexity, distances.shape[1]), steps, own=False)


def _search(d: Tensor, perplexity: float, steps: int, own: bool) -> Tensor:
    """Weights whose entropy is log(perplexity); ``own``: the diagonal is the point itself and has no weight."""
    log_beta = torch.zeros(len(d), 1, dtype=d.dtype, device=d.device)
    low, high = log_beta - 25, log_beta + 25
    tolerance = 1e-5 if d.dtype == torch.float32 else 1e-10
    for _ in range(steps):
        weights, error, slope = entropy_error(d, log_beta, math.log(perplexity), own)
        if (error.abs() < tolerance).all():
            break
        low, high = torch.where(error > 0, log_beta, low), torch.where(error > 0, high, log_beta)
        newton = log_beta - error / slope
        log_beta = torch.where((newton > low) & (newton < high), newton, (low + high) / 2)
    return weights


def shifted_and_scaled(distances: Tensor, own: bool) -> Tensor:
    """Distances less the nearest of the row, over the row's mean, so that one start and one bracket fit every data set.

    Neither change alters the rows that have a given perplexity. ``own``: the diagonal is set to 0, and excluded by the caller.
    """
    nearest = (distances.clone().fill_diagonal_(math.inf) if own else distances).min(1, keepdim=True).values
    d = (distances - nearest).fill_diagonal_(0) if own else distances - nearest
    scale = d.mean(1, keepdim=True)
    return d / torch.where(scale > 0, scale, 1)


def entropy_error(d: Tensor, log_beta: Tensor, target: float, own: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised weights (n, m), entropy of each row minus ``target`` (n, 1), and its derivative by log beta (at most 0)."""
    beta = log_beta.exp()
    weights = torch.exp(-d * beta)
    if own:
        weights.fill_diagonal_(0)
    total = weights.sum(1, keepdim=True)
    weights /= total
    weighted = weights * d
    mean = weighted.sum(1, keepdim=True)
    variance = weighted.mul_(d).sum(1, keepdim=True) - mean.square()
    return weights, total.log() + beta * mean - target, -beta.square() * variance.clamp_min(1e-30)
