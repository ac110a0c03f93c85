"""Data in memory: every data set is a handful of tensors, moved to the device once and indexed there."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .datasets import DATASETS
from .errors import DataError, nearest
from .sources import READERS, Search, stratified

STATISTICS_SAMPLES = 100_000
"""Mean and deviation of images are taken over at most this many samples: more moves neither by a thousandth."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training samples, and held-out samples where the data have them.

    Parameters
    ----------
    name : str
        Name in titles and run folders.
    x : Tensor
        Training inputs: uint8 (n, c, h, w) images, float32 (n, d) features, or int64 (n, length) tokens.
    y : int64 Tensor (n,) or None
        Class of each sample, counted from 0.
    x_test, y_test : Tensor or None
        Held-out samples in the same form; None where the data have no split.
    class_names : tuple of str
        ``class_names[y[i]]`` names the class of sample i; filled in with numbers when empty.
    mean, std : float32 Tensor (c,) or (d,), or None
        Normalisation of the inputs, found from ``x`` when None. On the 0..1 scale for images.
    pair, pair_test : Tensor or None
        A second modality: row i belongs to ``x[i]``.
    companion : float Tensor (n, d') or None
        Embeddings from elsewhere, one row a sample.
    graph : Tensor (n, n) or None
        Non-negative weights between samples, dense or sparse.
    note : str
        What a reader should know: a subset, a split made here.

    Raises
    ------
    DataError
        Empty, infinite or NaN inputs, or parts that do not belong together.

    Examples
    --------
    >>> data = load("digits")
    >>> data
    Dataset('digits', 1,297 images of shape (1, 8, 8), 500 held out, 10 classes)
    >>> data.inputs(data.x[:2]).shape
    torch.Size([2, 1, 8, 8])
    """

    name: str
    x: Tensor
    y: Tensor | None = None
    x_test: Tensor | None = None
    y_test: Tensor | None = None
    class_names: tuple[str, ...] = ()
    mean: Tensor | None = None
    std: Tensor | None = None
    pair: Tensor | None = None
    pair_test: Tensor | None = None
    companion: Tensor | None = None
    graph: Tensor | None = None
    note: str = ""

    def __post_init__(self):
        check(self)
        if not self.class_names and self.y is not None:
            object.__setattr__(self, "class_names", tuple(str(c) for c in range(int(self.y.max()) + 1)))
        if self.mean is None and self.kind != "tokens":
            mean, std = _statistics(self.x)
            object.__setattr__(self, "mean", mean)
            object.__setattr__(self, "std", std)

    @property
    def kind(self) -> str:
        """``"images"``, ``"features"`` or ``"tokens"``: what a sample is, told by the form of ``x``."""
        return KINDS[self.x.dtype, self.x.dim()]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x.shape[1:])

    @property
    def n_classes(self) -> int:
        """Number of classes, 0 without labels."""
        return 0 if self.y is None else max(len(self.class_names), int(self.y.max()) + 1)

    @property
    def n_tokens(self) -> int:
        """Size of the vocabulary, 0 where samples are not tokens."""
        return int(self.x.max()) + 1 if self.kind == "tokens" else 0

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over the bytes of the training inputs and labels."""
        digest = hashlib.sha256()
        for part in (self.x, self.y):
            if part is not None:
                digest.update(part.detach().cpu().contiguous().numpy())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        held = "none" if self.x_test is None else f"{len(self.x_test):,}"
        classes = f"{self.n_classes} classes" if self.y is not None else "no labels"
        return f"Dataset({self.name!r}, {len(self):,} {self.kind} of shape {self.shape}, {held} held out, {classes})"

    def to(self, device) -> Dataset:
        """The same data with every tensor on ``device``; the data themselves when they are there already.

        >>> data = load("digits"); data.to("cpu") is data
        True
        """
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)}
        if all(tensor.to(device) is tensor for tensor in tensors.values()):
            return self
        moved = copy(self)  # checked already, and its checksum stays known
        for name, tensor in tensors.items():
            object.__setattr__(moved, name, tensor.to(device))
        return moved

    def inputs(self, x: Tensor) -> Tensor:
        """What a network sees of raw samples: images and features with mean 0 and deviation 1 (float32), tokens unchanged."""
        if self.kind == "tokens":
            return x
        axes = (-1, *[1] * (x.dim() - 2))
        mean, std = (part.to(x.device).view(axes) for part in (self.mean, self.std))
        scale = 255.0 if self.kind == "images" else 1.0
        return x.float().mul_(1 / (scale * std)).sub_(mean / std)

    def flat(self, x: Tensor) -> Tensor:
        """Raw samples as rows, float32 (n, features): pixels on the 0..1 scale, features as they came.

        Neighbourhoods of the inputs are measured on these, so they do not depend on the normalisation of a network.
        """
        if self.kind == "tokens":
            raise DataError(
                f"{self.name}: distances between token numbers mean nothing; use a method that does not compare inputs"
            )
        return x.flatten(1).float() / 255 if self.kind == "images" else x.float()


