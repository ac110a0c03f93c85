"""What is drawn into a panel: the points, and under and over them trails, centroids, forces, regions, images, wires.

Each function adds its artists to a panel. Those that are asked for by name have a row in ``icon_nb.methods.catalogue.OVERLAYS``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from matplotlib.artist import Artist
from matplotlib.image import AxesImage
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, IdentityTransform
from PIL import Image, ImageOps

from ..evaluation.trajectory import Trajectory
from .canvas import plain
from .palette import blend, class_color, class_marker, rgb

LAYERS = 2  # in which the points of all classes are drawn, so that none always lies on top
FOG = (0.46, 0.72, 1.0, 1.0)
ARROWS = 50
GRID = 128


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


class Cloud(Artist):
    """Groups of points, each with a look; the colour of the ``panel`` fades far points of 3-d views and fills hollow markers."""

    def __init__(self, groups: list[tuple[np.ndarray, Look]], panel: str):
        super().__init__()
        self.groups, self.panel = groups, panel
        self.xy, self.depth = np.zeros((0, 2)), None
        styles = {look.marker: MarkerStyle(look.marker) for _, look in groups}
        self._paths = {name: style.get_path().transformed(style.get_transform()) for name, style in styles.items()}

    def move(self, xy: np.ndarray, depth: np.ndarray | None) -> None:
        """Put the points at xy (n, 2); depth (n,) in [-1, 1] orders and fades them."""
        self.xy, self.depth = xy, depth

    def parts(self) -> list[tuple[np.ndarray, Look, float]]:
        """Members, look and fog of each stamp, in drawing order: what is faded lies under what stands out."""
        if self.depth is None:
            parts = [(members[k::LAYERS], look, 1.0) for k in range(LAYERS) for members, look in self.groups]
        else:
            slab = np.clip(((self.depth + 1) / 2 * len(FOG)).astype(int), 0, len(FOG) - 1)
            parts = [(members[slab[members] == s], look, fog) for s, fog in enumerate(FOG) for members, look in self.groups]
        return sorted(parts, key=lambda part: part[1].strength == 1)

    def draw(self, renderer) -> None:
        pixels, gc, here = self.get_transform().transform(self.xy), renderer.new_gc(), IdentityTransform()
        for members, look, fog in self.parts():
            if len(members):
                color = blend(look.color, self.panel, look.strength * fog)
                face = blend(self.panel, self.panel, 1) if look.hollow else color
                gc.set_foreground((*(color if look.hollow else blend(look.edge or look.color, self.panel, 1)), 1.0), isRGBA=True)
                gc.set_linewidth(renderer.points_to_pixels(look.rim))
                size = Affine2D().scale(renderer.points_to_pixels(look.diameter))
                renderer.draw_markers(gc, self._paths[look.marker], size, Path(pixels[members]), here, face)
        gc.restore()
        self.stale = False


def group_points(trajectory: Trajectory, base: Look, highlight: np.ndarray | None) -> list[tuple[np.ndarray, Look]]:
    """Points by class and modality, held out (hollow) or not, highlighted (larger, others faded); ``base`` is unlabelled."""
    n, groups = trajectory.n_points, []
    labels = np.full(n, -1) if trajectory.labels is None else trajectory.labels
    held = np.zeros(n, bool) if trajectory.held_out is None or trajectory.held_out.all() else trajectory.held_out.astype(bool)
    lit = np.zeros(n, bool) if highlight is None else highlight
    second, off_on = np.zeros(n, bool) if trajectory.second is None else trajectory.second, (False, True)
    for chosen, aside, c, side in product(off_on, off_on, np.unique(labels), off_on):
        members = np.flatnonzero((labels == c) & (held == aside) & (lit == chosen) & (second == side))
        if not len(members):
            continue
        look = base if c < 0 else replace(base, color=class_color(int(c)), marker=class_marker(int(c)))
        if side:
            look = replace(look, marker=class_marker(max(int(c), 0), second=True))
        if aside:
            look = replace(look, hollow=True, diameter=look.diameter * 1.15, rim=look.diameter * 0.28)
        if chosen:
            look = replace(look, diameter=look.diameter * 1.6, rim=max(look.rim, look.diameter * 0.2), edge="#000000")
        elif highlight is not None:
            look = replace(look, strength=0.3)
        groups.append((members, look))
    return groups


def points(panel) -> None:
    """All points, as large as there is room for: between 3.2 and 9 design pixels across."""
    canvas, view = panel.canvas, panel.view
    rim = canvas.points(0.8) if view.trajectory.n_points <= 400 else 0.0
    base = Look(canvas.theme.accent, "o", panel.diameter * 72 / canvas.dpi, edge=canvas.theme.panel, rim=rim)
    cloud = Cloud(group_points(view.trajectory, base, view.highlight), canvas.theme.panel)
    panel.add(lambda frame: cloud.move(*view.place(frame)), cloud)


class Strokes(Artist):
    """Many short lines, one path for each colour and width."""

    def __init__(self):
        super().__init__()
        self.bundles: list[tuple[np.ndarray, tuple[float, ...], float]] = []

    def draw(self, renderer) -> None:
        """Each bundle is (segments (m, 2, 2), colour, width in points)."""
        for segments, color, width in self.bundles:
            if len(segments):
                codes = np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), len(segments))
                gc = renderer.new_gc()
                gc.set_foreground(color)
                gc.set_linewidth(renderer.points_to_pixels(width))
                renderer.draw_path(gc, Path(segments.reshape(-1, 2), codes), self.get_transform())
                gc.restore()
        self.stale = False


def trails(panel) -> None:
    """A fading line behind every point, over the last ``trail`` epochs."""
    strokes, view = Strokes(), panel.view
    labels = view.trajectory.labels
    classes = [(slice(None), panel.canvas.theme.accent)] if labels is None else _members(labels)
    width, faintest = panel.canvas.points(0.9), 0.12

    def update(frame: int) -> None:
        k, part = view.timeline.at(frame)
        first = max(0, k - view.options.trail)
        stops = [view.flatten(view.coordinates[j], frame)[0] for j in range(first, k + 1)]
        stops += [view.place(frame)[0]] if part else []
        strokes.bundles = []
        for j in range(len(stops) - 1):
            strength = faintest + (0.5 - faintest) * (j + 1) / (len(stops) - 1)
            segments = np.stack([stops[j], stops[j + 1]], axis=1)
            strokes.bundles += [(segments[m], blend(color, panel.canvas.theme.panel, strength), width) for m, color in classes]

    panel.add(update, strokes)


def edges(panel) -> None:
    """A thin line between every two points that an edge, or a pair of modalities, joins."""
    strokes, theme, ends = Strokes(), panel.canvas.theme, panel.view.trajectory.edges
    color, width = blend(theme.muted, theme.panel, 0.46), panel.canvas.points(0.9)

    def update(frame: int) -> None:
        strokes.bundles = [(panel.view.place(frame)[0][ends], color, width)]

    panel.add(update, strokes)


def _members(labels: np.ndarray) -> list[tuple[np.ndarray, str]]:
    return [(np.flatnonzero(labels == c), class_color(int(c))) for c in np.unique(labels)]


def centroids(panel) -> None:
    """The mean of every class as a ringed disc, with the name inside where it is short."""
    t, theme = panel.view.trajectory, panel.canvas.theme
    groups = _members(t.labels)
    looks = [Look(color, "o", panel.canvas.points(17), edge=theme.ink, rim=panel.canvas.points(1.6)) for _, color in groups]
    discs = Cloud([(np.array([k]), look) for k, look in enumerate(looks)], theme.panel)
    written = {"ha": "center", "va": "center_baseline", "fontproperties": panel.canvas.font(10, bold=True), "parse_math": False}
    texts = []
    for c, (_, color) in zip(np.unique(t.labels), groups):
        name = t.class_names[c] if c < len(t.class_names) and len(t.class_names[c]) <= 2 else ""
        ink = "#000000" if rgb(color) @ [0.299, 0.587, 0.114] > 0.5 else "#ffffff"
        texts.append(panel.axes.text(0, 0, plain(name), color=ink, **written))

    def update(frame: int) -> None:
        points = panel.view.points(frame)
        centres, _ = panel.view.flatten(np.stack([points[m].mean(0) for m, _ in groups]), frame)
        discs.move(centres, None)
        for text, centre in zip(texts, centres):
            text.set_position(centre)

    panel.add(update, discs, *texts)


def forces(panel) -> None:
    """Arrows from points that lie apart: where p pulls them and where q pushes them, on one scale for all frames."""
    view, canvas, theme = panel.view, panel.canvas, panel.canvas.theme
    chosen, strokes = spread_out(view.coordinates[-1][:, :2], ARROWS), Strokes()
    x0, x1 = panel.axes.get_xlim()
    longest = np.quantile(np.linalg.norm(view.forces[:, :, chosen], axis=-1), 0.95) or 1.0
    scale = 30 * canvas.unit * (x1 - x0) / panel.rect.w / longest

    def update(frame: int) -> None:
        source, points = view.sources[view.timeline.at(frame)[0]], view.points(frame)[chosen]
        start, strokes.bundles = view.flatten(points, frame)[0], []
        for part, color in zip(view.forces, (theme.p, theme.q)):
            end = view.flatten(points - scale * part[source, chosen], frame)[0]
            back = (start - end) * 0.3
            head = [end + back @ np.array([[0.8, turn * 0.6], [-turn * 0.6, 0.8]]) for turn in (1, -1)]
            arrows = np.concatenate([np.stack([end, other], axis=1) for other in (start, *head)])  # (3 m, 2, 2)
            strokes.bundles.append((arrows, blend(color, theme.panel, 1.0), canvas.points(1.4)))

    panel.add(update, strokes)


def regions(panel) -> None:
    """Where logistic regression, fitted on the points of this very frame, decides for each class. 2-d embeddings only."""
    from sklearn.linear_model import LogisticRegression

    view, t = panel.view, panel.view.trajectory
    (x0, x1), (y0, y1) = panel.axes.get_xlim(), panel.axes.get_ylim()
    grid = np.stack(np.meshgrid(np.linspace(x0, x1, GRID), np.linspace(y0, y1, GRID)), -1).reshape(-1, 2)
    image = AxesImage(panel.axes, extent=(x0, x1, y0, y1), origin="lower", interpolation="nearest")
    panel.axes.add_image(image)
    tints = np.array([blend(class_color(c), panel.canvas.theme.panel, 0.2) for c in range(int(t.labels.max()) + 1)])
    train = np.ones(t.n_points, bool) if t.held_out is None or t.held_out.all() else ~t.held_out.astype(bool)

    several, labels = len(np.unique(t.labels[train])) > 1, t.labels[train]

    def update(frame: int) -> None:
        points, decided = view.points(frame)[train], np.full(len(grid), labels[0])
        if several:
            mean, scale = points.mean(0), points.std(0) + 1e-12
            fitted = LogisticRegression(max_iter=200).fit((points - mean) / scale, labels)
            decided = fitted.predict((grid - mean) / scale)
        image.set_data(tints[decided].reshape(GRID, GRID, 3))

    panel.add(update, image, *panel.axes.spines.values())


class Thumbnails(Artist):
    """Small framed pictures, centred on points."""

    def __init__(self, members: np.ndarray, pictures: list[np.ndarray]):
        super().__init__()
        self.members, self.pictures, self.xy = members, pictures, np.zeros((0, 2))

    def draw(self, renderer) -> None:
        for (x, y), picture in zip(self.get_transform().transform(self.xy[self.members]), self.pictures):
            gc = renderer.new_gc()
            height, width = picture.shape[:2]
            renderer.draw_image(gc, round(x - width / 2), round(y - height / 2), picture)
            gc.restore()
        self.stale = False


def thumbnails(panel) -> None:
    """The images of the chosen points, framed in the colour of their class."""
    t, members = panel.view.trajectory, panel.view.thumbnails
    if not len(members):
        return
    pictures, side = [], round(24 * panel.canvas.unit)
    border = max(2, side // 12)
    for image, i in zip(np.ascontiguousarray(t.images[members], np.uint8), members):
        color = panel.canvas.theme.accent if t.labels is None else class_color(int(t.labels[i]))
        inside = Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image).convert("RGB")
        framed = ImageOps.expand(inside.resize((side - 2 * border,) * 2, Image.Resampling.BOX), border, color)
        pictures.append(np.asarray(framed.convert("RGBA"))[::-1].copy())  # renderers want the rows from the bottom
    artist = Thumbnails(members, pictures)
    panel.add(lambda frame: setattr(artist, "xy", panel.view.place(frame)[0]), artist)


def spread_out(xy: np.ndarray, count: int) -> np.ndarray:
    """Positions of about ``count`` of the points xy (n, 2) that lie apart: the first in each occupied cell of a grid."""
    low, span = xy.min(0), np.ptp(xy, axis=0).max() or 1.0
    for cells in range(max(1, int(np.sqrt(count))), 4 * int(np.sqrt(count)) + 8):
        _, first = np.unique(np.floor((xy - low) / span * cells * 0.999).astype(int), axis=0, return_index=True)
        if len(first) >= count:
            break
    return np.sort(first)[np.linspace(0, len(first) - 1, min(count, len(first))).round().astype(int)]


def wires(panel) -> None:
    """The sphere's circles, or the box of a 3-d view, turning with it."""
    view = panel.view
    if view.dim != 3:
        return
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8) if (a ^ b).bit_count() == 1]  # corners that differ in one bit
    lines = _sphere() if view.kind == "sphere" else view.corners[np.array(edges)]  # (m, 2, 3)
    theme, width, strokes = panel.canvas.theme, panel.canvas.points(0.9), Strokes()

    def update(frame: int) -> None:
        flat, depth = view.flatten(lines.reshape(-1, 3), frame)
        segments, near = flat.reshape(-1, 2, 2), depth.reshape(-1, 2).mean(1) > 0
        far_and_near = [(~near, 0.16), (near, 0.4)]
        strokes.bundles = [(segments[m], blend(theme.muted, theme.panel, strength), width) for m, strength in far_and_near]

    panel.add(update, strokes)


def _sphere() -> np.ndarray:
    """Meridians and parallels every 30 degrees as segments (m, 2, 3)."""
    around = np.linspace(0, 2 * np.pi, 61)
    circles = [(around, elevation) for elevation in np.deg2rad([-60, -30, 0, 30, 60])]
    circles += [(azimuth, around) for azimuth in np.deg2rad(range(0, 180, 30))]
    curves = [np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e) + 0 * a]).T for a, e in circles]
    return np.concatenate([np.stack([curve[:-1], curve[1:]], axis=1) for curve in curves])
