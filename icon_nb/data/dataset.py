"""Data sets: a handful of tensors, moved to the device once and indexed there; or pictures that stay on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError, nearest
from ..methods.catalogue import DATASETS, MEMORY, PREFIXES
from ..methods.config import Config
from . import digests
from .arrays import inputs
from .checks import KINDS, check, statistics
from .folders import read_folder
from .made_here import READERS as MADE_HERE
from .own import from_object, read_custom, read_embeddings
from .published import READERS as PUBLISHED
from .published import Search, stratified
from .stored import Reading, Stored

READERS = PUBLISHED | MADE_HERE
"""Name of each data set -> its reader, ``Search -> fields of a Dataset``."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training samples, and held-out samples where the data have them.

    Parameters
    ----------
    name : str
        Name in titles and run folders.
    x : Tensor or Stored
        Training inputs: uint8 (n, c, h, w) images, float32 (n, d) features, or int64 (n, length) tokens. Images may stay on the
        disk (:class:`icon_nb.data.stored.Stored`) and are read batch by batch then.
    y : int64 Tensor (n,) or None
        Class of each sample, counted from 0.
    x_test, y_test : Tensor, Stored or None
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
    vocabulary : tuple of str
        ``vocabulary[t]`` is the word of token t, where ``x`` or ``pair`` holds tokens.
    order : int64 Tensor or None
        Where the split was made here: the place of every sample of ``x``, then of ``x_test``, in the data as they came.
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
    vocabulary: tuple[str, ...] = ()
    order: Tensor | None = None
    note: str = ""

    def __post_init__(self):
        check(self)
        if not self.class_names and self.y is not None:
            object.__setattr__(self, "class_names", tuple(str(c) for c in range(int(self.y.max()) + 1)))
        if self.mean is None and self.kind != "tokens":
            mean, std = statistics(self.x)
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
        """Size of the vocabulary, 0 where there are no tokens."""
        if self.kind != "tokens" or self.vocabulary:
            return len(self.vocabulary)
        return int(self.x.max()) + 1

    @property
    def whole(self) -> Dataset:
        """The data before a split that was made here, in the order they came in; themselves where there was none to undo.

        >>> load("digits").whole
        Dataset('digits', 1,797 images of shape (1, 8, 8), none held out, 10 classes)
        """
        if self.order is None or self.companion is not None or self.graph is not None:
            return self
        place = self.order.argsort()
        parts = {"x": self.x_test, "y": self.y_test, "pair": self.pair_test}
        joined = {key: torch.cat([getattr(self, key), test])[place] for key, test in parts.items() if test is not None}
        apart = dict.fromkeys(("x_test", "y_test", "pair_test", "mean", "std", "order"))
        return replace(self, **apart, **joined, note="all samples together, in their original order")

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over the bytes of the training inputs and labels."""
        digest = self.x.survey.digest.copy() if isinstance(self.x, Stored) else hashlib.sha256()
        for part in (self.x, self.y):
            if isinstance(part, Tensor):
                digest.update(part.detach().cpu().contiguous().numpy())
        return digest.hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that the numbers of a run depend on: every part, the normalisation, the names of classes and words."""
        return digests.fingerprint(self)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        held = "none" if self.x_test is None else f"{len(self.x_test):,}"
        classes = f"{self.n_classes} classes" if self.y is not None else "no labels"
        place = " on the disk" if isinstance(self.x, Stored) else ""
        return f"Dataset({self.name!r}, {len(self):,} {self.kind} of shape {self.shape}{place}, {held} held out, {classes})"

    def to(self, device) -> Dataset:
        """The same data with every tensor on ``device``; the data themselves when they are there already.

        >>> data = load("digits"); data.to("cpu") is data
        True
        """
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)}
        there = {name: tensor.to(device) for name, tensor in tensors.items()}
        if all(there[name] is tensor for name, tensor in tensors.items()):
            return self
        moved = copy(self)  # checked already, and its checksum stays known
        for name, tensor in there.items():
            object.__setattr__(moved, name, tensor)
        return moved

    def inputs(self, x: Tensor) -> Tensor:
        """What a network sees of raw samples: images and features with mean 0 and deviation 1 (float32), tokens unchanged."""
        if self.kind == "tokens":
            return x
        axes = (-1, *[1] * (x.dim() - 2))
        mean, std = (part.to(x.device).view(axes) for part in (self.mean, self.std))
        scale = 255.0 if self.kind == "images" else 1.0
        return x.to(torch.float32, copy=True).mul_(1 / (scale * std)).sub_(mean / std)

    def flat(self, x: Tensor) -> Tensor:
        """Raw samples as rows, float32 (n, features): pixels on the 0..1 scale, features as they came.

        Neighbourhoods of the inputs are measured on these, so they do not depend on the normalisation of a network.
        """
        if self.kind == "tokens":
            raise DataError(
                f"{self.name}: distances between token numbers mean nothing; use a method that does not compare inputs"
            )
        return x.flatten(1).float() / 255 if self.kind == "images" else x.float()