KINDS = {(torch.uint8, 4): "images", (torch.float32, 2): "features", (torch.int64, 2): "tokens"}


def load(dataset="digits", data_dir=None, n_samples: int | None = None, seed: int = 0, download: bool = True) -> Dataset:
    """Load a data set into memory.

    Parameters
    ----------
    dataset : str or Dataset
        A key of ``DATASETS``, or data that are loaded already.
    data_dir : path, optional
        Folder with the published files in torchvision's layout, or the folder of the files itself. Never written to.
    n_samples : int, optional
        Keep only so many training samples, every class at its share; the held-out samples stay.
    seed : int
        Which samples ``n_samples`` keeps.
    download : bool
        Whether missing files may be fetched into the cache folder (``ICON_NB_DATA``, else ``~/.cache/icon_nb``).

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        The name is unknown, files are missing or damaged, or there are fewer samples than asked for.

    Examples
    --------
    >>> load("digits", n_samples=100)
    Dataset('digits', 100 images of shape (1, 8, 8), 500 held out, 10 classes)
    """
    found = dataset if isinstance(dataset, Dataset) else _read(dataset, _search(data_dir, download))
    return found if n_samples is None else _limit(found, n_samples, seed)


def check(dataset: Dataset) -> None:
    """Raise a ``DataError`` that names the part, unless the parts of ``dataset`` are whole and belong together."""
    for part in ("x", "x_test"):
        _check_inputs(dataset, part)
    for part, length in (("y", len(dataset.x)), ("y_test", len(dataset.x_test) if dataset.x_test is not None else None)):
        _check_labels(dataset, part, length)
    for part, whole in (("pair", "x"), ("companion", "x"), ("graph", "x"), ("pair_test", "x_test")):
        rows, of = getattr(dataset, part), getattr(dataset, whole)
        if rows is not None and (of is None or len(rows) != len(of)):
            n = 0 if of is None else len(of)
            raise DataError(
                f"{dataset.name}: {part} has {len(rows)} rows for {n} samples of {whole}: row i must belong to sample i"
            )


def _check_inputs(dataset: Dataset, part: str) -> None:
    x = getattr(dataset, part)
    if x is None:
        return
    if (x.dtype, x.dim()) not in KINDS:
        raise DataError(
            f"{dataset.name}: {part} is {x.dtype} of shape {tuple(x.shape)}; give uint8 (n, c, h, w) images, "
            "float32 (n, d) features or int64 (n, length) tokens"
        )
    if prod(x.shape) == 0:
        raise DataError(f"{dataset.name}: {part} is empty, its shape is {tuple(x.shape)}: at least one sample is needed")
    if x.is_floating_point() and not bool(torch.isfinite(x).all()):
        bad = (~torch.isfinite(x)).any(1).nonzero()[:5, 0].tolist()
        raise DataError(f"{dataset.name}: {part} holds NaN or infinite values, first in samples {bad}: remove or fill them")
    if x.dtype == torch.int64 and int(x.min()) < 0:
        raise DataError(f"{dataset.name}: {part} holds the token {int(x.min())}: tokens are numbered from 0")
    if x.shape[1:] != dataset.x.shape[1:] or x.dtype != dataset.x.dtype:
        raise DataError(
            f"{dataset.name}: samples of {part} are {x.dtype} {tuple(x.shape[1:])}, of x {dataset.x.dtype} {dataset.shape}"
        )


