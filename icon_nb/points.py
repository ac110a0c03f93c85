"""The points of a panel as one artist: few draw calls, classes interleaved so that none always lies on top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from .palette import Theme, blend, class_color, class_marker

LAYERS = 5
FOG = (0.46, 0.72, 1.0, 1.0)


@dataclass(frozen=True)
class Look:
    """How the points of one kind look; ``diameter`` and ``edge_width`` in pixels at 72 dpi (points)."""

    color: str
    marker: str
    diameter: float
    hollow: bool = False
    strength: float = 1.0
    edge: str | None = None
    edge_width: float = 0.0


def diameter(n: int, area: float, unit: float) -> float:
    """Pixels across a point when n of them share ``area`` square pixels: between 3.2 and 9 design pixels."""
    return float(np.clip(0.5 * np.sqrt(area / max(n, 1)) / unit, 3.2, 9.0)) * unit


def marker_path(marker: str) -> Path:
    style = MarkerStyle(marker)
    return style.get_path().transformed(style.get_transform())


class Cloud(Artist):
    """Draws all points of a panel through the renderer's marker stamp.

    Parameters
    ----------
    groups : list of (int array, Look)
        Which points share which look.
    theme : Theme
        Colours the fog of 3-d views and hollow markers are blended with.
    """

    def __init__(self, groups: list[tuple[np.ndarray, Look]], theme: Theme):
        super().__init__()
        self.groups, self.theme = groups, theme
        self.xy, self.depth = np.zeros((0, 2)), None
        self._paths = {look.marker: marker_path(look.marker) for _, look in groups}
        self._spread = [(members[k::LAYERS], look, 1.0) for k in range(LAYERS) for members, look in groups]

    def move(self, xy: np.ndarray, depth: np.ndarray | None) -> None:
        """Put the points at xy (n, 2); depth (n,) in [-1, 1] orders and fades them."""
        self.xy, self.depth = xy, depth

    def parts(self):
        """(members, look, fog) in drawing order."""
        if self.depth is None:
            return self._spread
        slab = np.clip(((self.depth + 1) / 2 * len(FOG)).astype(int), 0, len(FOG) - 1)
        return [(members[slab[members] == s], look, fog) for s, fog in enumerate(FOG) for members, look in self.groups]

    def draw(self, renderer) -> None:
        if not self.get_visible():
            return
        for members, look, fog in self.parts():
            if len(members):
                self._stamp(renderer, self.xy[members], look, fog)
        self.stale = False

    def _stamp(self, renderer, xy: np.ndarray, look: Look, fog: float) -> None:
        color = blend(look.color, self.theme.panel, look.strength * fog)
        face = blend(self.theme.panel, self.theme.panel, 1) if look.hollow else color
        gc = renderer.new_gc()
        gc.set_foreground(color if look.hollow else blend(look.edge or look.color, self.theme.panel, 1), isRGBA=False)
        gc.set_linewidth(renderer.points_to_pixels(look.edge_width))
        scale = Affine2D().scale(renderer.points_to_pixels(look.diameter))
        renderer.draw_markers(gc, self._paths[look.marker], scale, Path(xy), self.get_transform(), face)
        gc.restore()


def class_groups(labels, n: int, size: float, edge: str | None = None, edge_width: float = 0.0, accent: str | None = None):
    """One group a class, or a single one in the accent colour for unlabelled points."""
    rim = {"edge": edge, "edge_width": edge_width}
    if labels is None:
        return [(np.arange(n), Look(accent or class_color(0), "o", size, **rim))]
    return [(np.flatnonzero(labels == c), Look(class_color(c), class_marker(c), size, **rim)) for c in np.unique(labels)]
