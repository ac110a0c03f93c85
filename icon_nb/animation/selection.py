"""What a trajectory shows of the options: which points are drawn, which stand out, and whether it has what they need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..errors import ConfigError, demand, nearest
from ..evaluation.trajectory import Trajectory, choose_points
from ..methods.catalogue import OVERLAYS
from .options import Options, check_needs
from .projection import Projection


def highlighted(trajectory: Trajectory, highlight) -> np.ndarray | None:
    """Bool array (n,): the points of the classes that ``highlight`` names, and those at the positions that it numbers."""
    if highlight is None:
        return None
    wished = list(highlight) if isinstance(highlight, Iterable) and not isinstance(highlight, str) else [highlight]
    chosen = np.zeros(trajectory.n_points, bool)
    for item in wished:
        if isinstance(item, str):
            names = trajectory.class_names or ("(unlabelled)",)
            known = trajectory.labels is not None and item in names
            demand(known, f"highlight={item!r} is no class of these points: {nearest(item, names)}")
            chosen |= trajectory.labels == names.index(item)
        elif isinstance(item, (int, np.integer)) and 0 <= item < trajectory.n_points:
            chosen[item] = True
        else:
            raise ConfigError(f"highlight={item!r} is no recorded point: positions run from 0 to {trajectory.n_points - 1}")
    return chosen


def kept_points(trajectory: Trajectory, options: Options) -> np.ndarray:
    """Sorted positions of the points drawn: at most ``max_points`` at random, and always those that stand out."""
    keep = choose_points(trajectory.n_points, options.max_points, options.seed)
    named = options.highlight if not isinstance(options.highlight, str) else None
    chosen = highlighted(trajectory, named)
    return keep if chosen is None else np.union1d(keep, np.flatnonzero(chosen)[: options.max_points])


def take(trajectory: Trajectory, keep: np.ndarray) -> Trajectory:
    """The same trajectory with only some of its points; itself where all are kept."""
    if len(keep) == trajectory.n_points:
        return trajectory
    per_point = {name: getattr(trajectory, name) for name in ("labels", "index", "images", "held_out")}
    kept = {name: None if value is None else value[keep] for name, value in per_point.items()}
    kept["names"] = tuple(trajectory.names[i] for i in keep) if trajectory.names else ()
    return replace(trajectory, embeddings=trajectory.embeddings[:, keep], **kept)


def take_forces(forces, keep: np.ndarray, trajectory: Trajectory, projection: Projection) -> np.ndarray | None:
    """Attraction and repulsion of the points that are kept, (2, n_frames, n, 2 or 3), as steps of the projected points."""
    if forces is None:
        return None
    demand(projection.map is not None, f"overlay='forces' cannot be drawn on {projection.kind}: use projection='pca'")
    parts = [np.asarray(part, np.float32)[:, keep] for part in forces]
    small = 1e-3 * np.linalg.norm(trajectory.embeddings, axis=-1).mean() / (np.abs(parts).max() or 1.0)  # a derivative
    moved = [replace(trajectory, embeddings=trajectory.embeddings + small * part) for part in parts]
    here = projection.coordinates(trajectory)
    return np.stack([(projection.coordinates(each) - here) / small for each in moved])


def check_data(trajectory: Trajectory, options: Options, kind: str) -> None:
    """Refuse what the trajectory has no data for, shown through a projection of this kind."""
    metrics, labelled = trajectory.metrics, trajectory.labels is not None
    for name in options.overlays:
        if name not in OVERLAYS and name not in metrics:
            known = dict.fromkeys((*OVERLAYS, *metrics))
            raise ConfigError(f"overlay={name!r} is neither drawn nor recorded: {nearest(name, known)}")
    there = {"labels": labelled, "metrics": bool(metrics), "loss": "loss" in metrics}
    check_needs(options.overlays, {**there, "plane": labelled and trajectory.dim == 2, "raw": kind == "raw"})
    if options.thumbnails and trajectory.images is None:
        raise ConfigError(f"thumbnails={options.thumbnails} needs the images of the points: Recorder(images=...)")
    highlighted(trajectory, options.highlight)
    if options.forces is not None:
        shapes = [np.shape(part) for part in options.forces]
        fits = shapes == [trajectory.embeddings.shape] * 2
        demand(fits, f"forces have the shapes {shapes}: give two arrays of shape {trajectory.embeddings.shape}")
