"""A figure measured in pixels from the top left: where things stand, the texts of one style, the finished picture."""

from __future__ import annotations

import base64
import math
from bisect import bisect
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image, ImageDraw, ImageFont

from ..errors import demand, nearest
from ..files import place, write_whole
from .display import image
from .palette import rgb, theme

MOST = 4000 * 4000  # pixels of a picture that a higher dpi may make
FONT = "DejaVu Sans"
UNDATED = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}  # what each format says
SMALLEST = 320  # design pixels that the shorter side must hold; texts shrink in smaller pictures


@dataclass(frozen=True)
class Rect:
    """Left, top, width and height in pixels."""

    x: float
    y: float
    w: float
    h: float


def grid_shape(n: int) -> tuple[int, int]:
    """Rows and columns for n panels: one row up to four, then as square as can be."""
    columns = n if n <= 4 else math.ceil(math.sqrt(n))
    return math.ceil(n / columns), columns


def check_pixels(size: tuple[int, int], dpi: float) -> None:
    """Refuse a dpi above 100 that makes a picture larger than memory should have to hold."""
    pixels = math.prod(size)
    most = max(int(dpi * (MOST / pixels) ** 0.5), 100)
    made = f"dpi={dpi:g} makes a picture of {size[0]} x {size[1]} pixels, more than {MOST // 10**6} million"
    demand(dpi <= 100 or pixels <= MOST, f"{made}: at most dpi={most}")


def plain(text: str) -> str:
    """The text with a sign in the place of everything that no picture can show, and that no SVG may hold."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


@lru_cache(maxsize=64)
def letters(size: float, weight: str) -> ImageFont.FreeTypeFont:
    """DejaVu Sans at a size in pixels, read by Pillow, which shapes a line of text in a tenth of the time."""
    file = "DejaVuSans-Bold.ttf" if weight == "bold" else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", file), size)


@lru_cache(maxsize=1000)
def stamp(text: str, size: float, weight: str, ha: str, va: str) -> tuple[float, float, np.ndarray]:
    """How far right of and above the position of a text its letters begin, and how much of each pixel they cover (h, w)."""
    font = letters(size, weight)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    sheet = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(sheet).text((-left, -top), text, 255, font, anchor="ls")
    _, above, _, below = font.getbbox("lp", anchor="ls")
    left -= font.getlength(text) * {"left": 0, "center": 0.5, "right": 1}[ha]
    return left, {"top": above, "center_baseline": above / 2, "bottom": below}[va] - bottom, np.asarray(sheet)[::-1]


class Line(Text):
    """A line of text that Pillow draws where the picture has pixels."""

    def draw(self, renderer) -> None:
        if not isinstance(renderer, RendererAgg):
            return super().draw(renderer)
        x, y, covered = self._stamp()
        if covered.size:
            pixels = np.empty((*covered.shape, 4), np.uint8)
            pixels[..., :3], pixels[..., 3] = np.rint(rgb(self.get_color()) * 255), covered
            renderer.draw_image(renderer.new_gc(), x, y, pixels)
        self.stale = False

    def _stamp(self) -> tuple[int, int, np.ndarray]:
        """Left and bottom edge in pixels, and how much the letters cover, from the lowest row up."""
        x, y = self.get_transform().transform(self.get_position())
        look = self.get_size() * self.figure.dpi / 72, self.get_weight(), self.get_ha(), self.get_va()
        left, bottom, covered = stamp(self.get_text(), *look)
        return round(x + left), round(y + bottom), covered

    def get_window_extent(self, renderer=None, dpi=None) -> Bbox:
        x, y, covered = self._stamp()
        return Bbox.from_bounds(x, y, *covered.shape[::-1])


class Canvas:
    """One figure without pyplot: ``size`` in pixels, at a ``dpi`` of which 100 gives texts and points their design size."""

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
        return letters(px * self.unit, "bold" if bold else "normal").getlength(plain(text))

    def fit(self, text: str, px: float, room: float, bold: bool = False) -> str:
        """The text, or as much of its beginning as fits into a width in pixels, with an ellipsis."""
        if self.width_of(text, px, bold) <= room:
            return text
        width = lambda n: self.width_of(text[:n].rstrip() + "…", px, bold)  # noqa: E731
        return text[: bisect(range(1, len(text) + 1), room, key=width)].rstrip() + "…"

    def text(self, x: float, y: float, text: str, px: float, color: str, bold=False, *, room=None, ha="left", va="top"):
        """Plain text at a pixel, cut to ``room`` pixels; a dollar sign is a dollar sign."""
        text = plain(text if room is None else self.fit(text, px, room, bold))
        look = {"color": color, "ha": ha, "va": va, "fontproperties": self.font(px, bold), "parse_math": False, "usetex": False}
        line = Line(x / self.size[0], 1 - y / self.size[1], text, transform=self.figure.transSubfigure, **look)
        line.set_figure(self.figure)
        self.figure.texts.append(line)
        return line

    def axes(self, rect: Rect):
        """Framed axes that fill a rectangle, without ticks."""
        (width, height), theme = self.size, self.theme
        where = rect.x / width, 1 - (rect.y + rect.h) / height, rect.w / width, rect.h / height
        axes = self.figure.add_axes(where, facecolor=theme.panel)
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=theme.faint, linewidth=self.points(1))
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
        self.canvas, self.figure, self.alt = canvas, canvas.figure, alt

    def save(self, path, dpi: float | None = None) -> Path:
        """Write the figure; the suffix names the format. The same figure gives the same bytes.

        A ConfigError where the suffix names no format, or the dpi makes more than 16 million pixels.
        """
        path, dpi = place(path), dpi or self.canvas.dpi
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
        return self._bytes(".png", self.canvas.dpi)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        shown = image(self.png, self.alt, self.canvas.size[0])
        return {"text/plain": repr(self), "text/html": shown, "image/png": base64.b64encode(self.png).decode()}

    def __repr__(self) -> str:
        return "Picture({}, {}x{})".format(self.alt, *self.canvas.size)
