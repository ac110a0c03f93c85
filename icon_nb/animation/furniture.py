"""What stands around the panels: title, epoch counter, curves, legend, notes, caption, progress bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ..evaluation.trajectory import Trajectory
from .canvas import Canvas
from .layout import ROW, Layout, Legend, Rect, plan_legend
from .palette import class_color, class_marker

FIGURES = 0.75  # ems; digits and lower case are about 0.6 wide
METRICS = {"loss": ("loss", "{:.3f}"), "knn_accuracy": ("kNN", "{:.1%}")}
MOST_CURVES = 4


def word_for(metric: str) -> str:
    """What a metric is called in a picture.

    >>> word_for("knn_accuracy"), word_for("effective_rank")
    ('kNN', 'effective rank')
    """
    return METRICS.get(metric, (metric.replace("_", " "),))[0]


@dataclass(frozen=True)
class Entry:
    """One line of the legend."""

    name: str
    color: str
    marker: str
    hollow: bool = False


def legend_entries(trajectories, muted: str) -> list[Entry]:
    """Named classes that occur, then what filled and hollow markers mean where both occur."""
    entries = {}
    for t in trajectories:
        if t.labels is not None and t.class_names:
            for c in map(int, np.unique(t.labels)):
                entries.setdefault(c, Entry(t.class_names[c], class_color(c), class_marker(c)))
    listed = [entries[c] for c in sorted(entries)]
    if any(t.held_out is not None and 0 < t.held_out.sum() < len(t.held_out) for t in trajectories):
        listed += [Entry("training", muted, "o"), Entry("held out", muted, "o", hollow=True)]
    return listed


def plan_entries(canvas: Canvas, entries: list[Entry], n_panels: int) -> Legend:
    return plan_legend([e.name for e in entries], lambda s: canvas.width_of(s, 11.5), canvas.size, canvas.unit, n_panels)


def write_legend(canvas: Canvas, entries: list[Entry], legend: Legend, rect: Rect) -> None:
    """Swatches and names in columns; what did not fit is counted."""
    u = canvas.unit
    rest = [f"+ {legend.left_out} more"] if legend.left_out else []
    for k, name in enumerate([*legend.names, *rest]):
        row, column = divmod(k, legend.columns)
        x, y = rect.x + column * legend.column_width, rect.y + (row + 0.5) * ROW * u
        if k < len(legend.names):
            entry = entries[k]
            canvas.swatch(x + 5 * u, y, entry.color, entry.marker, entry.hollow)
        color = canvas.theme.ink if k < len(legend.names) else canvas.theme.muted
        canvas.text(x + 14 * u, y, name, 11.5, color, va="center_baseline")


def metrics_line(trajectory: Trajectory, source: int, more: tuple[str, ...] = ()) -> str:
    """Loss, kNN accuracy, and ``more`` metrics by name, at a recorded frame; what was not measured is left out.

    >>> t = Trajectory(np.zeros((1, 2, 2)), np.arange(1), metrics={"loss": np.array([0.5]), "knn_accuracy": np.array([np.nan])})
    >>> metrics_line(t, 0)
    'loss 0.500'
    """
    names = dict.fromkeys((*METRICS, *more))
    values = {name: float(trajectory.metrics[name][source]) for name in names if name in trajectory.metrics}
    return "   ".join(f"{word_for(name)} {_written(name, value)}" for name, value in values.items() if np.isfinite(value))


def _written(name: str, value: float) -> str:
    return METRICS[name][1].format(value) if name in METRICS else f"{value:.3g}"


class Head:
    """Title on the left; the epoch and, for one panel, its metrics below; for several the epoch on the right."""

    def __init__(self, canvas: Canvas, rect: Rect, title: str, painter):
        self.canvas, self.rect, self.painter = canvas, rect, painter
        self.single = len(painter.views) == 1
        u, theme = canvas.unit, canvas.theme
        room = rect.w - (0 if self.single else canvas.width_of("epoch 0000 of 0000", 13) + 12 * u)
        canvas.text(rect.x, rect.y, canvas.fit(title, 15, room, bold=True), 15, theme.ink, bold=True)
        if self.single:
            self.line = canvas.text(rect.x, rect.y + 21 * u, "", 12.5, theme.muted)
        elif title:
            self.line = canvas.text(rect.x + rect.w, rect.y + 1 * u, "", 13, theme.muted, ha="right")
        else:
            self.line = canvas.text(rect.x, rect.y + 1 * u, "", 13, theme.muted)
        self.artists = [self.line]

    def update(self, frame: int) -> None:
        self.line.set_text(self.canvas.fit(self.painter.head_line(frame), 12.5, self.rect.w, widest=FIGURES))


class PanelHead:
    """Title of one of several panels and its metrics."""

    def __init__(self, canvas: Canvas, rect: Rect, view, metrics: tuple[str, ...]):
        self.canvas, self.rect, self.view, self.metrics = canvas, rect, view, metrics
        u = canvas.unit
        canvas.text(rect.x, rect.y + 2 * u, canvas.fit(view.title, 13, rect.w, bold=True), 13, canvas.theme.ink, bold=True)
        self.line = canvas.text(rect.x, rect.y + 19 * u, "", 11.5, canvas.theme.muted)
        self.artists = [self.line]

    def update(self, frame: int) -> None:
        k, _ = self.view.timeline.at(frame)
        text, last = metrics_line(self.view.trajectory, self.view.sources[k], self.metrics), self.view.trajectory.epochs[-1]
        if self.view.timeline.epochs[k] > last:
            text += f"   stopped at epoch {last}"
        self.line.set_text(self.canvas.fit(text.strip(), 11.5, self.rect.w, widest=FIGURES))


class Bar:
    """How far the animation has come, along the bottom edge; it also keeps equal frames apart."""

    def __init__(self, canvas: Canvas, rect: Rect, n_frames: int):
        self.last, self.least = max(n_frames - 1, 1), 2 / canvas.size[0]
        self.done = Rectangle(
            (0, 0), 0, rect.h / canvas.size[1], transform=canvas.figure.transFigure, color=canvas.theme.accent, linewidth=0
        )
        canvas.figure.add_artist(self.done)
        self.artists = [self.done]

    def update(self, frame: int) -> None:
        self.done.set_width(max(frame / self.last, self.least))


class Curves:
    """Metrics over the epochs, with a cursor at the epoch shown. Each is drawn on its own scale, in the colour of its name."""

    def __init__(self, canvas: Canvas, rect: Rect, view, names, scales: dict[str, tuple[float, float]]):
        self.view, u = view, canvas.unit
        words = [canvas.fit(word_for(name), 11, 0.25 * rect.w, bold=True) for name in names]
        left = max(canvas.width_of(word, 11, bold=True) for word in words) + 8 * u
        self.axes = canvas.axes(Rect(rect.x + left, rect.y, rect.w - left, rect.h))
        first, last = view.timeline.epochs[0], view.timeline.epochs[-1]
        margin = max(last - first, 1) * 0.02
        self.axes.set(xlim=(first - margin, last + margin), ylim=(-0.14, 1.14), autoscale_on=False)
        self.cursor = self._line([first, first], [-0.14, 1.14], canvas.theme.muted, canvas.points(1), zorder=4)
        self.artists, self.curves = [self.cursor], []
        self.colors = dict(zip(names, (canvas.theme.accent, canvas.theme.second, class_color(6), class_color(9))))
        for k, (word, (name, color)) in enumerate(zip(words, self.colors.items())):
            middle = rect.y + (k + 0.5) * rect.h / len(names)
            canvas.text(rect.x, middle, word, 11, color, bold=True, va="center_baseline")
            self._curve(canvas, view.trajectory.metrics.get(name), scales.get(name), color)

    def _line(self, x, y, color, width, **more) -> Line2D:
        return self.axes.add_line(Line2D(x, y, color=color, linewidth=width, solid_capstyle="round", **more))

    def _curve(self, canvas: Canvas, values, scale, color: str) -> None:
        if values is None or scale is None:
            return
        known = np.isfinite(values)
        height = (values - scale[0]) / (scale[1] - scale[0])
        epochs = self.view.trajectory.epochs
        self._line(epochs[known], height[known], color, canvas.points(1.6), zorder=3)
        size = canvas.points(6)
        dot = self._line([], [], color, 0, marker="o", markersize=size, markeredgecolor=canvas.theme.panel, zorder=5)
        self.curves.append((epochs, height, dot))
        self.artists.append(dot)

    def update(self, frame: int) -> None:
        k, part = self.view.timeline.at(frame)
        shown = self.view.timeline.epochs
        epoch = shown[k] * (1 - part) + shown[min(k + 1, len(shown) - 1)] * part
        self.cursor.set_xdata([epoch, epoch])
        for epochs, height, dot in self.curves:
            known = np.isfinite(height)
            at = min(epoch, epochs[-1])
            y = np.interp(at, epochs[known], height[known], left=np.nan)
            dot.set_data([at], [y])


def curve_names(trajectories, overlays) -> tuple[str, ...]:
    """The metrics that the overlays draw as curves, where some run has a value: loss and kNN accuracy first, at most four.

    >>> t = Trajectory(np.zeros((1, 2, 2)), np.arange(1), metrics={"rank": np.ones(1), "loss": np.ones(1)})
    >>> curve_names([t], ("curves",)), curve_names([t], ("rank", "trails"))
    (('loss', 'rank'), ('rank',))
    """
    recorded = [name for t in trajectories for name, values in t.metrics.items() if np.isfinite(values).any()]
    recorded = [name for name in dict.fromkeys((*METRICS, *recorded)) if name in recorded]
    named = [name for overlay in overlays for name in (recorded if overlay == "curves" else [overlay])]
    return tuple(name for name in dict.fromkeys(named) if name in recorded)[:MOST_CURVES]


def curve_scales(trajectories, names) -> dict[str, tuple[float, float]]:
    """Smallest and largest finite value of each metric over all runs, so that curves side by side can be compared."""
    scales = {}
    for name in names:
        found = [t.metrics[name][np.isfinite(t.metrics[name])] for t in trajectories if name in t.metrics]
        values = np.concatenate(found) if found else np.zeros(0)
        if len(values):
            low, high = float(values.min()), float(values.max())
            scales[name] = (low, high) if high > low else (low - 0.5, high + 0.5)
    return scales


def write_foot(canvas: Canvas, layout: Layout, caption: str, note: str) -> None:
    """The note, in a warning colour, and the caption; each on as many lines as :func:`wrap` gives it."""
    u, rect = canvas.unit, layout.caption
    lines = [(line, canvas.theme.second) for line in wrap(canvas, note, rect.w)]
    lines += [(line, canvas.theme.muted) for line in wrap(canvas, caption, rect.w)]
    for k, (line, color) in enumerate(lines):
        canvas.text(rect.x, rect.y + 14 * k * u, line, 11, color)


def wrap(canvas: Canvas, text: str, room: float, most: int = 2) -> list[str]:
    """Text cut into lines of at most ``room`` pixels; at most ``most`` lines, the last one shortened."""
    lines: list[str] = []
    for word in text.split():
        if lines and canvas.width_of(f"{lines[-1]} {word}", 11) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [canvas.fit(line, 11, room) for line in lines]
