"""Curves over epochs: one panel per metric, one line per run, with the spread where several runs share a label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .canvas import Canvas
from .layout import Rect
from .palette import class_color
from .plots import Picture
from .trajectory import Trajectory

NAMES = {"knn_accuracy": "kNN accuracy"}
PANEL = (300, 190)
LEFT, TOP, GAP, FOOT = 58, 58, 66, 40


def curves(
    trajectories: Trajectory | Sequence[Trajectory],
    labels: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    *,
    title: str = "",
    note: str = "",
    style: str = "notebook",
    dpi: float = 100,
) -> Picture:
    """Draw the metrics of one or several trajectories against the epoch.

    Parameters
    ----------
    trajectories : Trajectory or sequence of Trajectory
    labels : sequence of str, optional
        One per trajectory; those that share a label are drawn as their mean with a band from the least to the greatest.
    metrics : sequence of str, optional
        Names in ``trajectory.metrics``; all that have a value when not given.
    title, note : str
        A heading, and a line below the panels.
    style : str
        paper, slides, notebook or dark.

    Returns
    -------
    Picture

    Examples
    --------
    >>> walk = np.zeros((4, 5, 2))
    >>> curves(Trajectory(walk, np.arange(4), metrics={"loss": np.array([4.0, 2.0, 1.0, 0.5])}))
    Picture(curves of loss, 424x288)
    """
    runs = [trajectories] if isinstance(trajectories, Trajectory) else list(trajectories)
    labels = [run.title or f"run {k + 1}" for k, run in enumerate(runs)] if labels is None else list(labels)
    shown = list(metrics or dict.fromkeys(name for run in runs for name, v in run.metrics.items() if np.isfinite(v).any()))
    names = list(dict.fromkeys(labels))
    legend = 18 * len(names) if len(names) > 1 else 0
    size = LEFT + (PANEL[0] + GAP) * max(len(shown), 1), TOP + PANEL[1] + FOOT + legend + (18 if note else 0)
    canvas = Canvas((round(size[0] * dpi / 100), round(size[1] * dpi / 100)), dpi, style)
    heading = title or (runs[0].title if len(runs) == 1 else "")
    heading = canvas.fit(heading, 14, canvas.size[0] - 32, bold=True)
    canvas.text(16 * canvas.unit, 12 * canvas.unit, heading, 14, canvas.theme.ink, bold=True)
    for k, metric in enumerate(shown):
        _panel(canvas, k, metric, names, [(label, run) for label, run in zip(labels, runs) if metric in run.metrics])
    if len(names) > 1:
        _legend(canvas, names)
    canvas.text(16 * canvas.unit, (size[1] - 22) * canvas.unit, canvas.fit(note, 11, canvas.size[0] - 32), 11, canvas.theme.muted)
    return Picture(canvas, f"curves of {', '.join(NAMES.get(name, name) for name in shown)}")


def _panel(canvas: Canvas, k: int, metric: str, names: Sequence[str], runs) -> None:
    rect = Rect(LEFT + k * (PANEL[0] + GAP), TOP, *PANEL)
    axes = canvas.axes(Rect(*(value * canvas.unit for value in (rect.x, rect.y, rect.w, rect.h))))
    for c, name in enumerate(names):
        _line(axes, canvas, class_color(c), [run for label, run in runs if label == name], metric)
    axes.autoscale(True)
    _ticks(axes, canvas)
    label = f"{NAMES.get(metric, metric)} by epoch"
    canvas.text(rect.x * canvas.unit, (rect.y - 20) * canvas.unit, label, 12, canvas.theme.muted)


def _line(axes, canvas: Canvas, color: str, runs: Sequence[Trajectory], metric: str) -> None:
    """The mean over the runs, and a band between the least and the greatest where there are several."""
    if not runs:
        return
    epochs = np.unique(np.concatenate([run.epochs[np.isfinite(run.metrics[metric])] for run in runs]))
    values = np.array([np.interp(epochs, *_known(run, metric), right=np.nan) for run in runs if len(_known(run, metric)[0])])
    if not values.size:
        return
    mean = np.nanmean(values, axis=0)
    marker = {"marker": "o", "markersize": canvas.points(4)} if len(epochs) < 40 else {}
    axes.plot(epochs, mean, color=color, linewidth=canvas.points(2), **marker)
    if len(values) > 1:
        axes.fill_between(epochs, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=color, alpha=0.18, linewidth=0)


def _known(run: Trajectory, metric: str) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(run.metrics[metric])
    return run.epochs[known], run.metrics[metric][known]


def _ticks(axes, canvas: Canvas) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(length=0, colors=canvas.theme.muted, labelsize=canvas.points(11))
    axes.grid(color=canvas.theme.faint, linewidth=canvas.points(0.7))
    axes.set_axisbelow(True)


def _legend(canvas: Canvas, names: Sequence[str]) -> None:
    for c, name in enumerate(names):
        y = (TOP + PANEL[1] + FOOT + 18 * c - 4) * canvas.unit
        canvas.swatch((LEFT + 6) * canvas.unit, y + 7 * canvas.unit, class_color(c), "o")
        canvas.text((LEFT + 20) * canvas.unit, y, canvas.fit(name, 12, canvas.size[0] - 100), 12, canvas.theme.ink)
