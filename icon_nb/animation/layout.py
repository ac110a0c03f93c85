"""Where things stand in a picture: rectangles in pixels, measured from the top left, for any number of panels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

ROW = 17


@dataclass(frozen=True)
class Rect:
    """Left, top, width and height in pixels."""

    x: float
    y: float
    w: float
    h: float

    def fraction(self, width: float, height: float) -> tuple[float, float, float, float]:
        """The same as matplotlib wants it: left, bottom, width, height in 0..1."""
        return self.x / width, 1 - (self.y + self.h) / height, self.w / width, self.h / height


@dataclass(frozen=True)
class Legend:
    """Names to write, in columns; ``side`` is right, bottom, or empty when nothing is written."""

    names: tuple[str, ...]
    side: str
    columns: int = 1
    column_width: float = 0.0
    left_out: int = 0

    @property
    def rows(self) -> int:
        return math.ceil(len(self.names) / self.columns)


@dataclass(frozen=True)
class Layout:
    """The rectangles of one picture; ``unit`` is the length of one design pixel."""

    unit: float
    title: Rect
    panels: tuple[Rect, ...]
    heads: tuple[Rect, ...]
    strips: tuple[Rect, ...]
    legend: Rect
    caption: Rect
    bar: Rect


def shorten(text: str, fits: Callable[[str], bool]) -> str:
    """The text, or as much of its beginning as fits, with an ellipsis.

    >>> shorten("automobile", lambda s: len(s) <= 6)
    'autom…'
    """
    if fits(text):
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[:middle].rstrip() + "…") else (low, middle - 1)
    return text[:low].rstrip() + "…"


def plan_legend(names, width_of: Callable[[str], float], size, unit: float, n_panels: int) -> Legend:
    """Short names go in a column right of a single panel, others in at most three rows below; the rest is counted."""
    if not names:
        return Legend((), "")
    names = tuple(shorten(name, lambda s: width_of(s) <= 104 * unit) for name in names)
    widest = max(map(width_of, names)) + 14 * unit
    if n_panels == 1 and widest <= 0.19 * size[0] and len(names) * ROW * unit <= size[1] - 110 * unit:
        return Legend(names, "right", 1, widest)
    column = widest + 10 * unit
    columns = max(1, min(len(names), int((size[0] - 20 * unit) // column)))
    rows = math.ceil(len(names) / columns)
    if rows > 3:
        column = max(column, width_of("+ 100 more") + 4 * unit)
        columns = max(1, int((size[0] - 20 * unit) // column))
        shown = max(1, 3 * columns - 1)
        return Legend(names[:shown], "bottom", columns, column, len(names) - shown)
    return Legend(names, "bottom", math.ceil(len(names) / rows), column)


def plan_names(names, width_of: Callable[[str], float], size, unit: float) -> Legend:
    """Names of runs, which differ at their ends as often as not: in full, in as many columns as that leaves, below the panels.

    >>> plan_names(["temperature=0.1", "temperature=0.5", "temperature=1"], lambda s: 7.0 * len(s), (300, 300), 1.0).rows
    2
    """
    if not names:
        return Legend((), "")
    room = size[0] - 20 * unit
    names = tuple(shorten(name, lambda s: width_of(s) <= room - 14 * unit) for name in names)
    column = max(map(width_of, names)) + 28 * unit
    columns = max(1, min(len(names), int((room + 14 * unit) // column)))
    rows = math.ceil(len(names) / columns)
    return Legend(names, "bottom", math.ceil(len(names) / rows), column)


def arrange(
    size, unit: float, n_panels: int, legend: Legend, strip: int, caption_lines: int, columns=None, head=36, top=None
) -> Layout:
    """Divide a picture of ``size`` pixels: title on top, panels, legend, caption, and the progress bar along the bottom edge.

    ``strip`` is the number of curves below each panel. ``columns`` overrules the usual grid; ``head`` is the height over each
    panel and ``top`` that over all, in design pixels.
    """
    width, height = size
    pad, u = 10 * unit, unit
    below = (3 + 5) * u + caption_lines * 14 * u + (4 * u if caption_lines else 0)
    rows = -(-(len(legend.names) + bool(legend.left_out)) // legend.columns) if legend.side == "bottom" else 0
    legend_height = rows * ROW * u + (4 * u if rows else 0)
    top = pad + (top if top is not None else 42 if n_panels == 1 else 26) * u
    bottom = height - below - legend_height
    right = legend.column_width + 8 * u if legend.side == "right" else 0
    area = Rect(pad, top, width - 2 * pad - right, bottom - top)
    panels, heads, strips = _grid(
        area, u, n_panels, columns or grid_shape(n_panels)[1], head if n_panels > 1 or columns else 0, strip
    )
    legend_rect = Rect(width - pad - legend.column_width, top, legend.column_width, bottom - top)
    if legend.side == "bottom":
        legend_rect = Rect(pad, bottom + 4 * u, width - 2 * pad, legend_height)
    return Layout(
        unit=u,
        title=Rect(pad, pad, width - 2 * pad, top - pad),
        panels=panels,
        heads=heads,
        strips=strips,
        legend=legend_rect,
        caption=Rect(pad, height - below + 5 * u, width - 2 * pad, caption_lines * 14 * u),
        bar=Rect(0, height - 3 * u, width, 3 * u),
    )


def grid_shape(n: int) -> tuple[int, int]:
    """Rows and columns for n panels: one row up to four, then as square as can be.

    >>> [grid_shape(n) for n in (1, 3, 4, 6, 9)]
    [(1, 1), (1, 3), (1, 4), (2, 3), (3, 3)]
    """
    columns = n if n <= 4 else math.ceil(math.sqrt(n))
    return math.ceil(n / columns), columns


def _grid(area: Rect, u: float, n: int, columns: int, head: float, strip: int):
    rows = math.ceil(n / columns)
    gap, head, strip_height = 8 * u, head * u, (max(58, 6 + 24 * strip) * u if strip else 0)
    w, h = (area.w - gap * (columns - 1)) / columns, (area.h - gap * (rows - 1)) / rows
    panels, heads, strips = [], [], []
    for k in range(n):
        x, y = area.x + (k % columns) * (w + gap), area.y + (k // columns) * (h + gap)
        heads.append(Rect(x, y, w, head))
        panels.append(Rect(x, y + head, w, h - head - strip_height))
        strips.append(Rect(x, y + h - strip_height + 6 * u, w, strip_height - 6 * u))
    return tuple(panels), tuple(heads), tuple(strips) if strip else ()
