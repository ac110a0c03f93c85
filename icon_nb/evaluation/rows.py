"""What p and q say about a few samples of a run, as a plain record that can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Rows:
    """What p and q say about some anchors of one batch, epoch by epoch.

    Parameters
    ----------
    p : float array (anchors, m)
    q : float array (n_frames, anchors, m) or None
        None where q is a limit of the temperature, which is no distribution.
    anchors : tuple of str
        Name of each anchor: its class, or its position.
    candidates : tuple of str
        Name of each of the m candidates; ``""`` where it has none.
    """

    p: np.ndarray
    q: np.ndarray | None
    anchors: tuple[str, ...]
    candidates: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The strongest neighbours of every recorded point, under p once and under q at every frame.

    Parameters
    ----------
    p : (int array (n, k), float array (n, k)) or None
        Which points, strongest first, and their probabilities; None where p does not speak of recorded points.
    q : (int array (n_frames, n, k), float array (n_frames, n, k))
    """

    p: tuple[np.ndarray, np.ndarray] | None
    q: tuple[np.ndarray, np.ndarray]
