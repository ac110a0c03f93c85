"""A trajectory: the same points, in the same order, recorded at every epoch. Recording only; drawing lives elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..data.labels import encode
from ..errors import DataError, shown


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The embedding of fixed evaluation points at every recorded epoch.

    Parameters
    ----------
    embeddings : float32 array (n_frames, n, d)
        Frame t holds the same n points in the same order as frame 0.
    epochs : int64 array (n_frames,)
        Strictly increasing; 0 is the untrained embedding.
    labels : int64 array (n,) or None
        Class of each point.
    class_names : tuple of str
        ``class_names[labels[i]]`` names the class of point i; empty when unlabelled.
    metrics : mapping of str to float64 array (n_frames,)
        For instance ``loss`` and ``knn_accuracy``; NaN where a frame has no value.
    index : int64 array (n,) or None
        Position of each point in the data set it came from.
    images : uint8 array (n, h, w, c) or None
        A small picture of each point, c is 1 or 3.
    held_out : bool array (n,) or None
        True where the backbone was not trained on the point.
    title : str
        What the pictures are headed with, for instance ``"simclr on digits"``.
    """

    embeddings: np.ndarray
    epochs: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)
    index: np.ndarray | None = None
    images: np.ndarray | None = None
    held_out: np.ndarray | None = None
    title: str = ""

    def __post_init__(self):
        shape = self.embeddings.shape
        if len(shape) != 3 or shape[0] != len(self.epochs) or shape[0] == 0:
            raise DataError(f"embeddings must be (n_frames, n, d) with as many epochs; got {shape} and {len(self.epochs)} epochs")
        if self.labels is not None and len(self.labels) != shape[1]:
            raise DataError(f"labels has {len(self.labels)} entries for {shape[1]} points: pass one label per recorded point")

    @property
    def n_frames(self) -> int:
        return self.embeddings.shape[0]

    @property
    def n_points(self) -> int:
        return self.embeddings.shape[1]

    @property
    def dim(self) -> int:
        return self.embeddings.shape[2]

    def __repr__(self) -> str:
        last = int(self.epochs[-1])
        return f"Trajectory({self.n_frames} frames, epochs {int(self.epochs[0])}..{last}, {self.n_points} points, {self.dim}-d)"


def as_number(value) -> float:
    """A plain number from a number or a tensor with one entry."""
    return float(value.detach() if hasattr(value, "detach") else value)


def as_metric(name: str, value) -> float:
    """The value of a metric as a plain number."""
    try:
        return as_number(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        given = " ".join(shown(value).split())  # an array has lines
        raise DataError(f"metric {name}={given} is no number: record one number for each epoch, or float('nan')") from None


def as_matrix(embeddings) -> np.ndarray:
    """A float array (n, d) on the CPU from a tensor, array or nested list."""
    if hasattr(embeddings, "detach"):
        embeddings = embeddings.detach().cpu().float().numpy()
    z = np.asarray(embeddings)
    if z.ndim != 2 or z.dtype.kind not in "fiu":
        raise DataError(f"embeddings must be a numeric matrix (n, d), got shape {z.shape} and type {z.dtype}")
    return z


def single(z: np.ndarray) -> np.ndarray:
    """A copy in single precision, all of it finite."""
    with np.errstate(over="ignore"):
        z = z.astype(np.float32)
    if not np.isfinite(z).all():
        raise DataError(
            "the embedding holds NaN or infinite values, or some beyond single precision: "
            "training has diverged; lower the learning rate"
        )
    return z


def choose_points(n: int, max_points: int, seed: int) -> np.ndarray:
    """Sorted positions of at most ``max_points`` of n points, drawn once from ``seed``."""
    if n <= max_points:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, max_points, replace=False))


def encode_labels(labels, class_names) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Integer codes and class names from labels of any sortable kind."""
    if labels is None:
        return None, () if class_names is None else tuple(map(str, class_names))
    labels = labels.detach().cpu().numpy() if hasattr(labels, "detach") else np.asarray(labels)
    if labels.ndim != 1:
        raise DataError(f"labels must have one entry per point, got shape {labels.shape}")
    return encode(labels, class_names)
