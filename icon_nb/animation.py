"""A trajectory becomes an animation: planned at once, drawn when somebody looks, written in any format."""

from __future__ import annotations

import base64
import html
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from . import encode
from .encode import Frames
from .errors import ConfigError, nearest
from .layout import grid_shape
from .palette import theme
from .projection import Projection, fit_projection, procrustes
from .timeline import Timeline, choose_epochs, frames_at, plan
from .trajectory import Trajectory, choose_points
from .view import View

POSTER_LIMIT = 30 * 1024


@dataclass(frozen=True)
class Options:
    """Every setting of an animation and its default; documented in :func:`animate`."""

    projection: str | Projection = "auto"
    fit_on: object = "last"
    seed: int = 0
    title: str | None = None
    fps: float | None = None
    frame_duration: float | None = None
    hold: float = 1500
    every: int = 1
    tween: int = 0
    adaptive: bool = False
    max_frames: int = 200
    size: tuple[int, int] | None = None
    dpi: float = 100
    style: str = "notebook"
    legend: bool = True
    caption: bool = True
    max_points: int = 2000
    turn: float = 120
    camera: tuple[float, float] = (35, 20)
    align: bool = True
    inline_limit: int = 2_000_000

    def __post_init__(self):
        theme(self.style)
        if self.fps is not None and self.frame_duration is not None:
            raise ConfigError(f"fps={self.fps} and frame_duration={self.frame_duration} say the same thing: give one of them")
        for name, low in LOWEST.items():
            value = getattr(self, name)
            if value is not None and not value >= low:
                raise ConfigError(f"{name}={value!r} is too small: it must be at least {low}")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 120 or max(self.size) > 4000):
            raise ConfigError(f"size={self.size!r} must be (width, height) in pixels, each from 120 to 4000")

    @property
    def duration(self) -> float | None:
        """Milliseconds from one epoch to the next, or None for the default."""
        return 1000 / self.fps if self.fps is not None else self.frame_duration


LOWEST = {"fps": 0.1, "frame_duration": 20, "hold": 20, "every": 1, "tween": 0, "max_frames": 2, "dpi": 30, "max_points": 1}


def make_options(options: dict) -> Options:
    """Options from keywords; an unknown one is a ConfigError that names the nearest."""
    known = [f.name for f in fields(Options)]
    for name in options:
        if name not in known:
            raise ConfigError(f"animate has no option {name!r}: {nearest(name, known)}")
    return Options(**options)


