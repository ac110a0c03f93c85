"""When each frame is shown: which epochs, what lies between them, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .options import Options

GIF_TICK = 10
SHORTEST = 20


@dataclass(frozen=True, eq=False)
class Timeline:
    """Frames in order of time, shared by every panel.

    Parameters
    ----------
    epochs : int array (K,)
        The epochs shown.
    tween : int
        In-between frames after each of them.
    durations : tuple of int, (K - 1) * (tween + 1) + 1
        Milliseconds, multiples of 10, at least 20.
    """

    epochs: np.ndarray
    tween: int
    durations: tuple[int, ...]

    @property
    def n_frames(self) -> int:
        return len(self.durations)

    def at(self, frame: int) -> tuple[int, float]:
        """The epoch's position k and the share of the way to the next one, in [0, 1)."""
        k, part = divmod(frame, self.tween + 1)
        return k, part / (self.tween + 1)

    def recorded(self) -> dict[int, int]:
        """The frames that show a recorded epoch, not one in between, each with its epoch."""
        return {k * (self.tween + 1): int(epoch) for k, epoch in enumerate(self.epochs)}


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
    """A Timeline for the chosen epochs.

    Parameters
    ----------
    epochs : int array (K,)
    movement : float array (K - 1,)
        How far the points move from each epoch to the next; only ratios matter.
    options : Options
        ``tween`` gives way to ``max_frames``; without a duration, six seconds are divided among the epochs; ``adaptive`` shares
        the same total time by movement.
    """
    steps, hold = len(epochs) - 1, int(ticks(options.hold))
    if steps == 0:
        return Timeline(epochs, 0, (hold,))
    tween = min(options.tween, (options.max_frames - 1) // steps - 1)
    each = np.full(steps, np.clip(6000 / (steps + 1), 60, 500) if options.duration is None else float(options.duration))
    if options.adaptive:
        each *= pace(movement)
    durations = np.repeat(ticks(each / (tween + 1)), tween + 1)
    return Timeline(epochs, tween, (*durations.tolist(), hold))


def pace(movement: np.ndarray) -> np.ndarray:
    """Relative time of each step, mean one: between a third and three times the average, by how far the points move.

    >>> pace(np.array([4.0, 1.0, 1.0])).round(2).tolist()
    [2.0, 0.5, 0.5]
    """
    mean = movement.mean()
    if not mean > 0:
        return np.ones(len(movement))
    weight = np.clip(movement / mean, 1 / 3, 3)
    return weight / weight.mean()
