"""Static figures over trajectories: chosen epochs beside each other, and curves of the metrics. Nothing here uses pyplot."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.ticker import MaxNLocator

from ..errors import ConfigError, nearest
from ..evaluation.trajectory import Trajectory
from ..files import write_whole
from .annotations import set_out, word_for
from .canvas import Canvas, check_pixels
from .layout import Rect
from .legend import ROW, Entry, Legend, class_entries, plan_legend
from .painter import Panel
from .palette import class_color, class_marker

SUFFIXES = (".png", ".pdf", ".svg")
CELL = 130  # least width of a panel where many stand in a row


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
        path = Path(path)
        if path.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"cannot write a figure as {path.suffix!r}: {nearest(path.suffix.lower(), SUFFIXES)}")
        dpi = dpi or self.canvas.dpi
        if path.suffix.lower() == ".png":
            check_pixels(tuple(round(side * dpi / self.canvas.dpi) for side in self.canvas.size), dpi)
        return write_whole(path, self._bytes(path.suffix.lower()[1:], dpi))

    def _bytes(self, kind: str, dpi: float) -> bytes:
        import matplotlib

        undated = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
        out = BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": "icon_nb", "pdf.fonttype": 42}):
            self.figure.savefig(out, format=kind, dpi=dpi, metadata=undated, facecolor=self.canvas.theme.background)
        FigureCanvasAgg(self.figure)
        return out.getvalue()

    @cached_property
    def png(self) -> bytes:
        return self._bytes("png", self.canvas.dpi)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        data, width = base64.b64encode(self.png).decode(), self.canvas.size[0]
        image = f'<img src="data:image/png;base64,{data}" alt="{html.escape(self.alt, quote=True)}" width="{width}"'
        return {"text/plain": repr(self), "text/html": f'{image} style="max-width:100%;height:auto">', "image/png": data}

    def __repr__(self) -> str:
        width, height = self.canvas.size
        return f"Picture({self.alt}, {width}x{height})"


def small_multiples(animation, epochs: Sequence[int] | None = None) -> Picture:
    """Chosen epochs of an animation beside each other, on the same axes: the animation for paper.

    Parameters
    ----------
    animation : Animation
        Of any number of runs: each run is a row where there are several.
    epochs : sequence of int, optional
        Epochs to show; by default up to six, of several runs up to four, more of them early, when points move most.

    Raises
    ------
    ConfigError
        An epoch that the animation does not show.

    Examples
    --------
    >>> from icon_nb.animation import animate
    >>> from icon_nb.trajectory import Trajectory
    >>> walk = np.random.default_rng(0).normal(size=(9, 50, 8)).cumsum(0)
    >>> small_multiples(animate(Trajectory(walk, np.arange(9))), epochs=[0, 4, 8])
    Picture(an embedding at epochs 0, 4, 8, 620x288)
    """
    views, options = animation.views, animation.options
    frames = _frames_of(animation, epochs, 6 if len(views) == 1 else 4)
    columns = len(frames) if len(views) > 1 or len(frames) <= 3 else -(-len(frames) // 2)
    cells = [(view, k) for view in views for k in frames]
    side, head = max(CELL, 3 * 200 // columns) if columns > 3 else 200, 20 if len(views) == 1 else 38
    height = 78 + (side + head - 10) * (-(-len(cells) // columns))
    size = tuple(round(pixels * options.dpi / 100) for pixels in (side * columns + 20, height))
    canvas = Canvas(size, options.dpi, options.style)
    entries = class_entries([view.trajectory for view in views], canvas.theme.muted) if options.legend else []
    layout = set_out(canvas, plan_legend(canvas, entries), len(cells), caption=animation.footer, columns=columns, head=head)
    title = animation.heading or ", ".join(filter(None, animation.titles))
    canvas.line(layout.title, title, 14, canvas.theme.ink, bold=True)
    shown = {k: int(animation.epochs[animation.timeline.at(k)[0]]) for k in frames}
    for (view, k), rect, head in zip(cells, layout.panels, layout.heads):
        Panel(canvas, view, rect).update(k)
        bottom = head.y + head.h
        canvas.line(replace(rect, y=bottom - 17 * canvas.unit), f"epoch {shown[k]}", 12, canvas.theme.muted)
        if len(views) > 1 and k == frames[0]:
            over = replace(layout.title, x=head.x, y=bottom - 34 * canvas.unit)
            canvas.line(over, view.title, 12.5, canvas.theme.ink, bold=True)
    names = " and ".join(filter(None, animation.titles)) or "an embedding"
    return Picture(canvas, f"{names} at epochs {', '.join(map(str, shown.values()))}")


def _frames_of(animation, epochs, most: int) -> list[int]:
    """Frames of the timeline that show the epochs; without any, at most so many."""
    known = {int(epoch): k for epoch, k in zip(animation.epochs, animation.timeline.recorded())}
    if epochs is None:
        count = min(most, len(known))
        spread = np.unique(np.rint((len(known) - 1) * np.linspace(0, 1, count) ** 1.5).astype(int))
        return [list(known.values())[k] for k in spread]
    for epoch in epochs:
        if epoch not in known:
            raise ConfigError(f"epoch {epoch} is not among the epochs shown: choose from {sorted(known)}")
    return [known[epoch] for epoch in epochs]


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
    shown, names = _measured(runs, metrics), list(dict.fromkeys(labels))
    canvas, legend = _canvas(size, (max(760, 370 * len(shown)), 320 if note else 300), dpi, style, names)
    heading = title or ("" if len(names) > 1 else names[0])
    shape = {"columns": len(shown), "head": 22, "top": 26 if heading else 0}
    layout = set_out(canvas, legend, len(shown), caption=note, most=1, **shape)
    canvas.line(layout.title, heading, 14, canvas.theme.ink, bold=True)
    lines = [(name, [run for label, run in zip(labels, runs) if label == name]) for name in names]
    for metric, rect in zip(shown, layout.panels):
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


def _canvas(size, usual: tuple[int, int], dpi: float, style: str, names: Sequence[str]) -> tuple[Canvas, Legend]:
    """A canvas and its legend: higher than usual by the rows that labels in full take, unless its size was asked for."""
    entries = [Entry(name, class_color(k), class_marker(k)) for k, name in enumerate(names)] if len(names) > 1 else []
    canvas = Canvas(size or usual, dpi, style)
    legend = plan_legend(canvas, entries, in_full=True)
    if legend.rows <= 1:
        return canvas, legend
    if size is not None:
        return canvas, plan_legend(canvas, entries)
    canvas = Canvas((usual[0], usual[1] + math.ceil((legend.rows - 1) * ROW * dpi / 100)), dpi, style)
    return canvas, plan_legend(canvas, entries, in_full=True)


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