def load(
    dataset="digits",
    data_dir=None,
    n_samples: int | None = None,
    seed: int = 0,
    download: bool = True,
    *,
    pair=None,
    label: str | None = None,
    image_size=None,
    skip_unreadable: bool = False,
    whole: bool = False,
    stream: str = "auto",
    num_workers: int = 0,
) -> Dataset:
    """Load a data set: one that is published, or your own.

    Parameters
    ----------
    dataset : str or object
        A key of ``DATASETS``; ``folder:PATH``, ``embeddings:FILE`` or ``custom:FILE.py:NAME``; or an object: a Dataset, an
        array or tensor, ``(x, y)``, ``(x, y, x_test, y_test)``, a mapping of such names, a DataFrame, a Hugging Face
        ``datasets`` object, a torch ``Dataset``.
    data_dir : path, optional
        Folder with the published files in torchvision's layout, or the folder of the files itself. Never written to.
    n_samples : int, optional
        Keep only so many training samples, every class at its share; the held-out samples stay.
    seed : int
        Which samples ``n_samples`` keeps.
    download : bool
        Whether missing files may be fetched into the cache folder (``ICON_NB_DATA``, else ``~/.cache/icon_nb``).
    pair : array or ``embeddings:FILE``, optional
        A second modality: row i belongs to training sample i.
    label : str, optional
        Name of the label column, where the data have columns.
    image_size : int or (h, w), optional
        For ``folder:``, the size to bring pictures to.
    skip_unreadable : bool
        For ``folder:``, whether pictures that cannot be read are left out (and named in ``note``) or are an error.
    whole : bool
        Undo a split that was made here (that of digits): for layouts, which have nothing to be tested on.
    stream : {"auto", "always", "never"}
        Whether the pictures of a folder or of a data set object stay where they are, and are read batch by batch through a torch
        DataLoader: ``auto``, where they take more than :data:`icon_nb.data.stored.STREAM_ABOVE` bytes (2 GiB) as uint8; a
        Dataset is left as it is. The numbers of a run are the same either way.
    num_workers : int
        Processes that read and decode such pictures; 0: this one.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        The name is unknown, files are missing or damaged, values are not finite numbers, parts do not belong together,
        there are fewer samples than asked for, or ``stream="always"`` is asked of what is in memory already.

    Examples
    --------
    >>> load("digits", n_samples=100)
    Dataset('digits', 100 images of shape (1, 8, 8), 500 held out, 10 classes)
    >>> load((np.eye(4), ["a", "b", "a", "b"]))
    Dataset('own_data', 4 features of shape (4,), none held out, 2 classes)
    """
    reading = Reading(stream, num_workers)
    folder = {"image_size": image_size, "skip_unreadable": skip_unreadable, "reading": reading}
    if isinstance(dataset, Dataset):
        found = dataset
    elif isinstance(dataset, str):
        found = _named(dataset, data_dir, download, label, folder)
    else:
        found = _dataset("own_data", from_object(dataset, label, reading))
    held = isinstance(dataset, Dataset) or (isinstance(dataset, str) and dataset.startswith("memory:"))
    _check_stream(found, held, stream, whole)
    if pair is not None:
        found = replace(found, pair=_second(pair))
    found = found.whole if whole else found
    found = found if n_samples is None else _limit(found, n_samples, seed)
    if held and stream == "auto" and n_samples is None and not whole:
        return found  # where it is, somebody wanted it
    return _settled(found, Reading("never") if whole else reading)


