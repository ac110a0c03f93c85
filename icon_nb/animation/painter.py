"""Draws frames: still parts once, moving ones over a copy of them, on one reused figure; writes them as GIF, MP4 or PNG."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
from PIL import Image

from ..errors import ConfigError
from ..methods.catalogue import OVERLAYS
from . import annotations as around
from .canvas import Canvas, Rect
from .options import overlay_names
from .overlays import points, thumbnails, wires
from .palette import indexed_palette, nearest_entry
from .view import View


class Panel:
    """Axes with the points of a view, and what is drawn under and over them; ``update(frame)`` moves everything in it.

    ``artists`` are what moves, from bottom to top.
    """

    def __init__(self, canvas: Canvas, view: View, rect: Rect):
        self.canvas, self.view, self.rect = canvas, view, rect
        self.artists: list = []
        self._updates: list[Callable[[int], object]] = []
        room = 0.5 * np.sqrt(rect.w * rect.h / view.trajectory.n_points) / canvas.unit  # design pixels for each point
        self.diameter = (view.options.point_size or float(np.clip(room, 3.2, 9.0))) * canvas.unit
        overlays = [OVERLAYS[name] for name in view.options.overlays if name in OVERLAYS and OVERLAYS[name].make]
        rooms = [row.room * canvas.unit for row in overlays] + [16 * canvas.unit] * bool(len(view.thumbnails))
        self.axes = canvas.axes(rect)
        x, y = view.limits(rect.w, rect.h, margin=max([self.diameter * 0.8 + 3 * canvas.unit, *rooms]))
        self.axes.set(xlim=x, ylim=y, autoscale_on=False)
        under, over = ([resolve_name(row.make) for row in overlays if row.under is below] for below in (True, False))
        for draw in (*under, wires, points, thumbnails, *over):
            draw(self)

    def add(self, update: Callable[[int], object], *artists) -> None:
        """Let ``update(frame)`` run before each frame and draw the artists above what was added before."""
        self._updates.append(update)
        for artist in artists:
            if artist.axes is None:
                self.axes.add_artist(artist)
                artist.set_transform(self.axes.transData)
            artist.set_zorder(3 + 0.01 * len(self.artists))
            self.artists.append(artist)

    def update(self, frame: int) -> None:
        for update in self._updates:
            update(frame)


class Painter:
    """Paints the frames of an animation: one or several views that share a timeline."""

    def __init__(self, animation):
        self.views, self.options = animation.views, animation.options
        self.timeline, self._still = animation.timeline, None
        self.last_epoch = self.timeline.epochs[-1]  # of the run; a picture made while it trains is told
        canvas = self.canvas = Canvas(animation.size, self.options.dpi, self.options.style)
        trajectories, single = [view.trajectory for view in self.views], len(self.views) == 1
        self.metrics = around.curve_names(trajectories, self.options.overlays)
        entries = around.class_entries(trajectories, canvas.theme.muted) if self.options.legend else []
        footer = animation.short_caption if self.options.caption else ""
        legend, strip = around.plan_legend(canvas, entries, beside=single), len(self.metrics)
        layout = around.set_out(canvas, legend, len(self.views), self.options.note, footer, strip=strip)
        self.panels = [Panel(canvas, view, rect) for view, rect in zip(self.views, layout.panels)]
        headers = [] if single else [around.panel_header(canvas, *each, self.metrics) for each in zip(layout.heads, self.views)]
        top = around.header(canvas, layout.title, animation.heading, single, self.head_line)
        bar = around.ProgressBar(canvas, self.timeline.n_frames)
        self.parts = [*self.panels, *self._curves(layout.strips), *headers, top, bar]
        self.artists = [artist for part in self.parts for artist in part.artists]  # all that moves, from bottom to top
        for artist in self.artists:
            artist.set_animated(True)

    def _curves(self, strips: list[Rect]) -> list[around.MetricCurves]:
        """The curves below each panel, on the scale of all panels or, of the metrics that are not comparable, on its own."""
        own = [name for name in self.metrics if name in overlay_names(self.options.own_scale)]
        scales = around.curve_scales([view.trajectory for view in self.views], [name for name in self.metrics if name not in own])
        each = [scales | around.curve_scales([view.trajectory], own) for view in self.views]
        panels = zip(strips, self.views, each)
        return [around.MetricCurves(self.canvas, rect, view, self.metrics, scales) for rect, view, scales in panels]

    def head_line(self, frame: int) -> str:
        """Epoch and, for a single panel, its metrics."""
        if "none" in self.options.overlays:
            return ""
        k, _ = self.timeline.at(frame)
        words = [f"epoch {self.timeline.epochs[k]} of {self.last_epoch}"]
        if len(self.views) == 1:
            words.append(around.metrics_line(self.views[0].trajectory, self.views[0].sources[k], self.metrics))
        return "   ".join(filter(None, words))

    def paint(self, frame: int) -> np.ndarray:
        """Frame as uint8 array (height, width, 4); the next call overwrites it."""
        for part in self.parts:
            part.update(frame)
        if self._still is None:
            self.canvas.agg.draw()
            self._still = self.canvas.agg.copy_from_bbox(self.canvas.figure.bbox)
        self.canvas.agg.restore_region(self._still)
        renderer = self.canvas.agg.get_renderer()
        for artist in self.artists:
            artist.draw(renderer)
        return self.canvas.pixels()

    def png(self, frame: int) -> bytes:
        """Frame as the bytes of a PNG in all its colours."""
        out = BytesIO()
        Image.fromarray(np.ascontiguousarray(self.paint(frame)[..., :3])).save(out, "png")
        return out.getvalue()

    def frames(self) -> Frames:
        """All frames, in the fixed palette."""
        photos = any(len(view.thumbnails) and view.trajectory.images.shape[-1] == 3 for view in self.views)
        return Frames(map(self.paint, range(self.timeline.n_frames)), self.options.style, photos)


class Frames(Sequence):
    """Pictures (height, width, 3) decoded when asked for, from ``indices`` (height, width) in a ``palette`` (m, 3), m <= 256.

    They are made of ``pictures`` (height, width, 4); the palette of a style is richer for coloured ``photos``.
    """

    def __init__(self, pictures: Iterable[np.ndarray], style: str, photos: bool):
        table, self.palette = nearest_entry(style, photos), indexed_palette(style, photos)
        self.indices = [to_indices(pixels, table) for pixels in pictures]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, k):
        found = self.indices[k]
        return [self.palette[frame] for frame in found] if isinstance(k, slice) else self.palette[found]

    def image(self, k: int) -> Image.Image:
        """Frame k as a Pillow image of mode P with the shared palette."""
        height, width = self.indices[k].shape
        image = Image.frombytes("P", (width, height), self.indices[k].tobytes())
        image.putpalette(self.palette.tobytes())
        return image


def to_indices(pixels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Palette positions (h, w) of pixels (h, w, 4) through a table of 5 bits a channel."""
    packed = np.ascontiguousarray(pixels).view("<u4")[..., 0]  # red is the lowest byte
    return table[((packed & 0xF8) << 7) | ((packed >> 6) & 0x3E0) | ((packed >> 19) & 0x1F)]


