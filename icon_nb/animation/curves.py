"""Curves over epochs: one panel per metric, one line per run, a band where several runs share a name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..errors import ConfigError, nearest
from ..evaluation.trajectory import Trajectory
from .canvas import Canvas
from .furniture import Entry, plan_entries, word_for, write_legend
from .layout import ROW, Legend, Rect, arrange, plan_names
from .palette import class_color, class_marker
from .plots import Picture


def curves(
    trajectories: Trajectory | Sequence[Trajectory],
    labels: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    *,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
    title: str = "",
    note: str = "",
    size: tuple[int, int] | None = None,
    dpi: float = 100,
    style: str = "notebook",
) -> Picture:
    """Metrics over the epochs, one panel a metric, one line a name, in the order and colours of the classes.

    Parameters
    ----------
    trajectories : Trajectory or a sequence of them
    labels : sequence of str, optional
        One per trajectory, by default their titles; those that share a label are their mean, in a band from least to greatest.
    metrics : str or sequence of str, optional
        Names in ``Trajectory.metrics``; every one that a run measured when not given.
    baselines : mapping, optional
        ``{"knn_accuracy": {"raw pixels": 0.97}}`` draws a dashed line, named, in the panel of that metric.
    title, note : str
        A heading, and a line below the panels.
    size : (int, int), optional
        Pixels. When not given the picture is as high as its legend needs, so that labels are written in full.
    dpi, style
        As in :func:`icon_nb.animation.animate`.

    Raises
    ------
    ConfigError
        No run measured any of the metrics, or another number of labels than runs.

    Examples
    --------
    >>> curves(Trajectory(np.zeros((3, 2, 2)), np.arange(3), metrics={"loss": np.array([3.0, 2.0, 1.0])}, title="sne on digits"))
    Picture(loss over the epochs of sne on digits, 760x300)
    """
    runs = [trajectories] if isinstance(trajectories, Trajectory) else list(trajectories)
    labels = [run.title for run in runs] if labels is None else [str(label) for label in labels]
    if len(labels) != len(runs):
        raise ConfigError(f"curves got {len(labels)} labels for {len(runs)} runs: give one each")
    shown = _measured(runs, metrics)
    names = list(dict.fromkeys(labels))
    canvas, legend = _canvas(size, (max(760, 370 * len(shown)), 320 if note else 300), dpi, style, _entries(names))
    panels = _furnish(canvas, names, legend, title, note, len(shown))
    lines = [(name, [run for label, run in zip(labels, runs) if label == name]) for name in names]
    for metric, rect in zip(shown, panels):
        _panel(canvas, rect, metric, lines, (baselines or {}).get(metric, {}))
    return Picture(canvas, f"{' and '.join(shown)} over the epochs of {', '.join(filter(None, names)) or 'a run'}")


def _measured(runs: Sequence[Trajectory], metrics: Sequence[str] | None) -> list[str]:
    """The metrics that some run has a value of."""
    recorded = dict.fromkeys(name for run in runs for name in run.metrics)
    asked = [metrics] if isinstance(metrics, str) else list(metrics or recorded)
    for name in asked:
        if recorded and name not in recorded:
            raise ConfigError(f"metrics={name!r} was not recorded: {nearest(name, recorded)}")
    shown = [name for name in asked if any(np.isfinite(run.metrics.get(name, np.nan)).any() for run in runs)]
    if not shown:
        raise ConfigError(f"none of the metrics {', '.join(asked) or '(there are none)'} was recorded: record(z, loss=...)")
    return shown


def _entries(names: Sequence[str]) -> list[Entry]:
    return [Entry(name, class_color(k), class_marker(k)) for k, name in enumerate(names)] if len(names) > 1 else []


def _canvas(size, usual: tuple[int, int], dpi: float, style: str, entries: list[Entry]) -> tuple[Canvas, Legend]:
    """A canvas and its legend: higher than usual by the rows that labels in full take, unless its size was asked for."""
    canvas = Canvas(size or usual, dpi, style)
    legend = _in_full(canvas, entries)
    if legend.rows <= 1:
        return canvas, legend
    if size is not None:
        return canvas, plan_entries(canvas, entries, n_panels=2)
    canvas = Canvas((usual[0], usual[1] + math.ceil((legend.rows - 1) * ROW * dpi / 100)), dpi, style)
    return canvas, _in_full(canvas, entries)


def _in_full(canvas: Canvas, entries: list[Entry]) -> Legend:
    return plan_names([entry.name for entry in entries], lambda s: canvas.width_of(s, 11.5), canvas.size, canvas.unit)


def _furnish(canvas: Canvas, names: Sequence[str], legend: Legend, title: str, note: str, n_panels: int) -> Sequence[Rect]:
    """Write heading, legend and note; returns the rectangles of the panels."""
    heading = title or ("" if len(names) > 1 else names[0])
    lines, top = (1 if note else 0), (26 if heading else 0)
    shape = {"columns": n_panels, "head": 22, "top": top}
    layout = arrange(canvas.size, canvas.unit, n_panels, legend, strip=0, caption_lines=lines, **shape)
    heading = canvas.fit(heading, 14, layout.title.w, bold=True)
    canvas.text(layout.title.x, layout.title.y, heading, 14, canvas.theme.ink, bold=True)
    write_legend(canvas, _entries(names), legend, layout.legend)
    if note:
        canvas.text(layout.caption.x, layout.caption.y, canvas.fit(note, 11, layout.caption.w), 11, canvas.theme.muted)
    return layout.panels


def _panel(canvas: Canvas, rect: Rect, metric: str, lines, baselines: Mapping[str, float]) -> None:
    """One metric of every run, with ticks inside the rectangle's margins and dashed baselines."""
    axes, inner = _axes(canvas, rect)
    canvas.text(inner.x, rect.y - 20 * canvas.unit, word_for(metric), 12, canvas.theme.ink, bold=True)
    epochs = np.concatenate([run.epochs for _, runs in lines for run in runs])
    margin = 0.03 * max(np.ptp(epochs), 1)
    axes.set_xlim(epochs.min() - margin, epochs.max() + margin)
    for k, (_, runs) in enumerate(lines):
        _line(axes, canvas, class_color(k) if len(lines) > 1 else canvas.theme.accent, class_marker(k), runs, metric)
    for name, value in baselines.items():
        axes.axhline(value, color=canvas.theme.muted, linewidth=canvas.points(1.2), linestyle="--")
        look = {"color": canvas.theme.muted, "fontproperties": canvas.font(10.5), "parse_math": False}
        axes.text(0.015, value, name, transform=axes.get_yaxis_transform(), ha="left", va="bottom", **look)


