"""Static figures: chosen epochs beside each other, curves of the metrics, measures against a setting, p and q as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..errors import ConfigError, demand, nearest
from ..evaluation.trajectory import Rows, Trajectory
from .annotations import ROW, Entry, class_entries, plan_legend, set_out, word_for
from .canvas import Canvas, Picture, Rect, plain
from .options import in_pixels
from .painter import Frames, Panel, png
from .palette import class_color, class_marker

CELL, LARGEST = 130, 24  # least width of a panel where many stand in a row, and most panels of a picture
PANEL, LEFT, TOP, GAP, FOOT = (215, 150), 52, 34, 52, 44  # pixels of a picture of measures
BARS = 14


def small_multiples(animation, epochs: Sequence[int] | None = None, most: int = 0) -> Picture:
    """Chosen epochs of an animation beside each other, on the same axes: the animation for paper.

    Parameters
    ----------
    animation : Animation
        Of any number of runs: each run is a row where there are several.
    epochs : sequence of int, optional
        By default up to six, of several runs up to four, or at most so many as ``most``, then all in one row a run; more of them
        early, when points move most. A ConfigError for an epoch that the animation does not show.

    Examples
    --------
    >>> from icon_nb.animation import animate
    >>> from icon_nb.trajectory import Trajectory
    >>> walk = np.random.default_rng(0).normal(size=(9, 50, 8)).cumsum(0)
    >>> small_multiples(animate(Trajectory(walk, np.arange(9))), epochs=[0, 4, 8])
    Picture(an embedding at epochs 0, 4, 8, 620x288)
    """
    views, options = animation.views, animation.options
    frames = _frames_of(animation, epochs, most or (6 if len(views) == 1 else 4))
    columns = len(frames) if most or len(views) > 1 or len(frames) <= 3 else -(-len(frames) // 2)
    cells = [(view, k) for view in views for k in frames]
    side, head = max(CELL, 3 * 200 // columns) if columns > 3 else 200, 20 if len(views) == 1 else 38
    height = 78 + (side + head - 10) * (-(-len(cells) // columns))
    size = tuple(round(pixels * options.dpi / 100) for pixels in (side * columns + 20, height))
    canvas = Canvas(size, options.dpi, options.style)
    entries = class_entries([view.trajectory for view in views], canvas.theme.muted) if options.legend else []
    caption = animation.still_caption if options.caption else ""
    layout = set_out(canvas, plan_legend(canvas, entries), len(cells), caption=caption, columns=columns, head=head)
    title = animation.heading or ", ".join(filter(None, animation.titles))
    canvas.text(layout.title.x, layout.title.y, title, 14, canvas.theme.ink, bold=True, room=layout.title.w)
    shown = {k: animation.timeline.recorded()[k] for k in frames}
    for (view, k), rect, head in zip(cells, layout.panels, layout.heads):
        Panel(canvas, view, rect).update(k)
        below, over = (head.y + head.h - lines * canvas.unit for lines in (17, 34))
        canvas.text(head.x, below, f"epoch {shown[k]}", 12, canvas.theme.muted, room=rect.w)
        if len(views) > 1 and k == frames[0]:
            canvas.text(head.x, over, view.title, 12.5, canvas.theme.ink, bold=True, room=layout.title.w)
    names = " and ".join(filter(None, animation.titles)) or "an embedding"
    return Picture(canvas, f"{names} at epochs {', '.join(map(str, shown.values()))}")


MOMENTS = (0, 1, 2, 5)
"""The epochs of a filmstrip, and the last: most of what is learned is learned early."""


def filmstrip(animation) -> bytes:
    """Epochs 0, 1, 2, 5 and the last beside each other, a row a run, as a PNG; others where these were not recorded."""
    known = animation.timeline.recorded().values()
    wished = [epoch for epoch in dict.fromkeys((*MOMENTS, int(animation.epochs[-1]))) if epoch in known]
    canvas = small_multiples(animation, wished if len(wished) >= min(5, len(known)) else None, most=5).canvas
    canvas.agg.draw()
    return png(Frames([canvas.pixels()], animation.options.style, any(len(view.thumbnails) for view in animation.views)), 0)


def _frames_of(animation, epochs, most: int) -> list[int]:
    """Frames of the timeline that show the epochs; without any, at most so many."""
    known = {epoch: k for k, epoch in animation.timeline.recorded().items()}
    if epochs is None:
        spread = (len(known) - 1) * np.linspace(0, 1, min(most, len(known))) ** 1.5
        return [list(known.values())[k] for k in np.unique(np.rint(spread).astype(int))]
    for epoch in epochs:
        demand(epoch in known, f"epoch {epoch} is not among the epochs shown: choose from {sorted(known)}")
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
        Names in ``Trajectory.metrics``; every one that a run measured when not given. A ConfigError where no run measured any.
    baselines : mapping, optional
        ``{"knn_accuracy": {"raw pixels": 0.97}}`` draws a dashed line, named, in the panel of that metric.
    title, note : str
        A heading, and a line below the panels.
    size, dpi, style
        As in :func:`icon_nb.animation.animate`; without a size the picture is as high as its legend in full needs.

    Examples
    --------
    >>> curves(Trajectory(np.zeros((3, 2, 2)), np.arange(3), metrics={"loss": np.array([3.0, 2.0, 1.0])}, title="sne on digits"))
    Picture(loss over the epochs of sne on digits, 760x300)
    """
    runs = [trajectories] if isinstance(trajectories, Trajectory) else list(trajectories)
    labels = [run.title for run in runs] if labels is None else [str(label) for label in labels]
    demand(len(labels) == len(runs), f"curves got {len(labels)} labels for {len(runs)} runs: give one each")
    shown, names = _measured(runs, metrics), list(dict.fromkeys(labels))
    entries = [Entry(name, class_color(k), class_marker(k)) for k, name in enumerate(names)] if len(names) > 1 else []
    width, height, size = max(760, 370 * len(shown)), 320 if note else 300, in_pixels(size, dpi)
    canvas = Canvas(size or (width, height), dpi, style)
    legend = plan_legend(canvas, entries, in_full=True)
    if legend.rows > 1 and size is None:  # higher by the rows that labels in full take
        canvas = Canvas((width, height + math.ceil((legend.rows - 1) * ROW * dpi / 100)), dpi, style)
    legend = plan_legend(canvas, entries, in_full=size is None or legend.rows <= 1)
    heading = title or ("" if len(names) > 1 else names[0])
    shape = {"columns": len(shown), "head": 22, "top": 26 if heading else 0}
    layout = set_out(canvas, legend, len(shown), caption=note, most=1, **shape)
    canvas.text(layout.title.x, layout.title.y, heading, 14, canvas.theme.ink, bold=True, room=layout.title.w)
    lines = [(name, [run for label, run in zip(labels, runs) if label == name]) for name in names]
    for metric, rect in zip(shown, layout.panels):
        _panel(canvas, rect, metric, lines, (baselines or {}).get(metric, {}))
    return Picture(canvas, f"{' and '.join(shown)} over the epochs of {', '.join(filter(None, names)) or 'a run'}")


