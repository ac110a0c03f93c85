"""The points of a panel as one artist: few draw calls, classes interleaved so that none always lies on top."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from ..evaluation.trajectory import Trajectory
from .palette import Theme, blend, class_color, class_marker

LAYERS = 4
FOG = (0.46, 0.72, 1.0, 1.0)


@dataclass(frozen=True)
class Look:
    """How the points of one kind look; ``diameter`` and ``rim`` in points (1/72 inch), ``strength`` against the background."""

    color: str
    marker: str
    diameter: float
    hollow: bool = False
    strength: float = 1.0
    edge: str | None = None
    rim: float = 0.0


def diameter(n: int, area: float, unit: float) -> float:
    """Pixels across a point when n of them share ``area`` square pixels: between 3.2 and 9 design pixels."""
    return float(np.clip(0.5 * np.sqrt(area / max(n, 1)) / unit, 3.2, 9.0)) * unit


class Cloud(Artist):
    """Draws all points of a panel through the renderer's marker stamp.

    ``groups`` say which points share which look; later ones lie above earlier ones only within a layer. The panel colour of the
    theme fades far points of 3-d views and fills hollow markers.
    """

    def __init__(self, groups: list[tuple[np.ndarray, Look]], theme: Theme):
        super().__init__()
        self.groups, self.theme = groups, theme
        self.xy, self.depth = np.zeros((0, 2)), None
        styles = {look.marker: MarkerStyle(look.marker) for _, look in groups}
        self._paths = {name: style.get_path().transformed(style.get_transform()) for name, style in styles.items()}
        self.groups = sorted(groups, key=lambda group: group[1].strength == 1)  # what is faded lies under what stands out
        self._spread = [
            (members[k::LAYERS], look, 1.0)
            for faded in (True, False)
            for k in range(LAYERS)
            for members, look in groups
            if (look.strength < 1) is faded
        ]

    def move(self, xy: np.ndarray, depth: np.ndarray | None) -> None:
        """Put the points at xy (n, 2); depth (n,) in [-1, 1] orders and fades them."""
        self.xy, self.depth = xy, depth

    def parts(self):
        """(members, look, fog) in drawing order."""
        if self.depth is None:
            return self._spread
        slab = np.clip(((self.depth + 1) / 2 * len(FOG)).astype(int), 0, len(FOG) - 1)
        parts = [(members[slab[members] == s], look, fog) for s, fog in enumerate(FOG) for members, look in self.groups]
        return sorted(parts, key=lambda part: part[1].strength == 1)

    def draw(self, renderer) -> None:
        for members, look, fog in self.parts():
            if len(members):
                self._stamp(renderer, self.xy[members], look, fog)
        self.stale = False

    def _stamp(self, renderer, xy: np.ndarray, look: Look, fog: float) -> None:
        panel = self.theme.panel
        color = blend(look.color, panel, look.strength * fog)
        face = blend(panel, panel, 1) if look.hollow else color
        gc = renderer.new_gc()
        gc.set_foreground(color if look.hollow else blend(look.edge or look.color, panel, 1))
        gc.set_linewidth(renderer.points_to_pixels(look.rim))
        scale = Affine2D().scale(renderer.points_to_pixels(look.diameter))
        renderer.draw_markers(gc, self._paths[look.marker], scale, Path(xy), self.get_transform(), face)
        gc.restore()


def group_points(trajectory: Trajectory, base: Look, highlight: np.ndarray | None) -> list[tuple[np.ndarray, Look]]:
    """Points by class, held out or not, highlighted or not, each group with its look.

    ``base`` has the size, the rim and the colour of unlabelled points. Those of ``highlight`` (n,), if any, are drawn larger and
    outlined, and the others fade.
    """
    n = trajectory.n_points
    labels = np.full(n, -1) if trajectory.labels is None else trajectory.labels
    held = np.zeros(n, bool) if trajectory.held_out is None or trajectory.held_out.all() else trajectory.held_out.astype(bool)
    lit = np.zeros(n, bool) if highlight is None else highlight
    groups = []
    for chosen, aside in [(False, False), (False, True), (True, False), (True, True)]:
        for c in np.unique(labels):
            members = np.flatnonzero((labels == c) & (held == aside) & (lit == chosen))
            look = base if c < 0 else replace(base, color=class_color(int(c)), marker=class_marker(int(c)))
            groups.append((members, _marked(look, aside, chosen, highlight is not None)))
    return [(members, look) for members, look in groups if len(members)]


def _marked(look: Look, aside: bool, chosen: bool, any_chosen: bool) -> Look:
    if aside:
        look = replace(look, hollow=True, diameter=look.diameter * 1.15, rim=look.diameter * 0.28)
    if chosen:
        return replace(look, diameter=look.diameter * 1.6, rim=max(look.rim, look.diameter * 0.2), edge="#000000")
    return replace(look, strength=0.3) if any_chosen else look
