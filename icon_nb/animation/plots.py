"""Static figures over trajectories, in the colours and type of the animations; nothing here uses pyplot."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ..errors import ConfigError, nearest
from ..files import write_whole
from .canvas import Canvas, check_pixels
from .furniture import legend_entries, plan_entries, wrap, write_foot, write_legend
from .layout import Layout, arrange
from .panel import Panel

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
    rows = len(animation.views)
    frames = _frames_of(animation, epochs, 6 if rows == 1 else 4)
    columns = len(frames) if rows > 1 or len(frames) <= 3 else -(-len(frames) // 2)
    cells = [(view, mark, k) for view, mark in zip(animation.views, animation.marks) for k in frames]
    options, dpi = animation.options, animation.options.dpi
    side, head = max(CELL, 3 * 200 // columns) if columns > 3 else 200, 20 if rows == 1 else 38
    height = 78 + (side + head - 10) * (-(-len(cells) // columns))
    canvas = Canvas((round((side * columns + 20) * dpi / 100), round(height * dpi / 100)), dpi, options.style)
    page, shown = animation.page, [int(animation.epochs[animation.timeline.at(k)[0]]) for k in frames]
    trajectories = [view.trajectory for view in animation.views]
    layout = _place(canvas, trajectories, len(cells), columns, head, page.caption, page.legend)
    title = page.title or ", ".join(filter(None, animation.titles))
    canvas.text(layout.title.x, layout.title.y, canvas.fit(title, 14, layout.title.w, bold=True), 14, canvas.theme.ink, bold=True)
    for (view, mark, k), rect, head in zip(cells, layout.panels, layout.heads):
        Panel(canvas, view, rect, mark).update(k)
        line = canvas.fit(f"epoch {animation.epochs[animation.timeline.at(k)[0]]}", 12, rect.w)
        canvas.text(head.x, head.y + head.h - 17 * canvas.unit, line, 12, canvas.theme.muted)
        if rows > 1 and k == frames[0]:
            name = canvas.fit(view.title, 12.5, layout.title.w, bold=True)
            canvas.text(head.x, head.y + head.h - 34 * canvas.unit, name, 12.5, canvas.theme.ink, bold=True)
    names = " and ".join(filter(None, animation.titles)) or "an embedding"
    return Picture(canvas, f"{names} at epochs {', '.join(map(str, shown))}")


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


def _place(canvas: Canvas, trajectories, n: int, columns: int, head: float, caption: str, legend: bool) -> Layout:
    """Layout of a grid of panels, with legend and caption written."""
    entries = legend_entries(trajectories, canvas.theme.muted) if legend else []
    planned = plan_entries(canvas, entries, n_panels=2)
    lines = len(wrap(canvas, caption, canvas.size[0] - 20 * canvas.unit))
    layout = arrange(canvas.size, canvas.unit, n, planned, strip=0, caption_lines=lines, columns=columns, head=head)
    write_legend(canvas, entries, planned, layout.legend)
    write_foot(canvas, layout, caption, "")
    return layout
