"""A figure measured in pixels from the top left, with the texts, frames and swatches of one style."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from ..errors import demand
from .layout import Rect, shorten
from .palette import theme

MOST = 4000 * 4000  # pixels of a picture that a higher dpi may make
SMALLEST = 320  # design pixels that the shorter side must hold; texts shrink in smaller pictures


def check_pixels(size: tuple[int, int], dpi: float) -> None:
    """Refuse a dpi above 100 that makes a picture larger than memory should have to hold.

    >>> check_pixels((4000, 4000), 800)
    """
    width, height = size
    most = int(dpi * (MOST / (width * height)) ** 0.5)
    fits = dpi <= 100 or width * height <= MOST
    made = f"dpi={dpi:g} makes a picture of {width} x {height} pixels, more than {MOST // 10**6} million"
    demand(fits, f"{made}: at most dpi={max(most, 100)}")


class Canvas:
    """One figure without pyplot.

    Parameters
    ----------
    size : (int, int)
        Pixels.
    dpi : float
        100 gives texts and points their design size.
    style : str
        Name of a theme.

    Raises
    ------
    ConfigError
        More than 16 million pixels, because of the dpi.
    """

    def __init__(self, size: tuple[int, int], dpi: float, style: str):
        check_pixels(size, dpi)
        self.size, self.dpi, self.theme = size, dpi, theme(style)
        self.unit = min(dpi / 100 * self.theme.scale, min(size) / SMALLEST)
        self.figure = Figure(figsize=(size[0] / dpi, size[1] / dpi), dpi=dpi, facecolor=self.theme.background)
        self.agg = FigureCanvasAgg(self.figure)

    def font(self, px: float, bold: bool = False) -> FontProperties:
        return FontProperties(family="DejaVu Sans", size=self.points(px), weight="bold" if bold else "normal")

    def points(self, px: float) -> float:
        """Design pixels as typographic points."""
        return px * self.unit * 72 / self.dpi

    def width_of(self, text: str, px: float, bold: bool = False) -> float:
        """Pixels that a line of text takes."""
        return self.agg.get_renderer().get_text_width_height_descent(text, self.font(px, bold), ismath=False)[0]

    def fit(self, text: str, px: float, room: float, bold: bool = False, widest: float = 1.15) -> str:
        """The text, cut to a width in pixels. ``widest`` bounds the mean width of its characters, in ems, to save measuring."""
        if len(text) * px * self.unit * widest <= room:
            return text
        return shorten(text, lambda s: self.width_of(s, px, bold) <= room)

    def text(self, x: float, y: float, text: str, px: float, color: str, bold: bool = False, ha: str = "left", va: str = "top"):
        """Plain text at a pixel; a dollar sign is a dollar sign."""
        where = (x / self.size[0], 1 - y / self.size[1])
        font = self.font(px, bold)
        return self.figure.text(*where, text, color=color, ha=ha, va=va, fontproperties=font, parse_math=False, usetex=False)

    def line(self, rect: Rect, text: str, px: float, color: str, bold: bool = False):
        """Plain text at the top left of a rectangle, cut to its width."""
        return self.text(rect.x, rect.y, self.fit(text, px, rect.w, bold), px, color, bold)

    def axes(self, rect: Rect, framed: bool = True):
        """Axes without ticks that fill a rectangle."""
        axes = self.figure.add_axes(rect.fraction(*self.size), facecolor=self.theme.panel if framed else "none")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=self.theme.faint, linewidth=self.points(1), visible=framed)
        return axes

    def swatch(self, x: float, y: float, color: str, marker: str, hollow: bool = False) -> None:
        """A legend's marker centred on a pixel."""
        at = [x / self.size[0]], [1 - y / self.size[1]]
        face = self.theme.background if hollow else color
        look = {"markerfacecolor": face, "markeredgecolor": color, "markeredgewidth": self.points(1.3) if hollow else 0}
        self.figure.add_artist(Line2D(*at, marker=marker, markersize=self.points(8), linestyle="", **look))

    def pixels(self) -> np.ndarray:
        """What was drawn last, uint8 (height, width, 4), not copied."""
        return np.asarray(self.agg.buffer_rgba())
