"""What stands around the panels: the header with the epoch, curves of the metrics, legend, footer and progress bar."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ..evaluation.trajectory import Trajectory
from .canvas import Canvas, Rect, grid_shape
from .palette import class_color, class_marker
from .view import View

METRICS = {"loss": ".3f", "knn_accuracy": ".1%"}  # those that stand first, and how many figures they have
MOST_CURVES = 4
ROW, TEXT = 17, 11.5  # design pixels from line to line of the legend, and of its letters


def word_for(metric: str) -> str:
    return "kNN accuracy" if metric == "knn_accuracy" else metric.replace("_", " ")


def metrics_line(trajectory: Trajectory, source: int, more: tuple[str, ...] = ()) -> str:
    """Loss, kNN accuracy, and ``more`` metrics by name, at a recorded frame; what was not measured is left out."""
    names = [name for name in dict.fromkeys((*METRICS, *more)) if name in trajectory.metrics]
    values = {name: float(trajectory.metrics[name][source]) for name in names}
    shown = [(name, value) for name, value in values.items() if np.isfinite(value)]
    return "   ".join(f"{word_for(name)} {value:{METRICS.get(name, '.3g')}}" for name, value in shown)


class LiveText:
    """A line of text that is written anew for every frame, by ``words(frame)``, within ``room`` pixels."""

    def __init__(self, canvas: Canvas, at: tuple[float, float], px: float, room: float, words: Callable[[int], str], ha="left"):
        self.canvas, self.px, self.room, self.words = canvas, px, room, words
        self.line = canvas.text(*at, "", px, canvas.theme.muted, ha=ha)
        self.artists = [self.line]

    def update(self, frame: int) -> None:
        self.line.set_text(self.canvas.fit(self.words(frame), self.px, self.room))


def header(canvas: Canvas, rect: Rect, title: str, single: bool, words: Callable[[int], str]) -> LiveText:
    """Title on the left; below it what ``words`` say of a frame, which for several panels stands on the right."""
    u = canvas.unit
    room = rect.w - (0 if single else canvas.width_of("epoch 0000 of 0000", 13) + 12 * u)
    canvas.text(rect.x, rect.y, title, 15, canvas.theme.ink, bold=True, room=room)
    if single:
        return LiveText(canvas, (rect.x, rect.y + 21 * u), 12.5, rect.w, words)
    x, ha = (rect.x + rect.w, "right") if title else (rect.x, "left")
    return LiveText(canvas, (x, rect.y + 1 * u), 13, rect.w, words, ha)


def panel_header(canvas: Canvas, rect: Rect, view: View, metrics: tuple[str, ...]) -> LiveText:
    u = canvas.unit
    canvas.text(rect.x, rect.y + 2 * u, view.title, 13, canvas.theme.ink, bold=True, room=rect.w)

    def words(frame: int) -> str:
        k, _ = view.timeline.at(frame)
        text, last = metrics_line(view.trajectory, view.sources[k], metrics), view.trajectory.epochs[-1]
        return ((f"stopped at epoch {last}   " if view.timeline.epochs[k] > last else "") + text).strip()

    return LiveText(canvas, (rect.x, rect.y + 19 * u), 11.5, rect.w, words)


class ProgressBar:
    """How far the animation has come, along the bottom edge; it also keeps equal frames apart."""

    def __init__(self, canvas: Canvas, n_frames: int):
        self.last, self.least = max(n_frames - 1, 1), 2 / canvas.size[0]
        look = {"transform": canvas.figure.transFigure, "color": canvas.theme.accent, "linewidth": 0}
        self.artists = [canvas.figure.add_artist(Rectangle((0, 0), 0, 3 * canvas.unit / canvas.size[1], **look))]

    def update(self, frame: int) -> None:
        self.artists[0].set_width(max(frame / self.last, self.least))


class MetricCurves:
    """Metrics over the epochs, with a cursor at the epoch shown. Each has its own scale, which stands below its name."""

    def __init__(self, canvas: Canvas, rect: Rect, view, names, scales: dict[str, tuple[float, float]]):
        self.view, u = view, canvas.unit
        words = [canvas.fit(word_for(name), 11, 0.25 * rect.w, bold=True) for name in names]
        ranges = ["–".join(f"{value:.3g}" for value in scales[name]) if name in scales else "" for name in names]
        left = max(max(canvas.width_of(w, 11, True), canvas.width_of(r, 8.5)) for w, r in zip(words, ranges)) + 8 * u
        self.axes = canvas.axes(Rect(rect.x + left, rect.y, rect.w - left, rect.h))
        first, last = view.timeline.epochs[0], view.timeline.epochs[-1]
        margin = max(last - first, 1) * 0.02
        self.axes.set(xlim=(first - margin, last + margin), ylim=(-0.14, 1.14), autoscale_on=False)
        self.cursor = self._line([first, first], [-0.14, 1.14], canvas.theme.muted, canvas.points(1), zorder=4)
        self.curves, epochs, metrics = [], view.trajectory.epochs, view.trajectory.metrics
        self.colors = dict(zip(names, (canvas.theme.accent, canvas.theme.second, class_color(6), class_color(9))))
        look = {"marker": "o", "markersize": canvas.points(6), "markeredgecolor": canvas.theme.panel, "zorder": 5}
        for k, (word, (name, color)) in enumerate(zip(words, self.colors.items())):
            middle = rect.y + (k + 0.5) * rect.h / len(names)
            canvas.text(rect.x, middle - 5 * u, word, 11, color, bold=True, va="center_baseline")
            canvas.text(rect.x, middle + 6 * u, ranges[k], 8.5, color, va="center_baseline")
            if name in metrics and name in scales:
                known, (low, high) = np.isfinite(metrics[name]), scales[name]
                curve = epochs[known], (metrics[name][known] - low) / (high - low)
                self._line(*curve, color, canvas.points(1.6), zorder=3)
                self.curves.append((*curve, self._line([], [], color, 0, **look)))
        self.artists = [self.cursor, *(dot for _, _, dot in self.curves)]

    def _line(self, x, y, color, width, **more) -> Line2D:
        return self.axes.add_line(Line2D(x, y, color=color, linewidth=width, solid_capstyle="round", **more))

    def update(self, frame: int) -> None:
        (k, part), shown = self.view.timeline.at(frame), self.view.timeline.epochs
        epoch = shown[k] * (1 - part) + shown[min(k + 1, len(shown) - 1)] * part
        self.cursor.set_xdata([epoch, epoch])
        at = min(epoch, self.view.trajectory.epochs[-1])
        for epochs, height, dot in self.curves:
            dot.set_data([at], [np.interp(at, epochs, height, left=np.nan)])


def curve_names(trajectories, overlays) -> tuple[str, ...]:
    """The metrics that the overlays draw as curves, where some run has a value: loss and kNN accuracy first, at most four."""
    measured = [name for t in trajectories for name, values in t.metrics.items() if np.isfinite(values).any()]
    named = [name for overlay in overlays for name in ((*METRICS, *measured) if overlay == "curves" else [overlay])]
    return tuple(name for name in dict.fromkeys(named) if name in measured)[:MOST_CURVES]


def curve_scales(trajectories, names) -> dict[str, tuple[float, float]]:
    """Smallest and largest finite value of each metric over all runs, so that curves side by side can be compared."""
    scales = {}
    for name in names:
        found = [float(value) for t in trajectories for value in t.metrics.get(name, ()) if np.isfinite(value)]
        if found:
            low, high = min(found), max(found)
            scales[name] = (low, high) if high > low else (low - 0.5, high + 0.5)
    return scales


@dataclass(frozen=True)
class Entry:
    """One line of the legend; that which counts what was left out has no marker."""

    name: str
    color: str
    marker: str
    hollow: bool = False


@dataclass(frozen=True)
class Legend:
    """Entries in columns of ``width`` pixels, ``beside`` a single panel or below all."""

    entries: tuple[Entry, ...] = ()
    columns: int = 1
    width: float = 0.0
    beside: bool = False

    @property
    def rows(self) -> int:
        return math.ceil(len(self.entries) / self.columns)

    def write(self, canvas: Canvas, left: float, top: float) -> None:
        u = canvas.unit
        for k, entry in enumerate(self.entries):
            row, column = divmod(k, self.columns)
            x, y = left + column * self.width, top + (row + 0.5) * ROW * u
            if entry.marker:
                canvas.swatch(x + 5 * u, y, entry.color, entry.marker, entry.hollow)
            color = canvas.theme.ink if entry.marker else canvas.theme.muted
            canvas.text(x + 14 * u, y, entry.name, TEXT, color, va="center_baseline")


def class_entries(trajectories: Sequence[Trajectory], muted: str) -> list[Entry]:
    """Named classes that occur, then what filled and hollow markers, and those of two modalities, mean where both occur."""
    named = {}
    for t in trajectories:
        if t.labels is not None and t.class_names:
            named = {int(c): t.class_names[c] for c in np.unique(t.labels)} | named
    listed = [Entry(named[c], class_color(c), class_marker(c)) for c in sorted(named)]
    if any(t.held_out is not None and 0 < t.held_out.sum() < len(t.held_out) for t in trajectories):
        listed += [Entry("training", muted, "o"), Entry("held out", muted, "o", hollow=True)]
    for one, other in dict.fromkeys(t.sides for t in trajectories if t.second is not None):
        listed += [Entry(one, muted, class_marker(0)), Entry(other, muted, class_marker(0, second=True))]
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
    return Legend((*entries[:shown], Entry(f"+ {n - shown} more", "", "")), columns, width)


def set_out(canvas, legend: Legend, n: int, note="", caption="", *, most=2, strip=0, columns=None, head=36, top=None):
    """Lay a picture out and write its legend and its footer: at most so many lines of the note, and of the caption.

    The ``heads``, ``panels`` and ``strips`` that are returned have one rectangle for each of n panels; ``strip`` is the number of
    curves below each. ``columns`` overrules the usual grid; ``head`` is the height over each panel and ``top`` that over all, in
    design pixels.
    """
    (width, height), u, pad, gap = canvas.size, canvas.unit, 10 * canvas.unit, 8 * canvas.unit
    said = [(note, canvas.theme.ink), (caption, canvas.theme.muted)]
    lines = [(line, color) for text, color in said for line in wrap(canvas, text, width - 2 * pad, most)]
    right = legend.width if legend.beside else 0
    below = legend.rows * ROW * u + 4 * u if legend.entries and not right else 0
    foot = (3 + 5) * u + len(lines) * 14 * u + (4 * u if lines else 0)
    top, bottom = pad + (top if top is not None else 42 if n == 1 else 26) * u, height - foot - below
    head = head * u if n > 1 or columns else 0
    strip = max(58, 6 + 24 * strip) * u if strip else 0
    columns = columns or grid_shape(n)[1]
    rows = math.ceil(n / columns)
    w = (width - 2 * pad - (right + 8 * u if right else 0) - gap * (columns - 1)) / columns
    h = (bottom - top - gap * (rows - 1)) / rows
    cells = [Rect(pad + k % columns * (w + gap), top + k // columns * (h + gap), w, h) for k in range(n)]
    legend.write(canvas, *((pad, bottom + 4 * u) if below else (width - pad - right, top)))
    for k, (line, color) in enumerate(lines):
        canvas.text(pad, height - foot + 5 * u + 14 * k * u, line, 11, color)
    return SimpleNamespace(
        title=Rect(pad, pad, width - 2 * pad, top - pad),
        panels=[Rect(cell.x, cell.y + head, cell.w, cell.h - head - strip) for cell in cells],
        heads=[Rect(cell.x, cell.y, cell.w, head) for cell in cells],
        strips=[Rect(cell.x, cell.y + cell.h - strip + 6 * u, cell.w, strip - 6 * u) for cell in cells if strip],
    )


def wrap(canvas: Canvas, text: str, room: float, most: int) -> list[str]:
    """Text cut into at most so many lines of at most ``room`` pixels, the last one shortened."""
    lines: list[str] = []
    for word in text.split():
        if lines and (len(lines) == most or canvas.width_of(f"{lines[-1]} {word}", 11) <= room):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [canvas.fit(line, 11, room) for line in lines]
