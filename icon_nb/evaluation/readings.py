"""What a diagnosis reads off a trajectory: the curves, how far each got, and the limits that tell much from little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .curves import centred, curves
from .trajectory import Trajectory


class LIMITS:
    """What counts as what. Every limit is a ratio, so that it holds for any method, size and unit."""

    rise = 0.1  # diverged: the loss ended above where it began by more than this share of it
    blow_up = 10.0  # or at more than this many times its beginning, even though the points fell together too
    spread = 0.02  # collapsed: variance on the unit sphere, or size of a map as a share of its largest
    dimensions, at_most = 0.2, 10.0  # dimensionally collapsed: share of the classes less one, at most so many dimensions
    lossy_dimensions, fall = 0.5, 0.1  # the same where more than this share of the kNN accuracy above chance was lost
    turning, movement, rough = -0.2, 0.3, 0.15  # oscillating: cosine of successive steps, their size, share of the loss upwards
    leap = 0.5  # oscillating as well: the loss rose at once by this share of all it ever fell
    still = 0.01  # nothing was learned: all steps together, in units of the embedding's size
    late = 0.1  # still learning: this share of the gain was made in the last fifth of the run
    settled = 0.05  # a curve has stopped improving where all but this share of its gain is made
    close = 0.1  # healthy, but points on the sphere are close together: their variance
    knn = loss = 0.01  # less is noise, as a share of the points, and of the median of the loss


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
        if not self.progress and self.n_frames > 2:
            self.progress["movement"] = progress_of(_nearness_to_last(trajectory), self.epochs, LIMITS.settled)

    def last(self, name: str) -> float:
        """The newest known value of a curve, or NaN."""
        values = known(self.curves[name])
        return float(values[-1]) if len(values) else float("nan")

    def late(self, name: str) -> np.ndarray:
        """The known values of a curve over the second half of the run."""
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
        """How much lower the kNN accuracy is at the end than at the beginning; 0 where it is not known."""
        values = known(self.knn)
        return float(values[0] - values[-1]) if len(values) else 0.0

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
        values, rises = known(self.loss), np.diff(self.late("loss"))
        fall = values[0] - values.min() if len(values) else 0.0
        return float(max(rises.max(), 0) / fall) if len(rises) and fall > 0 else 0.0


def known(values: np.ndarray) -> np.ndarray:
    """The values of a curve that are numbers."""
    return values[np.isfinite(values)]


def _nearness_to_last(trajectory: Trajectory) -> np.ndarray:
    """Minus the distance of each frame from the last one, in units of its size; the last itself is left out."""
    points = centred(trajectory)
    size = max(np.sqrt((points[-1] ** 2).sum(-1).mean()), 1e-12)
    distance = np.linalg.norm(points - points[-1], axis=-1).mean(-1) / size
    return np.r_[-distance[:-1], np.nan]
