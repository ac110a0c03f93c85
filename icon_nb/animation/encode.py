"""One list of indexed frames, written as GIF, MP4 or PNG."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ConfigError


class Frames(Sequence):
    """Pictures that share one palette: ``frames[k]`` is a uint8 array (height, width, 3), decoded when asked for.

    ``indices`` are arrays (height, width) of positions in the ``palette`` (m, 3), m <= 256.
    """

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


def gif(frames: Frames, durations: Sequence[int]) -> bytes:
    """An endless GIF; durations in ms, one a frame. One palette and no dithering: nothing flickers."""
    first, *rest = map(frames.image, range(len(frames)))
    out = BytesIO()
    first.save(out, "GIF", save_all=True, append_images=rest, duration=list(durations), loop=0, disposal=1, optimize=False)
    return out.getvalue()


def png(frames: Frames, k: int) -> bytes:
    """Frame k as a small indexed PNG."""
    return indexed_png(frames.indices[k], frames.palette)


def indexed_png(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """Positions (height, width) in a palette (m, 3) as a PNG."""
    out = BytesIO()
    Frames([indices], palette).image(0).save(out, "PNG", optimize=True)
    return out.getvalue()


def mp4(frames: Frames, durations: Sequence[int]) -> bytes:
    """H.264 in yuv420p, which plays everywhere; needs imageio-ffmpeg.

    A video has one frame rate, so that a frame is repeated for as long as it stays.
    """
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


ENCODERS = {".gif": gif, ".mp4": mp4}
