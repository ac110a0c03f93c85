"""The player: a trajectory, or several, as one self-contained HTML page that needs neither network nor server."""

from __future__ import annotations

import html
import math
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import NoneType

from ..errors import demand, demand_type
from ..evaluation.trajectory import Neighbours, Trajectory
from .display import Page, image
from .options import overlay_names
from .page import contents, document
from .projection import Projection, fit_projection

INLINE_LIMIT = 2_000_000


@dataclass(frozen=True, repr=False)
class Player(Page):
    """A page with the epochs of runs; show it as the last value of a cell, or :meth:`save` it."""

    inline_limit: int = INLINE_LIMIT  # bytes; instead of a larger page stand a filmstrip, and a note of its size and the way out
    draw: Callable[[], bytes] = field(default=bytes, compare=False)  # makes the filmstrip, a PNG

    what = "player"
    instead = ", or .animate().save({!r}) for pictures that move"

    @cached_property
    def poster(self) -> bytes:
        """A filmstrip as a PNG, for readers that show no HTML; drawn when first asked for."""
        return self.draw()

    def _repr_html_(self) -> str:
        still = image(self.poster, f"Filmstrip of the embedding: {self.summary}")
        if self.nbytes <= self.inline_limit:
            return self.frame(still)
        return (
            f"{still}<p>The player of {html.escape(self.summary)} has {self.nbytes / 1e6:.1f} MB, above the limit of "
            f'{self.inline_limit / 1e6:.1f} MB inline. Write it with <code>.save("player.html")</code> and open that file, '
            f"or lift the limit with <code>inline_limit={self.nbytes}</code>.</p>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {**super()._repr_mimebundle_(), "image/png": b64encode(self.poster).decode()}


def player(
    trajectories,
    projection: str | Projection | Sequence = "auto",
    *,
    titles: str | Sequence[str] | None = None,
    fit_on="last",
    seed: int = 0,
    height: int | None = None,
    inline_limit: int = INLINE_LIMIT,
    neighbours: Sequence[Neighbours | None] = (),
    baselines: Sequence[Mapping[str, Mapping[str, float]]] = (),
    forces: Sequence[tuple | None] = (),
    own_scale: str | Sequence[str] = (),
    note: str = "",
) -> Player:
    """A page on which the epochs can be played, scrubbed, turned and compared.

    Parameters
    ----------
    trajectories : Trajectory, or anything that holds one (Results, Recorder), or a sequence of them
        Several are shown side by side under one epoch cursor; a run that stopped early holds its last frame.
    projection : str, Projection, or a sequence of them
        As in :func:`icon_nb.animation.projection.fit_projection`. Several for one trajectory show it in several ways.
    titles : str or sequence of str, optional
        One heading a panel; the trajectories' own titles by default.
    fit_on, seed
        As in :func:`icon_nb.animation.projection.fit_projection`.
    height, inline_limit : int
        Of the inline frame in CSS pixels; bytes of the largest page that is shown inline.
    neighbours, baselines, forces : sequence, optional
        One a run: the Neighbours that a pinned point is joined to, which of runs of icon_nb are known; dashed lines in the chart
        of a metric, as ``{"knn_accuracy": {"raw inputs": 0.97}}``; attraction and repulsion (n_frames, n, d), arrows at a pinned
        point.
    own_scale : str or sequence of str
        Metrics that are not comparable between the runs: each is drawn on an axis of its own.
    note : str
        A sentence below the charts.

    Raises
    ------
    ConfigError
        The numbers of trajectories, projections and titles do not fit together, or a projection cannot be used.
    DataError
        Coordinates that are not finite.

    Notes
    -----
    Coordinates are kept to one part in 65,535 of the longest side of the box of all frames, and to one in 2,047 at least where
    there are so many that the page would be large. Pictures of the points go into one sheet of at most a million pixels: they are
    made smaller where there are many.

    Examples
    --------
    >>> import numpy as np
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 2)).cumsum(0)
    >>> player(Trajectory(walk, np.arange(4), title="a walk")).summary
    '1 run, epochs 0..3, 50 points, 2-d'
    """
    runs, kinds = _pair(trajectories, projection)
    demand_type("titles", titles, (Iterable, NoneType), "a heading for each panel")
    titles = [titles] if isinstance(titles, str) else titles
    names = [run.title or (f"run {k}" if len(runs) > 1 else "") for k, run in enumerate(runs, 1)] if titles is None else titles
    names = [str(name) for name in names]
    demand(len(names) == len(runs), f"titles has {len(names)} entries for {len(runs)} panels: pass one for each")
    views = [fit_projection(run, kind, fit_on, seed) if isinstance(kind, str) else kind for run, kind in zip(runs, kinds)]
    said = {"own_scales": overlay_names(own_scale) if own_scale else (), "note": note}
    page = contents(runs, views, names, neighbours, baselines, forces, **said)
    if height is None:
        height = 620 if len(runs) == 1 else 270 + 350 * math.ceil(len(runs) / 3)
    whole = document(page, " | ".join(filter(None, names)) or "Embedding player")
    return Player(whole, _summary(runs, views), height, inline_limit, partial(_strip, runs, views, names))


def _strip(runs: Sequence[Trajectory], views: Sequence[Projection], titles: Sequence[str]) -> bytes:
    """The filmstrip of every run, a PNG."""
    from .animation import side_by_side
    from .plots import filmstrip

    return filmstrip(side_by_side(runs, titles, projection=views, turn=0, max_points=max(run.n_points for run in runs)))


def _pair(given, projection) -> tuple[list[Trajectory], list]:
    """As many trajectories as projections: one of either side serves all of the other."""
    several = not (isinstance(given, Trajectory) or hasattr(given, "trajectory"))
    runs = [getattr(run, "trajectory", run) for run in (given if several else [given])]
    for run in runs:
        said = f"player() shows trajectories, got {type(run).__name__}: pass a Trajectory, Results or Recorder"
        demand(isinstance(run, Trajectory), said)
    kinds = [projection] if isinstance(projection, (str, Projection)) else list(projection)
    demand(runs and kinds, "player() needs at least one trajectory and one projection: pass a Trajectory, or several")
    runs = runs * len(kinds) if len(runs) == 1 else runs
    kinds = kinds * len(runs) if len(kinds) == 1 else kinds
    fits = len(kinds) == len(runs)
    demand(fits, f"projection names {len(kinds)} views for {len(runs)} trajectories: pass one, or one for each")
    return runs, kinds


def _summary(runs: list[Trajectory], views: list[Projection]) -> str:
    first, last = min(int(run.epochs[0]) for run in runs), max(int(run.epochs[-1]) for run in runs)
    dims = " and ".join(f"{dim}-d" for dim in sorted({view.dim for view in views}))
    many, points = f"{len(runs)} run" + "s" * (len(runs) > 1), max(run.n_points for run in runs)
    return f"{many}, epochs {first}..{last}, {points} points, {dims}"
