"""The legend: which marker and colour means what, in columns beside the panel or below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..evaluation.trajectory import Trajectory
from .canvas import Canvas
from .layout import Rect
from .palette import class_color, class_marker

ROW, TEXT = 17, 11.5  # design pixels from line to line, and of the letters


@dataclass(frozen=True)
class Entry:
    """One line of the legend."""

    name: str
    color: str
    marker: str
    hollow: bool = False


@dataclass(frozen=True)
class Legend:
    """Entries in columns of ``width`` pixels, ``beside`` a single panel or below all; ``left_out`` counts those without room."""

    entries: tuple[Entry, ...] = ()
    columns: int = 1
    width: float = 0.0
    left_out: int = 0
    beside: bool = False

    @property
    def rows(self) -> int:
        """Lines that it takes, with the one that counts what was left out."""
        return math.ceil((len(self.entries) + bool(self.left_out)) / self.columns)

    def write(self, canvas: Canvas, rect: Rect) -> None:
        """Swatches and names in columns; what did not fit is counted."""
        u = canvas.unit
        lines = [*self.entries, *([Entry(f"+ {self.left_out} more", "", "")] if self.left_out else [])]
        for k, entry in enumerate(lines):
            row, column = divmod(k, self.columns)
            x, y = rect.x + column * self.width, rect.y + (row + 0.5) * ROW * u
            if entry.marker:
                canvas.swatch(x + 5 * u, y, entry.color, entry.marker, entry.hollow)
            color = canvas.theme.ink if entry.marker else canvas.theme.muted
            canvas.text(x + 14 * u, y, entry.name, TEXT, color, va="center_baseline")


def class_entries(trajectories: Sequence[Trajectory], muted: str) -> list[Entry]:
    """Named classes that occur, then what filled and hollow markers mean where both occur."""
    named = {}
    for t in trajectories:
        if t.labels is not None and t.class_names:
            named = {int(c): t.class_names[c] for c in np.unique(t.labels)} | named
    listed = [Entry(named[c], class_color(c), class_marker(c)) for c in sorted(named)]
    if any(t.held_out is not None and 0 < t.held_out.sum() < len(t.held_out) for t in trajectories):
        listed += [Entry("training", muted, "o"), Entry("held out", muted, "o", hollow=True)]
    return listed


def plan_legend(canvas: Canvas, entries: Sequence[Entry], beside: bool = False, in_full: bool = False) -> Legend:
    """Short names go in a column ``beside`` a single panel, others in at most three rows below; the rest is counted.

    Names of runs, which differ at their ends as often as not, are written ``in_full``, in as many rows as that takes.
    """
    if not entries:
        return Legend()
    u, room, n = canvas.unit, canvas.size[0] - 20 * canvas.unit, len(entries)
    longest = room - 14 * u if in_full else 104 * u
    entries = tuple(replace(entry, name=canvas.fit(entry.name, TEXT, longest)) for entry in entries)
    widest = max(canvas.width_of(entry.name, TEXT) for entry in entries) + 14 * u
    if beside and widest <= 0.19 * canvas.size[0] and n * ROW * u <= canvas.size[1] - 110 * u:
        return Legend(entries, 1, widest, beside=True)
    width = widest + (14 if in_full else 10) * u
    columns = max(1, min(n, int((room + (14 * u if in_full else 0)) // width)))
    if in_full or n <= 3 * columns:
        return Legend(entries, math.ceil(n / math.ceil(n / columns)), width)
    width = max(width, canvas.width_of("+ 100 more", TEXT) + 4 * u)
    columns = max(1, int(room // width))
    shown = max(1, 3 * columns - 1)
    return Legend(entries[:shown], columns, width, n - shown)
