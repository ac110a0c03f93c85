"""Pictures that stay on the disk: indexed like a tensor, read through a DataLoader when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..errors import DataError
from .checks import STATISTICS_SAMPLES, grey_levels

STREAM_ABOVE = 2 << 30
"""Pictures that take more bytes than this as uint8 stay on the disk, where ``stream="auto"``."""

CHUNK = 256
"""So many pictures are read at a time, where nobody says how many."""


@dataclass(frozen=True)
class Reading:
    """How pictures are read.

    Parameters
    ----------
    stream : {"auto", "always", "never"}
        Whether pictures stay on the disk; ``auto``: where they take more than :data:`STREAM_ABOVE`.
    num_workers : int
        Processes that read and decode them; 0: this one.
    """

    stream: str = "auto"
    num_workers: int = 0

    def leaves(self, n: int, shape: Sequence[int]) -> bool:
        """Whether n pictures of a shape stay where they are."""
        return self.stream == "always" or (self.stream == "auto" and n * prod(shape) > STREAM_ABOVE)

    def settle(self, x: Tensor | Stored | None) -> Tensor | Stored | None:
        """Pictures that need not stay on the disk, read into memory; all others as they are."""
        return x[:] if isinstance(x, Stored) and not self.leaves(len(x), x.shape[1:]) else x


@dataclass(frozen=True)
class Unreadable:
    """In place of a picture: why it could not be read."""

    name: str
    why: str


@dataclass
class Survey:
    """What one pass over all pictures finds.

    Parameters
    ----------
    digest : hashlib object
        SHA-256 over their bytes.
    counts : int64 Tensor (c, 256)
        How often each grey level occurs, over the first ``STATISTICS_SAMPLES``.
    bad : dict of int to Unreadable
        Positions of those that cannot be read.
    """

    digest: object = field(default_factory=hashlib.sha256)
    counts: Tensor | None = None
    bad: dict[int, Unreadable] = field(default_factory=dict)


class Stored:
    """uint8 pictures (n, c, h, w) that are read when they are indexed.

    Parameters
    ----------
    source : sequence
        ``source[i]`` reads picture i as uint8 (c, h, w), the same every time; ``source.name(i)`` names it in an error. It must
        survive pickling where several processes read and the system does not fork.
    shape : (c, h, w)
    rows : int array, optional
        Which pictures of the source, all when None.
    num_workers : int
        Processes that read where nothing else is said.
    """

    dtype, device, is_floating_point = torch.uint8, torch.device("cpu"), staticmethod(lambda: False)

    def __init__(self, source, shape: Sequence[int], rows: np.ndarray | None = None, num_workers: int = 0):
        self.source, self.num_workers = source, num_workers
        self.rows = np.arange(len(source)) if rows is None else rows
        self.shape = torch.Size((len(self.rows), *shape))

    def dim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """The pictures at these positions, in memory: uint8 (m, c, h, w), on the device of ``index``.

        Raises
        ------
        DataError
            One cannot be read any more.
        """
        rows = self.rows[index.cpu().numpy() if isinstance(index, Tensor) else index]
        parts = [_whole(part) for part in read(self.source, np.split(rows, range(CHUNK, len(rows), CHUNK)), self.num_workers)]
        return torch.from_numpy(np.concatenate(parts)).to(index.device if isinstance(index, Tensor) else "cpu")

    def only(self, keep) -> Stored:
        """These positions, still on the disk."""
        return Stored(self.source, self.shape[1:], self.rows[np.asarray(keep)], self.num_workers)

    def batches(self, batches: Sequence[Tensor], num_workers: int) -> Iterator[Tensor]:
        """The pictures of each batch of positions; those that come next are read meanwhile, where there are workers."""
        places = [self.rows[index.cpu().numpy()] for index in batches]
        for index, part in zip(batches, read(self.source, places, num_workers)):
            yield torch.from_numpy(_whole(part)).to(index.device)

    def checked(self, stays: bool) -> tuple[Stored | np.ndarray | None, list[int], list[Unreadable]]:
        """Read all once: those that can be read, on the disk where they stay there; their positions; and those that cannot."""
        if stays:
            bad = self.survey.bad
        else:
            items = [each for part in read(self.source, self._parts(), self.num_workers) for each in part]
            bad = {i: each for i, each in enumerate(items) if isinstance(each, Unreadable)}
        good = [i for i in range(len(self)) if i not in bad]
        if not good:
            return None, [], list(bad.values())
        found = np.stack([items[i] for i in good]) if not stays else self.only(good) if bad else self
        return found, good, list(bad.values())

    def _parts(self) -> list[np.ndarray]:
        return np.split(self.rows, range(CHUNK, len(self), CHUNK))

    @cached_property
    def survey(self) -> Survey:
        """One pass over all: the checksum, the grey levels, and what cannot be read."""
        found, at = Survey(counts=torch.zeros(self.shape[1], 256, dtype=torch.int64)), 0
        parts = self._parts()
        for rows, part in zip(parts, read(self.source, parts, self.num_workers)):
            found.bad |= {at + k: each for k, each in enumerate(part) if isinstance(each, Unreadable)}
            if isinstance(part, np.ndarray):
                found.digest.update(part)
                found.counts += grey_levels(torch.from_numpy(part[: max(0, STATISTICS_SAMPLES - at)]))
            at += len(rows)
        return found

    def __getstate__(self) -> dict:
        return {name: value for name, value in self.__dict__.items() if name != "survey"}  # a digest cannot be sent


class Ahead:
    """The pictures of one trainer: those of an announced batch are read ahead of time and held while the batch is used.

    Parameters
    ----------
    x : Stored
    num_workers : int
        Processes that read ahead; 0: each batch is read when it is used.
    """

    def __init__(self, x: Stored, num_workers: int):
        self.x, self.num_workers, self._held = x, num_workers, (None, None)

    def __getitem__(self, index: Tensor) -> Tensor:
        if self._held[0] is not index:
            self._held = index, self.x[index]
        return self._held[1]

    def announce(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """The same batches of positions, each when its pictures are there."""
        for index, pictures in zip(batches, self.x.batches(batches, self.num_workers)):
            self._held = index, pictures
            yield index


class _Items(torch.utils.data.Dataset):
    """A source whose errors are values: they come back whole from another process."""

    def __init__(self, source):
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, i: int):
        try:
            return self.source[i]
        except DataError as error:
            return Unreadable(self.source.name(i), str(error))
        except Exception as error:  # Pillow raises many kinds for damaged files, and a data set of the user's any
            return Unreadable(self.source.name(i), type(error).__name__)


def read(source, batches: Sequence[Sequence[int]], num_workers: int = 0) -> Iterator[np.ndarray | list]:
    """Items of a source, batch by batch: one array each, or a list where an item is no array or is :class:`Unreadable`.

    Raises
    ------
    DataError
        The source cannot be sent to another process, or a process that read died.
    """
    loader = DataLoader(
        _Items(source),
        batch_sampler=[list(map(int, batch)) for batch in batches],
        num_workers=min(num_workers, len(batches)),
        collate_fn=_together,
        generator=torch.Generator(),  # the caller's random state is left alone
    )
    try:
        parts = iter(loader)
    except Exception as error:  # where processes are spawned, the source is pickled, which raises many kinds
        raise DataError(
            f"num_workers={num_workers}: the data set cannot be sent to another process ({error}): "
            "define its class at the top of a module, or use num_workers=0"
        ) from error
    try:
        yield from parts
    except (RuntimeError, OSError) as error:
        raise DataError(f"a process that read pictures ended ({error}): use num_workers=0, or a smaller batch_size") from error


def _together(items: list) -> np.ndarray | list:
    """Arrays as one array, which goes through a pipe: shared memory is scarce in containers."""
    arrays = all(isinstance(item, np.ndarray) for item in items)
    return np.ascontiguousarray(np.stack(items)) if arrays else items


def _whole(part: np.ndarray | list) -> np.ndarray:
    if isinstance(part, np.ndarray):
        return part
    bad = [each for each in part if isinstance(each, Unreadable)]
    raise DataError(
        f"{bad[0].name} cannot be read any more ({bad[0].why}), and {len(bad) - 1} more of its batch: "
        "the pictures must stay as they are while they are used; put them back, and go on with resume=True"
    )
