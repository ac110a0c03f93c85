"""A trajectory becomes an animation: planned at once, drawn when somebody looks, written in any format."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from types import NoneType

import numpy as np

from ..errors import demand, demand_type, nearest, shown
from ..evaluation.trajectory import Trajectory
from ..files import place, write_whole
from . import painter
from .annotations import curve_names, word_for
from .canvas import check_pixels, grid_shape
from .display import image
from .options import Options, make_options, overlay_names, with_options
from .plots import filmstrip, small_multiples
from .projection import Projection
from .view import CAMERA, SPHERE_TURN, TURN, Timeline, View, caption_of, choose_epochs, facing, plan, short_of, words_on_pairs

SMALL = {"size": (420, 420), "tween": "auto", "max_frames": 22, "max_points": 500, "point_size": 5.0}
"""Options of one run's animation in a notebook: it moves, and is drawn in about a quarter of a second."""

LARGEST_SMALL, FEWEST = 200_000, 20
"""Bytes of the GIF of such an animation, and the frames that are left where it would have more."""

LARGEST_PLAYER = 500_000
FORMATS = (".gif", ".mp4")
SAVE = 'Write it with <code>.save("dynamics.gif")</code>.'


@with_options
def animate(trajectory: Trajectory, **options) -> Animation:
    """Show how the points of a trajectory move from epoch to epoch.

    Nothing is projected or drawn until the animation is looked at or saved. A ConfigError for an unknown option (with the nearest
    match), a value out of range, or an option the trajectory has no data for.

    Parameters
    ----------
    trajectory : Trajectory
        What a Recorder or a run recorded.
    **options

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

    A run that stopped early holds its last frame. Options are those of :func:`animate`; ``title`` stands over the whole. A
    ConfigError for no trajectories, another number of titles or projections than panels, or an unknown option.

    Parameters
    ----------
    trajectories : sequence of Trajectory
    titles : sequence of str, optional
        What stands over each panel; by default the trajectories' own titles.
    projection : str or Projection, or a sequence with one entry a panel
    **options

    Examples
    --------
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 8)).cumsum(0)
    >>> side_by_side([Trajectory(walk, np.arange(4))] * 2, titles=["PCA", "t-SNE"], projection=["pca", "tsne"])
    Animation(PCA, t-SNE: epochs 0..3, 640x430, projection pca, tsne)
    """
    trajectories, kinds = tuple(trajectories), options.pop("projection", "auto")
    n = len(trajectories)
    kinds = (kinds,) * n if isinstance(kinds, (str, Projection)) else tuple(kinds)
    demand_type("titles", titles, (Iterable, NoneType), "a heading for each panel")
    titles = tuple(t.title for t in trajectories) if titles is None else tuple(map(str, titles))
    for name, given in [("titles", titles), ("projections", kinds)]:
        demand(n and len(given) == n, f"side_by_side got {len(given)} {name} for {n} trajectories: give one each")
    return Animation(trajectories, make_options(options), kinds, titles)


def small(draw: Callable[..., Animation], max_points: int = SMALL["max_points"], **more) -> Animation:
    """The animation of a run, or of several, in a notebook, by a function of its options, in at most 200,000 bytes.

    Where these are not enough, it has 20 frames, and fewer points if need be.
    """
    options = {**SMALL, "max_points": min(max_points, SMALL["max_points"]), **more}
    while True:
        shown = draw(**options)
        size, points = len(shown.to_bytes()), len(shown.views[0].keep)
        if size <= LARGEST_SMALL or points <= FEWEST:
            return shown
        size *= FEWEST / len(shown.frames)
        if size > LARGEST_SMALL * 0.97:
            options["max_points"] = min(int(points * (LARGEST_SMALL / size) ** 2), int(0.9 * points))
        options["max_frames"] = FEWEST


