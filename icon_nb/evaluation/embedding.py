"""One embedding: how its rows are read, and quantities that need nothing beside them.

Distances are read in one of two ways: ``"cosine"`` compares directions, ``"euclidean"`` compares positions; ``"auto"`` reads maps
of up to three dimensions as positions and everything else as directions.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .trajectory import as_matrix, choose_points

METRICS = ("auto", "cosine", "euclidean")
DIVERGED = "the embedding holds NaN or infinite values: training has diverged; lower the learning rate"


def finite_matrix(z) -> np.ndarray:
    """A float32 array (n, d), or a DataError where it is none or not finite."""
    z = as_matrix(z)
    if not np.isfinite(z).all():
        raise DataError(DIVERGED)
    return z.astype(np.float32, copy=False)


def as_array(values, n: int | None = None) -> np.ndarray:
    """A plain array from a tensor, array or list; labels of n points where n is given."""
    values = values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
    if n is not None and values.shape != (n,):
        raise DataError(f"labels must have one entry per point, got shape {values.shape} for {n} points")
    return values


def resolve_metric(metric: str, dim: int) -> str:
    """``"auto"`` reads up to three dimensions as positions (``"euclidean"``), more as directions (``"cosine"``)."""
    if metric not in METRICS:
        raise DataError(f"metric={metric!r} is not known: choose one of {', '.join(METRICS)}")
    if metric != "auto":
        return metric
    return "euclidean" if dim <= 3 else "cosine"


def as_points(z: np.ndarray, metric: str = "auto") -> np.ndarray:
    """The rows of z (..., n, d) as distances should see them: of unit length under ``"cosine"``, unchanged otherwise."""
    z = np.asarray(z, dtype=np.float64)
    if resolve_metric(metric, z.shape[-1]) == "euclidean":
        return z
    return z / np.maximum(np.linalg.norm(z, axis=-1, keepdims=True), 1e-12)


def alignment(z: np.ndarray, y: np.ndarray | None = None, *, positives: np.ndarray | None = None) -> float:
    r"""Mean squared distance between positives on the unit sphere: smaller is better aligned.

    .. math:: \mathcal{L}_{align} = \mathbb{E}_{(i, j) \sim p_{pos}} \lVert \hat z_i - \hat z_j \rVert^2

    In [0, 4], for z of shape (n, d); NaN when no class has two points. From Wang & Isola 2020, arXiv 2005.10242, with exponent 2.

    Parameters
    ----------
    y : integer array (n,), optional
        Positives are all pairs of different points with the same label.
    positives : array (n, d), optional
        Positives are the rows ``z[i], positives[i]``, for instance two views of each image.

    Examples
    --------
    >>> alignment(np.array([[0.0, 1.0], [0.0, 3.0]]), np.array([7, 7]))
    0.0
    """
    z = as_points(z, "cosine")
    if (y is None) == (positives is None):
        raise DataError("alignment needs either labels y or positives, and not both")
    if positives is not None:
        return float(((z - as_points(positives, "cosine")) ** 2).sum(1).mean())
    total, pairs = 0.0, 0
    for label in np.unique(y):
        members = z[np.asarray(y) == label]
        n = len(members)
        # The squared distances of all ordered pairs sum to 2 n times the squared distances from the mean.
        total += 2 * n * ((members - members.mean(0)) ** 2).sum()
        pairs += n * (n - 1)
    return float(total / pairs) if pairs else float("nan")


def uniformity(z: np.ndarray, t: float = 2.0) -> float:
    r"""Logarithm of the mean Gaussian potential of all pairs on the unit sphere: smaller is more evenly spread.

    .. math:: \mathcal{L}_{uniform} = \log \mathbb{E}_{i \ne j}\, e^{-t \lVert \hat z_i - \hat z_j \rVert^2}

    In [-4 t, 0]: 0 when all points are one, about -2 t for points spread evenly over many dimensions. z (n, d) has at least two
    points; more than 2,000 are sampled down. From Wang & Isola 2020, arXiv 2005.10242.

    Examples
    --------
    >>> uniformity(np.ones((5, 3)))
    0.0
    """
    z = as_points(z, "cosine")
    z = z[choose_points(len(z), 2000, 0)]
    n = len(z)
    if n < 2:
        raise DataError(f"uniformity is a mean over pairs and needs two points, got {n}")
    z = z - z.mean(0)
    norms = (z**2).sum(1)
    distances = np.maximum(norms[:, None] + norms - 2 * z @ z.T, 0)  # (n, n)
    np.fill_diagonal(distances, 0)
    potential = np.exp(-t * distances)
    return float(min(0.0, np.log((potential.sum() - n) / (n * (n - 1)))))


def effective_rank(z: np.ndarray) -> float:
    r"""RankMe: how many dimensions the embedding fills, as the exponential of the entropy of its singular values.

    .. math:: \exp\Big(-\sum_k p_k \log p_k\Big), \qquad p_k = \sigma_k / \textstyle\sum_l \sigma_l

    In [1, min(n, d)] for z (n, d); 0 when every entry of z is zero. From Garrido et al. 2023, arXiv 2210.02885; as published, z
    is neither centred nor normalised.

    Examples
    --------
    >>> round(effective_rank(np.eye(6)), 6)
    6.0
    """
    sigma = np.linalg.svd(np.asarray(z, dtype=np.float64), compute_uv=False)
    p = sigma[sigma > 0] / max(sigma.sum(), np.finfo(float).tiny)
    return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0
