"""What a trajectory shows, in numbers: quantities of one embedding, and curves over the frames of a trajectory.

All quantities are free of scale, so that one set of limits serves unit-sphere embeddings, maps, logits and cluster probabilities.
Embeddings of more than three dimensions are read as directions (rows of unit length), smaller ones as positions in a map.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .trajectory import Trajectory, choose_points

MAX_POINTS = 400  # a diagnosis is read off this many points: its quantities are means over points, and it must take no time
METRICS = ("auto", "cosine", "euclidean")


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

    Parameters
    ----------
    z : array (n, d)
    y : integer array (n,), optional
        Positives are all pairs of different points with the same label.
    positives : array (n, d), optional
        Positives are the rows ``z[i], positives[i]``, for instance two views of each image.

    Returns
    -------
    float
        In [0, 4]; NaN when no class has two points.

    Notes
    -----
    Wang & Isola 2020, arXiv 2005.10242, with their exponent 2.

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

    Parameters
    ----------
    z : array (n, d)
        At least two points. More than 2,000 are sampled down.
    t : float
        Width of the potential.

    Returns
    -------
    float
        In [-4 t, 0]: 0 when all points are one, about -2 t for points spread evenly over many dimensions.

    Notes
    -----
    Wang & Isola 2020, arXiv 2005.10242.

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
    potential = np.exp(-t * _squared_distances(z))
    return float(min(0.0, np.log((potential.sum() - n) / (n * (n - 1)))))


def _squared_distances(z: np.ndarray) -> np.ndarray:
    z = z - z.mean(0)
    norms = (z**2).sum(1)
    distances = np.maximum(norms[:, None] + norms - 2 * z @ z.T, 0)  # (n, n)
    np.fill_diagonal(distances, 0)
    return distances


def effective_rank(z: np.ndarray) -> float:
    r"""RankMe: how many dimensions the embedding fills, as the exponential of the entropy of its singular values.

    .. math:: \exp\Big(-\sum_k p_k \log p_k\Big), \qquad p_k = \sigma_k / \textstyle\sum_l \sigma_l

    Parameters
    ----------
    z : array (n, d)

    Returns
    -------
    float
        In [1, min(n, d)]; 0 when every entry of z is zero.

    Notes
    -----
    Garrido et al. 2023, arXiv 2210.02885. As published, z is neither centred nor normalised.

    Examples
    --------
    >>> round(effective_rank(np.eye(6)), 6)
    6.0
    """
    sigma = np.linalg.svd(np.asarray(z, dtype=np.float64), compute_uv=False)
    p = sigma[sigma > 0] / max(sigma.sum(), np.finfo(float).tiny)
    return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0


def movement(trajectory: Trajectory) -> np.ndarray:
    r"""How far the points move from frame to frame, per epoch, in units of the embedding's own size.

    .. math:: m_t = \frac{\mathrm{mean}_i \lVert z_i^{t+1} - z_i^t \rVert}{\max(s_t, s_{t+1})\,(e_{t+1} - e_t)}, \qquad
              s_t = \sqrt{\mathrm{mean}_i \lVert z_i^t \rVert^2}

    with every frame centred first: a drift of the whole picture is no movement.

    Parameters
    ----------
    trajectory : Trajectory
        Embeddings (n_frames, n, d), finite.

    Returns
    -------
    array (n_frames - 1,)
        In [0, 2] for one epoch a frame: 0 stands still, sqrt(2) is a fresh random embedding at every epoch.
    """
    points = centred(trajectory.embeddings)
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(-1)
    size = np.sqrt((points**2).sum(-1).mean(-1))
    return step / np.maximum(np.maximum(size[1:], size[:-1]), 1e-12) / np.diff(trajectory.epochs)


def centred(embeddings: np.ndarray) -> np.ndarray:
    """Every frame as points, with its mean at the origin."""
    points = as_points(embeddings)
    return points - points.mean(-2, keepdims=True)


def turning(trajectory: Trajectory) -> np.ndarray:
    r"""Cosine between the step into a frame and the step out of it, all points together.

    .. math:: c_t = \frac{\langle \Delta^{t}, \Delta^{t+1} \rangle}{\lVert \Delta^{t} \rVert \lVert \Delta^{t+1} \rVert}

    Parameters
    ----------
    trajectory : Trajectory
        Embeddings (n_frames, n, d), finite.

    Returns
    -------
    array (n_frames - 2,)
        In [-1, 1]: 1 goes straight on, 0 wanders, -1/2 is noise about a fixed place, -1 jumps to and fro.
    """
    steps = np.diff(centred(trajectory.embeddings), axis=0)
    norms = np.sqrt((steps**2).sum((1, 2)))
    return (steps[1:] * steps[:-1]).sum((1, 2)) / np.maximum(norms[1:] * norms[:-1], 1e-12)


def on_sphere(trajectory: Trajectory) -> bool:
    """Whether the embeddings were recorded as directions, rows of unit length."""
    return bool(np.abs(np.linalg.norm(trajectory.embeddings, axis=-1) - 1).max(initial=0) < 1e-3)


def spread(trajectory: Trajectory) -> np.ndarray:
    r"""How far from a single point each frame is.

    For directions the variance on the unit sphere, :math:`1 - \lVert \mathrm{mean}_i \hat z_i \rVert^2`, which is 1 less the mean
    cosine of two points; for maps the size relative to the largest frame, because a map has no size of its own.

    Parameters
    ----------
    trajectory : Trajectory
        Embeddings (n_frames, n, d), finite.

    Returns
    -------
    array (n_frames,)
        In [0, 1]: 0 when all points are one.
    """
    variance = (centred(trajectory.embeddings) ** 2).sum(-1).mean(-1)
    if trajectory.dim > 3 or on_sphere(trajectory):
        return variance
    return np.sqrt(variance / max(variance.max(), 1e-300))


def dimensions(trajectory: Trajectory) -> np.ndarray:
    r"""How many directions carry the variance of each frame: the participation ratio of the covariance's eigenvalues.

    .. math:: \Big(\sum_k \lambda_k\Big)^2 \Big/ \sum_k \lambda_k^2

    Unlike RankMe it is not raised by many tiny eigenvalues, which is what a collapsed embedding is left with.

    Parameters
    ----------
    trajectory : Trajectory
        Embeddings (n_frames, n, d), finite.

    Returns
    -------
    array (n_frames,)
        In [1, d]; 1 for a frame without variance.
    """
    points = centred(trajectory.embeddings)
    if points.shape[1] < points.shape[2]:
        points = points.swapaxes(1, 2)
    covariance = points.swapaxes(1, 2) @ points  # (n_frames, d, d): its trace and Frobenius norm are all that is needed
    trace, square = np.trace(covariance, axis1=1, axis2=2), (covariance**2).sum((1, 2))
    return np.where(square > 0, trace**2 / np.maximum(square, 1e-300), 1.0)


def knn_curve(trajectory: Trajectory, k: int = 5) -> np.ndarray:
    """Leave-one-out kNN accuracy of every frame, or NaN without labels; the recorded ``knn_accuracy`` where there is one."""
    recorded = trajectory.metrics.get("knn_accuracy")
    if recorded is not None and np.isfinite(recorded).any():
        return np.asarray(recorded, dtype=float)
    if trajectory.labels is None or trajectory.n_points < 3:
        return np.full(trajectory.n_frames, np.nan)
    return np.array([_knn_accuracy(z, trajectory.labels, k) for z in as_points(trajectory.embeddings)])


def _knn_accuracy(z: np.ndarray, y: np.ndarray, k: int) -> float:
    distances = _squared_distances(z)
    np.fill_diagonal(distances, np.inf)
    k = min(k, len(y) - 1)
    near = np.argpartition(distances, k - 1, axis=1)[:, :k]
    order = np.take_along_axis(distances, near, axis=1).argsort(axis=1, kind="stable")
    neighbours = y[np.take_along_axis(near, order, axis=1)]  # the nearest first: it decides a tie
    votes = (neighbours[:, :, None] == neighbours[:, None, :]).sum(-1)
    return float((neighbours[np.arange(len(y)), votes.argmax(1)] == y).mean())


def measure(trajectory: Trajectory) -> dict[str, np.ndarray]:
    """Every quantity of this module at every frame, for curves.

    Returns
    -------
    dict of str to float array (n_frames,)
        ``loss`` (as recorded), ``knn_accuracy``, ``movement`` and ``turning`` (NaN where a frame has no predecessors),
        ``spread``, ``dimensions``, ``effective_rank``, ``alignment`` and ``uniformity``. What cannot be measured is NaN.
        At most 400 points are looked at.
    """
    trajectory = thin(trajectory)
    found = curves(trajectory)
    frames, labels = trajectory.embeddings, trajectory.labels
    nothing = np.full(trajectory.n_frames, np.nan)
    directions = resolve_metric("auto", trajectory.dim) == "cosine"
    pairs = directions and trajectory.n_points > 1
    found["effective_rank"] = np.array([effective_rank(z) for z in frames])
    found["alignment"] = np.array([alignment(z, labels) for z in frames]) if directions and labels is not None else nothing
    found["uniformity"] = np.array([uniformity(z) for z in frames]) if pairs else nothing
    return found


def curves(trajectory: Trajectory) -> dict[str, np.ndarray]:
    """The curves a diagnosis reads, one value per frame."""
    n = trajectory.n_frames
    pad = np.full(min(n, 2), np.nan)
    return {
        "loss": np.asarray(trajectory.metrics.get("loss", np.full(n, np.nan)), dtype=float),
        "knn_accuracy": knn_curve(trajectory),
        "movement": np.r_[pad[:1], movement(trajectory)],
        "turning": np.r_[pad, turning(trajectory)] if n > 2 else pad,
        "spread": spread(trajectory),
        "dimensions": dimensions(trajectory),
    }


def thin(trajectory: Trajectory, max_points: int = MAX_POINTS) -> Trajectory:
    """The same trajectory on at most ``max_points`` points, drawn once."""
    keep = choose_points(trajectory.n_points, max_points, 0)
    labels = None if trajectory.labels is None else np.asarray(trajectory.labels)[keep]
    return Trajectory(trajectory.embeddings[:, keep], trajectory.epochs, labels, trajectory.class_names, trajectory.metrics)


def diagnose(trajectory: Trajectory, **options):
    """What the run did, in words; see :func:`icon_nb.evaluation.diagnosis.diagnose`."""
    from .diagnosis import diagnose

    return diagnose(trajectory, **options)