def _check_labels(dataset: Dataset, part: str, length: int | None) -> None:
    y = getattr(dataset, part)
    if y is None:
        return
    if y.dtype != torch.int64 or y.dim() != 1 or len(y) != length:
        raise DataError(
            f"{dataset.name}: {part} is {y.dtype} of shape {tuple(y.shape)} for {length} samples; give int64 of shape (n,)"
        )
    top = len(dataset.class_names) or int(y.max()) + 1
    if int(y.min()) < 0 or int(y.max()) >= top:
        raise DataError(f"{dataset.name}: {part} runs from {int(y.min())} to {int(y.max())}; classes are numbered 0 to {top - 1}")


def _read(name: str, search: Search) -> Dataset:
    if name not in READERS:
        raise DataError(f"dataset={name!r} is unknown: {nearest(name, DATASETS)}")
    parts = READERS[name](search)
    return Dataset(name, **{key: _tensor(key, value) for key, value in parts.items()})


def _tensor(key: str, value):
    """Arrays as tensors that own their memory (a view of a file's buffer is read-only), labels as int64."""
    if not isinstance(value, np.ndarray):
        return value
    return torch.from_numpy(np.ascontiguousarray(value, np.int64 if key.startswith("y") else None))


def _search(data_dir, download: bool) -> Search:
    if data_dir is None:
        return Search(None, download)
    if not Path(data_dir).expanduser().is_dir():
        raise DataError(
            f"data_dir={str(data_dir)!r} is not a folder: name one that is, or leave it out to use the download cache"
        )
    return Search(Path(data_dir).expanduser(), download)


def _limit(dataset: Dataset, n: int, seed: int) -> Dataset:
    """Keep ``n`` training samples and what belongs to them; the normalisation is found anew."""
    if not 1 <= n <= len(dataset):
        raise DataError(f"n_samples={n} but {dataset.name} has {len(dataset):,} training samples: choose 1 to {len(dataset):,}")
    if n == len(dataset):
        return dataset
    y = np.zeros(len(dataset)) if dataset.y is None else dataset.y.cpu().numpy()
    keep = torch.from_numpy(np.sort(stratified(y, n, seed))).to(dataset.x.device)
    parts = {key: getattr(dataset, key) for key in ("x", "y", "pair", "companion")}
    kept = {key: part[keep] for key, part in parts.items() if part is not None}
    if dataset.graph is not None:
        kept["graph"] = dataset.graph.index_select(0, keep).index_select(1, keep)
    return replace(dataset, **kept, mean=None, std=None)


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation per channel (0..1 scale) or per feature; a constant one gets deviation 1."""
    if x.dtype == torch.uint8:
        mean, std = zip(*(_pixel_statistics(x[:STATISTICS_SAMPLES, c]) for c in range(x.shape[1])))
        mean, std = torch.stack(mean), torch.stack(std)
    else:
        mean, std = x.double().mean(0), x.double().std(0, unbiased=False)
    tiny = std <= 1e-12 * mean.abs().clamp_min(1e-30)
    return mean.float().to(x.device), torch.where(tiny, torch.ones_like(std), std).float().to(x.device)


def _pixel_statistics(channel: Tensor) -> tuple[Tensor, Tensor]:
    """From the histogram of 256 grey levels: exact, and no float copy of the pictures is made."""
    counts = torch.bincount(channel.flatten(), minlength=256).double()
    level = torch.arange(256, dtype=torch.float64, device=counts.device) / 255
    mean = (counts * level).sum() / counts.sum()
    return mean, ((counts * (level - mean) ** 2).sum() / counts.sum()).sqrt()
