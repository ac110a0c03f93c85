"""A figure measured in pixels from the top left, with the texts, frames and swatches of one style; and the finished picture."""

from __future__ import annotations

import base64
from functools import cached_property
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from ..errors import demand, nearest
from ..files import write_whole
from .display import image
from .layout import Rect, shorten
from .palette import theme

MOST = 4000 * 4000  # pixels of a picture that a higher dpi may make
FONT = "DejaVu Sans"
UNDATED = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}  # what each format says
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


def plain(text: str) -> str:
    """The text with a sign in the place of everything that no picture can show, and that no SVG may hold.

    >>> plain("a" + chr(7))
    'a�'
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


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
        return FontProperties(family=FONT, size=self.points(px), weight="bold" if bold else "normal")

    def points(self, px: float) -> float:
        """Design pixels as typographic points."""
        return px * self.unit * 72 / self.dpi

    def width_of(self, text: str, px: float, bold: bool = False) -> float:
        """Pixels that a line of text takes."""
        return self.agg.get_renderer().get_text_width_height_descent(plain(text), self.font(px, bold), ismath=False)[0]

    def fit(self, text: str, px: float, room: float, bold: bool = False, widest: float = 1.15) -> str:
        """The text, cut to a width in pixels. ``widest`` bounds the mean width of its characters, in ems, to save measuring."""
        if len(text) * px * self.unit * widest <= room:
            return text
        return shorten(text, lambda s: self.width_of(s, px, bold) <= room)

    def text(self, x: float, y: float, text: str, px: float, color: str, bold=False, *, room=None, ha="left", va="top"):
        """Plain text at a pixel, cut to ``room`` pixels; a dollar sign is a dollar sign."""
        text = plain(text if room is None else self.fit(text, px, room, bold))
        where = (x / self.size[0], 1 - y / self.size[1])
        font = self.font(px, bold)
        return self.figure.text(*where, text, color=color, ha=ha, va=va, fontproperties=font, parse_math=False, usetex=False)

    def axes(self, rect: Rect, framed: bool = True):
        """Axes without ticks that fill a rectangle."""
        axes = self.figure.add_axes(rect.fraction(*self.size), facecolor=self.theme.panel if framed else "none")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=self.theme.faint, linewidth=self.points(1), visible=framed)
        return axes

    def ticks(self, axes, px: float, grid: bool = True) -> None:
        """Give axes numbers without marks, and a grid."""
        axes.tick_params(colors=self.theme.muted, labelsize=self.points(px), length=0, labelfontfamily=FONT)
        if grid:
            axes.grid(color=self.theme.faint, linewidth=self.points(0.7))

    def swatch(self, x: float, y: float, color: str, marker: str, hollow: bool = False) -> None:
        """A legend's marker centred on a pixel."""
        at = [x / self.size[0]], [1 - y / self.size[1]]
        face = self.theme.background if hollow else color
        look = {"markerfacecolor": face, "markeredgecolor": color, "markeredgewidth": self.points(1.3) if hollow else 0}
        self.figure.add_artist(Line2D(*at, marker=marker, markersize=self.points(8), linestyle="", **look))

    def pixels(self) -> np.ndarray:
        """What was drawn last, uint8 (height, width, 4), not copied."""
        return np.asarray(self.agg.buffer_rgba())


class Picture:
    """A static figure: ``figure`` is matplotlib's, ``save(path)`` writes png, pdf or svg, a notebook shows it."""

    def __init__(self, canvas: Canvas, alt: str):
        self.canvas, self.alt = canvas, alt

    @property
    def figure(self):
        """The matplotlib figure."""
        return self.canvas.figure

    def save(self, path, dpi: float | None = None) -> Path:
        """Write the figure; the suffix names the format. The same figure gives the same bytes.

        Raises
        ------
        ConfigError
            The suffix names no format, or the dpi makes more than 16 million pixels.
        """
        path, dpi = Path(path), dpi or self.canvas.dpi
        suffix = path.suffix.lower()
        demand(suffix in UNDATED, f"cannot write a figure as {path.suffix!r}: {nearest(suffix, UNDATED)}")
        if suffix == ".png":
            check_pixels(tuple(round(side * dpi / self.canvas.dpi) for side in self.canvas.size), dpi)
        return write_whole(path, self._bytes(suffix, dpi))

    def _bytes(self, suffix: str, dpi: float) -> bytes:
        out, about = BytesIO(), {"metadata": UNDATED[suffix], "facecolor": self.canvas.theme.background}
        with matplotlib.rc_context({"svg.hashsalt": "icon_nb", "pdf.fonttype": 42}):
            self.figure.savefig(out, format=suffix[1:], dpi=dpi, **about)
        FigureCanvasAgg(self.figure)
        return out.getvalue()

    @cached_property
    def png(self) -> bytes:
        """The figure as a PNG."""
        return self._bytes(".png", self.canvas.dpi)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        shown = image(self.png, self.alt, self.canvas.size[0])
        return {"text/plain": repr(self), "text/html": shown, "image/png": base64.b64encode(self.png).decode()}

    def __repr__(self) -> str:
        width, height = self.canvas.size
        return f"Picture({self.alt}, {width}x{height})"