def gif(frames: Frames, durations: Sequence[int]) -> bytes:
    """An endless GIF; durations in ms, one a frame. One palette and no dithering: nothing flickers.

    The palette is written once, and what did not change since the frame before is left out: this saves a seventh of the bytes.
    """
    first, *rest = map(frames.image, range(len(frames)))
    out, smallest = BytesIO(), {"palette": frames.palette.tobytes(), "optimize": True}
    first.save(out, "GIF", save_all=True, append_images=rest, duration=list(durations), loop=0, disposal=1, **smallest)
    return out.getvalue()


def png(frames: Frames, k: int) -> bytes:
    """Frame k as an indexed PNG."""
    out = BytesIO()
    frames.image(k).save(out, "PNG")
    return out.getvalue()


def mp4(frames: Frames, durations: Sequence[int]) -> bytes:
    """H.264 in yuv420p, which plays everywhere; it has one frame rate, so that a frame is repeated for as long as it stays."""
    import imageio.v2 as imageio

    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise ConfigError("writing .mp4 needs imageio-ffmpeg: pip install 'icon_nb[video]', or save as .gif")
    tick = max(math.gcd(*durations), 40)
    ends = np.rint(np.cumsum(durations) / tick).astype(int)
    height, width = frames.indices[0].shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        exact = ["-fflags", "+bitexact", "-threads", "1"]
        with imageio.get_writer(path, fps=1000 / tick, codec="libx264", macro_block_size=1, ffmpeg_params=exact) as writer:
            for k, repeats in enumerate(np.diff(ends, prepend=0)):
                picture = np.pad(frames[k], ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
                for _ in range(max(1, int(repeats))):
                    writer.append_data(picture)
        return path.read_bytes()
