"""t-SNE of a few thousand points by its exact gradient, quick to continue from a map that is nearly right.

Tree and grid approximations pay off for many points. Up to a few thousand, going through the pairs in blocks that stay in the
cache is faster, and it can stop and go on at any iteration, which a chain of epochs needs.
"""

from __future__ import annotations

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from ..objective.supervisory.perplexity import perplexity_of

EXAGGERATION = 12.0
EARLY = 250
BLOCK = 128


def affinities(z: np.ndarray, perplexity: float) -> np.ndarray:
    r"""Joint probabilities :math:`p_{ij} = (p_{j|i} + p_{i|j}) / 2n`, float32 (n, n), which sum to one.

    Each :math:`p_{j|i}` is Gaussian over the nearest three times ``perplexity`` neighbours of i, as wide as gives its row that
    perplexity (van der Maaten & Hinton 2008).
    """
    x = np.asarray(z, np.float64)
    x = x - x.mean(0)
    square = (x * x).sum(1)
    distance = (square[:, None] + square - 2 * x @ x.T).clip(0)
    np.fill_diagonal(distance, np.inf)
    k = min(len(x) - 1, int(3 * perplexity))
    who = np.argpartition(distance, k - 1, axis=1)[:, :k]
    near = torch.from_numpy(np.take_along_axis(distance, who, axis=1))
    p = np.zeros_like(distance)
    np.put_along_axis(p, who, perplexity_of(near, perplexity).numpy(), axis=1)
    return ((p + p.T) / (2 * len(x))).astype(np.float32)


def gradient(p: np.ndarray, y: np.ndarray, exaggeration: float = 1.0) -> np.ndarray:
    r"""Slope of KL(P || Q): :math:`4 \sum_j (\lambda p_{ij} - q_{ij}) w_{ij} (y_i - y_j)`, :math:`w = 1 / (1 + \|y_i - y_j\|^2)`.

    Parameters
    ----------
    p : float32 array (n, n)
    y : float32 array (n, 2)
    exaggeration : float
        :math:`\lambda`.

    Returns
    -------
    float32 array (n, 2)
    """
    n, square = len(y), (y * y).sum(1)
    left = np.column_stack([-2 * y, np.ones(n), square + 1]).astype(np.float32)
    right = np.column_stack([y, square, np.ones(n)]).astype(np.float32).T.copy()
    moments = np.column_stack([y, np.ones(n)]).astype(np.float32)
    pulled, pushed, total = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32), -float(n)
    for start in range(0, n, BLOCK):
        rows = slice(start, start + BLOCK)
        w = left[rows] @ right  # 1 + squared distance, (block, n)
        np.reciprocal(np.maximum(w, 1, out=w), out=w)
        total += float(w.sum())
        pulled[rows] = (p[rows] * w) @ moments
        pushed[rows] = np.square(w, out=w) @ moments
    force = np.float32(exaggeration) * pulled - pushed / np.float32(total)
    return 4 * (y * force[:, 2:] - force[:, :2])


def descend(p: np.ndarray, y: np.ndarray, iterations: int, exaggeration: float = 1.0, momentum: float = 0.8) -> np.ndarray:
    """Gradient descent with momentum and a gain for each coordinate."""
    rate = max(len(y) / exaggeration / 4, 50.0)
    velocity, gains = np.zeros_like(y), np.ones_like(y)
    for _ in range(iterations):
        slope = gradient(p, y, exaggeration)
        gains = np.where(velocity * slope > 0, gains * 0.8, gains + 0.2).clip(0.01).astype(np.float32)
        velocity = np.float32(momentum) * velocity - np.float32(rate) * gains * slope
        y = y + velocity
    return y


def tsne(z: np.ndarray, perplexity: float, start: np.ndarray, warm: bool, iterations: int) -> np.ndarray:
    """Map of points.

    Parameters
    ----------
    z : array (n, d)
    perplexity : float, below n
    start : array (n, 2)
        Where the descent starts. Unless ``warm`` it is made small, and attraction is exaggerated at first.
    warm : bool
    iterations : int
        Without those of the exaggerated beginning.

    Returns
    -------
    float32 array (n, 2)
    """
    # The products are too small to share between threads, which would only wait for each other.
    with threadpool_limits(1, user_api="blas"):
        p, y = affinities(z, perplexity), np.ascontiguousarray(start, dtype=np.float32)
        if not warm:
            y = y / max(float(y[:, 0].std()), 1e-12) * np.float32(1e-4)
            y = descend(p, y, EARLY, EXAGGERATION, momentum=0.5)
        return descend(p, y, iterations)
