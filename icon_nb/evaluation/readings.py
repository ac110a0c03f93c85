"""What is read off a trajectory: curves, one number a frame; how far each got, and the limits that tell much from little.

Every curve takes a :class:`icon_nb.Trajectory` whose embeddings (n_frames, n, d) are finite, and is free of scale, so that one
set of limits serves them all. Embeddings of more than three dimensions are read as directions (rows of unit length), smaller ones
as positions in a map.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import SimpleNamespace

import numpy as np

from ..errors import DataError, demand_type
from .probing import alignment, as_points, effective_rank, knn_accuracy, resolve_metric, uniformity
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
    return trajectory.take(choose_points(trajectory.n_points, 400, 0))


# What a diagnosis reads

TABLE = tomllib.loads(resources.files(__package__).joinpath("diagnosis.toml").read_text(encoding="utf-8"))
LIMITS = SimpleNamespace(**{name: limit for row in TABLE.values() for name, limit in row.items() if isinstance(limit, float)})


@dataclass(frozen=True)
class Progress:
    """How one curve, larger is better, gained over a run."""

    real: bool  # it gained more than noise
    late: float  # share of the gain made in the last fifth of the run, or after the last frame but one if that is longer
    settled: int  # epoch from which no more than a small share was still to come


def progress_of(values: np.ndarray, epochs: np.ndarray, noise: float, skip: int = 0) -> Progress | None:
    """``skip`` leaves the first values out of the shares: the loss of an untrained network can dwarf the rest."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return None
    best, epochs = np.maximum.accumulate(values[known]), epochs[known]
    real = best[-1] - best[0] > noise
    if len(best) >= 4:
        best, epochs = np.maximum.accumulate(values[known][skip:]), epochs[skip:]
    gain = best[-1] - best[0]
    if gain <= noise:
        return Progress(real, 0.0, int(epochs[0]))
    late = best[-1] - np.interp(min(epochs[-1] - 0.2 * (epochs[-1] - epochs[0]), epochs[-2]), epochs, best)
    settled = epochs[np.argmax(best >= best[-1] - max(LIMITS.settled * gain, noise))]
    return Progress(True, late / gain if late > noise else 0.0, int(settled))


class Readings:
    """What the checks read: the curves, and how far each got."""

    def __init__(self, trajectory: Trajectory, baselines: Mapping[str, float]):
        self.baselines, self.epochs, self.dim = baselines, trajectory.epochs, trajectory.dim
        self.n_frames, self.n_points, self.labels = trajectory.n_frames, trajectory.n_points, trajectory.labels
        self.of_unit_length = trajectory.of_unit_length
        self.curves = curves(trajectory)
        self.curves["step"] = self.curves["movement"] * np.r_[np.nan, np.diff(self.epochs)]
        self.loss, self.knn = self.curves["loss"], self.curves["knn_accuracy"]
        noise = LIMITS.loss * float(np.nanmedian(np.abs(self.loss))) if np.isfinite(self.loss).any() else 0.0
        found = {
            "loss": progress_of(-self.loss, self.epochs, noise, skip=1),
            "knn_accuracy": progress_of(self.knn, self.epochs, self.knn_noise()),
        }
        self.progress = {name: progress for name, progress in found.items() if progress}
        if not self.progress and self.n_frames > 2:  # how near each frame is to the last one, in units of its size
            points = centred(trajectory)
            size = max(np.sqrt((points[-1] ** 2).sum(-1).mean()), 1e-12)
            away = np.linalg.norm(points - points[-1], axis=-1).mean(-1) / size
            self.progress["movement"] = progress_of(np.r_[-away[:-1], np.nan], self.epochs, LIMITS.settled)

    def first(self, name: str) -> float:
        return float(next(iter(known(self.curves[name])), np.nan))

    def last(self, name: str) -> float:
        return float(next(reversed(known(self.curves[name])), np.nan))

    def late(self, name: str) -> np.ndarray:
        return known(self.curves[name][self.n_frames // 2 :])

    def since(self, holds: np.ndarray) -> int:
        """The epoch from which a condition on frames held until the end."""
        broken = np.flatnonzero(~holds)
        return int(self.epochs[min(broken[-1] + 1, self.n_frames - 1)]) if len(broken) else int(self.epochs[0])

    def evidence(self, *names: str) -> dict[str, float]:
        """The newest values of the named curves, and of the loss and the kNN accuracy where they are known."""
        values = {name: self.last(name) for name in (*names, "loss", "knn_accuracy")}
        return {name: value for name, value in values.items() if np.isfinite(value)}

    def learned_nothing(self) -> bool:
        """No curve gained more than noise, or the points hardly moved."""
        still = np.nansum(self.curves["step"]) < LIMITS.still
        return bool(still or not any(progress.real for progress in self.progress.values()))

    def knn_noise(self) -> float:
        """Two standard errors of the last kNN accuracy, or the limit if that is more."""
        share = np.nan_to_num(self.last("knn_accuracy"))
        return max(LIMITS.knn, float(2 * np.sqrt(share * (1 - share) / self.n_points)))

    def knn_fall(self) -> float:
        return float(np.nan_to_num(self.first("knn_accuracy") - self.last("knn_accuracy")))

    def much(self, fall: float, first: float) -> bool:
        """Whether a fall of the kNN accuracy is no noise and a good share of what the beginning had above chance."""
        if self.labels is None or self.n_frames < 4:
            return False
        chance = np.unique(self.labels, return_counts=True)[1].max() / self.n_points
        return bool(fall >= 3 * self.knn_noise() and fall > LIMITS.fall * (first - chance))

    def setback(self) -> int | None:
        """The frame of the lowest kNN accuracy in the first fifth, where the loss rose, much was lost, and not all came back."""
        early = slice(1, max(2, self.n_frames // 5))
        loss, knn = self.loss[early], self.knn[early]
        if not np.isfinite([self.loss[0], self.knn[0]]).all() or np.isnan(knn).all():
            return None
        risen = np.nanmax(loss, initial=-np.inf) > self.loss[0]
        lost = self.much(self.knn[0] - np.nanmin(knn), self.knn[0]) and self.knn_fall() > self.knn_noise()
        return 1 + int(np.nanargmin(knn)) if risen and lost else None

    def roughness(self) -> float:
        """The share of the way the loss went in the second half that was upwards: 0 falls steadily, 1/2 goes nowhere."""
        steps = np.diff(self.late("loss"))
        return float(np.maximum(steps, 0).sum() / max(np.abs(steps).sum(), 1e-300)) if len(steps) else 1.0

    def leap(self) -> float:
        """The largest rise of the loss between two late frames, as a share of its fall from the first to the lowest."""
        rises, fall = np.diff(self.late("loss")), self.first("loss") - known(self.loss).min(initial=np.inf)
        return float(max(rises.max(), 0) / fall) if len(rises) and fall > 0 else 0.0


def known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]
