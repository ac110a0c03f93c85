"""t-SNE by the closed form that trains it: one map, or one that begins at its neighbour's. No other projection needs torch."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..objective.closed_forms import FusedKL
from ..objective.component import Target
from ..objective.learned import StudentT
from ..objective.supervisory.neighbourhoods import log_perplexity_of
from ..training.optimizers import Gains
from ..training.ranks import SMALL_MAP, threads_for
from .projection import Step, principal_axes

EXAGGERATION = 12.0
WHOLE, QUICK = (250, 300, 50), (25, 35, 10)
"""Iterations of the first map, exaggerated and then as it is, and of each map that begins at another."""

REACH, QUICK_REACH = 3.0, 1.5
"""Beyond so many times the perplexity, p is zero. With the shorter reach, a map of few iterations keeps more neighbours."""


def tsne_step(n: int, seed: int, steps: tuple[int, int, int] = WHOLE, reach: float = REACH) -> Step:
    """One t-SNE of n points: from principal components at first, from the neighbour's map and without exaggeration after."""
    perplexity = min(30.0, (n - 1) / 3)

    @threads_for(n * n < SMALL_MAP)
    def step(z: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        p = joint_neighbours(z, perplexity, reach)
        if previous is not None:
            return descend(p, previous, steps[2])
        start = np.random.default_rng(seed).normal(size=(n, 2)) * 1e-2
        mean, axes, _ = principal_axes(z, min(2, z.shape[1]))
        flat = (z - mean) @ axes.T
        start *= flat.std() or 1.0
        start[:, : len(axes)] += flat
        return unfold(p, start, *steps[:2])

    return step


def joint_neighbours(z: np.ndarray, perplexity: float, reach: float = REACH) -> Tensor:
    """The p of t-SNE for points (n, d): symmetric, float32 (n, n), sums to one; zero beyond ``reach * perplexity`` neighbours."""
    n, points = len(z), torch.from_numpy(np.asarray(z, np.float32))
    distances = torch.cdist(points, points).square_().fill_diagonal_(torch.inf)
    nearest = distances.topk(min(n - 1, math.ceil(reach * perplexity)), largest=False, sorted=False)
    p = torch.zeros(n, n).scatter_(1, nearest.indices, log_perplexity_of(nearest.values, perplexity).exp())
    return (p + p.T) / (2 * n)


def unfold(p: Tensor, start: np.ndarray, early: int = WHOLE[0], late: int = WHOLE[1]) -> np.ndarray:
    """A whole t-SNE: the start (n, 2) made small, attraction exaggerated at first, then the descent proper."""
    small = start * (1e-4 / max(float(start[:, 0].std()), 1e-12))
    return descend(p, descend(EXAGGERATION * p, small, early, momentum=0.5), late)


@torch.no_grad()
def descend(p: Tensor, start: np.ndarray, iterations: int, momentum: float = 0.8) -> np.ndarray:
    """The map (n, 2) that this many steps down KL(p || q) lead to; a p that sums to more than one exaggerates attraction."""
    y, target = torch.from_numpy(start.astype(np.float32)), Target(p)
    objective = FusedKL(StudentT(), joint=True, symmetric=True)
    optimizer = Gains([y], lr=max(0.25 / float(p.sum()), 50 / len(y)), momentum=momentum)
    for _ in range(iterations):
        _, y.grad = objective.value_and_gradient(target, y, valued=False)
        optimizer.step()
    return y.numpy()


quick_tsne_step = partial(tsne_step, steps=QUICK, reach=QUICK_REACH)
"""For a first look, where a reader waits."""
