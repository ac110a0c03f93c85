"""t-SNE and UMAP of a whole trajectory, steady between frames: each epoch starts from its neighbour and is turned onto it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from ..errors import ConfigError

WARM_EPOCHS = 100  # of UMAP
Step = Callable[[np.ndarray, "np.ndarray | None"], np.ndarray]


def principal_axes(z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (d,), the k principal axes (k, d), and their share of the variance (k,) of points (n, d).

    The sign of each axis makes its largest loading positive, so that two fits of the same points look the same way.
    """
    mean = z.mean(0, dtype=np.float64)
    centred = z - mean
    if centred.shape[1] > len(centred):  # more dimensions than points: a matrix of d x d would fill the memory
        _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
        values, axes = sizes[::-1] ** 2, axes[:k]
    else:
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
    """Place every frame of embeddings (T, n, d), from ``start`` outwards, each beginning where its neighbour ended: (T, n, 2).

    Only ``frames`` (sorted, ``start`` among them) are placed by ``step``, from a frame and the map before it; the others repeat
    the nearest placed frame before them, or after them at the beginning. Every frame is centred.
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


def neighbours_kept(z: np.ndarray, flat: np.ndarray, k: int = 10, max_points: int = 500) -> float:
    """Share of the k nearest neighbours of each point in z (n, d) that are among its k nearest in the plane (n, 2).

    >>> line = np.arange(40.0)[:, None]
    >>> neighbours_kept(line, line), neighbours_kept(line, np.zeros((40, 2))) < 0.5
    (1.0, True)
    """
    some = slice(None, None, -(-len(z) // max_points))
    k = min(k, len(z[some]) - 1)
    near = []
    for points in (np.asarray(each[some], np.float64) for each in (z, flat)):
        points = points - points.mean(0)
        squares = np.square(points).sum(1)
        distance = squares[:, None] + squares - 2 * points @ points.T
        np.fill_diagonal(distance, np.inf)
        close = np.zeros_like(distance)
        np.put_along_axis(close, np.argpartition(distance, k - 1, axis=1)[:, :k], 1, axis=1)
        near.append(close)
    return float((near[0] * near[1]).sum() / (k * len(near[0])))


def enough(n: int, kind: str) -> None:
    """Refuse a map of too few points."""
    if n < 5:
        raise ConfigError(f"projection={kind!r} needs at least 5 points, got {n}: use 'pca'")


def umap_step(n: int, seed: int) -> Step:
    """One UMAP of n points, from the neighbour's map after the first."""
    try:
        from umap import UMAP
    except ImportError:
        raise ConfigError("projection='umap' needs umap-learn: pip install 'icon_nb[umap]', or use 'tsne'") from None
    enough(n, "umap")

    def step(z: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        warm = {} if previous is None else {"init": previous.astype(np.float32), "n_epochs": WARM_EPOCHS}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return UMAP(n_neighbors=min(15, n - 1), random_state=seed, n_jobs=1, **warm).fit_transform(z)

    return step
