"""Static figures over trajectories, in the colours and type of the animations; nothing here uses pyplot."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.ticker import MaxNLocator

from .canvas import Canvas
from .errors import ConfigError, nearest
from .files import write_whole
from .furniture import METRICS, Entry, legend_entries, plan_entries, wrap, write_foot, write_legend
from .layout import Layout, Rect, arrange
from .palette import class_color
from .panel import Panel
from .trajectory import Trajectory

SUFFIXES = (".png", ".pdf", ".svg")


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
            The suffix names no format.
        """
        path = Path(path)
        if path.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"cannot write a figure as {path.suffix!r}: {nearest(path.suffix.lower(), SUFFIXES)}")
        return write_whole(path, self._bytes(path.suffix.lower()[1:], dpi or self.canvas.dpi))

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
        Epochs to show; by default up to six, more of them early, when points move most.

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
    frames = _frames_of(animation, epochs)
    rows = len(animation.views)
    columns = len(frames) if rows > 1 or len(frames) <= 3 else -(-len(frames) // 2)
    cells = [(view, mark, k) for view, mark in zip(animation.views, animation.marks) for k in frames]
    options, dpi = animation.options, animation.options.dpi
    height = 78 + 210 * (-(-len(cells) // columns))
    canvas = Canvas((round((200 * columns + 20) * dpi / 100), round(height * dpi / 100)), dpi, options.style)
    page, shown = animation.page, [int(animation.epochs[animation.timeline.at(k)[0]]) for k in frames]
    layout = _place(canvas, [view.trajectory for view in animation.views], len(cells), columns, page.caption, page.legend)
    title = page.title or ", ".join(filter(None, animation.titles))
    canvas.text(layout.title.x, layout.title.y, canvas.fit(title, 14, layout.title.w, bold=True), 14, canvas.theme.ink, bold=True)
    for (view, mark, k), rect, head in zip(cells, layout.panels, layout.heads):
        Panel(canvas, view, rect, mark).update(k)
        name = f"{view.title}, " if rows > 1 and view.title else ""
        line = canvas.fit(f"{name}epoch {animation.epochs[animation.timeline.at(k)[0]]}", 12, rect.w)
        canvas.text(head.x, head.y + head.h - 17 * canvas.unit, line, 12, canvas.theme.muted)
    names = " and ".join(filter(None, animation.titles)) or "an embedding"
    return Picture(canvas, f"{names} at epochs {', '.join(map(str, shown))}")


def _frames_of(animation, epochs) -> list[int]:
    """Frames of the timeline that show the epochs."""
    known = {int(epoch): k for epoch, k in zip(animation.epochs, animation.timeline.recorded())}
    if epochs is None:
        count = min(6, len(known))
        spread = np.unique(np.rint((len(known) - 1) * np.linspace(0, 1, count) ** 1.5).astype(int))
        return [list(known.values())[k] for k in spread]
    for epoch in epochs:
        if epoch not in known:
            raise ConfigError(f"epoch {epoch} is not among the epochs shown: choose from {sorted(known)}")
    return [known[epoch] for epoch in epochs]


def _place(canvas: Canvas, trajectories, n: int, columns: int, caption: str, legend: bool) -> Layout:
    """Layout of a grid of panels, with legend and caption written."""
    entries = legend_entries(trajectories, canvas.theme.muted) if legend else []
    planned = plan_entries(canvas, entries, n_panels=2)
    lines = len(wrap(canvas, caption, canvas.size[0] - 20 * canvas.unit))
    layout = arrange(canvas.size, canvas.unit, n, planned, strip=False, caption_lines=lines, columns=columns, head=20)
    write_legend(canvas, entries, planned, layout.legend)
    write_foot(canvas, layout, caption, "")
    return layout


def curves(
    trajectories: Trajectory | Sequence[Trajectory],
    labels: Sequence[str] | None = None,
    metrics: Sequence[str] = ("loss", "knn_accuracy"),
    *,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
    title: str = "",
    size: tuple[int, int] = (760, 300),
    dpi: float = 100,
    style: str = "notebook",
) -> Picture:
    """Metrics over the epochs, one panel a metric, one line a run, in the order and colours of the classes.

    Parameters
    ----------
    trajectories : Trajectory or a sequence of them
    labels : sequence of str, optional
        Names of the runs; by default their titles.
    metrics : sequence of str
        Names in ``Trajectory.metrics``; a metric that no run measured is left out.
    baselines : mapping, optional
        ``{"knn_accuracy": {"raw pixels": 0.97}}`` draws a dashed line, named, in the panel of that metric.
    title : str
    size : (int, int)
        Pixels.
    dpi, style
        As in :func:`icon_nb.animation.animate`.

    Raises
    ------
    ConfigError
        No run measured any of the metrics, or another number of labels than runs.

    Examples
    --------
    >>> from icon_nb.trajectory import Trajectory
    >>> curves(Trajectory(np.zeros((3, 2, 2)), np.arange(3), metrics={"loss": np.array([3.0, 2.0, 1.0])}, title="sne on digits"))
    Picture(loss over the epochs of sne on digits, 760x300)
    """
    runs = [trajectories] if isinstance(trajectories, Trajectory) else list(trajectories)
    names = [t.title for t in runs] if labels is None else [str(label) for label in labels]
    if len(names) != len(runs):
        raise ConfigError(f"curves got {len(names)} labels for {len(runs)} runs: give one each")
    shown = [m for m in metrics if any(np.isfinite(t.metrics.get(m, np.nan)).any() for t in runs)]
    if not shown:
        raise ConfigError(f"none of the metrics {', '.join(metrics)} was recorded: record(z, loss=...)")
    canvas = Canvas(size, dpi, style)
    many = len(runs) > 1
    entries = [Entry(name, class_color(k), "o") for k, name in enumerate(names)] if many else []
    planned = plan_entries(canvas, entries, n_panels=2)
    heading = title or ("" if many else names[0])
    top = 26 if heading else 0
    layout = arrange(size, canvas.unit, len(shown), planned, strip=False, caption_lines=0, columns=len(shown), head=22, top=top)
    canvas.text(
        layout.title.x, layout.title.y, canvas.fit(heading, 14, layout.title.w, bold=True), 14, canvas.theme.ink, bold=True
    )
    write_legend(canvas, entries, planned, layout.legend)
    for metric, rect in zip(shown, layout.panels):
        _curve_panel(canvas, rect, metric, runs, (baselines or {}).get(metric, {}))
    return Picture(canvas, f"{' and '.join(shown)} over the epochs of {', '.join(filter(None, names)) or 'a run'}")


def _curve_panel(canvas: Canvas, rect: Rect, metric: str, runs, baselines: Mapping[str, float]) -> None:
    """One metric of every run, with ticks inside the rectangle's margins and dashed baselines."""
    u, theme = canvas.unit, canvas.theme
    inner = Rect(rect.x + 42 * u, rect.y, rect.w - 48 * u, rect.h - 18 * u)
    axes = canvas.axes(inner)
    canvas.text(rect.x, inner.y + inner.h + 5 * u, "epoch", 10.5, theme.muted)
    first, last = min(t.epochs[0] for t in runs), max(t.epochs[-1] for t in runs)
    axes.set_xlim(first - 0.03 * max(last - first, 1), last + 0.03 * max(last - first, 1))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(colors=theme.muted, labelsize=canvas.points(10.5), length=0, labelfontfamily="DejaVu Sans")
    axes.grid(color=theme.faint, linewidth=canvas.points(0.7))
    axes.set_axisbelow(True)
    canvas.text(inner.x, rect.y - 20 * u, METRICS.get(metric, (metric.replace("_", " "),))[0], 12, theme.ink, bold=True)
    for k, t in enumerate(runs):
        values = np.asarray(t.metrics.get(metric, np.full(t.n_frames, np.nan)))
        known = np.isfinite(values)
        color = class_color(k) if len(runs) > 1 else theme.accent
        axes.plot(
            t.epochs[known], values[known], color=color, linewidth=canvas.points(1.8), marker="o", markersize=canvas.points(4)
        )
    for name, value in baselines.items():
        axes.axhline(value, color=theme.muted, linewidth=canvas.points(1.2), linestyle="--")
        note = {"color": theme.muted, "fontproperties": canvas.font(10.5), "parse_math": False}
        axes.text(0.015, value, name, transform=axes.get_yaxis_transform(), ha="left", va="bottom", **note)
