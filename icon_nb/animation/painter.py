"""Draws frames: the still parts once, the moving ones over a copy of them, on one reused figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .encode import Frames
from .furniture import (
    Bar,
    Curves,
    Head,
    PanelHead,
    curve_names,
    curve_scales,
    legend_entries,
    metrics_line,
    plan_entries,
    wrap,
    write_foot,
    write_legend,
)
from .layout import arrange
from .palette import indexed_palette, nearest_entry
from .panel import Marks, Panel
from .view import View


@dataclass(frozen=True)
class Page:
    """How a picture is set: size in pixels, dpi, style, what is written around the panels, and whose curves share no scale."""

    size: tuple[int, int]
    dpi: float = 100
    style: str = "notebook"
    title: str = ""
    legend: bool = True
    counter: bool = True
    caption: str = ""
    note: str = ""
    own_scales: tuple[str, ...] = ()


class Painter:
    """Paints the frames of one or several views that share a timeline.

    Parameters
    ----------
    views : sequence of View
    page : Page
    marks : sequence of Marks
        One a view.
    blit : bool
        False draws every frame from nothing; the picture is the same.
    """

    def __init__(self, views: Sequence[View], page: Page, marks: Sequence[Marks], blit: bool = True):
        self.views, self.page, self.marks, self.blit = tuple(views), page, tuple(marks), blit
        self.canvas = Canvas(page.size, page.dpi, page.style)
        self.timeline = views[0].timeline
        self.parts: list = []
        self._still = None
        self._build()
        for artist in self.artists:
            artist.set_animated(blit)

    @property
    def artists(self) -> list:
        """Everything that moves, from bottom to top."""
        return [artist for part in self.parts for artist in part.artists]

    def _build(self) -> None:
        canvas, page = self.canvas, self.page
        trajectories = [view.trajectory for view in self.views]
        entries = legend_entries(trajectories, canvas.theme.muted) if page.legend else []
        legend = plan_entries(canvas, entries, len(self.views))
        self.layout = arrange(page.size, canvas.unit, len(self.views), legend, len(self._metrics()), self._foot_lines())
        self.panels = [Panel(canvas, *each) for each in zip(self.views, self.layout.panels, self.marks)]
        self.parts += self.panels
        self._add_strips(trajectories)
        if len(self.views) > 1:
            self.parts += [PanelHead(canvas, rect, view, self._metrics()) for view, rect in zip(self.views, self.layout.heads)]
        self.parts += [Head(canvas, self.layout.title, page.title, self), Bar(canvas, self.layout.bar, self.timeline.n_frames)]
        write_legend(canvas, entries, legend, self.layout.legend)
        write_foot(canvas, self.layout, page.caption, page.note)

    def _metrics(self) -> tuple[str, ...]:
        """Names of the metrics drawn as curves."""
        return curve_names([view.trajectory for view in self.views], self.marks[0].overlays)

    def _foot_lines(self) -> int:
        room = self.page.size[0] - 20 * self.canvas.unit
        return sum(len(wrap(self.canvas, text, room)) for text in (self.page.note, self.page.caption))

    def _add_strips(self, trajectories) -> None:
        names = self._metrics()
        shared = curve_scales(trajectories, [name for name in names if name not in self.page.own_scales])
        for view, rect in zip(self.views, self.layout.strips):
            own = curve_scales([view.trajectory], [name for name in names if name not in shared])
            self.parts.append(Curves(self.canvas, rect, view, names, shared | own))

    def head_line(self, frame: int) -> str:
        """Epoch and, for a single panel, its metrics."""
        k, _ = self.timeline.at(frame)
        epoch = f"epoch {self.timeline.epochs[k]} of {self.timeline.epochs[-1]}" if self.page.counter else ""
        if len(self.views) > 1 or not self.page.counter:
            return epoch
        (view,) = self.views
        return "   ".join(filter(None, [epoch, metrics_line(view.trajectory, view.sources[k], self._metrics())]))

    def paint(self, frame: int) -> np.ndarray:
        """Frame as uint8 array (height, width, 4); the next call overwrites it."""
        for part in self.parts:
            part.update(frame)
        if not self.blit:
            self.canvas.agg.draw()
            return self.canvas.pixels()
        if self._still is None:
            self.canvas.agg.draw()
            self._still = self.canvas.agg.copy_from_bbox(self.canvas.figure.bbox)
        self.canvas.agg.restore_region(self._still)
        renderer = self.canvas.agg.get_renderer()
        for artist in self.artists:
            artist.draw(renderer)
        return self.canvas.pixels()

    def frames(self) -> Frames:
        """All frames, in the fixed palette."""
        photos = any(len(m.thumbnails) and v.trajectory.images.shape[-1] == 3 for m, v in zip(self.marks, self.views))
        palette, table = indexed_palette(self.page.style, photos), nearest_entry(self.page.style, photos)
        return Frames([to_indices(self.paint(k), table) for k in range(self.timeline.n_frames)], palette)


def to_indices(pixels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Palette positions (h, w) of pixels (h, w, 4) through a table of 5 bits a channel.

    >>> to_indices(np.array([[[8, 0, 16, 255]]], np.uint8), np.arange(32768)).tolist()
    [[1026]]
    """
    packed = np.ascontiguousarray(pixels).view("<u4")[..., 0]  # red is the lowest byte
    return table[((packed & 0xF8) << 7) | ((packed >> 6) & 0x3E0) | ((packed >> 19) & 0x1F)]