def load_for(config: Config) -> Dataset:
    """The data set that a resolved Config names, as every run of it reads it."""
    return load(
        config.dataset,
        config.data_dir,
        config.n_samples,
        config.seed,
        whole=config.backbone == "table",
        stream=config.stream,
        num_workers=config.num_workers,
    )


def describe(dataset: Dataset) -> dict[str, object]:
    """What a saved run keeps of its data set: enough to recognise it and to rebuild the backbone."""
    return {
        "name": dataset.name,
        "sha256": dataset.checksum,
        "fingerprint": dataset.fingerprint,
        "note": dataset.note,
        "kind": dataset.kind,
        "shape": list(dataset.shape),
        "n_train": len(dataset),
        "n_tokens": dataset.n_tokens,
    }


def is_described(dataset: Dataset, about: Mapping, config: Config) -> bool:
    """Whether a data set is the one that ``about``, of a run of this config, describes; what it leaves out is believed.

    Data with a name of their own are recognised by inputs and labels: the rest follows from these, to the last digit only on
    one machine. So are those of runs that were saved when there was no fingerprint.
    """
    if config.dataset in DATASETS or "fingerprint" not in about:
        return about.get("sha256", dataset.checksum) == dataset.checksum
    return about["fingerprint"] == dataset.fingerprint


def _check_stream(found: Dataset, held: bool, stream: str, whole: bool) -> None:
    """Refuse ``stream="always"`` where it could have no effect."""
    if stream != "always":
        return
    if whole:
        raise DataError("stream='always': backbone='table' compares all samples at once: leave stream out; n_samples takes fewer")
    if not held and not isinstance(found.x, Stored):
        raise DataError(
            f"stream='always': {found.name} is read as arrays, which are in memory already: leave stream out; "
            "pictures of a folder:, and of a torch or Hugging Face data set, can stay on the disk"
        )


def _settled(dataset: Dataset, reading: Reading) -> Dataset:
    """Pictures that need not stay on the disk, in memory."""
    moved = {name: reading.settle(getattr(dataset, name)) for name in ("x", "x_test")}
    return dataset if all(getattr(dataset, name) is x for name, x in moved.items()) else replace(dataset, **moved)


def _named(name: str, data_dir, download: bool, label: str | None, folder: dict) -> Dataset:
    """A data set from its name: a published one, or a place after a prefix, which also names it."""
    prefix, _, place = name.partition(":")
    if prefix == "memory":
        return _held(name)
    if place and prefix in OWN:
        return _dataset(
            Path(place.rpartition(":")[2] if prefix == "custom" else place).stem or prefix, OWN[prefix](place, label, folder)
        )
    if name not in READERS:
        raise DataError(f"dataset={name!r} is unknown: {nearest(name, [*DATASETS, *PREFIXES])}")
    return _dataset(name, READERS[name](_search(data_dir, download)))


def _held(handle: str) -> Dataset:
    """Data that were given as an object in this process."""
    if handle not in MEMORY:
        raise DataError(
            f"dataset={handle!r} was in the memory of the process that trained on it: give the same data again, as data=..."
        )
    return MEMORY[handle]


OWN = {
    "folder": lambda place, label, folder: read_folder(place, **folder),
    "embeddings": lambda place, label, folder: read_embeddings(place, label),
    "custom": lambda place, label, folder: read_custom(place, label, folder["reading"]),
}


def _dataset(name: str, parts: dict) -> Dataset:
    return Dataset(name, **{key: _tensor(key, value) for key, value in parts.items()})


def _second(pair) -> Tensor:
    if isinstance(pair, str):
        pair = OWN["embeddings"](pair.removeprefix("embeddings:"), None, {})["x"]
    return _tensor("pair", inputs(pair, "pair")[0])


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
    kept = {key: part.only(keep) if isinstance(part, Stored) else part[keep] for key, part in parts.items() if part is not None}
    if dataset.graph is not None:
        kept["graph"] = dataset.graph.index_select(0, keep).index_select(1, keep)
    return replace(dataset, **kept, mean=None, std=None, order=None)
