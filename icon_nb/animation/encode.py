"""One list of indexed frames, written as GIF, MP4 or PNG."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ConfigError
from .palette import indexed_palette, nearest_entry


class Frames(Sequence):
    """Pictures (height, width, 3) decoded when asked for, from ``indices`` (height, width) in a ``palette`` (m, 3), m <= 256."""

    def __init__(self, indices: Sequence[np.ndarray], palette: np.ndarray):
        self.indices, self.palette = list(indices), palette

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, k):
        if isinstance(k, slice):
            return [self.palette[frame] for frame in self.indices[k]]
        return self.palette[self.indices[k]]

    def image(self, k: int) -> Image.Image:
        """Frame k as a Pillow image of mode P with the shared palette."""
        height, width = self.indices[k].shape
        image = Image.frombytes("P", (width, height), self.indices[k].tobytes())
        image.putpalette(self.palette.tobytes())
        return image


def as_frames(pictures: Iterable[np.ndarray], style: str, photos: bool) -> Frames:
    """Pictures (h, w, 4) in the fixed palette of a style, which is richer for coloured ``photos``."""
    table = nearest_entry(style, photos)
    return Frames([to_indices(pixels, table) for pixels in pictures], indexed_palette(style, photos))


def to_indices(pixels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Palette positions (h, w) of pixels (h, w, 4) through a table of 5 bits a channel."""
    packed = np.ascontiguousarray(pixels).view("<u4")[..., 0]  # red is the lowest byte
    return table[((packed & 0xF8) << 7) | ((packed >> 6) & 0x3E0) | ((packed >> 19) & 0x1F)]


def gif(frames: Frames, durations: Sequence[int]) -> bytes:
    """An endless GIF; durations in ms, one a frame. One palette and no dithering: nothing flickers."""
    first, *rest = map(frames.image, range(len(frames)))
    out = BytesIO()
    first.save(out, "GIF", save_all=True, append_images=rest, duration=list(durations), loop=0, disposal=1, optimize=False)
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
