"""A trajectory becomes an animation: planned at once, drawn when somebody looks, written in any format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import ConfigError, demand, nearest, shown
from ..evaluation.trajectory import Trajectory
from ..files import write_whole
from . import encode, inline
from .canvas import check_pixels
from .captions import caption_of, short_of
from .encode import Frames
from .furniture import curve_names, word_for
from .layout import grid_shape
from .neighbour_maps import procrustes
from .options import Options, make_options, with_options
from .painter import Page, Painter
from .projection import Projection, check, fit_projection
from .selection import check_marks, kept_points, make_marks, take
from .timeline import Timeline, choose_epochs, frames_at, plan
from .view import CAMERA, SPHERE_TURN, TURN, View, cameras


@with_options
def animate(trajectory: Trajectory, **options) -> Animation:
    """Show how the points of a trajectory move from epoch to epoch.

    Nothing is projected or drawn until the animation is looked at or saved.

    Parameters
    ----------
    trajectory : Trajectory
        What a Recorder or a run recorded.
    projection : {"auto", "raw", "pca", "pca3", "sphere", "tsne", "umap"} or Projection
        See :func:`icon_nb.animation.projection.fit_projection`.
    fit_on : "last", "first", an epoch, or a fitted Projection
        The epoch on which the projection is fitted, once.
    seed : int
        For t-SNE, UMAP, and the choice of points where there are more than ``max_points``.
    overlay : str or sequence of str
        ``"epoch"`` (epoch, loss and kNN accuracy in the title; always unless ``"none"``), ``"curves"`` or the name of any
        recorded metric, for instance ``"loss"`` (plotted, with a cursor, at most four), ``"diagnosis"`` (the text of ``note``),
        ``"trails"``, ``"centroids"``, ``"rows"``, ``"regions"`` (of a linear probe fitted on each frame; 2-d embeddings).
    own_scale : str or sequence of str
        Metrics that are not comparable: side by side, each panel draws their curves from its own least to its own greatest value;
        all others share one scale.
    note : str
        A sentence below the picture.
    rows : mapping, optional
        ``{"anchor": i, "p": (n,) or (n_frames, n), "q": ...}``: what p and q say about point i.
    trail : int
        Epochs that a trail reaches back.
    highlight : str, int, or a sequence of them, optional
        Classes by name, points by position; the others fade.
    thumbnails : int
        About this many points are shown by their image.
    point_size : float, optional
        Pixels across a point.
    title : str, optional
        Instead of the trajectory's own.
    fps, frame_duration : float, optional
        Epochs a second, or milliseconds an epoch; one of them. By default six seconds in all.
    hold : float
        Milliseconds for which the last frame stays.
    every : int
        Show every n-th epoch, and always the first and the last.
    tween : int
        In-between frames after each epoch, interpolated (and said to be so in the caption).
    adaptive : bool
        Slower while points move much, faster on a plateau; the same length in all.
    max_frames : int
        More frames than this are never drawn: epochs are thinned evenly.
    size : (int, int), optional
        Pixels; 500 x 500 at 100 dpi, and for several panels as much as they need.
    dpi : float
        Size of texts and points: 100 is made for 500 pixels, 200 for 1000. No picture has more than 16 million pixels.
    style : {"notebook", "paper", "slides", "dark"}
    legend, caption : bool
        Write them into the picture.
    max_points : int
        At most this many points, the same in every frame.
    turn : float, optional
        Degrees through which a 3-d view turns; by default 120, or 60 where the camera was chosen to face points on the sphere.
    camera : (float, float), optional
        Azimuth and elevation of a 3-d view at the last frame, in degrees. By default (35, 20); on the sphere, which hides what is
        behind it, it faces the mean direction of the last frame's points where they have one.
    align : bool
        Side by side: turn each projection onto the first one (orthogonal, no scaling) where the points are the same.
    inline_limit : int
        Bytes above which a notebook shows the last frame only.

    Raises
    ------
    ConfigError
        An unknown option (with the nearest match), a value out of range, or an option the trajectory has no data for.

    Examples
    --------
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 8)).cumsum(0)
    >>> animate(Trajectory(walk, np.arange(4)), fps=5)
    Animation(untitled: epochs 0..3, 500x500, projection pca)
    """
    return Animation((trajectory,), make_options(options))


@with_options
def side_by_side(trajectories: Sequence[Trajectory], titles: Sequence[str] | None = None, **options) -> Animation:
    """Several runs, or one run under several projections, in one animation with one epoch counter.

    A run that stopped early holds its last frame.

    Parameters
    ----------
    trajectories : sequence of Trajectory
    titles : sequence of str, optional
        What stands over each panel; by default the trajectories' own titles.
    projection : str, or a sequence with one entry a panel
    **options
        As in :func:`animate`; ``title`` stands over the whole.

    Raises
    ------
    ConfigError
        No trajectories, another number of titles or projections than panels, or an unknown option.

    Examples
    --------
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 8)).cumsum(0)
    >>> side_by_side([Trajectory(walk, np.arange(4))] * 2, titles=["PCA", "t-SNE"], projection=["pca", "tsne"])
    Animation(PCA, t-SNE: epochs 0..3, 640x430, projection pca, tsne)
    """
    trajectories = tuple(trajectories)
    kinds = options.pop("projection", "auto")
    kinds = [kinds] * len(trajectories) if isinstance(kinds, (str, Projection)) else list(kinds)
    titles = [t.title for t in trajectories] if titles is None else [str(title) for title in titles]
    for name, given in [("titles", titles), ("projections", kinds)]:
        if not trajectories or len(given) != len(trajectories):
            raise ConfigError(f"side_by_side got {len(given)} {name} for {len(trajectories)} trajectories: give one each")
    return Animation(trajectories, make_options(options), tuple(kinds), tuple(titles))


class Animation:
    """Frames and their durations, drawn on first use. Made by :func:`animate` and :func:`side_by_side`."""

    def __init__(self, trajectories, options: Options, kinds=None, titles=None):
        self.options, self.saved = options, None
        self.titles = titles or tuple(t.title for t in trajectories)
        self._given = tuple(trajectories)
        check_pixels(self.size, options.dpi)
        for t in self._given:
            check_marks(t, options)
        kinds = kinds or (options.projection,) * len(trajectories)
        self._kinds = tuple(_resolved(t, kind, options.fit_on) for t, kind in zip(trajectories, kinds))
        if "regions" in options.overlays and any(k != "raw" for k in self._kinds):
            raise ConfigError("overlay='regions' shows a linear probe on the embedding itself: use projection='raw'")
        self._keep = tuple(kept_points(t, options) for t in self._given)
        self._trajectories = tuple(take(t, keep) for t, keep in zip(self._given, self._keep))

    # Plan

    @cached_property
    def epochs(self) -> np.ndarray:
        """The epochs shown."""
        return choose_epochs([t.epochs for t in self._trajectories], self.options.every, self.options.max_frames)

    @cached_property
    def projections(self) -> tuple[Projection, ...]:
        """One fitted projection a panel."""
        o = self.options
        shown = [np.unique(frames_at(self.epochs, t.epochs)) for t in self._trajectories]
        each = zip(self._trajectories, self._kinds, shown)
        return tuple(k if isinstance(k, Projection) else fit_projection(t, k, o.fit_on, o.seed, frames) for t, k, frames in each)

    @cached_property
    def timeline(self) -> Timeline:
        o = self.options
        movement = np.mean([_movement(xyz) for xyz in self._coordinates], axis=0) if o.adaptive else np.ones(len(self.epochs) - 1)
        return plan(
            self.epochs, movement, tween=o.tween, duration=o.duration, hold=o.hold, adaptive=o.adaptive, max_frames=o.max_frames
        )

    @cached_property
    def _coordinates(self) -> list[np.ndarray]:
        shown = [p.coordinates(t)[frames_at(self.epochs, t.epochs)] for p, t in zip(self.projections, self._trajectories)]
        return _aligned(shown, self.projections, self._trajectories) if self.options.align else shown

    @cached_property
    def views(self) -> tuple[View, ...]:
        """What each panel shows."""
        each = zip(self._trajectories, self.projections, self._coordinates, self._stances, self.titles)
        return tuple(
            View(t, p, xyz, frames_at(self.epochs, t.epochs), self.timeline, turn, camera, title)
            for t, p, xyz, (turn, camera), title in each
        )

    @property
    def _stances(self) -> list[tuple[float, tuple[float, float]]]:
        """Degrees of turning and the last camera of each panel: as asked for, or so that points on a sphere are in front."""
        o = self.options
        if o.camera is not None:
            return [(TURN if o.turn is None else o.turn, tuple(o.camera))] * len(self._given)
        found = cameras(self.projections, [xyz[-1] for xyz in self._coordinates])
        usual = [TURN if each is None else SPHERE_TURN for each in found]
        return [(turn if o.turn is None else o.turn, each or CAMERA) for turn, each in zip(usual, found)]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if self.options.size is not None:
            return tuple(self.options.size)
        rows, columns = grid_shape(len(self._given))
        scale = self.options.dpi / 100
        if rows * columns == 1:
            return round(500 * scale), round(500 * scale)
        return round(max(500, 320 * columns) * scale), round((90 + 340 * rows) * scale)

    @property
    def durations(self) -> tuple[int, ...]:
        """Milliseconds for which each frame stays; multiples of 10."""
        return self.timeline.durations

    # Words

    @property
    def caption(self) -> str:
        """What the picture shows, how it was projected, and what its distances mean."""
        parts = [caption_of(self.projections, self.titles)]
        if self.timeline.tween:
            parts.append(f"Between two epochs, {self.timeline.tween} frames are interpolated.")
        if any(xyz.shape[-1] == 3 for xyz in self._coordinates) and any(turn for turn, _ in self._stances):
            parts.append("The view turns; that motion is not learning.")
        if self.options.rows is not None:
            parts.append(f"Lines lead from point {self.options.rows['anchor']} to its neighbours under p (solid) and q (dashed).")
        apart = [name for name in curve_names(self._trajectories, self.options.overlays) if name in self.options.own_scales]
        if apart and len(self._given) > 1:
            parts.append(f"Each panel has its own scale of {' and '.join(map(word_for, apart))}.")
        if "regions" in self.options.overlays:
            parts.append("Shading: the class a linear probe, fitted on this frame, decides for.")
        return " ".join(parts)

    def _short_caption(self) -> str:
        rows = self.options.rows
        lines = f"; from point {rows['anchor']}: p solid, q dashed" if rows is not None else ""
        return short_of(self.projections) + lines + ("; in-between frames interpolated" if self.timeline.tween else "")

    @property
    def alt(self) -> str:
        """Alternative text for readers who do not see the picture."""
        names = " and ".join(filter(None, dict.fromkeys(self.titles))) or "an embedding"
        n = self._trajectories[0].n_points
        return f"Animation of {names}: {n} points from epoch {self.epochs[0]} to {self.epochs[-1]}, {self._short_caption()}"

    # Draw and write

    @cached_property
    def painter(self) -> Painter:
        """The painter of the frames, built on first use."""
        return Painter(self.views, self.page, self.marks)

    @property
    def page(self) -> Page:
        o = self.options
        title = o.title if o.title is not None else (self.titles[0] if len(self.views) == 1 else "")
        caption = self._short_caption() if o.caption else ""
        return Page(self.size, o.dpi, o.style, title, o.legend, "none" not in o.overlays, caption, o.note, o.own_scales)

    @cached_property
    def marks(self) -> tuple:
        """What each panel shows beside its points."""
        each = zip(self._given, self._keep, self._coordinates)
        return tuple(make_marks(t, keep, self.options, xyz[-1]) for t, keep, xyz in each)

    @cached_property
    def frames(self) -> Frames:
        """uint8 arrays (height, width, 3), one a frame."""
        return self.painter.frames()

    def to_bytes(self, format: str = "gif") -> bytes:
        """The animation as the bytes of a file: gif, apng, webp, mp4."""
        return self._gif if format.lower().lstrip(".") == "gif" else encode.encoder(format)(self.frames, self.durations)

    @cached_property
    def _gif(self) -> bytes:
        return encode.gif(self.frames, self.durations)

    def save(self, path, epochs: Sequence[int] | None = None) -> Path:
        """Write a file; the suffix names the format.

        Parameters
        ----------
        path : path
            ``.gif``, ``.apng``, ``.webp``, ``.mp4``; ``.png`` is the last frame; ``.pdf`` and ``.svg`` show chosen epochs as
            small multiples, for a paper.
        epochs : sequence of int, optional
            For ``.pdf`` and ``.svg``; by default up to six.

        Raises
        ------
        ConfigError
            The suffix names no format.
        SaveError
            The file cannot be written; an older one is left as it was.
        """
        path, suffix = Path(path), Path(path).suffix.lower()
        if suffix in (".pdf", ".svg"):
            from .plots import small_multiples

            return small_multiples(self, epochs).save(path)
        if suffix not in (*encode.ENCODERS, ".png"):
            known = (*encode.ENCODERS, ".png", ".pdf", ".svg")
            raise ConfigError(f"cannot write an animation as {suffix!r}: {nearest(suffix, known)}")
        data = encode.png(self.frames, len(self.frames) - 1) if suffix == ".png" else self.to_bytes(suffix)
        self.saved = write_whole(path, data)
        return self.saved

    def save_frames(self, folder, pattern: str = "epoch_{epoch:03d}.png", untrained: bool = True) -> list[Path]:
        """Write one PNG for each recorded epoch shown, and return the paths.

        Parameters
        ----------
        folder : path
        pattern : str
            File name, with ``{epoch}``, that ends in ``.png``.
        untrained : bool
            Also write epoch 0.

        Raises
        ------
        ConfigError
            The pattern gives two epochs the same name, or no name of a PNG.
        SaveError
            A file cannot be written.
        """
        epochs = {k: int(self.epochs[self.timeline.at(k)[0]]) for k in self.timeline.recorded()}
        wanted = {k: epoch for k, epoch in epochs.items() if epoch > 0 or untrained}
        names = _named(pattern, wanted.values())
        return [write_whole(Path(folder) / names[e], encode.png(self.frames, k)) for k, e in wanted.items()]

    # Show

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return inline.bundle(self)

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]

    def __repr__(self) -> str:
        names = ", ".join(filter(None, self.titles)) or "untitled"
        kinds = ", ".join(dict.fromkeys(kind if isinstance(kind, str) else kind.kind for kind in self._kinds))
        width, height = self.size
        return f"Animation({names}: epochs {self.epochs[0]}..{self.epochs[-1]}, {width}x{height}, projection {kinds})"


def _resolved(trajectory: Trajectory, kind, fit_on) -> str | Projection:
    """The projection meant: a fitted one as it is, a name checked against the trajectory."""
    for given in (kind, fit_on):
        if isinstance(given, Projection):
            return given
    return check(trajectory, kind, fit_on)[0]


def _named(pattern: str, epochs: Iterable[int]) -> dict[int, str]:
    """The file name of every epoch, each another one."""
    tried = {*epochs, 1, 2}
    try:
        names = {epoch: pattern.format(epoch=epoch) for epoch in tried}
    except (AttributeError, LookupError, ValueError):
        names = {}
    apart = len(set(names.values())) == len(tried)
    demand(apart, f"pattern={shown(pattern)} needs {{epoch}}, as 'epoch_{{epoch:03d}}.png' has it")
    demand(pattern.lower().endswith(".png"), f"pattern={shown(pattern)} names no PNG: let it end in .png")
    return names


def _movement(xyz: np.ndarray) -> np.ndarray:
    """Mean distance moved by a point from each epoch to the next, (K - 1,)."""
    return np.linalg.norm(np.diff(xyz, axis=0), axis=-1).mean(1)


def _aligned(shown, projections, trajectories) -> list[np.ndarray]:
    """Turn projected panels onto the first, by their last frames, where they show the same points; raw ones stay as they are."""
    first = shown[0]
    for k in range(1, len(shown)):
        raw = projections[k].kind in ("raw", "sphere")
        if not raw and shown[k].shape == first.shape and _same_points(trajectories[0], trajectories[k]):
            shown[k] = shown[k] @ procrustes(shown[k][-1], first[-1]).astype(np.float32)
    return shown


def _same_points(a: Trajectory, b: Trajectory) -> bool:
    pairs = [(a.index, b.index), (a.labels, b.labels)]
    return all(np.array_equal(x, y) if x is not None and y is not None else x is y for x, y in pairs)
