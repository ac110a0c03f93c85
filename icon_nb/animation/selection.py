"""Which points of a trajectory are drawn, and which of them stand out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from ..errors import ConfigError, nearest, shown
from ..evaluation.trajectory import Trajectory, choose_points
from ..methods.catalogue import OVERLAYS
from .options import Options
from .overlays import spread_out
from .panel import Marks


def highlighted(trajectory: Trajectory, highlight) -> np.ndarray | None:
    """Bool array (n,): the points of the named classes and at the numbered positions.

    Parameters
    ----------
    trajectory : Trajectory
    highlight : str, int, or a sequence of them, or None
        A str names a class, an int is a position among the recorded points.
    """
    if highlight is None:
        return None
    wished = list(highlight) if isinstance(highlight, Iterable) and not isinstance(highlight, str) else [highlight]
    chosen = np.zeros(trajectory.n_points, bool)
    for item in wished:
        if isinstance(item, str):
            chosen |= _of_class(trajectory, item)
        elif isinstance(item, (int, np.integer)) and 0 <= item < trajectory.n_points:
            chosen[item] = True
        else:
            raise ConfigError(f"highlight={item!r} is no recorded point: positions run from 0 to {trajectory.n_points - 1}")
    return chosen


def _of_class(trajectory: Trajectory, name: str) -> np.ndarray:
    names = trajectory.class_names or ("(unlabelled)",)
    if trajectory.labels is None or name not in names:
        raise ConfigError(f"highlight={name!r} is no class of these points: {nearest(name, names)}")
    return trajectory.labels == trajectory.class_names.index(name)


def kept_points(trajectory: Trajectory, options: Options) -> np.ndarray:
    """Sorted positions of the points drawn: at most ``max_points`` at random, and always those that stand out."""
    keep = choose_points(trajectory.n_points, options.max_points, options.seed)
    if options.rows is not None:
        keep = np.union1d(keep, [int(options.rows["anchor"])])
    named = options.highlight if not isinstance(options.highlight, str) else None
    chosen = highlighted(trajectory, named)
    return keep if chosen is None else np.union1d(keep, np.flatnonzero(chosen)[: options.max_points])


def take(trajectory: Trajectory, keep: np.ndarray) -> Trajectory:
    """The same trajectory with only some of its points; itself where all are kept."""
    if len(keep) == trajectory.n_points:
        return trajectory
    per_point = {name: getattr(trajectory, name) for name in ("labels", "index", "images", "held_out")}
    kept = {name: None if value is None else value[keep] for name, value in per_point.items()}
    return replace(trajectory, embeddings=trajectory.embeddings[:, keep], **kept)


def check_marks(trajectory: Trajectory, options: Options) -> None:
    """Refuse what the trajectory has no data for."""
    if "centroids" in options.overlays and trajectory.labels is None:
        raise ConfigError("overlay='centroids' needs labels: the recorded points have none")
    if options.thumbnails and trajectory.images is None:
        raise ConfigError(f"thumbnails={options.thumbnails} needs the images of the points: Recorder(images=...)")
    _check_overlays(trajectory, options.overlays)
    if "regions" in options.overlays and (trajectory.dim != 2 or trajectory.labels is None):
        raise ConfigError("overlay='regions' needs a labelled 2-d embedding shown as it is: set embedding_dim=2")
    highlighted(trajectory, options.highlight)
    _check_rows(trajectory, options.rows)


def _check_overlays(trajectory: Trajectory, overlays: tuple[str, ...]) -> None:
    """Refuse a name that is neither an overlay nor a recorded metric."""
    metrics = trajectory.metrics
    if "curves" in overlays and not metrics:
        raise ConfigError("overlay='curves' draws the metrics that were recorded and there are none: record(z, loss=...)")
    for name in overlays:
        if name == "loss" and name not in metrics:
            raise ConfigError("overlay='loss' draws the loss and it was not recorded: record(z, loss=...)")
        if name not in OVERLAYS and name not in metrics:
            known = dict.fromkeys((*OVERLAYS, *metrics))
            raise ConfigError(f"overlay={name!r} is neither drawn nor recorded: {nearest(name, known)}")


def _check_rows(trajectory: Trajectory, rows) -> None:
    if rows is None:
        return
    there = rows if isinstance(rows, Mapping) else {}
    anchor = there.get("anchor") if {"anchor", "p", "q"} <= set(there) else None
    if not isinstance(anchor, (int, np.integer)) or not 0 <= anchor < trajectory.n_points:
        raise ConfigError(f"rows={shown(rows)} must hold the position of a point under 'anchor', and arrays under 'p' and 'q'")
    for name in ("p", "q"):
        shape, n, frames = np.shape(rows[name]), trajectory.n_points, trajectory.n_frames
        if shape not in ((n,), (frames, n)):
            raise ConfigError(f"rows[{name!r}] has shape {shape}: it must be ({n},), or ({frames}, {n}) for one row a frame")


def make_marks(trajectory: Trajectory, keep: np.ndarray, options: Options, last: np.ndarray) -> Marks:
    """The marks of one panel.

    Parameters
    ----------
    trajectory : Trajectory
        Before points were left out.
    keep : int array
        The points drawn.
    options : Options
    last : array (m, 2 or 3)
        Where the drawn points end, to choose thumbnails that lie apart.
    """
    lit = highlighted(trajectory, options.highlight)
    rows = None
    if options.rows is not None:
        p, q = (np.asarray(options.rows[name], float)[..., keep] for name in ("p", "q"))
        rows = {"anchor": int(np.searchsorted(keep, options.rows["anchor"])), "p": p, "q": q}
    pictured = spread_out(last[:, :2], options.thumbnails) if options.thumbnails else np.zeros(0, int)
    chosen = None if lit is None else lit[keep]
    return Marks(options.overlays, options.trail, rows, chosen, pictured, options.point_size)
