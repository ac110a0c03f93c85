"""t-SNE and UMAP of a whole trajectory, steady between frames: each epoch starts from its neighbour and is turned onto it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError
from ..objective.batch import Target
from ..objective.closed_forms import FusedKL
from ..objective.learned import StudentT
from ..objective.supervisory.perplexity import perplexity_of
from ..training.optimizers import Gains

EXAGGERATION = 12.0


class Steps(NamedTuple):
    """How many iterations t-SNE takes: exaggerated and then as it is for the first map, and for each that begins at another."""

    early: int
    cold: int
    warm: int


WHOLE, QUICK = Steps(250, 300, 50), Steps(40, 60, 10)
WARM_EPOCHS = 100  # of UMAP
Step = Callable[[np.ndarray, "np.ndarray | None"], np.ndarray]


def principal_axes(z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (d,), the k principal axes (k, d), and their share of the variance (k,) of points (n, d).

    The sign of each axis makes its largest loading positive, so that two fits of the same points look the same way.
    """
    mean = z.mean(0, dtype=np.float64)
    centred = z - mean
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :k].T
    largest = np.abs(axes).argmax(1)
    axes = axes * np.where(axes[np.arange(k), largest] < 0, -1.0, 1.0)[:, None]
    total = values.sum()
    share = values[::-1][:k].clip(0) / total if total > 0 else np.zeros(k)
    return mean, axes, share


def procrustes(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The orthogonal matrix R (k, k) that turns centred points (n, k) best onto the target (n, k): no scaling.

    >>> quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> square = np.array([[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]])
    >>> np.allclose(procrustes(square, square @ quarter), quarter)
    True
    """
    u, _, vt = np.linalg.svd((points - points.mean(0)).T.astype(np.float64) @ (target - target.mean(0)))
    return u @ vt


def chain(embeddings: np.ndarray, start: int, frames: np.ndarray, step: Step) -> np.ndarray:
    """Place every frame, from ``start`` outwards, each beginning where its neighbour ended.

    Parameters
    ----------
    embeddings : array (T, n, d)
    start : int
        The frame placed without a neighbour.
    frames : int array, sorted, with ``start`` among them
        The frames to place; the others repeat the nearest placed frame before them (after them at the beginning).
    step : callable (z, previous or None) -> (n, 2)

    Returns
    -------
    float32 array (T, n, 2), every frame centred.
    """
    placed = {start: _centred(step(embeddings[start], None))}
    at = int(np.searchsorted(frames, start))
    for run in (frames[:at][::-1], frames[at + 1 :]):
        previous = placed[start]
        for k in map(int, run):
            now = _centred(step(embeddings[k], previous))
            previous = placed[k] = now @ procrustes(now, previous)
    nearest = frames[np.clip(np.searchsorted(frames, np.arange(len(embeddings)), side="right") - 1, 0, None)]
    return np.stack([placed[int(k)] for k in nearest]).astype(np.float32)


def _centred(points: np.ndarray) -> np.ndarray:
    return points - points.mean(0)


def tsne_step(n: int, seed: int, steps: Steps = WHOLE) -> Step:
    """One t-SNE of n points: from principal components at first, from the neighbour's map and without exaggeration after."""
    _enough(n, "tsne")
    perplexity = min(30.0, (n - 1) / 3)

    def step(z: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        p = joint_neighbours(z, perplexity)
        if previous is not None:
            return descend(p, previous, steps.warm)
        start = np.random.default_rng(seed).normal(size=(n, 2)) * 1e-2
        mean, axes, _ = principal_axes(z, min(2, z.shape[1]))
        flat = (z - mean) @ axes.T
        start *= flat.std() or 1.0
        start[:, : len(axes)] += flat
        return unfold(p, start, steps)

    return step


def joint_neighbours(z: np.ndarray, perplexity: float) -> Tensor:
    """The p of t-SNE for points (n, d): symmetric, float32 (n, n), which sums to one; zero beyond 3 * perplexity neighbours."""
    n, points = len(z), torch.from_numpy(np.asarray(z, np.float32))
    distances = torch.cdist(points, points).square_().fill_diagonal_(torch.inf)
    nearest = distances.topk(min(n - 1, math.ceil(3 * perplexity)), largest=False)
    p = torch.zeros(n, n).scatter_(1, nearest.indices, perplexity_of(nearest.values, perplexity))
    return (p + p.T) / (2 * n)


def unfold(p: Tensor, start: np.ndarray, steps: Steps = WHOLE) -> np.ndarray:
    """A whole t-SNE: the start (n, 2) made small, attraction exaggerated at first, then the descent proper."""
    small = start * (1e-4 / max(float(start[:, 0].std()), 1e-12))
    return descend(p, descend(EXAGGERATION * p, small, steps.early, momentum=0.5), steps.cold)


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


def quick_tsne_step(n: int, seed: int) -> Step:
    """The same with fewer iterations: for a first look, where a reader waits."""
    return tsne_step(n, seed, QUICK)


def neighbours_kept(z: np.ndarray, flat: np.ndarray, k: int = 10, max_points: int = 500) -> float:
    """Share of the k nearest neighbours of each point in z (n, d) that are among its k nearest in the plane (n, 2).

    >>> line = np.arange(40.0)[:, None]
    >>> neighbours_kept(line, line), neighbours_kept(line, np.zeros((40, 2))) < 0.5
    (1.0, True)
    """
    some = slice(None, None, -(-len(z) // max_points))
    k = min(k, len(z[some]) - 1)
    near = []
    for points in (z[some], flat[some]):
        distance = torch.cdist(*[torch.from_numpy(np.ascontiguousarray(points, np.float32))] * 2).fill_diagonal_(torch.inf)
        near.append(torch.zeros_like(distance).scatter_(1, distance.topk(k, largest=False).indices, 1.0))
    return float((near[0] * near[1]).sum() / (k * len(near[0])))


def _enough(n: int, kind: str) -> None:
    if n < 5:
        raise ConfigError(f"projection={kind!r} needs at least 5 points, got {n}: use 'pca'")


def umap_step(n: int, seed: int) -> Step:
    """One UMAP of n points, from the neighbour's map after the first."""
    try:
        from umap import UMAP
    except ImportError:
        raise ConfigError("projection='umap' needs umap-learn: pip install 'icon_nb[umap]', or use 'tsne'") from None
    _enough(n, "umap")

    def step(z: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        warm = {} if previous is None else {"init": previous.astype(np.float32), "n_epochs": WARM_EPOCHS}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return UMAP(n_neighbors=min(15, n - 1), random_state=seed, n_jobs=1, **warm).fit_transform(z)

    return step
