"""Pictures of a study: measures against a setting with a cursor, p and q as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..evaluation.rows import Rows
from .canvas import Canvas
from .layout import Rect
from .palette import class_color
from .plots import Picture

PANEL, LEFT, TOP, GAP, FOOT = (215, 150), 52, 34, 52, 44
BARS = 14


def against(
    values: Sequence[float],
    measures: Mapping[str, np.ndarray],
    cursor: float | None = None,
    *,
    names: Mapping[str, str] | None = None,
    setting: str = "temperature",
    style: str = "notebook",
) -> Picture:
    """One panel per measure against a setting: the mean over seeds, a band from the least to the greatest, and a cursor.

    Parameters
    ----------
    values : sequence of float, > 0
        Drawn on a logarithmic axis.
    measures : mapping of str to array (n_values, n_seeds)
    cursor : float, optional
        The value that is looked at.
    names : mapping of str to str, optional
        Headings.

    Examples
    --------
    >>> against([0.1, 1.0], {"kNN accuracy": np.array([[0.9], [0.8]])})
    Picture(kNN accuracy against temperature, 319x228)
    """
    shown = {name: value for name, value in measures.items() if np.isfinite(value).any()}
    size = LEFT + (PANEL[0] + GAP) * max(len(shown), 1), TOP + PANEL[1] + FOOT
    canvas = Canvas(size, 100, style)
    for k, (name, value) in enumerate(shown.items()):
        rect = Rect(LEFT + k * (PANEL[0] + GAP), TOP, *PANEL)
        axes = canvas.axes(rect)
        _measure(axes, canvas, np.asarray(values), value, cursor)
        canvas.text(rect.x, 8, canvas.fit((names or {}).get(name, name), 12, PANEL[0] + GAP - 8), 12, canvas.theme.muted)
        canvas.text(rect.x + PANEL[0] / 2, TOP + PANEL[1] + 22, setting, 11, canvas.theme.muted, ha="center")
    return Picture(canvas, f"{', '.join(shown)} against {setting}")


def _measure(axes, canvas: Canvas, values: np.ndarray, scores: np.ndarray, cursor: float | None) -> None:
    axes.set_xscale("log")
    axes.autoscale(True)
    axes.plot(values, scores.mean(1), color=class_color(0), linewidth=canvas.points(2), marker="o", markersize=canvas.points(6))
    if scores.shape[1] > 1:
        axes.fill_between(values, scores.min(1), scores.max(1), color=class_color(0), alpha=0.18, linewidth=0)
    if cursor is not None:
        axes.axvline(cursor, color=class_color(1), linewidth=canvas.points(1.5), linestyle="--")
    step = max(1, -(-len(values) // 5))
    axes.set_xticks(values[::step], [f"{value:g}" for value in values[::step]])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(length=0, colors=canvas.theme.muted, labelsize=canvas.points(11))
    axes.grid(color=canvas.theme.faint, linewidth=canvas.points(0.7))


def bars(rows: Rows, frame: int, anchor: int, style: str = "notebook") -> Picture:
    """p and q of one anchor, for the candidates that either of them thinks most of, and the rest summed up.

    Parameters
    ----------
    rows : Rows
    frame, anchor : int
        Positions of the recorded epoch and of the anchor.
    """
    p, q = rows.p[anchor], None if rows.q is None else rows.q[min(frame, len(rows.q) - 1), anchor]
    weight = p if q is None else np.maximum(p, q)
    top = np.argsort(-weight, kind="stable")[:BARS]
    names = [rows.candidates[k] or str(k) for k in top]
    rest = len(p) > BARS
    canvas = Canvas((420, 250), 100, style)
    axes = canvas.axes(Rect(46, 52, 362, 150))
    _pair_of_bars(axes, canvas, [_with_rest(values, top, rest) for values in (p, q) if values is not None])
    written = [canvas.fit(name, 11, 60) for name in names] + ["rest"] * rest
    axes.set_xticks(range(len(written)), written, rotation=45, ha="right")
    axes.tick_params(length=0, colors=canvas.theme.muted, labelsize=canvas.points(10))
    canvas.text(12, 8, f"What p and q say about a sample of class {rows.anchors[anchor]}", 13, canvas.theme.ink, bold=True)
    for k, name in enumerate(["p, who should be near", "q, who is near"][: 1 if q is None else 2]):
        canvas.swatch(54 + 170 * k, 38, class_color(k), "s")
        canvas.text(64 + 170 * k, 30, name, 12, canvas.theme.muted)
    return Picture(canvas, f"p and q of a sample of class {rows.anchors[anchor]} over its {len(top)} strongest candidates")


def _with_rest(values: np.ndarray, top: np.ndarray, rest: bool) -> np.ndarray:
    return np.append(values[top], max(values.sum() - values[top].sum(), 0)) if rest else values[top]


def _pair_of_bars(axes, canvas: Canvas, series: Sequence[np.ndarray]) -> None:
    width = 0.8 / len(series)
    for k, values in enumerate(series):
        axes.bar(np.arange(len(values)) + (k - (len(series) - 1) / 2) * width, values, width, color=class_color(k))
    axes.autoscale(True)
    axes.set_ylim(0, max(1e-3, 1.08 * max(values.max() for values in series)))
    axes.yaxis.set_major_locator(MaxNLocator(5))