def animate(trajectory: Trajectory, **options) -> Animation:
    """Show how the points of a trajectory move from epoch to epoch.

    Nothing is drawn until the animation is looked at or saved.

    Parameters
    ----------
    trajectory : Trajectory
        What a Recorder or a run recorded.
    projection : {"auto", "raw", "pca", "pca3", "sphere", "tsne", "umap"} or Projection
        See :func:`icon_nb.projection.fit_projection`.
    fit_on : "last", "first", an epoch, or a fitted Projection
        The epoch on which the projection is fitted, once.
    seed : int
        For t-SNE, UMAP, and the choice of points where there are more than ``max_points``.
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
        Pixels; 500 x 500, and for several panels as much as they need.
    dpi : float
        Size of texts and points: 100 is made for 500 pixels, 200 for 1000.
    style : {"notebook", "paper", "slides", "dark"}
    legend, caption : bool
        Write them into the picture.
    max_points : int
        At most this many points, the same in every frame.
    turn : float
        Degrees through which a 3-d view turns.
    camera : (float, float)
        Azimuth and elevation of a 3-d view at the last frame, in degrees.
    align : bool
        Side by side: turn each projection onto the first one (orthogonal, no scaling) where the points are the same.
    inline_limit : int
        Bytes above which a notebook shows the last frame only.

    Raises
    ------
    ConfigError
        An unknown option (with the nearest match), or a value out of range.

    Examples
    --------
    >>> import numpy as np
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 8)).cumsum(0)
    >>> animate(Trajectory(walk, np.arange(4)), fps=5)
    Animation(untitled: epochs 0..3, 500x500, projection auto)
    """
    return Animation((trajectory,), make_options(options))


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
        As in :func:`animate`.

    Raises
    ------
    ConfigError
        No trajectories, another number of titles or projections than panels, or an unknown option.
    """
    trajectories = tuple(trajectories)
    kinds = options.pop("projection", "auto")
    kinds = [kinds] * len(trajectories) if isinstance(kinds, (str, Projection)) else list(kinds)
    titles = [t.title for t in trajectories] if titles is None else [str(title) for title in titles]
    for name, given in [("titles", titles), ("projection", kinds)]:
        if not trajectories or len(given) != len(trajectories):
            raise ConfigError(f"side_by_side got {len(given)} {name} for {len(trajectories)} trajectories: give one each")
    return Animation(trajectories, make_options(options), tuple(kinds), tuple(titles))


class Animation:
    """Frames and their durations, drawn on first use. Made by :func:`animate` and :func:`side_by_side`."""

    def __init__(self, trajectories, options: Options, kinds=None, titles=None):
        self.options = options
        self._kinds = kinds or (options.projection,) * len(trajectories)
        self._titles = titles or tuple(t.title for t in trajectories)
        self._trajectories = tuple(_fewer_points(t, options.max_points, options.seed) for t in trajectories)
        self._saved: Path | None = None

    # Plan

    @cached_property
    def projections(self) -> tuple[Projection, ...]:
        """One fitted projection a panel."""
        o = self.options
        return tuple(
            kind if isinstance(kind, Projection) else fit_projection(t, kind, o.fit_on, o.seed)
            for t, kind in zip(self._trajectories, self._kinds)
        )

    @cached_property
    def epochs(self) -> np.ndarray:
        """The epochs shown."""
        return choose_epochs([t.epochs for t in self._trajectories], self.options.every, self.options.max_frames)

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
        o = self.options
        return tuple(
            View(t, p, xyz, frames_at(self.epochs, t.epochs), self.timeline, o.turn, o.camera, title)
            for t, p, xyz, title in zip(self._trajectories, self.projections, self._coordinates, self._titles)
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if self.options.size is not None:
            return tuple(self.options.size)
        rows, columns = grid_shape(len(self._trajectories))
        scale = self.options.dpi / 100
        if rows * columns == 1:
            return round(500 * scale), round(500 * scale)
        return round(max(500, 320 * columns) * scale), round((90 + 340 * rows) * scale)

    @property
    def durations(self) -> tuple[int, ...]:
        """Milliseconds for which each frame stays; multiples of 10."""
        return self.timeline.durations

    @property
    def caption(self) -> str:
        """What the picture shows, how it was projected, and what its distances mean."""
        parts = list(dict.fromkeys(p.caption for p in self.projections))
        if self.timeline.tween:
            parts.append(f"Between two epochs, {self.timeline.tween} frames are interpolated.")
        return " ".join(parts)

    # Draw and write

    @cached_property
    def painter(self):
        """The painter of the frames, built on first use."""
        from .painter import Page, Painter
        from .panel import Marks

        o = self.options
        title = o.title if o.title is not None else (self._titles[0] if len(self.views) == 1 else "")
        page = Page(self.size, o.dpi, o.style, title, o.legend, True, self._short_caption() if o.caption else "")
        return Painter(self.views, page, [Marks()] * len(self.views))

    def _short_caption(self) -> str:
        short = list(dict.fromkeys(p.short for p in self.projections))
        text = short[0] if len(short) == 1 else "; ".join(dict.fromkeys(p.kind for p in self.projections))
        return text + (", in-between frames interpolated" if self.timeline.tween else "")

    @cached_property
    def frames(self) -> Frames:
        """uint8 arrays (height, width, 3), one a frame."""
        return self.painter.frames()

    def to_bytes(self, format: str = "gif") -> bytes:
        """The animation as the bytes of a file: gif, apng, webp."""
        return self._gif if format.lower().lstrip(".") == "gif" else encode.encoder(format)(self.frames, self.durations)

    @cached_property
    def _gif(self) -> bytes:
        return encode.gif(self.frames, self.durations)

    def save(self, path) -> Path:
        """Write the animation; the suffix names the format. ``.png`` writes the last frame.

        Raises
        ------
        ConfigError
            The suffix names no format.
        SaveError
            The file cannot be written; an older one is left as it was.
        """
        path = Path(path)
        data = encode.png(self.frames, len(self.frames) - 1) if path.suffix.lower() == ".png" else self.to_bytes(path.suffix)
        encode.write_whole(path, data)
        self._saved = path
        return path

    def save_frames(self, folder, pattern: str = "epoch_{epoch:03d}.png", untrained: bool = True) -> list[Path]:
        """Write one PNG for each recorded epoch shown, and return the paths.

        Parameters
        ----------
        folder : path
        pattern : str
            File name, with ``{epoch}``.
        untrained : bool
            Also write epoch 0.
        """
        paths = []
        for k in self.timeline.recorded():
            epoch = int(self.epochs[self.timeline.at(k)[0]])
            if epoch > 0 or untrained:
                paths.append(encode.write_whole(Path(folder) / pattern.format(epoch=epoch), encode.png(self.frames, k)))
        return paths

    # Show

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        data = self._gif
        return {
            "text/plain": repr(self),
            "text/html": self._html(data),
            "image/png": base64.b64encode(encode.poster(self.frames, POSTER_LIMIT)).decode(),
        }

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]

    def _html(self, data: bytes) -> str:
        """An image in the page itself, with alternative text and caption; the same bytes for the same run."""
        kind, note = "gif", ""
        if len(data) > self.options.inline_limit:
            kind, note, data = "png", self._too_large(len(data)), encode.poster(self.frames, POSTER_LIMIT)
        source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        width, caption = self.size[0], html.escape(self.caption)
        return (
            f'<figure style="margin:0;max-width:{width}px"><img src="{source}" alt="{html.escape(self.alt, quote=True)}" '
            f'width="{width}" style="max-width:100%;height:auto"><figcaption style="font-size:0.85em;opacity:0.8">{note}{caption}'
            "</figcaption></figure>"
        )

    def _too_large(self, n: int) -> str:
        where = 'Write it with <code>.save("dynamics.gif")</code>.'
        if self._saved:
            where = f"It is saved at {html.escape(str(self._saved))}."
        limit = self.options.inline_limit / 1e6
        return (
            f"<strong>The last frame: the animation has {n / 1e6:.1f} MB, above the limit of {limit:.1f} MB inline.</strong> "
            f"{where} Lift the limit with <code>inline_limit={n}</code>. "
        )

    @property
    def alt(self) -> str:
        """Alternative text for readers who do not see the picture."""
        names = " and ".join(filter(None, dict.fromkeys(self._titles))) or "embedding"
        n = self._trajectories[0].n_points
        return f"Animation of {names}: {n} points from epoch {self.epochs[0]} to {self.epochs[-1]}, {self._short_caption()}"

    def __repr__(self) -> str:
        names = "; ".join(filter(None, self._titles)) or "untitled"
        kinds = ", ".join(dict.fromkeys(kind if isinstance(kind, str) else kind.kind for kind in self._kinds))
        width, height = self.size
        return f"Animation({names}: epochs {self.epochs[0]}..{self.epochs[-1]}, {width}x{height}, projection {kinds})"


def _movement(xyz: np.ndarray) -> np.ndarray:
    """Mean distance moved by a point from each epoch to the next, (K - 1,)."""
    return np.linalg.norm(np.diff(xyz, axis=0), axis=-1).mean(1)


def _fewer_points(trajectory: Trajectory, max_points: int, seed: int) -> Trajectory:
    if trajectory.n_points <= max_points:
        return trajectory
    keep = choose_points(trajectory.n_points, max_points, seed)
    per_point = {name: getattr(trajectory, name) for name in ("labels", "index", "images", "held_out")}
    kept = {name: None if value is None else value[keep] for name, value in per_point.items()}
    return replace(trajectory, embeddings=trajectory.embeddings[:, keep], **kept)


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


_keywords = [inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default) for f in fields(Options)]
_first = inspect.Parameter("trajectory", inspect.Parameter.POSITIONAL_OR_KEYWORD)
animate.__signature__ = inspect.Signature([_first, *_keywords])