def _measured(runs: Sequence[Trajectory], metrics: Sequence[str] | None) -> list[str]:
    recorded = dict.fromkeys(name for run in runs for name in run.metrics)
    asked = [metrics] if isinstance(metrics, str) else list(metrics or recorded)
    for name in asked:
        if recorded and name not in recorded:
            raise ConfigError(f"metrics={name!r} was not recorded: {nearest(name, recorded)}")
    shown = [name for name in asked if any(np.isfinite(run.metrics.get(name, np.nan)).any() for run in runs)]
    named = ", ".join(asked) or "(there are none)"
    demand(bool(shown), f"none of the metrics {named} was recorded: record(z, loss=...)")
    demand(len(shown) <= LARGEST, f"{len(shown)} metrics are too many for a picture: name at most {LARGEST} in metrics=[...]")
    return shown


def _panel(canvas: Canvas, rect: Rect, metric: str, lines, baselines: Mapping[str, float]) -> None:
    """One metric of every run, with ticks inside the rectangle's margins and dashed baselines."""
    u = canvas.unit
    inner = Rect(rect.x + 42 * u, rect.y, rect.w - 48 * u, rect.h - 18 * u)
    axes = canvas.axes(inner)
    canvas.ticks(axes, 10.5)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_axisbelow(True)
    canvas.text(rect.x, inner.y + inner.h + 5 * u, "epoch", 10.5, canvas.theme.muted)
    canvas.text(inner.x, rect.y - 20 * u, word_for(metric), 12, canvas.theme.ink, bold=True)
    epochs = np.concatenate([run.epochs for _, runs in lines for run in runs])
    margin = 0.03 * max(np.ptp(epochs), 1)
    axes.set_xlim(epochs.min() - margin, epochs.max() + margin)
    for k, (_, runs) in enumerate(lines):
        _line(axes, canvas, class_color(k) if len(lines) > 1 else canvas.theme.accent, class_marker(k), runs, metric)
    _beat(axes, canvas, baselines)


def _beat(axes, canvas: Canvas, baselines: Mapping[str, float]) -> None:
    """Dashed lines for what training has to beat, each with its name; lines that all but touch share a row of names."""
    for value in baselines.values():
        axes.axhline(value, color=canvas.theme.muted, linewidth=canvas.points(1.2), linestyle="--")
    near, rows = 0.09 * np.ptp(axes.get_ylim()), []
    for name, value in sorted(baselines.items(), key=lambda line: line[1]):
        if rows and value - rows[-1][0] < near:
            name = f"{rows.pop()[1]}, {name}"
        rows.append((value, name))
    look = {"color": canvas.theme.muted, "fontproperties": canvas.font(10.5), "parse_math": False, "ha": "right", "va": "bottom"}
    for value, name in rows:
        axes.text(0.985, value, plain(name), transform=axes.get_yaxis_transform(), **look)


