"""A trajectory becomes an animation: planned at once, drawn when somebody looks, written in any format."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import demand, nearest, shown
from ..evaluation.trajectory import Trajectory, choose_points
from ..files import write_whole
from . import painter, view
from .annotations import curve_names, word_for
from .canvas import check_pixels, grid_shape
from .display import image
from .options import Options, make_options, with_options
from .overlays import spread_out
from .plots import filmstrip, small_multiples
from .projection import Projection, fit_projection, kind_and_frame, procrustes
from .view import Timeline, View, highlighted, take

SMALL = {"size": (420, 420), "tween": "auto", "max_frames": 22, "max_points": 500, "point_size": 5.0}
"""Options of one run's animation in a notebook: it moves, in at most 200 KB that are drawn in about a quarter of a second."""

LARGEST_PLAYER = 500_000
FORMATS = (".gif", ".mp4")
SAVE = 'Write it with <code>.save("dynamics.gif")</code>.'


@with_options
def animate(trajectory: Trajectory, **options) -> Animation:
    """Show how the points of a trajectory move from epoch to epoch.

    Nothing is projected or drawn until the animation is looked at or saved.

    Parameters
    ----------
    trajectory : Trajectory
        What a Recorder or a run recorded.
    **options

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

    A run that stopped early holds its last frame. Options are those of :func:`animate`; ``title`` stands over the whole.

    Parameters
    ----------
    trajectories : sequence of Trajectory
    titles : sequence of str, optional
        What stands over each panel; by default the trajectories' own titles.
    projection : str or Projection, or a sequence with one entry a panel
    **options

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
        fits = trajectories and len(given) == len(trajectories)
        demand(fits, f"side_by_side got {len(given)} {name} for {len(trajectories)} trajectories: give one each")
    return Animation(trajectories, make_options(options), tuple(kinds), tuple(titles))


class Animation:
    """Frames and their durations, drawn on first use. Made by :func:`animate` and :func:`side_by_side`."""

    def __init__(self, trajectories: Sequence[Trajectory], options: Options, kinds=None, titles=None):
        self.options, self.saved = options, None
        self.titles = titles or tuple(t.title for t in trajectories)
        check_pixels(self.size, options.dpi)
        self._n_given = trajectories[0].n_points
        self._kinds, self._keep, self._lit, self._trajectories = [], [], [], []  # one a panel
        for t, kind in zip(trajectories, kinds or (options.projection,) * len(trajectories)):
            fitted = next((given for given in (kind, options.fit_on) if isinstance(given, Projection)), None)
            kind = fitted or kind_and_frame(t, kind, options.fit_on)[0]
            view.check_data(t, options, fitted.kind if fitted else kind)
            lit, keep = highlighted(t, options.highlight), choose_points(t.n_points, options.max_points, options.seed)
            if lit is not None and not isinstance(options.highlight, str):
                keep = np.union1d(keep, np.flatnonzero(lit)[: options.max_points])  # those that stand out by themselves
            self._kinds.append(kind)
            self._keep.append(keep)
            self._lit.append(None if lit is None else lit[keep])
            self._trajectories.append(take(t, keep))

    # Plan

    @cached_property
    def epochs(self) -> np.ndarray:
        """The epochs shown."""
        return view.choose_epochs([t.epochs for t in self._trajectories], self.options.every, self.options.max_frames)

    @cached_property
    def _sources(self) -> list[np.ndarray]:
        """The newest frame recorded until each epoch, of every panel: a run that stopped early holds its last frame."""
        return [np.searchsorted(t.epochs, self.epochs, side="right").clip(1) - 1 for t in self._trajectories]

    @cached_property
    def projections(self) -> tuple[Projection, ...]:
        """One fitted projection a panel."""
        o, each = self.options, zip(self._trajectories, self._kinds, self._sources)
        return tuple(
            k if isinstance(k, Projection) else fit_projection(t, k, o.fit_on, o.seed, np.unique(frames)) for t, k, frames in each
        )

    @cached_property
    def _coordinates(self) -> list[np.ndarray]:
        """Where the points of each panel are at each epoch, (K, n, 2 or 3), turned onto the first panel if that has the same."""
        each = zip(self.projections, self._trajectories, self._sources)
        shown = [projection.coordinates(t)[frames] for projection, t, frames in each]
        for k in range(1, len(shown)):
            pairs = [(getattr(t, name) for t in (self._trajectories[0], self._trajectories[k])) for name in ("index", "labels")]
            same = all(np.array_equal(a, b) if a is not None and b is not None else a is b for a, b in pairs)
            if same and shown[k].shape == shown[0].shape and self.projections[k].kind not in ("raw", "sphere"):
                shown[k] = shown[k] @ procrustes(shown[k][-1], shown[0][-1]).astype(np.float32)
        return shown

    @cached_property
    def timeline(self) -> Timeline:
        """Which epoch each frame shows, and for how long."""
        leaps = np.zeros(len(self.epochs) - 1)
        if self.options.tween == "auto":
            leaps = np.mean([np.linalg.norm(np.diff(xyz, axis=0), axis=-1).mean(1) for xyz in self._coordinates], axis=0)
        return view.plan(self.epochs, leaps, self.options)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """What each panel shows."""
        options, views = self.options, []
        for k, (t, projection, xyz) in enumerate(zip(self._trajectories, self.projections, self._coordinates)):
            forces = options.forces
            if forces is not None:
                forces = view.project_forces([np.asarray(part)[:, self._keep[k]] for part in forces], t, projection)
            pictured = spread_out(xyz[-1][:, :2], options.thumbnails) if options.thumbnails else np.zeros(0, int)
            moves = xyz, self._sources[k], self.timeline, *self._stances[k]
            views.append(View(t, projection, *moves, self.titles[k], options, self._lit[k], forces, pictured))
        return tuple(views)

    @cached_property
    def _stances(self) -> list[tuple[float, tuple[float, float]]]:
        """Degrees of turning and the last camera of each panel: as asked for, or so that points on a sphere are in front."""
        o = self.options
        if o.camera is not None:
            return [(view.TURN if o.turn is None else o.turn, tuple(o.camera))] * len(self.titles)
        found = view.cameras(self.projections, [xyz[-1] for xyz in self._coordinates])
        usual = [view.TURN if each is None else view.SPHERE_TURN for each in found]
        return [(turn if o.turn is None else o.turn, each or view.CAMERA) for turn, each in zip(usual, found)]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if self.options.size is not None:
            return tuple(self.options.size)
        rows, columns = grid_shape(len(self.titles))
        width, height = (500, 500) if len(self.titles) == 1 else (max(500, 320 * columns), 90 + 340 * rows)
        return round(width * self.options.dpi / 100), round(height * self.options.dpi / 100)

    @property
    def durations(self) -> tuple[int, ...]:
        """Milliseconds for which each frame stays; multiples of 10."""
        return self.timeline.durations

    # Words

    @property
    def heading(self) -> str:
        """The title over all panels."""
        single = self.titles[0] if len(self.titles) == 1 else ""
        return single if self.options.title is None else self.options.title

    @property
    def caption(self) -> str:
        """What the picture shows, how it was projected, and what its distances mean."""
        parts = [view.caption_of(self.projections, self.titles)]
        if n := self.timeline.between.sum():
            parts.append(f"Between the epochs {n} frame{'s are' if n > 1 else ' is'} interpolated.")
        if len(self._keep[0]) < self._n_given:
            parts.append(f"{len(self._keep[0])} of {self._n_given} points are shown.")
        if any(xyz.shape[-1] == 3 for xyz in self._coordinates) and any(turn for turn, _ in self._stances):
            parts.append("The view turns; that motion is not learning.")
        drawn = curve_names(self._trajectories, self.options.overlays) if len(self.titles) > 1 else ()
        if apart := [word_for(name) for name in drawn if name in self.options.own_scales]:
            parts.append(f"Each panel has its own scale of {' and '.join(apart)}.")
        return " ".join([*parts, *self.options.said("caption")])

    @property
    def short_caption(self) -> str:
        """The same in a few words."""
        return self.still_caption + ("; in-between frames interpolated" if self.timeline.between.any() else "")

    @property
    def still_caption(self) -> str:
        """What holds of every frame by itself."""
        return "; ".join([view.short_of(self.projections), *self.options.said("short")])

    @property
    def alt(self) -> str:
        """Alternative text for readers who do not see the picture."""
        names = " and ".join(filter(None, dict.fromkeys(self.titles))) or "an embedding"
        n = self._trajectories[0].n_points
        return f"Animation of {names}: {n} points from epoch {self.epochs[0]} to {self.epochs[-1]}, {self.short_caption}"

    # Draw and write

    @cached_property
    def painter(self) -> painter.Painter:
        """The painter of the frames, built on first use."""
        return painter.Painter(self)

    @cached_property
    def frames(self) -> painter.Frames:
        """uint8 arrays (height, width, 3), one a frame."""
        return self.painter.frames()

    def to_bytes(self, format: str = "gif") -> bytes:
        """The animation as the bytes of a file: gif or mp4."""
        suffix = f".{format.lower().lstrip('.')}"
        demand(suffix in FORMATS, f"cannot write an animation as {suffix!r}: {nearest(suffix, FORMATS)}")
        return self._gif if suffix == ".gif" else painter.mp4(self.frames, self.durations)

    @cached_property
    def _gif(self) -> bytes:
        return painter.gif(self.frames, self.durations)

    def save(self, path, epochs: Sequence[int] | None = None) -> Path:
        """Write a ``.gif``, a ``.mp4``, or the last frame as ``.png``; ``.pdf`` and ``.svg`` show chosen epochs, by default six.

        Raises
        ------
        ConfigError
            The suffix names no format.
        SaveError
            The file cannot be written; an older one is left as it was.
        """
        path, suffix = Path(path), Path(path).suffix.lower()
        if suffix in (".pdf", ".svg"):
            return small_multiples(self, epochs).save(path)
        known = (*FORMATS, ".png", ".pdf", ".svg")
        demand(suffix in known, f"cannot write an animation as {suffix!r}: {nearest(suffix, known)}")
        data = painter.png(self.frames, len(self.frames) - 1) if suffix == ".png" else self.to_bytes(suffix)
        self.saved = write_whole(path, data)
        return self.saved

    def save_frames(self, folder, pattern: str = "epoch_{epoch:03d}.png", untrained: bool = True) -> list[Path]:
        """Write one PNG for each recorded epoch shown, ``untrained`` with epoch 0, and return the paths.

        Raises
        ------
        ConfigError
            The pattern gives two epochs the same name, or no name of a PNG.
        SaveError
            A file cannot be written.
        """
        wanted = {k: epoch for k, epoch in self.timeline.recorded().items() if epoch > 0 or untrained}
        names = _named(pattern, wanted.values())
        return [write_whole(Path(folder) / names[e], painter.png(self.frames, k)) for k, e in wanted.items()]

    # Show

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return self.bundle()

    def _repr_html_(self) -> str:
        return self.bundle()["text/html"]

    def bundle(self, page=None) -> dict[str, str]:
        """What a notebook shows: text, the animation in the page, and a filmstrip of it where nothing moves.

        A player ``page`` that is not too large is one click away. Equal runs give equal bytes.
        """
        still = filmstrip(self)
        shown = self._figure(self.to_bytes("gif"), still)
        if page is not None and page.nbytes <= LARGEST_PLAYER:
            shown += f"<details><summary>Open the player: scrub, turn, pin a point</summary>{page.frame()}</details>"
        return {"text/plain": repr(self), "text/html": shown, "image/png": b64encode(still).decode()}

    def _figure(self, gif: bytes, still: bytes) -> str:
        """An image with alternative text and caption; names given by the user are escaped."""
        limit, width = self.options.inline_limit, round(self.size[0] * 100 / self.options.dpi)
        shown, note = image(gif, self.alt, width, "gif"), ""
        if len(gif) > limit:
            way_out = f"It is saved at {html.escape(str(self.saved))}." if self.saved else SAVE
            size = f"the animation has {len(gif) / 1e6:.1f} MB, above the limit of {limit / 1e6:.1f} MB inline"
            note = f"<strong>A filmstrip: {size}.</strong> {way_out} Lift the limit with <code>inline_limit={len(gif)}</code>. "
            shown = image(still, self.alt, width)
        look, words = "font-size:0.85em;opacity:0.8;line-height:1.35", note + html.escape(self.caption)
        return f'<figure style="margin:0;max-width:{width}px">{shown}<figcaption style="{look}">{words}</figcaption></figure>'

    def __repr__(self) -> str:
        names = ", ".join(filter(None, self.titles)) or "untitled"
        kinds = ", ".join(dict.fromkeys(kind if isinstance(kind, str) else kind.kind for kind in self._kinds))
        width, height = self.size
        return f"Animation({names}: epochs {self.epochs[0]}..{self.epochs[-1]}, {width}x{height}, projection {kinds})"


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
