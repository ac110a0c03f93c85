"""What one panel shows: a projected trajectory laid on the plane of the picture, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from ..evaluation.trajectory import Trajectory
from .layout import Rect
from .options import Options
from .projection import Projection
from .timeline import Timeline

CAMERA, TURN = (35.0, 20.0), 120.0
SPHERE_TURN = 60.0  # what faces the reader at the end stays on the near half


def eye(azimuth: float, elevation: float) -> np.ndarray:
    """What a camera at these degrees calls right, up and towards itself, the rows (3, 3)."""
    azimuth, elevation = np.deg2rad(azimuth), np.deg2rad(elevation)
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    return np.array([[-sa, ca, 0], [-se * ca, -se * sa, ce], [ce * ca, ce * sa, se]])


def facing(points: np.ndarray) -> tuple[float, float] | None:
    """Azimuth and elevation of the mean of points (n, 3) on the sphere; None where they lie all around.

    >>> facing(np.array([[0, 0.6, 0.8], [0, 0.8, 0.6]])), facing(np.array([[0, 0, 1], [0, 0, -1]]))
    ((90.0, 45.0), None)
    """
    x, y, z = points.mean(0, dtype=float)
    if np.linalg.norm([x, y, z]) < 0.1:
        return None
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def cameras(projections: Sequence[Projection], last: Sequence[np.ndarray]) -> list[tuple[float, float] | None]:
    """The camera of each panel: one for all spheres, which faces where their points end (n, 2 or 3), and None for the others."""
    balls = [xyz for projection, xyz in zip(projections, last) if projection.kind == "sphere"]
    camera = facing(np.concatenate(balls)) if balls else None
    return [camera if projection.kind == "sphere" else None for projection in projections]


@dataclass(frozen=True, eq=False)
class View:
    """Points of one run on the plane, for every frame of a timeline."""

    trajectory: Trajectory
    projection: Projection
    coordinates: np.ndarray  # (K, n, 2 or 3): where the projection puts the points at each epoch of the timeline
    sources: np.ndarray  # (K,): the recorded frame that each epoch of the timeline shows
    timeline: Timeline
    turn: float  # degrees through which a 3-d view turns from the first to the last frame
    camera: tuple[float, float]  # azimuth and elevation of the last frame of a 3-d view, in degrees
    title: str
    options: Options
    highlight: np.ndarray | None  # bool (n,): points that stand out
    forces: np.ndarray | None  # (2, n_frames, n, 2 or 3): attraction and repulsion, as steps of the projected points
    thumbnails: np.ndarray  # points shown by their image

    def points(self, frame: int) -> np.ndarray:
        """Projected coordinates (n, 2 or 3), interpolated between two epochs."""
        k, part = self.timeline.at(frame)
        here = self.coordinates[k]
        return here * np.float32(1 - part) + self.coordinates[k + 1] * np.float32(part) if part else here

    def place(self, frame: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Positions on the plane (n, 2) and, in 3-d, depth in [-1, 1] (n,), larger is nearer."""
        return self.flatten(self.points(frame), frame)

    def flatten(self, points: np.ndarray, frame: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Any points (m, 2 or 3) of the projected space as the picture shows them at this frame."""
        if points.shape[1] == 2:
            return points, None
        seen = (points - self.centre) @ self._camera(frame).T
        return seen[:, :2], seen[:, 2] / self.radius

    def _camera(self, frame: int) -> np.ndarray:
        """Rows: right, up, towards the eye."""
        last = max(self.timeline.n_frames - 1, 1)
        return eye(self.camera[0] - self.turn * (1 - frame / last), self.camera[1])

    @cached_property
    def centre(self) -> np.ndarray:
        """The middle of all frames, or of the sphere."""
        return np.zeros(3) if self.projection.kind == "sphere" else self._box.mean(0)

    @cached_property
    def _box(self) -> np.ndarray:
        """Least and greatest coordinates (2, 2 or 3) over all frames."""
        flat = self.coordinates.reshape(-1, self.coordinates.shape[-1])
        return np.stack([flat.min(0), flat.max(0)])

    @cached_property
    def radius(self) -> float:
        """Reach of a 3-d view from its centre, over all frames."""
        if self.projection.kind == "sphere":
            return 1.0
        return float(np.linalg.norm(self.coordinates - self.centre, axis=-1).max()) or 1.0

    @cached_property
    def _reach(self) -> np.ndarray:
        """How far a 3-d view reaches sideways and upwards (2,), over all frames: its sphere, or its turning box."""
        if self.projection.kind == "sphere":
            return np.ones(2)
        shown = [np.abs(self.flatten(self.corners, frame)[0]) for frame in range(self.timeline.n_frames)]
        return np.concatenate(shown).max(0)

    @cached_property
    def corners(self) -> np.ndarray:
        """The corners (8, 3) of the box around all points of all frames."""
        return np.array(list(product(*self._box.T)))

    def limits(self, rect: Rect, margin: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """x and y limits that hold every frame in a rectangle with ``margin`` pixels to spare, one scale for both axes."""
        solid = self.coordinates.shape[-1] == 3
        centre, half = (np.zeros(2), self._reach) if solid else (self.centre, np.ptp(self._box, axis=0) / 2)
        w, h = max(rect.w - 2 * margin, 1), max(rect.h - 2 * margin, 1)
        scale = max(half[0] * 2 / w, half[1] * 2 / h) or 1.0 / min(w, h)
        reach = np.array([rect.w, rect.h]) * scale / 2
        (x0, y0), (x1, y1) = (centre - reach).tolist(), (centre + reach).tolist()
        return (x0, x1), (y0, y1)
