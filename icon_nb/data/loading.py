"""Load a data set: by the name of its row in the table, from a place, from an object, or by the handle of one that is held."""

from __future__ import annotations

import os
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from pkgutil import resolve_name
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError, demand, nearest
from ..methods.catalogue import DATASETS, HELD, SOURCES, options_of, published, source_of
from ..methods.config import SETTINGS, Config
from .arrays import inputs, stratified
from .dataset import Dataset
from .own import from_object, read_embeddings
from .published import Search
from .stored import STREAM_ABOVE, Stored, Streaming

MEMORY: WeakValueDictionary[str, Dataset] = WeakValueDictionary()  # data that were given as objects, by their handle


class Handle(str):
    """The text that stands for data in a Config; it keeps them, a copy of it elsewhere does not."""

    data: Dataset

    def __reduce__(self):
        return str, (str(self),)


def hold(data: object, **streaming) -> Handle:
    """Keep data of the caller's in this process; returns the handle that stands for them in a Config, and keeps them.

    The same data always have the same one. Arrays of up to 2 GiB are copied: what becomes of the caller's does not matter.
    """
    dataset = load(data, **streaming)
    handle = f"memory:{dataset.name}-{dataset.fingerprint[:16]}"
    parts = {name: part for name, part in vars(dataset).items() if isinstance(part, Tensor)}
    if handle in MEMORY and "x" in parts:  # one copy for all Configs of the same arrays
        dataset = MEMORY[handle]
    elif sum(part.element_size() * part.numel() for part in parts.values()) <= STREAM_ABOVE:
        dataset = replace(dataset, **{name: part.clone() for name, part in parts.items()})
    older = f"memory:{dataset.name}-{dataset.checksum[:8]}"  # stands in runs that were saved when only inputs and labels counted
    MEMORY[handle] = MEMORY[older] = dataset
    held = Handle(handle)
    held.data = dataset
    return held


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
        array or tensor, ``(x, y)``, ``(x, y, x_test, y_test)``, a mapping of such names, a table of pandas, polars or arrow, a
        Hugging Face ``datasets`` object, a torch ``Dataset`` or ``DataLoader``, a list of pictures of PIL, or anything that
        gives samples when it is iterated over: these are read once, and may take 2 GiB.
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
    given = {"data_dir": data_dir, "seed": seed, "stream": stream, "num_workers": num_workers}
    data_dir, seed, stream, num_workers = (SETTINGS[name].check(name, value) for name, value in given.items())
    streaming = Streaming(stream, num_workers)
    held = isinstance(dataset, Dataset) or (isinstance(dataset, str) and dataset.startswith(HELD))
    if held:
        found = dataset if isinstance(dataset, Dataset) else getattr(dataset, "data", MEMORY.get(dataset))
        gone = f"dataset={dataset!r} was in the memory of the process that trained on it: give the same data again, as data=..."
        demand(found is not None, gone, DataError)
    elif not isinstance(dataset, str):
        found = _dataset("own_data", from_object(dataset, label, streaming))
    elif source := source_of(dataset):
        place, given = dataset.partition(":")[2], {"label": label, "image_size": image_size, "skip_unreadable": skip_unreadable}
        given |= {"streaming": streaming, "n_samples": n_samples, "seed": seed}
        parts = resolve_name(source.make)(place, **{argument: given[argument] for argument in source.takes})
        found = _dataset(Path(place.rpartition(":")[2] if source.code else place).stem or source.name, parts)
    else:
        found = _named(dataset, data_dir, download)
    if stream == "always":
        _check_stream(found, held, whole)
    if pair is not None:
        pair = read_embeddings(pair.removeprefix("embeddings:"))["x"] if isinstance(pair, str) else pair
        found = replace(found, pair=torch.from_numpy(inputs(pair, "pair")[0]))
    if held and stream == "auto" and n_samples is None and not whole:
        return found  # where it is, somebody wanted it
    found = found.whole if whole else found
    found = found if n_samples is None else _limit(found, n_samples, seed)
    stored = {name: x for name in ("x", "x_test") if isinstance(x := getattr(found, name), Stored)}
    moved = {name: x[:] for name, x in stored.items() if whole or not streaming.applies(len(x), x.shape[1:])}
    return replace(found, **moved) if moved else found


def load_for(config: Config) -> Dataset:
    """The data set that a resolved Config names, as every run of it reads it."""
    given = {name: getattr(config, name) for name in ("dataset", "data_dir", "n_samples", "seed", "stream", "num_workers")}
    return load(**given, whole=config.backbone == "table")


def _named(name: str, data_dir, download: bool) -> Dataset:
    row = published(name)
    if row is None:
        places = [f"{source.name}:{source.place}" for source in SOURCES.values()]
        raise DataError(f"dataset={name!r} is unknown: {nearest(name, [*DATASETS, *places])}")
    folder = None if data_dir is None else os.path.expanduser(data_dir)
    remedy = "name one that is, or leave it out to use the download cache"
    demand(folder is None or os.path.isdir(folder), f"data_dir={str(data_dir)!r} is not a folder: {remedy}", DataError)
    return _dataset(name, resolve_name(row.make)(Search(folder and Path(folder), download), **options_of(name)))


def _dataset(name: str, parts: dict) -> Dataset:
    """Arrays become tensors that own their memory (a view of a file's buffer is read-only), labels int64."""
    for key, value in parts.items():
        if isinstance(value, np.ndarray):
            parts[key] = torch.from_numpy(np.ascontiguousarray(value, np.int64 if key.startswith("y") else None))
    return Dataset(name, **parts)


def _check_stream(found: Dataset, held: bool, whole: bool) -> None:
    """Refuse ``stream="always"`` where it could have no effect."""
    why = "backbone='table' compares all samples at once: leave stream out; n_samples takes fewer"
    demand(not whole, f"stream='always': {why}", DataError)
    why = f"{found.name} is read as arrays, which are in memory already: leave stream out"
    which = "pictures of a folder:, and of a torch or Hugging Face data set, can stay on the disk"
    demand(held or isinstance(found.x, Stored), f"stream='always': {why}; {which}", DataError)


def _limit(dataset: Dataset, n: int, seed: int) -> Dataset:
    """Keep ``n`` training samples and what belongs to them; the normalisation is found anew."""
    if not isinstance(n, Integral) or not 1 <= n <= len(dataset):
        raise DataError(f"n_samples={n!r} but {dataset.name} has {len(dataset):,} training samples: choose 1 to {len(dataset):,}")
    if n == len(dataset):
        return dataset
    y = np.zeros(len(dataset)) if dataset.y is None else dataset.y.cpu().numpy()
    keep = torch.from_numpy(np.sort(stratified(y, n, seed))).to(dataset.x.device)
    parts = {key: part for key in ("x", "y", "pair", "companion") if (part := getattr(dataset, key)) is not None}
    kept = {key: part.only(keep) if isinstance(part, Stored) else part[keep] for key, part in parts.items()}
    kept |= {"names": tuple(dataset.names[i] for i in keep.tolist())} if dataset.names else {}
    if dataset.graph is not None:
        kept["graph"] = dataset.graph.index_select(0, keep).index_select(1, keep)
    return replace(dataset, **kept, mean=None, std=None, order=None)
