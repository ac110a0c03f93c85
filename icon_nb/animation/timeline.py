"""When each frame is shown: which epochs, what lies between them, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .options import Options

GIF_TICK = 10
SHORTEST = 20
SMOOTH = 22
"""Frames that are enough for the eye to follow the points, and few enough to be drawn in a fraction of a second."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """Frames in order of time, shared by every panel."""

    epochs: np.ndarray  # (K,): the epochs shown
    between: np.ndarray  # (K - 1,): in-between frames after each of them but the last
    durations: tuple[int, ...]  # K + sum(between) times in milliseconds, multiples of 10, at least 20

    @property
    def n_frames(self) -> int:
        return len(self.durations)

    @cached_property
    def starts(self) -> np.ndarray:
        """The frame (K,) that shows each epoch."""
        return np.r_[0, np.cumsum(self.between + 1)]

    def at(self, frame: int) -> tuple[int, float]:
        """The epoch's position k and the share of the way to the next one, in [0, 1)."""
        k = int(np.searchsorted(self.starts, frame, side="right")) - 1
        past = frame - int(self.starts[k])
        return k, past / (int(self.between[k]) + 1) if past else 0.0

    def recorded(self) -> dict[int, int]:
        """The frames that show a recorded epoch, not one in between, each with its epoch."""
        return dict(zip(self.starts.tolist(), self.epochs.tolist()))


def choose_epochs(recorded: list[np.ndarray], every: int, max_frames: int) -> np.ndarray:
    """The epochs to show of several runs: all that any run recorded, every n-th, at most ``max_frames``, first and last kept.

    >>> choose_epochs([np.arange(8), np.arange(11)], every=4, max_frames=200).tolist()
    [0, 4, 8, 10]
    """
    epochs = np.unique(np.concatenate(recorded))
    kept = epochs[(epochs % every == 0) | (epochs == epochs[0]) | (epochs == epochs[-1])]
    if len(kept) > max_frames:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, max_frames).round().astype(int))]
    return kept


def frames_at(epochs: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """For each shown epoch, the newest frame recorded until then: a run that stopped early holds its last frame.

    >>> frames_at(np.array([0, 1, 2, 3]), np.array([0, 2])).tolist()
    [0, 0, 1, 1]
    """
    return np.clip(np.searchsorted(recorded, epochs, side="right") - 1, 0, len(recorded) - 1)


def ticks(milliseconds) -> np.ndarray:
    """Durations a GIF can hold: multiples of 10 ms, at least 20 ms (browsers slow down anything shorter)."""
    return np.maximum(np.rint(np.asarray(milliseconds, float) / GIF_TICK).astype(int) * GIF_TICK, SHORTEST)


def plan(epochs: np.ndarray, movement: np.ndarray, options: Options) -> Timeline:
    """A Timeline for the chosen epochs (K,), between which the points move by ``movement`` (K - 1,), of which only ratios matter.

    ``tween`` of the options gives way to ``max_frames``; without ``fps``, six seconds are divided among the epochs.
    """
    steps, hold = len(epochs) - 1, int(ticks(options.hold))
    if steps == 0:
        return Timeline(epochs, np.zeros(0, int), (hold,))
    most = (options.max_frames - 1) // steps - 1
    between = smooth(movement, options.max_frames) if options.tween == "auto" else np.full(steps, min(options.tween, most))
    each = np.clip(6000 / (steps + 1), 60, 500) if options.fps is None else 1000 / options.fps
    return Timeline(epochs, between, (*ticks(np.repeat(each / (between + 1), between + 1)).tolist(), hold))


def smooth(movement: np.ndarray, max_frames: int) -> np.ndarray:
    """In-between frames after each epoch (K - 1,), as many as there are frames to spare, one by one where the longest leap is.

    >>> smooth(np.array([4.0, 1.0, 1.0]), 8).tolist(), smooth(np.zeros(1), 20).tolist()
    ([4, 0, 0], [18])
    """
    between = np.zeros(len(movement), int)
    for _ in range(min(max_frames, SMOOTH) - len(movement) - 1):
        between[(movement / (between + 1)).argmax()] += 1
    return between
