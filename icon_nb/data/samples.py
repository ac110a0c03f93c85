"""A data set object, of torch or of Hugging Face, as pictures that are read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .arrays import to_numpy
from .scales import Pictures, Scale
from .stored import CHUNK, Stored, Unreadable, read


@dataclass(frozen=True)
class Samples:
    """Inputs and labels of the items of a data set object.

    Parameters
    ----------
    data : object
        With ``len(data)`` and ``data[i]``.
    x, y : int, str or None
        Where the input and the label stand in an item; None: the item is the input, there is no label.

    Examples
    --------
    >>> Samples([("a", 0), ("b", 1)], 0, 1).item(1)
    ('b', 1)
    """

    data: object
    x: int | str | None = None
    y: int | str | None = None

    def __len__(self) -> int:
        return len(self.data)

    def item(self, i: int) -> tuple[object, object]:
        """The input and the label of item i."""
        item = self.data[i]
        y = None if self.y is None else item[self.y]
        return item if self.x is None else item[self.x], y.item() if hasattr(y, "item") else y

    def array(self, i: int) -> np.ndarray:
        """The input of item i as numbers."""
        return to_numpy(self.item(i)[0], self.name(i))

    def name(self, i: int) -> str:
        return f"sample {i}"


@dataclass(frozen=True)
class About:
    """The form of one picture, the range of its values, and its label."""

    shape: tuple[int, ...]
    dtype: np.dtype
    low: float
    high: float
    label: object


@dataclass(frozen=True)
class _Abouts:
    """Samples as a source of what is to be known of each before any can be read as 256 levels."""

    samples: Samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, i: int) -> About:
        x, label = self.samples.item(i)
        array = to_numpy(x, self.samples.name(i))
        return About(array.shape, array.dtype, float(array.min()), float(array.max()), label)

    def name(self, i: int) -> str:
        return self.samples.name(i)


@dataclass(frozen=True)
class Levels:
    """Samples as a source of :class:`icon_nb.data.stored.Stored`: uint8 (c, h, w)."""

    samples: Samples
    scale: Scale

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.scale(_channelled(self.samples.array(i))[None])[0]

    def name(self, i: int) -> str:
        return self.samples.name(i)


def left_in_place(samples: Samples, num_workers: int) -> tuple[Pictures, list | None]:
    """Pictures that stay where they are, as Stored at any scale, and their labels, from one pass over all.

    Raises
    ------
    DataError
        Pictures that cannot be read, differ in shape or type, hold NaN, or differ from one reading to the next.
    """
    if not np.array_equal(samples.array(0), samples.array(0), equal_nan=samples.array(0).dtype.kind == "f"):
        raise DataError(
            "sample 0 differs from one reading to the next: pictures that stay on the disk must be the same every time; "
            "leave random transforms out of the data set, and name them with augment="
        )
    found = list(_about(samples, num_workers))
    first = found[0]
    for i, each in enumerate(found):
        if (each.shape, each.dtype) != (first.shape, first.dtype):
            raise DataError(
                f"sample {i} has shape {each.shape} of {each.dtype}, sample 0 {first.shape} of {first.dtype}: "
                "bring all samples to one shape and type"
            )
        if not np.isfinite([each.low, each.high]).all():
            raise DataError(f"sample {i} holds NaN or infinite values: remove or fill them")
    low, high = min(each.low for each in found), max(each.high for each in found)
    shape = (len(found), *((1,) if len(first.shape) == 2 else ()), *first.shape)
    labels = None if samples.y is None else [each.label for each in found]
    return Pictures(shape, first.dtype, low, high, lambda scale: stored_at(scale, samples, num_workers)), labels


def stored_at(scale: Scale, samples: Samples, num_workers: int) -> Stored:
    """Pictures that stay where they are, read as levels of a scale."""
    levels = Levels(samples, scale)
    return Stored(levels, levels[0].shape, num_workers=num_workers)


def _about(samples: Samples, num_workers: int) -> Iterator[About]:
    places = np.arange(len(samples))
    for part in read(_Abouts(samples), np.split(places, range(CHUNK, len(places), CHUNK)), num_workers):
        for each in part:
            if isinstance(each, Unreadable):
                raise DataError(f"{each.name} cannot be read ({each.why}): repair it, or leave it out of the data set")
            yield each


def _channelled(array: np.ndarray) -> np.ndarray:
    return array[None] if array.ndim == 2 else array
