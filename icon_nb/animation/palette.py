"""Colours shared by every picture of the project: a class has one colour and one marker wherever it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..errors import demand, nearest
from ..methods.catalogue import CLASS_COLORS

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "<", ">", "p")
BLENDS = (1.0, 0.72, 0.46, 0.2)


@dataclass(frozen=True)
class Theme:
    """Colours and relative text size of one style."""

    background: str
    panel: str
    ink: str  # titles
    muted: str  # what is read second
    faint: str  # frames and grids
    accent: str  # curves and bars
    second: str
    scale: float = 1.0  # of texts
    p: str = "#1a7f37"  # what p and q do to points
    q: str = "#bf3989"


THEMES = {
    "notebook": Theme("#ffffff", "#ffffff", "#1c2128", "#57606a", "#d5dae0", "#0b6bcb", "#c2410c"),
    "paper": Theme("#ffffff", "#ffffff", "#000000", "#3d3d3d", "#bdbdbd", "#1f4e8c", "#a63c06", 0.95),
    "slides": Theme("#ffffff", "#f6f8fa", "#0f1720", "#434c57", "#cfd6dd", "#0b6bcb", "#c2410c", 1.25),
    "dark": Theme("#14171c", "#181c22", "#f0f3f6", "#a3adb8", "#363d47", "#5aa9f5", "#f5924e", 1.0, "#3fb950", "#ff79c6"),
}


def theme(style: str) -> Theme:
    demand(style in THEMES, f"style={style!r} is unknown: {nearest(style, THEMES)}")
    return THEMES[style]


def class_color(c: int) -> str:
    """The colour of class c, as ``"#rrggbb"``."""
    return CLASS_COLORS[c % len(CLASS_COLORS)]


def class_marker(c: int, second: bool = False) -> str:
    """The marker of class c: a circle for the first ten, then another shape every ten; others in a ``second`` modality."""
    return MARKERS[(c // len(CLASS_COLORS) + second * len(MARKERS) // 2) % len(MARKERS)]


def rgb(color: str) -> np.ndarray:
    """Red, green and blue in 0..1 of ``"#rrggbb"``."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


@cache
def blend(color: str, background: str, amount: float) -> tuple[float, ...]:
    """``amount`` of the colour over the rest of the background, as floats in 0..1."""
    return tuple(float(v) for v in amount * rgb(color) + (1 - amount) * rgb(background))


@cache
def indexed_palette(style: str, photos: bool = False) -> np.ndarray:
    """The fixed palette of a picture, uint8 (m, 3), m <= 256: greys from background to ink, and blends of the class colours.

    Entry 0 is the background. ``photos`` adds a colour cube and finer greys, for pictures that carry coloured thumbnails.
    """
    t = theme(style)
    named = map(rgb, (t.background, t.panel, t.ink, t.muted, t.faint))
    colors = [blend(c, t.panel, a) for c in CLASS_COLORS + (t.accent, t.second, t.p, t.q) for a in BLENDS]
    greys = [blend(t.ink, t.background, a) for a in np.linspace(0, 1, 32 if photos else 13)]
    cube = np.stack(np.meshgrid(*[np.linspace(0, 1, k) for k in (5, 7, 5)]), -1).reshape(-1, 3).tolist() if photos else []
    entries = np.rint(np.array([*named, *colors, *greys, *cube]) * 255).astype(np.uint8)
    return np.array(list(dict.fromkeys(map(tuple, entries.tolist()))), dtype=np.uint8)[:256]


@cache
def nearest_entry(style: str, photos: bool = False) -> np.ndarray:
    """For every colour of 5 bits a channel, the nearest entry of :func:`indexed_palette`: uint8 array (32768,)."""
    palette = indexed_palette(style, photos).astype(np.float32)
    cells = np.indices((32, 32, 32), np.float32).reshape(3, -1).T * 8 + 4
    distance = (palette**2).sum(1) - 2 * cells @ palette.T
    table = distance.argmin(1).astype(np.uint8)
    cell = np.ravel_multi_index((palette.astype(int) >> 3).T, (32, 32, 32))
    table[cell[::-1]] = np.arange(len(palette))[::-1]  # where two share a cell, the earlier one wins
    return table
