"""What a trajectory shows, one number a frame. All quantities are free of scale, so that one set of limits serves them all.

Every function takes a :class:`icon_nb.Trajectory` whose embeddings (n_frames, n, d) are finite. Those of more than
three dimensions are read as directions (rows of unit length), smaller ones as positions in a map.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError, demand_type
from .embedding import alignment, as_points, effective_rank, resolve_metric, uniformity
from .probing import knn_accuracy
from .trajectory import Trajectory, choose_points


def movement(trajectory: Trajectory) -> np.ndarray:
    r"""How far the points move from frame to frame, per epoch, in units of the embedding's own size.

    .. math:: m_t = \frac{\mathrm{mean}_i \lVert z_i^{t+1} - z_i^t \rVert}{\max(s_t, s_{t+1})\,(e_{t+1} - e_t)}, \qquad
              s_t = \sqrt{\mathrm{mean}_i \lVert z_i^t \rVert^2}

    with every frame centred first: a drift of the whole picture is no movement. Values (n_frames - 1,) are in [0, 2] for one
    epoch a frame: 0 stands still, sqrt(2) is a fresh random embedding at every epoch.
    """
    points = centred(trajectory)
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(-1)
    size = np.sqrt((points**2).sum(-1).mean(-1))
    return step / np.maximum(np.maximum(size[1:], size[:-1]), 1e-12) / np.diff(trajectory.epochs)


def centred(trajectory: Trajectory) -> np.ndarray:
    demand_type("trajectory", trajectory, Trajectory, "results.trajectory, or icon_nb.Trajectory(...)", DataError)
    points = as_points(trajectory.embeddings)
    return points - points.mean(-2, keepdims=True)


def turning(trajectory: Trajectory) -> np.ndarray:
    r"""Cosine between the step into a frame and the step out of it, all points together.

    .. math:: c_t = \frac{\langle \Delta^{t}, \Delta^{t+1} \rangle}{\lVert \Delta^{t} \rVert \lVert \Delta^{t+1} \rVert}

    Values (n_frames - 2,) are in [-1, 1]: 1 goes straight on, 0 wanders, -1/2 is noise about a fixed place, -1 jumps to and fro.
    """
    steps = np.diff(centred(trajectory), axis=0)
    norms = np.sqrt((steps**2).sum((1, 2)))
    return (steps[1:] * steps[:-1]).sum((1, 2)) / np.maximum(norms[1:] * norms[:-1], 1e-12)


def spread(trajectory: Trajectory) -> np.ndarray:
    r"""How far from a single point each frame is.

    For directions the variance on the unit sphere, :math:`1 - \lVert \mathrm{mean}_i \hat z_i \rVert^2`, which is 1 less the mean
    cosine of two points; for maps the size relative to the largest frame, because a map has no size of its own.
    Values (n_frames,) are in [0, 1]: 0 when all points are one.
    """
    variance = (centred(trajectory) ** 2).sum(-1).mean(-1)
    if trajectory.dim > 3 or trajectory.of_unit_length:
        return variance
    return np.sqrt(variance / max(variance.max(), 1e-300))


def dimensions(trajectory: Trajectory) -> np.ndarray:
    r"""How many directions carry the variance of each frame: the participation ratio of the covariance's eigenvalues.

    .. math:: \Big(\sum_k \lambda_k\Big)^2 \Big/ \sum_k \lambda_k^2

    Unlike RankMe it is not raised by many tiny eigenvalues, which is what a collapsed embedding is left with.
    Values (n_frames,) are in [1, d]; 1 for a frame without variance.
    """
    points = centred(trajectory)
    if points.shape[1] < points.shape[2]:
        points = points.swapaxes(1, 2)
    covariance = points.swapaxes(1, 2) @ points  # (n_frames, d, d): its trace and Frobenius norm are all that is needed
    trace, square = np.trace(covariance, axis1=1, axis2=2), (covariance**2).sum((1, 2))
    return np.where(square > 0, trace**2 / np.maximum(square, 1e-300), 1.0)


def knn_curve(trajectory: Trajectory, k: int = 5) -> np.ndarray:
    """:func:`icon_nb.evaluate.knn_accuracy` of every frame, NaN without labels; what was recorded under this name comes first."""
    recorded = trajectory.metrics.get("knn_accuracy")
    if recorded is not None and np.isfinite(recorded).any():
        return np.asarray(recorded, dtype=float)
    if trajectory.labels is None or trajectory.n_points < 3:
        return np.full(trajectory.n_frames, np.nan)
    return np.array([knn_accuracy(z, trajectory.labels, k) for z in trajectory.embeddings])


def measure(trajectory: Trajectory) -> dict[str, np.ndarray]:
    """Every quantity of :mod:`icon_nb.dynamics` at every frame, by name, each (n_frames,).

    ``loss`` is as recorded, ``movement`` and ``turning`` are NaN where a frame has no predecessors, and so is what cannot be
    measured. At most 400 points are looked at.
    """
    trajectory = thin(trajectory)
    frames, labels = trajectory.embeddings, trajectory.labels
    nothing = np.full(trajectory.n_frames, np.nan)
    directions = resolve_metric("auto", trajectory.dim) == "cosine"
    return curves(trajectory) | {
        "effective_rank": np.array([effective_rank(z) for z in frames]),
        "alignment": np.array([alignment(z, labels) for z in frames]) if directions and labels is not None else nothing,
        "uniformity": np.array([uniformity(z) for z in frames]) if directions and trajectory.n_points > 1 else nothing,
    }


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


def thin(trajectory: Trajectory) -> Trajectory:
    """At most 400 points, drawn once, from which all is read: quantities are means over points, and must take no time."""
    demand_type("trajectory", trajectory, Trajectory, "results.trajectory, or icon_nb.Trajectory(...)", DataError)
    keep = choose_points(trajectory.n_points, 400, 0)
    labels = None if trajectory.labels is None else np.asarray(trajectory.labels)[keep]
    return Trajectory(trajectory.embeddings[:, keep], trajectory.epochs, labels, trajectory.class_names, trajectory.metrics)
