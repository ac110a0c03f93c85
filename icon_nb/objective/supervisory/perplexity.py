"""The width of every Gaussian neighbourhood from its perplexity (Hinton & Roweis 2002), all rows at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import DataError
from ..distances import exact

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
"""Of the entropy, in nats."""

STEPS, STRIDE = 200, 8.0
"""Of the search: how many at most, and how far each may go in the log of the precision."""

STEEPEST = 0.97
"""Of the range of the type, in logarithms: the precision of a row that has all its weight on the nearest."""

BLOCK = 2**22
"""Entries of the rows that are searched together."""


def perplexity_rows(distances: Tensor, perplexity: float) -> Tensor:
    """Rows of Gaussian weights (n, n) without self, each with the same perplexity; parameters as :func:`log_perplexity_rows`."""
    return log_perplexity_rows(distances, perplexity).exp()


def log_perplexity_rows(distances: Tensor, perplexity: float) -> Tensor:
    """The logarithms of the same, which do not underflow: minus infinity on the diagonal.

    Raises
    ------
    DataError
        Fewer than ``perplexity + 1`` points, or distances that are not finite.
    """
    n = len(distances)
    if perplexity > n - 1:
        least = math.ceil(perplexity) + 1
        raise DataError(f"perplexity={perplexity:g} needs at least {least} points in a batch, got {n}: lower it")
    rows = torch.full_like(distances, -math.inf)
    off_diagonal(rows).copy_(log_perplexity_of(off_diagonal(distances).reshape(n, n - 1), perplexity).view(n - 1, n))
    return rows


def off_diagonal(matrix: Tensor) -> Tensor:
    """All entries of (n, n) but the diagonal, in their order, as a view (n - 1, n).

    >>> off_diagonal(torch.arange(9).view(3, 3)).reshape(3, 2)
    tensor([[1, 2],
            [3, 5],
            [6, 7]])
    """
    n = len(matrix)
    return matrix.view(-1)[1:].view(n - 1, n + 1)[:, :-1]


@torch.no_grad()
def log_perplexity_of(distances: Tensor, perplexity: float) -> Tensor:
    """The same for the distances (n, k) of every point to k others, searched in float64.

    A point with more others at its least distance than the perplexity has all its weight on them, in equal parts.
    """
    entropy = math.log(min(perplexity, distances.shape[1]))
    found = torch.empty_like(distances)
    for rows in torch.arange(len(distances), device=distances.device).split(max(1, BLOCK // distances.shape[1])):
        d = exact(distances[rows])
        d = d - d.amin(1, keepdim=True)  # neither this nor the scale alters which rows have a given entropy
        d = d / d.mean(1, keepdim=True).clamp_min(torch.finfo(d.dtype).tiny)
        log_beta, stuck = _search(d, entropy)
        if len(stuck):
            raise DataError(
                f"perplexity={perplexity:g} cannot be reached for point {int(rows[stuck[0]])}: look for values that are not "
                "finite, or so large that all others look alike"
            )
        found[rows] = (-d * log_beta.exp()).log_softmax(1).to(found.dtype)
    return found


def _search(d: Tensor, target: float) -> tuple[Tensor, Tensor]:
    """The log of the precision (n, 1) that has this entropy for distances from 0, and the rows for which there is none.

    Newton's method; where a step does not halve the one before it or leaves the bracket, bisection.
    """
    found = d.new_full((len(d), 1), STEEPEST * math.log(torch.finfo(d.dtype).max))
    rows = ((d == 0).sum(1).to(d.dtype).log() < target).nonzero().squeeze(1)
    x, last = d.new_zeros(len(rows), 1), d.new_full((len(rows), 1), math.inf)
    low, high = -last, last
    for _ in range(STEPS):
        error, slope = entropy_error(d[rows], x, target)
        found[rows], unfinished = x, ~(error.abs() < TOLERANCE[d.dtype]).squeeze(1)
        rows, x, last, low, high, error, slope = (each[unfinished] for each in (rows, x, last, low, high, error, slope))
        if not len(rows):
            break
        low, high = torch.where(error > 0, x, low), torch.where(error > 0, high, x)
        step = (-error / slope).clamp(-STRIDE, STRIDE)
        halfway = torch.where(low.isinf(), x - STRIDE, torch.where(high.isinf(), x + STRIDE, (low + high) / 2))
        good = (x + step > low) & (x + step < high) & (step.abs() <= last.abs() / 2)
        moved = torch.where(good, x + step, halfway)
        x, last = moved, moved - x
    return found, rows


def entropy_error(d: Tensor, log_beta: Tensor, target: float) -> tuple[Tensor, Tensor]:
    """Entropy of each row of Gaussian weights minus ``target`` (n, 1), and its derivative by log beta (at most 0)."""
    beta = log_beta.exp()
    weights = torch.exp(-d * beta)
    total = weights.sum(1, keepdim=True)
    weighted = weights.mul_(d)
    mean = weighted.sum(1, keepdim=True) / total
    variance = weighted.mul_(d).sum(1, keepdim=True) / total - mean.square()
    return total.log() + beta * mean - target, -beta.square() * variance.clamp_min(1e-30)