def _line(axes, canvas: Canvas, color: str, marker: str, runs: Sequence[Trajectory], metric: str) -> None:
    measured = [(run.epochs, np.asarray(run.metrics[metric], dtype=float)) for run in runs if metric in run.metrics]
    known = [(epochs[np.isfinite(v)], v[np.isfinite(v)]) for epochs, v in measured if np.isfinite(v).any()]
    if known:
        epochs = np.unique(np.concatenate([e for e, _ in known]))
        values = np.array([np.interp(epochs, e, v, left=np.nan, right=np.nan) for e, v in known])
        look = {"marker": marker, "markersize": canvas.points(4)} if len(epochs) <= 40 else {}
        _band(axes, epochs, values, color, (np.nanmean, np.nanmin, np.nanmax), linewidth=canvas.points(1.8), **look)


def _band(axes, x: np.ndarray, values: np.ndarray, color: str, of=(np.mean, np.min, np.max), **look) -> None:
    """The mean of values (m, n) over x (n,), and a band between the least and the greatest where there are several."""
    mean, least, greatest = (each(values, axis=0) for each in of)
    axes.plot(x, mean, color=color, **look)
    if len(values) > 1:
        axes.fill_between(x, least, greatest, color=color, alpha=0.18, linewidth=0)


def against(
    values: Sequence[float],
    measures: Mapping[str, np.ndarray],
    cursor: float | None = None,
    *,
    names: Mapping[str, str] | None = None,
    setting: str = "temperature",
    baselines: Mapping[str, Mapping[str, float]] | None = None,
    style: str = "notebook",
) -> Picture:
    """One panel per measure (n_values, n_seeds) against a setting: the mean, a band from least to greatest, and a cursor."""
    shown = {name: value for name, value in measures.items() if np.isfinite(value).any()}
    size = LEFT + (PANEL[0] + GAP) * max(len(shown), 1), TOP + PANEL[1] + FOOT
    canvas = Canvas(size, 100, style)
    for k, (name, value) in enumerate(shown.items()):
        rect = Rect(LEFT + k * (PANEL[0] + GAP), TOP, *PANEL)
        axes = canvas.axes(rect)
        axes.set_xscale("log")
        axes.autoscale(True)
        look = {"linewidth": canvas.points(2), "marker": "o", "markersize": canvas.points(6)}
        _band(axes, np.asarray(values), value.T, class_color(0), **look)
        _beat(axes, canvas, (baselines or {}).get(name, {}))
        if cursor is not None:
            axes.axvline(cursor, color=class_color(1), linewidth=canvas.points(1.5), linestyle="--")
        marked = values[:: max(1, -(-len(values) // 5))]
        axes.set_xticks(marked, [f"{value:g}" for value in marked])
        axes.minorticks_off()
        axes.yaxis.set_major_locator(MaxNLocator(5))
        canvas.ticks(axes, 11)
        canvas.text(rect.x, 8, (names or {}).get(name, name), 12, canvas.theme.muted, room=PANEL[0] + GAP - 8)
        canvas.text(rect.x + PANEL[0] / 2, TOP + PANEL[1] + 22, setting, 11, canvas.theme.muted, ha="center")
    beside = ", ".join(line for name in shown for line in (baselines or {}).get(name, {}))
    return Picture(canvas, f"{', '.join(shown)} against {setting}" + (f", beside {beside}" if beside else ""))


def bars(rows: Rows, frame: int, anchor: int, style: str = "notebook") -> Picture:
    """p and q of an anchor at a recorded frame, for the candidates that either thinks most of, and the rest summed up."""
    series = [rows.p[anchor]] + ([] if rows.q is None else [rows.q[min(frame, len(rows.q) - 1), anchor]])
    top = np.argsort(-np.max(series, axis=0), kind="stable")[:BARS]
    names = [rows.candidates[k] or str(k) for k in top]
    rest = len(series[0]) > BARS
    canvas = Canvas((420, 250), 100, style)
    axes = canvas.axes(Rect(46, 52, 362, 150))
    shown = [np.append(each[top], [max(each.sum() - each[top].sum(), 0)] * rest) for each in series]
    width = 0.8 / len(shown)
    for k, values in enumerate(shown):
        axes.bar(np.arange(len(values)) + (k - (len(shown) - 1) / 2) * width, values, width, color=class_color(k))
    axes.autoscale(True)
    axes.set_ylim(0, max(1e-3, 1.08 * np.max(shown)))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    written = [canvas.fit(name, 11, 60) for name in names] + ["rest"] * rest
    axes.set_xticks(range(len(written)), written, rotation=45, ha="right")
    canvas.ticks(axes, 10, grid=False)
    canvas.text(12, 8, f"What p and q say about a sample of class {rows.anchors[anchor]}", 13, canvas.theme.ink, bold=True)
    for k, name in enumerate(["p, who should be near", "q, who is near"][: len(series)]):
        canvas.swatch(54 + 170 * k, 38, class_color(k), "s")
        canvas.text(64 + 170 * k, 30, name, 12, canvas.theme.muted)
    return Picture(canvas, f"p and q of a sample of class {rows.anchors[anchor]} over its {len(top)} strongest candidates")
