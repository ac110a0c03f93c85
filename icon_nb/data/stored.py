"""Pictures that stay on the disk: indexed like a tensor, read through a torch DataLoader when they are asked for.

torchvision's ``ImageFolder`` does not reach: folders may have no classes, and pictures of any size and depth become one form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..errors import DataError
from .arrays import PixelRange, to_numpy

STREAM_ABOVE = 2 << 30  # pictures that take more bytes than this as uint8 stay on the disk, where stream="auto"
CHUNK = 256  # so many pictures are read at a time, where nobody says how many
STATISTICS_SAMPLES = 100_000  # mean and deviation of images are taken over so many: more moves neither by a thousandth


@dataclass(frozen=True)
class Streaming:
    """Which pictures stay on the disk, and how many processes read them."""

    stream: str = "auto"
    num_workers: int = 0

    def applies(self, n: int, shape: Sequence[int]) -> bool:
        """Whether n pictures of a shape stay where they are."""
        return self.stream == "always" or (self.stream == "auto" and n * prod(shape) > STREAM_ABOVE)


class Unreadable(NamedTuple):
    """In place of a picture: why it could not be read."""

    name: str
    why: str


class Summary(NamedTuple):
    """What one pass over all pictures finds."""

    digest: object  # SHA-256 of their bytes
    levels: Tensor  # how often each grey level occurs in the first STATISTICS_SAMPLES: int64 (c, 256)
    unreadable: dict[int, Unreadable]  # by position


class Stored:
    """uint8 pictures (n, c, h, w) that are read when they are indexed, all rows of the source or some.

    ``source[i]`` reads picture i as uint8 (c, h, w), the same every time; ``source.name(i)`` names it in an error. It must
    survive pickling where several processes read and the system does not fork.
    """

    dtype, device = torch.uint8, torch.device("cpu")

    def __init__(self, source, shape: Sequence[int], rows: np.ndarray | None = None, num_workers: int = 0):
        self.source, self.num_workers = source, num_workers
        self.rows = np.arange(len(source)) if rows is None else rows
        self.shape = torch.Size((len(self.rows), *shape))

    def dim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """The pictures at these positions, in memory: uint8 (m, c, h, w), on the device of ``index``."""
        index = torch.arange(len(self))[index] if isinstance(index, slice) else index
        return torch.cat(list(self.ahead(index.split(CHUNK), self.num_workers)))

    def ahead(self, batches: Sequence[Tensor], num_workers: int) -> Iterator[Tensor]:
        """The pictures of each of these batches of positions; so many processes read those that come next."""
        places = [self.rows[index.cpu().numpy()] for index in batches]
        for index, part in zip(batches, read(self.source, places, num_workers)):
            if isinstance(part, list):
                bad = [each for each in part if isinstance(each, Unreadable)]
                raise DataError(
                    f"{bad[0].name} cannot be read any more ({bad[0].why}), and {len(bad) - 1} more of its batch: "
                    "the pictures must stay as they are while they are used; put them back, and go on with resume=True"
                )
            yield torch.from_numpy(part).to(index.device)

    def only(self, keep) -> Stored:
        """These positions, still on the disk."""
        return Stored(self.source, self.shape[1:], self.rows[np.asarray(keep)], self.num_workers)

    @cached_property
    def summary(self) -> Summary:
        """The checksum, the grey levels, and what cannot be read."""
        found = Summary(hashlib.sha256(), torch.zeros(self.shape[1], 256, dtype=torch.int64), {})
        for at, part in zip(range(0, len(self), CHUNK), read(self.source, chunks(self.rows), self.num_workers)):
            found.unreadable.update((at + k, each) for k, each in enumerate(part) if isinstance(each, Unreadable))
            if isinstance(part, np.ndarray):
                found.digest.update(part)
                found.levels.add_(grey_levels(torch.from_numpy(part[: max(0, STATISTICS_SAMPLES - at)])))
        return found

    def __getstate__(self) -> dict:
        return {name: value for name, value in self.__dict__.items() if name != "summary"}  # a digest cannot be sent


@dataclass(frozen=True)
class Samples:
    """The pictures of a data set object, of torch or of Hugging Face, which may stay where they are."""

    data: object
    x: int | str | None = None  # where the input stands in an item, which is the input itself when None
    y: int | str | None = None
    transform: Callable | None = None  # makes uint8 (n, c, h, w) of pictures of any type
    shape: tuple[int, ...] = ()  # of all pictures that stay where they are
    pixels: PixelRange | None = None  # their type and the range of their values
    num_workers: int = 0
    ndim = 4

    def __len__(self) -> int:
        return len(self.data)

    def item(self, i: int) -> tuple[np.ndarray, object]:
        """The input of item i as numbers, and its label."""
        item = self.data[i]
        y = None if self.y is None else item[self.y]
        return to_numpy(item if self.x is None else item[self.x], self.name(i)), y.item() if hasattr(y, "item") else y

    def __getitem__(self, i: int) -> np.ndarray:
        """The input of item i: uint8 (c, h, w) where there is a transform, else as it is."""
        array, _ = self.item(i)
        return array if self.transform is None else self.transform(array[None] if array.ndim == 3 else array[None, None])[0]

    def name(self, i: int) -> str:
        return f"sample {i}"

    def left_in_place(self, num_workers: int) -> tuple[Samples, list | None]:
        """The same pictures, measured, and their labels, from one pass over all; pictures that do not fit are refused."""
        first, extremes, labels = self[0], [], []
        if not np.array_equal(first, self[0], equal_nan=first.dtype.kind == "f"):
            raise DataError(
                "sample 0 differs from one reading to the next: pictures that stay on the disk must be the same every time; "
                "leave random transforms out of the data set, and name them with augment="
            )
        for i, each in enumerate(chain.from_iterable(read(self, chunks(np.arange(len(self))), num_workers, get="item"))):
            if isinstance(each, Unreadable):
                raise DataError(f"{each.name} cannot be read ({each.why}): repair it, or leave it out of the data set")
            array, label = each
            if (array.shape, array.dtype) != (first.shape, first.dtype):
                raise DataError(
                    f"sample {i} has shape {array.shape} of {array.dtype}, sample 0 {first.shape} of {first.dtype}: "
                    "bring all samples to one shape and type"
                )
            extremes += [float(array.min()), float(array.max())]
            labels.append(label)
            if not np.isfinite(extremes[-2:]).all():
                raise DataError(f"sample {i} holds NaN or infinite values: remove or fill them")
        pixels = PixelRange(first.dtype, min(extremes), max(extremes))
        shape = (len(labels), *((1,) if first.ndim == 2 else ()), *first.shape)
        return replace(self, shape=shape, pixels=pixels, num_workers=num_workers), None if self.y is None else labels

    def with_transform(self, transform: Callable) -> Stored:
        """The measured pictures as levels, read when they are asked for."""
        levels = replace(self, transform=transform)
        return Stored(levels, levels[0].shape, num_workers=self.num_workers)


@dataclass(frozen=True)
class _Guarded:
    """A source whose errors are values: they come back whole from another process."""

    source: object
    get: str

    def __getitem__(self, i: int):
        try:
            return getattr(self.source, self.get)(i)
        except (Exception, SystemExit) as error:  # Pillow raises many kinds for damaged files, a data set of the user's any
            return Unreadable(self.source.name(i), str(error) if isinstance(error, DataError) else type(error).__name__)


def read(source, batches: Sequence[Sequence[int]], num_workers: int = 0, get: str = "__getitem__") -> Iterator[np.ndarray | list]:
    """Items of a source, batch by batch: one array each, or a list where an item is no array or is :class:`Unreadable`."""
    order, random = [list(map(int, batch)) for batch in batches], torch.Generator()  # the caller's random state is left alone
    options = {"batch_sampler": order, "num_workers": min(num_workers, len(order)), "generator": random}
    try:
        parts = iter(DataLoader(_Guarded(source, get), collate_fn=_together, **options))
    except Exception as error:  # where processes are spawned, the source is pickled, which raises many kinds
        raise DataError(
            f"num_workers={num_workers}: the data set cannot be sent to another process ({error}): "
            "define its class at the top of a module, or use num_workers=0"
        ) from error
    try:
        yield from parts
    except (RuntimeError, OSError) as error:
        raise DataError(f"a process that read pictures ended ({error}): use num_workers=0, or a smaller batch_size") from error


def chunks(rows: np.ndarray) -> list[np.ndarray]:
    """The rows in parts that are read at a time."""
    return np.split(rows, range(CHUNK, len(rows), CHUNK))


def _together(items: list) -> np.ndarray | list:
    """Arrays as one array, which goes through a pipe: shared memory is scarce in containers."""
    arrays = all(isinstance(item, np.ndarray) for item in items)
    return np.ascontiguousarray(np.stack(items)) if arrays else items


def grey_levels(x: Tensor) -> Tensor:
    """How often each of 256 grey levels occurs in each channel of uint8 pictures (n, c, h, w): int64 (c, 256)."""
    return torch.stack([torch.bincount(x[:, c].flatten(), minlength=256) for c in range(x.shape[1])])
