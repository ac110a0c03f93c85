"""The scale of pictures of any numeric type: which of their values become the levels 0 and 255."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError

CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Scale:
    """How pictures of any type become 256 levels, channels first.

    Parameters
    ----------
    channels_last : bool
        They come as (n, h, w, c).
    low, span : float
        What becomes level 0, and how far above it level 255 lies; ``span=None`` leaves the values as they are.
    """

    channels_last: bool
    low: float = 0.0
    span: float | None = None

    def __call__(self, array: np.ndarray) -> np.ndarray:
        array = np.moveaxis(array, -1, 1) if self.channels_last else array
        if array.dtype == np.uint8:
            return np.array(array, order="C")
        levels = array if self.span is None else (array.astype(np.float64) - self.low) / self.span * 255
        return np.ascontiguousarray(np.rint(levels), np.uint8)

    def holds(self, low: float, high: float) -> bool:
        """Whether values of this range are levels 0 to 255."""
        lowest, highest = (np.rint((value - self.low) / (self.span or 255.0) * 255) for value in (low, high))
        return bool(lowest >= 0 and highest <= 255)


@dataclass(frozen=True)
class Pictures:
    """Pictures before they become 256 levels.

    Parameters
    ----------
    shape : (n, c, h, w) or (n, h, w, c)
    dtype : np.dtype
    low, high : float
        The lowest and the highest value of all of them.
    read : callable(Scale)
        The pictures as uint8 (n, c, h, w).
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    low: float
    high: float
    read: Callable[[Scale], object]

    def __str__(self) -> str:
        return f"{self.dtype} from {self.low:g} to {self.high:g}"

    def like(self, other: Pictures) -> bool:
        """Whether a number means the same in both, as far as types tell: uint8 has a scale of its own, and so has bool."""
        kinds = [each.dtype.name if each.dtype.name in ("uint8", "bool") else each.dtype.kind == "f" for each in (self, other)]
        return kinds[0] == kinds[1]


def one_scale(parts: Mapping[str, Pictures]) -> tuple[Scale, str]:
    """The scale of the first part, or of all together where another goes beyond it; and a note on it.

    Raises
    ------
    DataError
        Another part is on a scale of its own: it has another type and range, or goes beyond 0..1 where the first does not.
    """
    (first, x), *others = parts.items()
    for name, part in others:
        scale, own = (scale_of(each.shape, each.dtype, each.low, each.high)[0] for each in (x, part))
        if (own.low, own.span) == (scale.low, scale.span):
            continue
        beyond = not scale.holds(part.low, part.high)
        if not part.like(x) or (beyond and scale.span == 1.0 and scale.low == 0.0):
            raise DataError(f"{name} is {part}, {first} {x}: bring both to one type and one range, 0..1 or 0..255")
        if beyond:
            x = replace(x, low=min(x.low, part.low), high=max(x.high, part.high))
    return scale_of(x.shape, x.dtype, x.low, x.high)


def scale_of(shape: tuple[int, ...], dtype: np.dtype, low: float, high: float) -> tuple[Scale, str]:
    """The scale of pictures (n, ...) of a type, the lowest and the highest value being known, and a note on it.

    0..1 and 0..255 are taken as such, any other range is stretched, and the note says so.
    """
    last = channels_last(shape)
    notes = ["images read as (n, h, w, c)"] if last else []
    unit = dtype.kind == "b" or (dtype.kind == "f" and low >= 0 and high <= 1)
    scale = Scale(last, 0.0, 1.0 if unit else None)
    if not unit and (low < 0 or high > 255):
        notes.append(f"pixel values {low:g} to {high:g} stretched to 256 levels")
        scale = Scale(last, low, (high - low) or 1.0)
    return scale, "; ".join(notes)


def channels_last(shape: tuple[int, ...]) -> bool:
    """Whether (n, a, b, c) has its channels at the end: a usual number of them there and not in front, or simply fewer."""
    front, end = shape[1], shape[3]
    if (front in CHANNELS) != (end in CHANNELS):
        return end in CHANNELS
    return end < front
