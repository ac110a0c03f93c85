"""What the panels show: which epochs and for how long, which points, where these stand on the plane, and in what words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from ..errors import demand, nearest
from ..evaluation.trajectory import Trajectory, choose_points
from ..methods.catalogue import OVERLAYS
from .options import Options, check_needs
from .overlays import spread_out
from .projection import Projection, fit_projection, kind_and_frame, procrustes

SHORTEST = 20  # milliseconds; browsers slow down anything shorter
SMOOTH = 22
"""Frames that are enough for the eye to follow the points, and few enough to be drawn in a fraction of a second."""

CAMERA, TURN = (35.0, 20.0), 120.0
SPHERE_TURN = 60.0  # what faces the reader at the end stays on the near half


# Time


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
    """The epochs to show of several runs: all that any run recorded, every n-th, at most ``max_frames``, first and last kept."""
    epochs = np.unique(np.concatenate(recorded))
    kept = epochs[(epochs % every == 0) | np.isin(epochs, epochs[[0, -1]])]
    return kept[np.unique(np.linspace(0, len(kept) - 1, min(max_frames, len(kept))).round().astype(int))]


def ticks(milliseconds) -> np.ndarray:
    """Durations a GIF can hold: multiples of 10 ms."""
    return np.maximum(np.rint(np.asarray(milliseconds, float) / 10).astype(int) * 10, SHORTEST)


def plan(epochs: np.ndarray, movement: np.ndarray, options: Options) -> Timeline:
    """A Timeline for the chosen epochs (K,), between which the points move by ``movement`` (K - 1,), of which only ratios matter.

    ``tween`` of the options gives way to ``max_frames``; without ``fps``, six seconds are divided among the epochs.
    """
    steps, hold, most = len(epochs) - 1, int(ticks(options.hold)), options.max_frames
    between = np.zeros(steps, int)
    if steps and options.tween != "auto":
        between += min(options.tween, (most - 1) // steps - 1)
    elif steps:  # as many as there are frames to spare, one by one where the longest leap is
        for _ in range(min(most, SMOOTH) - steps - 1):
            between[(movement / (between + 1)).argmax()] += 1
    each = np.clip(6000 / (steps + 1), 60, 500) if options.fps is None else 1000 / options.fps
    return Timeline(epochs, between, (*ticks(np.repeat(each / (between + 1), between + 1)).tolist(), hold))


# Points


def identity(trajectory: Trajectory) -> str:
    """The same for two trajectories exactly when they show the same points."""
    about = hashlib.sha256(str(trajectory.n_points).encode())
    for part in (trajectory.index, trajectory.labels):
        about.update(b"none" if part is None else np.ascontiguousarray(part, dtype=np.int64).tobytes())
    return about.hexdigest()


def project_forces(forces, trajectory: Trajectory, projection: Projection) -> np.ndarray:
    """Attraction and repulsion, two arrays (n_frames, n, d), as steps of the projected points, (2, n_frames, n, 2 or 3)."""
    demand(projection.map is not None, f"overlay='forces' cannot be drawn on {projection.kind}: use projection='pca'")
    parts = [np.asarray(part, np.float32) for part in forces]
    small = 1e-3 * np.linalg.norm(trajectory.embeddings, axis=-1).mean() / (np.abs(parts).max() or 1.0)  # a derivative
    moved = [replace(trajectory, embeddings=trajectory.embeddings + small * part) for part in parts]
    here = projection.coordinates(trajectory)
    return np.stack([(projection.coordinates(each) - here) / small for each in moved])


# Space


def eye(azimuth: float, elevation: float) -> np.ndarray:
    """What a camera at these degrees calls right, up and towards itself, the rows (3, 3)."""
    azimuth, elevation = np.deg2rad(azimuth), np.deg2rad(elevation)
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    return np.array([[-sa, ca, 0], [-se * ca, -se * sa, ce], [ce * ca, ce * sa, se]])


def facing(spheres: Sequence[np.ndarray]) -> tuple[float, float] | None:
    """One camera for all spheres, which faces the mean of their points (n, 3); None where these lie all around."""
    x, y, z = np.concatenate(spheres).mean(0, dtype=float) if spheres else np.zeros(3)
    if np.linalg.norm([x, y, z]) < 0.1:
        return None
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


class View:
    """What a panel shows: points of one run on the plane, for every frame of a timeline that all panels share.

    Options that the trajectory has no data for are refused at once; nothing is projected before somebody looks. ``first`` is the
    view that others of the same points are turned onto.
    """

    timeline: Timeline  # these three are known once all panels are
    turn: float  # degrees through which a 3-d view turns from the first to the last frame
    camera: tuple[float, float]  # azimuth and elevation of the last frame of a 3-d view, in degrees

    def __init__(self, trajectory: Trajectory, kind, title: str, options: Options, epochs: np.ndarray, first: View | None):
        if options.forces is not None and trajectory.pair is not None:
            trajectory = replace(trajectory, pair=None)  # of pairs no forces are known
        self.title, self.options, self.first, self.n_given = title, options, first, trajectory.n_points
        self._fitted = next((given for given in (kind, options.fit_on) if isinstance(given, Projection)), None)
        self.kind = self._fitted.kind if self._fitted else kind_and_frame(trajectory.both, kind, options.fit_on)[0]
        self._check(trajectory)
        lit, keep = self._named(trajectory), choose_points(trajectory.n_points, options.max_points, options.seed)
        if lit is not None and not isinstance(options.highlight, str):
            keep = np.union1d(keep, np.flatnonzero(lit)[: options.max_points])  # those that stand out by themselves
        self.keep, self.trajectory = keep, (trajectory if len(keep) == self.n_given else trajectory.take(keep)).both
        # bool (n,): points that stand out, and their pairs
        self.highlight = None if lit is None else np.resize(lit[keep], self.trajectory.n_points)
        # (K,): the newest frame recorded until each epoch; a run that stopped early holds its last
        self.sources = np.searchsorted(trajectory.epochs, epochs, side="right").clip(1) - 1

    def _check(self, trajectory: Trajectory) -> None:
        """Refuse what the trajectory has no data for."""
        options, metrics, labelled = self.options, trajectory.metrics, trajectory.labels is not None
        known = dict.fromkeys((*OVERLAYS, *metrics))
        for name in options.overlays:
            demand(name in known, f"overlay={name!r} is neither drawn nor recorded: {nearest(name, known)}")
        there = {"labels": labelled, "metrics": bool(metrics), "loss": "loss" in metrics}
        there["edges"] = trajectory.both.edges is not None
        check_needs(options.overlays, {**there, "plane": labelled and trajectory.dim == 2, "raw": self.kind == "raw"})
        pictured = not options.thumbnails or trajectory.images is not None
        demand(pictured, f"thumbnails={options.thumbnails} needs the images of the points: Recorder(images=...)")
        if options.forces is not None:
            shape, shapes = trajectory.embeddings.shape, [np.shape(part) for part in options.forces]
            demand(shapes == [shape] * 2, f"forces have the shapes {shapes}: give two arrays of shape {shape}")

    def _named(self, trajectory: Trajectory) -> np.ndarray | None:
        """Bool array (n,): the points of the classes that ``highlight`` names, and those at the positions that it numbers."""
        highlight, n = self.options.highlight, trajectory.n_points
        if highlight is None:
            return None
        chosen, names = np.zeros(n, bool), trajectory.class_names or ("(unlabelled)",)
        for item in highlight if isinstance(highlight, Iterable) and not isinstance(highlight, str) else [highlight]:
            if isinstance(item, str):
                known = trajectory.labels is not None and item in names
                demand(known, f"highlight={item!r} is no class of these points: {nearest(item, names)}")
                chosen |= trajectory.labels == names.index(item)
            else:
                known = isinstance(item, (int, np.integer)) and 0 <= item < n
                demand(known, f"highlight={item!r} is no recorded point: positions run from 0 to {n - 1}")
                chosen[item] = True
        return chosen

    # What is computed once somebody looks

    @cached_property
    def projection(self) -> Projection:
        o = self.options
        return self._fitted or fit_projection(self.trajectory, self.kind, o.fit_on, o.seed, np.unique(self.sources))

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Where the projection puts the points at each epoch, (K, n, 2 or 3), turned onto those of the first view."""
        xyz, first = self.projection.coordinates(self.trajectory)[self.sources], self.first
        if first is None or self.kind in ("raw", "sphere") or identity(first.trajectory) != identity(self.trajectory):
            return xyz
        alike = xyz.shape == first.coordinates.shape
        return xyz @ procrustes(xyz[-1], first.coordinates[-1]).astype(np.float32) if alike else xyz

    @cached_property
    def forces(self) -> np.ndarray:
        """Attraction and repulsion as steps of the projected points, (2, n_frames, n, 2 or 3)."""
        return project_forces([np.asarray(part)[:, self.keep] for part in self.options.forces], self.trajectory, self.projection)

    @cached_property
    def thumbnails(self) -> np.ndarray:
        """Points shown by their image."""
        wanted = self.options.thumbnails
        return spread_out(self.coordinates[-1][:, :2], wanted) if wanted else np.zeros(0, int)

    @property
    def dim(self) -> int:
        return self.coordinates.shape[-1]

    # What the frames need

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
        ahead = 1 - frame / max(self.timeline.n_frames - 1, 1)
        seen = (points - self._box.mean(0)) @ eye(self.camera[0] - self.turn * ahead, self.camera[1]).T
        return seen[:, :2], seen[:, 2] / self._radius

    @cached_property
    def _box(self) -> np.ndarray:
        """Least and greatest coordinates (2, 2 or 3) over all frames, or those of the sphere."""
        if self.kind == "sphere":
            return np.array([-np.ones(3), np.ones(3)])
        return np.stack([self.coordinates.min((0, 1)), self.coordinates.max((0, 1))]).astype(float)  # where 3e38 is not too much

    @cached_property
    def _radius(self) -> float:
        """Reach of a 3-d view from its centre, over all frames."""
        if self.kind == "sphere":
            return 1.0
        return float(np.linalg.norm(self.coordinates - self._box.mean(0), axis=-1).max()) or 1.0

    @cached_property
    def corners(self) -> np.ndarray:
        """The corners (8, 3) of the box around all points of all frames."""
        return np.array(list(product(*self._box.T)))

    def limits(self, width: float, height: float, margin: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """x and y limits that hold every frame in so many pixels with ``margin`` to spare, one scale for both axes."""
        if self.dim == 2:
            centre, half = self._box.mean(0), np.ptp(self._box, axis=0) / 2
        else:  # seen from its centre, however it turns
            turned = [np.abs(self.flatten(self.corners, frame)[0]) for frame in range(self.timeline.n_frames)]
            centre, half = np.zeros(2), np.ones(2) if self.kind == "sphere" else np.concatenate(turned).max(0)
        room = np.maximum(np.array([width, height]) - 2 * margin, 1)
        reach = np.array([width, height]) * ((half * 2 / room).max() or 1.0 / room.min()) / 2
        return tuple(zip((centre - reach).tolist(), (centre + reach).tolist()))


# Words


def parted(texts: Sequence[str], joint: str) -> tuple[str, tuple[str, ...]]:
    """The parts that all texts have, and what is left of each: of "PCA, 40 %" and "PCA, 60 %" these are PCA, 40 % and 60 %."""
    parts = [text.split(joint) for text in texts]
    common = [part for part in parts[0] if all(part in others for others in parts)]
    return joint.join(common), tuple(joint.join(part for part in each if part not in common) for each in parts)


def short_of(projections: Sequence[Projection]) -> str:
    """A few words that hold for every panel: what the projections have in common, or else their names."""
    common, _ = parted([p.short for p in projections], ", ")
    if projections[0].short.startswith(common) and common:
        return common
    return "; ".join(dict.fromkeys(p.short.split(",")[0] for p in projections))


def words_on_pairs(trajectories: Iterable[Trajectory]) -> str:
    """What a picture says of points and their pairs, where it shows both."""
    sides = dict.fromkeys(t.sides for t in trajectories if t.second is not None)
    return " ".join(f"Of every pair, {one} and {other} are two points; scores are of the {one} alone." for one, other in sides)


def caption_of(projections: Sequence[Projection], names: Sequence[str]) -> str:
    """The captions of several panels as one: common sentences once, then under each name what is its own."""
    common, own = parted([p.caption.removesuffix(".") for p in projections], ". ")
    each = [common] if common else []
    for text in filter(None, dict.fromkeys(own)):
        words = ", ".join(name for name, sentences in zip(names, own) if name and sentences == text)
        low = text if text[:2].isupper() else text[0].lower() + text[1:]  # PCA stays PCA
        each.append(f"{words}: {low}" if words else text)
    return ". ".join(each) + "."
