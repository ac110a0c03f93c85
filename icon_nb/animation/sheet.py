"""The pictures of all points as one image, small enough for a page."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from PIL import Image

MAX_PIXELS = 2**20
MAX_BYTES = 200_000
SMALLEST = 6


def sheet_of(images: np.ndarray, pixels: int = MAX_PIXELS) -> dict | None:
    """All pictures in one image, row by row, made smaller until it fits; None where nothing could be seen any more."""
    images = np.asarray(images, dtype=np.uint8)
    images = images[..., None] if images.ndim == 3 else images  # (n, h, w, c)
    n, h, w, _ = images.shape
    shrink = math.sqrt(pixels / (n * h * w))
    if shrink < 1 and min(h, w) * shrink < SMALLEST:
        return None
    if shrink < 1:
        small = [_picture(image).resize((int(w * shrink), int(h * shrink)), Image.Resampling.BOX) for image in images]
        images = np.stack([np.asarray(image) for image in small]).reshape(n, int(h * shrink), int(w * shrink), -1)
    grid, columns = _grid(images)
    kind, data = _encoded(grid)
    if len(data) > MAX_BYTES:
        return sheet_of(images, int(grid.shape[0] * grid.shape[1] * 0.9 * MAX_BYTES / len(data)))
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"source": source, "cell_w": images.shape[2], "cell_h": images.shape[1], "columns": columns}


def _grid(images: np.ndarray) -> tuple[np.ndarray, int]:
    """Pictures (n, h, w, c) as one nearly square picture, and how many stand in a row."""
    n, h, w, c = images.shape
    columns = max(1, round(math.sqrt(n * h / w)))
    rows = math.ceil(n / columns)
    cells = np.zeros((rows * columns, h, w, c), np.uint8)
    cells[:n] = images
    return cells.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c), columns


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _encoded(sheet: np.ndarray) -> tuple[str, bytes]:
    """PNG where the pixels are few, otherwise the best JPEG within the budget, or the smallest one where none is."""
    kinds = [("png", {})] if sheet.nbytes <= MAX_BYTES else [("jpeg", {"quality": quality}) for quality in (85, 70, 55)]
    for kind, options in kinds:
        buffer = io.BytesIO()
        _picture(sheet).save(buffer, kind, **options)
        if buffer.tell() <= MAX_BYTES:
            break
    return kind, buffer.getvalue()
