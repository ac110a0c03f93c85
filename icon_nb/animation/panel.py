"""One panel of a picture: the points of a view at a frame, and what is drawn under and over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .layout import Rect
from .overlays import OVERLAYS, add_thumbnails, add_wires
from .points import Cloud, Look, diameter, group_points
from .view import View


@dataclass(frozen=True, eq=False)
class Marks:
    """What a panel shows beside its points.

    Parameters
    ----------
    overlays : tuple of str
        trails, centroids, rows, regions, in any number; names drawn elsewhere are ignored.
    trail : int
        Epochs that a trail reaches back.
    rows : mapping or None
        ``anchor`` (position of a point), ``p`` and ``q``: arrays (n,) or (n_frames, n).
    highlight : bool array (n,) or None
    thumbnails : int array
        Points shown by their image.
    point_size : float or None
        Design pixels across a point.
    """

    overlays: tuple[str, ...] = ()
    trail: int = 6
    rows: dict | None = None
    highlight: np.ndarray | None = None
    thumbnails: np.ndarray = ()
    point_size: float | None = None


class Panel:
    """Axes with the points of a view; ``update(frame)`` moves everything in it.

    ``artists`` are what moves, from bottom to top.
    """

    def __init__(self, canvas: Canvas, view: View, rect: Rect, marks: Marks):
        self.canvas, self.view, self.rect, self.marks = canvas, view, rect, marks
        self.artists: list = []
        self._updates: list[Callable[[int], object]] = []
        n = view.trajectory.n_points
        self.diameter = marks.point_size * canvas.unit if marks.point_size else diameter(n, rect.w * rect.h, canvas.unit)
        self.axes = canvas.axes(rect)
        x, y = view.limits(rect, margin=self._margin())
        self.axes.set(xlim=x, ylim=y, autoscale_on=False)
        self._fill()

    def _margin(self) -> float:
        """Pixels kept free at the edge, so that nothing is cut."""
        large = 16 * self.canvas.unit if len(self.marks.thumbnails) or "centroids" in self.marks.overlays else 0
        return max(self.diameter * 0.8 + 3 * self.canvas.unit, large)

    def _fill(self) -> None:
        for name in self.marks.overlays:
            if name in OVERLAYS and OVERLAYS[name].under:
                OVERLAYS[name].add(self)
        add_wires(self)
        self._add_cloud()
        add_thumbnails(self)
        for name in self.marks.overlays:
            if name in OVERLAYS and not OVERLAYS[name].under:
                OVERLAYS[name].add(self)

    def _add_cloud(self) -> None:
        theme, size = self.canvas.theme, self.diameter * 72 / self.canvas.dpi
        rim = self.canvas.points(0.8) if self.view.trajectory.n_points <= 400 else 0.0
        base = Look(theme.accent, "o", size, edge=theme.panel, rim=rim)
        self.cloud = Cloud(group_points(self.view.trajectory, base, self.marks.highlight), theme)
        self.add(lambda frame: self.cloud.move(*self.view.place(frame)), self.cloud)

    def add(self, update: Callable[[int], object], *artists) -> None:
        """Let ``update(frame)`` run before each frame and draw the artists above what was added before."""
        self._updates.append(update)
        for artist in artists:
            if artist.axes is None:
                self.axes.add_artist(artist)
                artist.set_transform(self.axes.transData)
            artist.set_zorder(3 + 0.01 * len(self.artists))
            self.artists.append(artist)

    def update(self, frame: int) -> None:
        for update in self._updates:
            update(frame)
