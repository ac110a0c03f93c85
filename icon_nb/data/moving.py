"""Digits that move: the bundled digits at any place, size and angle in a larger picture, on black or on photographs.

Pixels are a poor guide to such a digit: two pictures of one digit share few of them. So there is something to learn.
"""

from __future__ import annotations

import numpy as np

from .made_here import read_digits, scikit_learns
from .published import Search

SEED = 0
SIDES = (0.4375, 0.625)
"""Smallest and largest side of a digit, as a share of the side of the picture; 7 to 10 of 16 pixels."""


def read_moving_digits(search: Search, size: int = 16, turn: float = 10, copies: int = 1) -> dict:
    """Every digit ``copies`` times, each at a place, size and angle of its own; the split is by original image.

    Parameters
    ----------
    size : int
        Side of the pictures, in pixels.
    turn : float
        The largest angle that a digit is turned by, in degrees, either way.
    copies : int
        Pictures made of every training digit; a held-out digit is in one.
    """
    digits = read_digits(search)
    drawn = np.random.RandomState(SEED)  # its stream never changes between versions
    parts = {}
    for part, labels, times in (("x", "y", copies), ("x_test", "y_test", 1)):
        originals = np.repeat(digits[part][:, 0], times, 0)
        parts[part] = place(originals, drawn.random_sample((len(originals), 4)), size, turn)[:, None]
        parts[labels] = np.repeat(digits[labels], times)
    note = f"digits at a random place, size and angle (up to {turn:g} degrees) in {size}x{size} pixels; others are held out"
    return parts | {"class_names": digits["class_names"], "note": note}


def read_photo_digits(search: Search, size: int = 20, turn: float = 10, copies: int = 1) -> dict:
    """Moving digits in white on crops of scikit-learn's two photographs, in colour; the parameters are as above."""
    digits = read_moving_digits(search, size, turn, copies)
    drawn = np.random.RandomState(SEED + 1)
    for part in ("x", "x_test"):
        ink = digits[part].astype(np.uint16)  # (n, 1, size, size)
        behind = crops(len(ink), size, drawn).astype(np.uint16)  # (n, 3, size, size)
        digits[part] = ((behind * (255 - ink) + 255 * ink + 127) // 255).astype(np.uint8)
    return digits | {"note": f"{digits['note']}; behind each is a crop of a photograph, which both of its views share"}


def place(images: np.ndarray, drawn: np.ndarray, size: int, turn: float) -> np.ndarray:
    """Small pictures (n, h, h) in larger ones (n, size, size), uint8, by uniform numbers (n, 4) for side, angle, x and y.

    Only sums, products and quotients of float64, so that the bytes are the same on every machine.
    """
    h = images.shape[1]
    side = size * (SIDES[0] + (SIDES[1] - SIDES[0]) * drawn[:, 0])
    t = np.float64(turn) * np.pi / 360 * (2 * drawn[:, 1] - 1)  # tangent of half the angle, nearly
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    room = (size - side + 1) / 2  # half a pixel of the dark border of a digit may leave the picture
    at = np.arange(size) - (size - 1) / 2
    dx = at[None, None, :] - ((2 * drawn[:, 2] - 1) * room)[:, None, None]
    dy = at[None, :, None] - ((2 * drawn[:, 3] - 1) * room)[:, None, None]
    cos, sin, step = (each[:, None, None] for each in (cos, sin, h / side))
    x, y = step * (cos * dx + sin * dy), step * (cos * dy - sin * dx)  # where each pixel looks, from the middle of the digit
    return _between(np.pad(images, ((0, 0), (1, 1), (1, 1))).astype(np.float64), x, y)


def _between(padded: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear interpolation of pictures (n, h, h) at positions (n, size, size) from their middle; uint8."""
    h = padded.shape[1]
    x, y = (np.clip(each + (h - 1) / 2, 0, h - 1 - 1e-3) for each in (x, y))
    left, top = x.astype(np.int64), y.astype(np.int64)
    x, y = x - left, y - top
    flat, corner = padded.reshape(len(padded), -1), (h * top + left).reshape(len(padded), -1)
    a, b, c, d = (np.take_along_axis(flat, corner + k, 1).reshape(x.shape) for k in (0, 1, h, h + 1))
    return np.rint((a * (1 - x) + b * x) * (1 - y) + (c * (1 - x) + d * x) * y).astype(np.uint8)


def scikit_learns_photographs() -> list[np.ndarray]:
    """The two photographs (h, w, 3) of ``load_sample_images``, without a second spent on importing ``sklearn``."""
    from PIL import Image

    try:
        return [np.asarray(Image.open(scikit_learns(f"images/{name}.jpg"))) for name in ("china", "flower")]
    except OSError:  # another version may keep them elsewhere
        from sklearn.datasets import load_sample_images

        return load_sample_images().images


def crops(n: int, size: int, drawn: np.random.RandomState) -> np.ndarray:
    """Squares of the photographs at random places, in half size and half brightness: uint8 (n, 3, size, size)."""
    photographs = [photo.transpose(2, 0, 1) for photo in scikit_learns_photographs()]  # (3, h, w)
    made = np.empty((n, 3, size, size), np.uint8)
    for k, (which, top, left) in enumerate(drawn.random_sample((n, 3))):
        photo = photographs[int(which * len(photographs))]
        i, j = (int(share * (extent - 2 * size)) for share, extent in zip((top, left), photo.shape[1:]))
        square = photo[:, i : i + 2 * size, j : j + 2 * size].astype(np.uint16)
        made[k] = square.reshape(3, size, 2, size, 2).sum((2, 4)) // 8
    return made
