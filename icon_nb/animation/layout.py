"""Where things stand in a picture: rectangles in pixels, measured from the top left, for any number of panels."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import demand


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
class Layout:
    """The rectangles of one picture; those in tuples are one a panel."""

    title: Rect
    panels: tuple[Rect, ...]
    heads: tuple[Rect, ...]
    strips: tuple[Rect, ...]
    legend: Rect
    caption: Rect
    bar: Rect


def in_pixels(size, dpi: float):
    """A size in pixels: two numbers as they are, a text such as ``"85x60mm"`` at so many dots an inch.

    >>> in_pixels("127x63.5 mm", 100), in_pixels((500, 400), 100)
    ((500, 250), (500, 400))
    """
    if not isinstance(size, str):
        return size
    found = re.fullmatch(r"\s*([\d.]+)\s*x\s*([\d.]+)\s*mm\s*", size)
    demand(found is not None, f"size={size!r}: give (width, height) in pixels, or millimetres as in '85x60mm'")
    return tuple(round(float(side) / 25.4 * dpi) for side in found.groups())


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


def arrange(
    size, unit: float, n_panels: int, *, right=0.0, below=0.0, lines=0, strip=0, columns=None, head=36, top=None
) -> Layout:
    """Divide a picture of ``size`` pixels: title on top, panels, legend, caption, and the progress bar along the bottom edge.

    ``right`` and ``below`` are the pixels that a legend takes there, ``lines`` those of the caption, and ``strip`` is the number
    of curves below each panel. ``columns`` overrules the usual grid; ``head`` is the height over each panel and ``top`` that over
    all, in design pixels.
    """
    (width, height), u, pad = size, unit, 10 * unit
    foot = (3 + 5) * u + lines * 14 * u + (4 * u if lines else 0)
    top = pad + (top if top is not None else 42 if n_panels == 1 else 26) * u
    bottom = height - foot - below
    area = Rect(pad, top, width - 2 * pad - (right + 8 * u if right else 0), bottom - top)
    head = head if n_panels > 1 or columns else 0
    panels, heads, strips = _grid(area, u, n_panels, columns or grid_shape(n_panels)[1], head, strip)
    return Layout(
        title=Rect(pad, pad, width - 2 * pad, top - pad),
        panels=panels,
        heads=heads,
        strips=strips,
        legend=Rect(pad, bottom + 4 * u, width - 2 * pad, below)
        if below
        else Rect(width - pad - right, top, right, bottom - top),
        caption=Rect(pad, height - foot + 5 * u, width - 2 * pad, lines * 14 * u),
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
