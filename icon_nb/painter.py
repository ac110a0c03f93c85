"""Draws frames: the still parts once, the moving ones over a copy of them, on one reused figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from .encode import Frames
from .layout import ROW, Layout, Legend, Rect, arrange, plan_legend, shorten
from .palette import class_color, class_marker, indexed_palette, nearest_entry, theme
from .points import Cloud, class_groups, diameter
from .view import View

METRICS = {"loss": ("loss", "{:.3f}"), "knn_accuracy": ("kNN", "{:.1%}")}


class Canvas:
    """A figure measured in pixels from the top left, with the texts and lines of one style."""

    def __init__(self, size: tuple[int, int], dpi: float, style: str):
        self.size, self.dpi, self.theme = size, dpi, theme(style)
        self.unit = dpi / 100 * self.theme.scale
        self.figure = Figure(figsize=(size[0] / dpi, size[1] / dpi), dpi=dpi, facecolor=self.theme.background)
        self.agg = FigureCanvasAgg(self.figure)

    def font(self, px: float, bold: bool = False) -> FontProperties:
        return FontProperties(family="DejaVu Sans", size=px * self.unit * 72 / self.dpi, weight="bold" if bold else "normal")

    def points(self, px: float) -> float:
        """Design pixels as typographic points."""
        return px * self.unit * 72 / self.dpi

    def width_of(self, text: str, px: float, bold: bool = False) -> float:
        """Pixels that a line of text takes."""
        return self.agg.get_renderer().get_text_width_height_descent(text, self.font(px, bold), ismath=False)[0]

    def fit(self, text: str, px: float, room: float, bold: bool = False) -> str:
        return shorten(text, lambda s: self.width_of(s, px, bold) <= room)

    def text(self, x: float, y: float, text: str, px: float, color: str, bold: bool = False, ha: str = "left", va: str = "top"):
        where = (x / self.size[0], 1 - y / self.size[1])
        return self.figure.text(
            *where, text, color=color, ha=ha, va=va, fontproperties=self.font(px, bold), parse_math=False, usetex=False
        )

    def axes(self, rect: Rect, framed: bool = True):
        """Axes without ticks that fill a rectangle."""
        axes = self.figure.add_axes(rect.fraction(*self.size), facecolor=self.theme.panel)
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=self.theme.faint, linewidth=self.points(1), visible=framed)
        return axes


class Painter:
    """Paints the frames of one or several views that share a timeline.

    Parameters
    ----------
    views : sequence of View
    size : (int, int)
        Pixels.
    dpi : float
        100 gives texts and points their design size; 200 doubles them.
    style : str
    title : str
    legend, caption : bool
    blit : bool
        False draws every frame from nothing; the picture is the same.
    """

    def __init__(self, views: Sequence[View], size, dpi, style, title: str, legend=True, caption="", blit=True):
        self.views, self.title, self.blit, self.style = tuple(views), title, blit, style
        self.canvas = Canvas(size, dpi, style)
        self.timeline = views[0].timeline
        self.legend = self._plan_legend() if legend else Legend((), "")
        self.caption = caption
        self.layout: Layout = arrange(size, self.canvas.unit, len(views), self.legend, strip=False, caption_lines=bool(caption))
        self._moving: list = []
        self._updates: list[Callable[[int], None]] = []
        self._build()
        self._still = None

    # What is on the page

    def _build(self) -> None:
        for view, rect, head in zip(self.views, self.layout.panels, self.layout.heads):
            self._panel(view, rect)
            if len(self.views) > 1:
                self._panel_head(view, head)
        self._head()
        self._write_legend()
        self._foot()

    def _panel(self, view: View, rect: Rect) -> None:
        size = diameter(view.trajectory.n_points, rect.w * rect.h, self.canvas.unit)
        axes = self.canvas.axes(rect)
        x, y = view.limits(rect, margin=size + 4 * self.canvas.unit)
        axes.set(xlim=x, ylim=y)
        edge = 0.0 if view.trajectory.n_points > 400 else self.canvas.points(0.8)
        theme, points = self.canvas.theme, size * 72 / self.canvas.dpi
        groups = class_groups(view.trajectory.labels, view.trajectory.n_points, points, theme.panel, edge, theme.accent)
        cloud = Cloud(groups, theme)
        axes.add_artist(cloud)
        cloud.set_transform(axes.transData)
        self.move(lambda frame: cloud.move(*view.place(frame)), cloud)

    def _panel_head(self, view: View, rect: Rect) -> None:
        c, u = self.canvas, self.canvas.unit
        c.text(rect.x, rect.y + 2 * u, c.fit(view.title, 13, rect.w, bold=True), 13, c.theme.ink, bold=True)
        line = c.text(rect.x, rect.y + 20 * u, "", 11.5, c.theme.muted)
        self.move(lambda frame: line.set_text(c.fit(self.metrics_line(view, frame), 11.5, rect.w)), line)

    def _head(self) -> None:
        c, u, rect = self.canvas, self.canvas.unit, self.layout.title
        if len(self.views) == 1:
            c.text(rect.x, rect.y, c.fit(self.title, 15, rect.w, bold=True), 15, c.theme.ink, bold=True)
            line = c.text(rect.x, rect.y + 21 * u, "", 12.5, c.theme.muted)
            join = lambda frame: "   ".join(filter(None, [self.epoch_line(frame), self.metrics_line(self.views[0], frame)]))  # noqa: E731
            self.move(lambda frame: line.set_text(c.fit(join(frame), 12.5, rect.w)), line)
            return
        counter_room = c.width_of("epoch 0000 of 0000", 13)
        c.text(rect.x, rect.y, c.fit(self.title, 15, rect.w - counter_room - 12 * u, bold=True), 15, c.theme.ink, bold=True)
        counter = c.text(rect.x + rect.w, rect.y + 1 * u, "", 13, c.theme.muted, ha="right")
        self.move(lambda frame: counter.set_text(self.epoch_line(frame)), counter)

    def _foot(self) -> None:
        c, rect, bar = self.canvas, self.layout.caption, self.layout.bar
        if self.caption:
            c.text(rect.x, rect.y, c.fit(self.caption, 11, rect.w), 11, c.theme.muted)
        done = Rectangle((0, 0), 0, bar.h / c.size[1], transform=c.figure.transFigure, color=c.theme.accent, linewidth=0)
        c.figure.add_artist(done)
        last = max(self.timeline.n_frames - 1, 1)
        self.move(lambda frame: done.set_width(max(frame / last, 2 / c.size[0])), done)

    def _plan_legend(self) -> Legend:
        named = self.views[0].trajectory
        shown = [] if named.labels is None or not named.class_names else np.unique(named.labels)
        self._shown_classes = [int(c) for c in shown]
        names = [named.class_names[c] for c in self._shown_classes]
        return plan_legend(names, lambda s: self.canvas.width_of(s, 11.5), self.canvas.size, self.canvas.unit, len(self.views))

    def _write_legend(self) -> None:
        c, u, rect = self.canvas, self.canvas.unit, self.layout.legend
        rest = [f"+ {self.legend.left_out} more"] if self.legend.left_out else []
        for k, name in enumerate([*self.legend.names, *rest]):
            row, column = divmod(k, self.legend.columns)
            x, y = rect.x + column * self.legend.column_width, rect.y + (row + 0.5) * ROW * u
            if k < len(self.legend.names):
                self._swatch(x + 5 * u, y, class_color(self._shown_classes[k]), class_marker(self._shown_classes[k]))
            c.text(x + 14 * u, y, name, 11.5, c.theme.ink, va="center_baseline")

    def _swatch(self, x: float, y: float, color: str, marker: str) -> None:
        c = self.canvas
        at = [x / c.size[0]], [1 - y / c.size[1]]
        size = c.points(8)
        c.figure.add_artist(Line2D(*at, color=color, marker=marker, markersize=size, linestyle="", markeredgewidth=0))

    # What changes

    def move(self, update: Callable[[int], object], *artists) -> None:
        """Call ``update(frame)`` before every frame and draw the artists over the still picture."""
        self._updates.append(update)
        for artist in artists:
            artist.set_animated(self.blit)
            self._moving.append(artist)

    def epoch_line(self, frame: int) -> str:
        k, _ = self.timeline.at(frame)
        return f"epoch {self.timeline.epochs[k]} of {self.timeline.epochs[-1]}"

    def metrics_line(self, view: View, frame: int) -> str:
        """Loss and kNN accuracy of the epoch shown; what was not measured is left out."""
        k, _ = self.timeline.at(frame)
        values = {name: view.trajectory.metrics[name][view.sources[k]] for name in METRICS if name in view.trajectory.metrics}
        return "   ".join(f"{METRICS[name][0]} {METRICS[name][1].format(v)}" for name, v in values.items() if np.isfinite(v))

    # Frames

    def paint(self, frame: int) -> np.ndarray:
        """Frame as uint8 array (height, width, 4); the next call overwrites it."""
        for update in self._updates:
            update(frame)
        if not self.blit:
            self.canvas.agg.draw()
            return np.asarray(self.canvas.agg.buffer_rgba())
        renderer = self.canvas.agg.get_renderer()
        if self._still is None:
            self.canvas.agg.draw()
            self._still = self.canvas.agg.copy_from_bbox(self.canvas.figure.bbox)
        self.canvas.agg.restore_region(self._still)
        for artist in self._moving:
            artist.draw(renderer)
        return np.asarray(self.canvas.agg.buffer_rgba())

    def frames(self) -> Frames:
        """All frames, in the fixed palette."""
        palette, table = indexed_palette(self.style), nearest_entry(self.style)
        return Frames([to_indices(self.paint(k), table) for k in range(self.timeline.n_frames)], palette)


def to_indices(pixels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Palette positions (h, w) of pixels (h, w, 4) through a table of 5 bits a channel."""
    red, green, blue = (pixels[..., k].astype(np.uint16) >> 3 for k in range(3))
    return table[(red << 10) | (green << 5) | blue]