class Animation:
    """Frames and their durations, drawn on first use. Made by :func:`animate` and :func:`side_by_side`."""

    def __init__(self, trajectories: Sequence[Trajectory], options: Options, kinds=None, titles=None):
        self.options, self.saved = options, None
        self.titles = titles or tuple(t.title for t in trajectories)
        check_pixels(self.size, options.dpi)
        self.epochs = choose_epochs([t.epochs for t in trajectories], options.every, options.max_frames)
        self._views: list[View] = []
        for t, kind, title in zip(trajectories, kinds or (options.projection,) * len(trajectories), self.titles):
            self._views.append(View(t, kind, title, options, self.epochs, self._views[0] if self._views else None))

    # Plan

    @cached_property
    def views(self) -> tuple[View, ...]:
        """What each panel shows, on one timeline and seen as asked for, or so that points on a sphere are in front."""
        o, views, leaps = self.options, self._views, np.zeros(len(self.epochs) - 1)
        if o.tween == "auto":
            leaps = np.mean([np.linalg.norm(np.diff(v.coordinates, axis=0), axis=-1).mean(1) for v in views], axis=0)
        timeline = plan(self.epochs, leaps, o)
        found = facing([view.coordinates[-1] for view in views if view.kind == "sphere"])
        for view in views:
            faced = found if view.kind == "sphere" and o.camera is None else None
            view.timeline, view.camera = timeline, tuple(faced or CAMERA if o.camera is None else o.camera)
            view.turn = o.turn if o.turn is not None else SPHERE_TURN if faced else TURN
        return tuple(views)

    @property
    def timeline(self) -> Timeline:
        """Which epoch each frame shows, and for how long."""
        return self.views[0].timeline

    @property
    def projections(self) -> tuple[Projection, ...]:
        """One fitted projection a panel."""
        return tuple(view.projection for view in self._views)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if self.options.size is not None:
            return tuple(self.options.size)
        rows, columns = grid_shape(len(self.titles))
        sides = (500, 500) if len(self.titles) == 1 else (max(500, 320 * columns), 90 + 340 * rows)
        return tuple(round(side * self.options.dpi / 100) for side in sides)

    @property
    def durations(self) -> tuple[int, ...]:
        """Milliseconds for which each frame stays; multiples of 10."""
        return self.timeline.durations

    # Words

    @property
    def heading(self) -> str:
        """The title over all panels."""
        given = self.options.title
        return given if given is not None else self.titles[0] if len(self.titles) == 1 else ""

    @property
    def caption(self) -> str:
        """What the picture shows, how it was projected, and what its distances mean."""
        first, parts = self.views[0], [caption_of(self.projections, self.titles)]
        if n := self.timeline.between.sum():
            parts.append(f"Between the epochs {n} frame{'s are' if n > 1 else ' is'} interpolated.")
        if len(first.keep) < first.n_given:
            parts.append(f"{len(first.keep)} of {first.n_given} points are shown.")
        if any(view.dim == 3 for view in self.views) and any(view.turn for view in self.views):
            parts.append("The view turns; that motion is not learning.")
        drawn = curve_names([view.trajectory for view in self.views], self.options.overlays) if len(self.titles) > 1 else ()
        if apart := [word_for(name) for name in drawn if name in overlay_names(self.options.own_scale)]:
            parts.append(f"Each panel has its own scale of {' and '.join(apart)}.")
        return " ".join(filter(None, [*parts, words_on_pairs(v.trajectory for v in self.views), *self.options.said("caption")]))

    @property
    def short_caption(self) -> str:
        """The same in a few words."""
        return self.still_caption + ("; in-between frames interpolated" if self.timeline.between.any() else "")

    @property
    def still_caption(self) -> str:
        """What holds of every frame by itself."""
        return "; ".join([short_of(self.projections), *self.options.said("short")])

    @property
    def alt(self) -> str:
        """Alternative text for readers who do not see the picture."""
        names = " and ".join(filter(None, dict.fromkeys(self.titles))) or "an embedding"
        n = self._views[0].trajectory.n_points
        return f"Animation of {names}: {n} points from epoch {self.epochs[0]} to {self.epochs[-1]}, {self.short_caption}"

    # Draw and write

    @cached_property
    def painter(self) -> painter.Painter:
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

        A ConfigError where the suffix names no format; a SaveError where it cannot be written: an older file is left as it was.
        """
        path = place(path)
        suffix = path.suffix.lower()
        if suffix in (".pdf", ".svg"):
            return small_multiples(self, epochs).save(path)
        known = (*FORMATS, ".png", ".pdf", ".svg")
        demand(suffix in known, f"cannot write an animation as {suffix!r}: {nearest(suffix, known)}")
        data = painter.png(self.frames, len(self.frames) - 1) if suffix == ".png" else self.to_bytes(suffix)
        self.saved = write_whole(path, data)
        return self.saved

    def save_frames(self, folder, pattern: str = "epoch_{epoch:03d}.png", untrained: bool = True) -> list[Path]:
        """Write one PNG for each recorded epoch shown, ``untrained`` with epoch 0, and return the paths.

        A ConfigError where the pattern gives two epochs one name, or no name of a PNG; a SaveError where it cannot be written.
        """
        wanted = {k: epoch for k, epoch in self.timeline.recorded().items() if epoch > 0 or untrained}
        folder, tried = place(folder), {*wanted.values(), 1, 2}
        try:
            names = {epoch: pattern.format(epoch=epoch) for epoch in tried}
        except (AttributeError, LookupError, ValueError):
            names = {}
        apart = len(set(names.values())) == len(tried)
        demand(apart, f"pattern={shown(pattern)} needs {{epoch}}, as 'epoch_{{epoch:03d}}.png' has it")
        demand(pattern.lower().endswith(".png"), f"pattern={shown(pattern)} names no PNG: let it end in .png")
        return [write_whole(folder / names[e], painter.png(self.frames, k)) for k, e in wanted.items()]

    # Show

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return self.bundle()

    def _repr_html_(self) -> str:
        return self.bundle()["text/html"]

    def bundle(self, page=None) -> dict[str, str]:
        """What a notebook shows: text, the animation in the page, and a filmstrip of it where nothing moves.

        A player ``page`` that is not too large is one click away. Equal runs give equal bytes.
        """
        gif, still, limit, words = self.to_bytes("gif"), filmstrip(self), self.options.inline_limit, html.escape(self.caption)
        width = round(self.size[0] * 100 / self.options.dpi)
        shown = image(gif, self.alt, width, "gif")
        if len(gif) > limit:
            way_out = f"It is saved at {html.escape(str(self.saved))}." if self.saved else SAVE
            size = f"the animation has {len(gif) / 1e6:.1f} MB, above the limit of {limit / 1e6:.1f} MB inline"
            note = f"<strong>A filmstrip: {size}.</strong> {way_out} Lift the limit with <code>inline_limit={len(gif)}</code>. "
            shown, words = image(still, self.alt, width), note + words
        look = "font-size:0.85em;opacity:0.8;line-height:1.35"
        shown = f'<figure style="margin:0;max-width:{width}px">{shown}<figcaption style="{look}">{words}</figcaption></figure>'
        if page is not None and page.nbytes <= LARGEST_PLAYER:
            shown += f"<details><summary>Open the player: scrub, turn, pin a point</summary>{page.frame()}</details>"
        return {"text/plain": repr(self), "text/html": shown, "image/png": b64encode(still).decode()}

    def __repr__(self) -> str:
        names = ", ".join(filter(None, self.titles)) or "untitled"
        kinds = ", ".join(dict.fromkeys(view.kind for view in self._views))
        width, height = self.size
        return f"Animation({names}: epochs {self.epochs[0]}..{self.epochs[-1]}, {width}x{height}, projection {kinds})"