def _axes(canvas: Canvas, rect: Rect):
    u, theme = canvas.unit, canvas.theme
    inner = Rect(rect.x + 42 * u, rect.y, rect.w - 48 * u, rect.h - 18 * u)
    axes = canvas.axes(inner)
    canvas.text(rect.x, inner.y + inner.h + 5 * u, "epoch", 10.5, theme.muted)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(colors=theme.muted, labelsize=canvas.points(10.5), length=0, labelfontfamily="DejaVu Sans")
    axes.grid(color=theme.faint, linewidth=canvas.points(0.7))
    axes.set_axisbelow(True)
    return axes, inner


def _line(axes, canvas: Canvas, color: str, marker: str, runs: Sequence[Trajectory], metric: str) -> None:
    """The mean over the runs, and a band between the least and the greatest where there are several."""
    known = [pair for run in runs if len((pair := _known(run, metric))[0])]
    if not known:
        return
    epochs = np.unique(np.concatenate([e for e, _ in known]))
    values = np.array([np.interp(epochs, e, v, left=np.nan, right=np.nan) for e, v in known])
    look = {"marker": marker, "markersize": canvas.points(4)} if len(epochs) <= 40 else {}
    axes.plot(epochs, np.nanmean(values, axis=0), color=color, linewidth=canvas.points(1.8), **look)
    if len(values) > 1:
        axes.fill_between(epochs, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=color, alpha=0.18, linewidth=0)


def _known(run: Trajectory, metric: str) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(run.metrics.get(metric, np.full(run.n_frames, np.nan)), dtype=float)
    return run.epochs[np.isfinite(values)], values[np.isfinite(values)]
