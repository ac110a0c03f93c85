"""Your own data: arrays, tables, files of embeddings, and data set objects of other packages, as the fields of a Dataset."""

from __future__ import annotations

import importlib.util
import os
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from math import prod
from numbers import Integral
from pickle import UnpicklingError

import numpy as np
import torch

from ..errors import DataError, IconError, demand, nearest
from ..files import check_size, place, read_npz
from .arrays import classes, is_pictures, stratified, to_numpy, together
from .stored import STREAM_ABOVE, Samples, Streaming

INPUT_NAMES = ("x", "X", "embeddings", "features", "data", "images", "image", "img", "pixel_values")
LABEL_NAMES = ("y", "label", "labels", "target", "targets", "class", "fine_label")
TEST_SPLITS = ("test", "validation", "valid", "val")


def from_object(data, label: str | None, streaming: Streaming) -> dict:
    """The fields of a Dataset from anything in memory that holds samples, as in :func:`icon_nb.data.load`."""
    with _naming_object(data):
        return _assembled(**_parts(data, label, streaming))


@contextmanager
def _naming(what: str, remedy: str) -> Iterator[None]:
    """Put whatever somebody's code or file raises between these words, as an error of ours."""
    try:
        yield
    except IconError:
        raise
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {(str(error).splitlines() or ['it says nothing'])[0]}"
        raise DataError(f"{what}{why}{remedy}") from error


def _naming_object(data):
    return _naming(f"{type(data).__name__} cannot be read (", "): mend it, or give arrays")


def _parts(data, label: str | None, streaming: Streaming) -> dict:
    """What an object holds, by the names that :func:`_assembled` takes; no picture is on a scale yet."""
    if isinstance(data, (np.ndarray, torch.Tensor)) or hasattr(data, "toarray") or is_pictures(data):
        return {"x": data}
    if isinstance(data, (tuple, list)):
        if len(data) not in (2, 4):
            raise DataError(f"a tuple of {len(data)} parts cannot be read: give (x, y) or (x, y, x_test, y_test)")
        return dict(zip(("x", "y", "x_test", "y_test"), data))
    with _naming_object(data):
        if isinstance(data, Mapping):
            return _from_splits(data, label, streaming) if "train" in data else _from_mapping(data, label)
        if hasattr(data, "column_names") and hasattr(data, "features") and hasattr(data, "__len__"):
            return _from_table(data, label, streaming)
        if hasattr(data, "columns") and hasattr(data, "__getitem__"):
            return _from_frame(data, label)
        if hasattr(data, "__array__"):
            return {"x": np.asarray(data)}
        if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, bytes)):
            return _from_indexed(data, label, streaming, getattr(data, "classes", None))
        if hasattr(data, "__iter__") and not isinstance(data, (str, bytes, set)):
            return _from_stream(data, label)
    raise DataError(
        f"dataset of type {type(data).__name__} cannot be read: give a name, an array (n, ...), (x, y), a DataFrame, "
        "an object with __len__ and __getitem__, or one to iterate over"
    )


def _assembled(x, y=None, x_test=None, y_test=None, class_names=None, note: str = "", names=(), **others) -> dict:
    """Check and convert the parts; the other fields (pair, companion, ...) become float32, or uint8 images."""
    parts, how = together({"x": x, "x_test": x_test})
    (parts["y"], parts["y_test"]), class_names = classes(y, y_test, names=class_names)
    pairs = {key: others.pop(key) for key in ("pair", "pair_test") if key in others}
    for each in (pairs, *({key: value} for key, value in others.items())):
        parts |= together(each)[0]
    return parts | {"class_names": class_names, "names": tuple(map(str, names)), "note": "; ".join(filter(None, (note, how)))}


def _from_mapping(data, label) -> dict:
    """Names of fields to arrays."""
    data = {name: value for name, value in data.items() if value is not None}
    x, y = _usual(data, label, "array", next(iter(data)) if len(data) == 1 else None)
    rest = ("x_test", "y_test", "pair", "pair_test", "companion", "graph", "class_names", "names")
    return {"x": data[x], "y": None if y is None else data[y]} | {key: data[key] for key in rest if key in data}


def _usual(data, label: str | None, what: str, default=None) -> tuple:
    """The name of the input and that of the labels in a mapping."""
    x, y = (next((n for n in names if n in data), None) for names in (INPUT_NAMES, (label,) if label else LABEL_NAMES))
    x = default if x is None else x
    if x is None:
        raise DataError(f"no samples among {sorted(map(str, data))}: name the {what} one of {', '.join(INPUT_NAMES[:5])}")
    return x, y


def _from_splits(data, label, streaming) -> dict:
    """Names of splits to data sets: ``train``, and one that is held out."""
    parts = _parts(data["train"], label, streaming)
    test = next((data[name] for name in TEST_SPLITS if name in data), None)
    if test is None:
        return parts
    held = _parts(test, label, streaming)
    (y, names), (y_test, held_names) = (_named(each) for each in (parts, held))
    known = (*names, *(name for name in held_names if name not in names))
    return parts | {"y": y, "x_test": held["x"], "y_test": y_test, "class_names": known}


def _named(parts: dict) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The name of the class of every sample, and the names of all classes."""
    (y,), names = classes(parts.get("y"), names=parts.get("class_names"))
    return None if y is None else np.array(names, str)[y], names


def _from_frame(data, label) -> dict:
    """A DataFrame: the label column is the one named, else one with a usual name, else the only one that is not numeric."""
    columns = list(data.column_names if hasattr(data, "column_names") else data.columns)  # those of arrow are arrays
    twice = [str(column) for column, times in Counter(columns).items() if times > 1]
    demand(not twice, f"columns {twice[:5]} occur more than once: rename or drop them", DataError)
    values = {column: _column_of(data[column]) for column in columns}
    text = [column for column, each in values.items() if each.dtype.kind not in "biuf"]
    usual = [column for column in columns if str(column).lower() in LABEL_NAMES[1:]]  # a column y is often a coordinate
    if label is not None and label not in columns:
        raise DataError(f"label={label!r} is not a column: {nearest(label, columns)}")
    chosen = label if label is not None else next(iter(usual), text[0] if len(text) == 1 else None)
    others = [str(column) for column in text if column != chosen]
    demand(not others, f"columns {others} are not numeric: drop or encode them, or name the labels with label=", DataError)
    note = f"labels from column {str(chosen)!r}" if chosen is not None else "no label column found"
    y = None if chosen is None else data[chosen].to_numpy()
    features = [each.astype(float) for column, each in values.items() if column != chosen]
    return {"x": np.stack(features, 1) if features else np.empty((len(data), 0)), "y": y, "note": note}


def _column_of(column) -> np.ndarray:
    """A column of a pandas, polars or arrow table; a missing number is NaN, and what is not numeric has another type."""
    kind = getattr(getattr(column, "dtype", None), "kind", "")  # pandas says more than its arrays do
    if kind and kind not in "biuf":
        return np.empty(len(column), object)
    return column.to_numpy(float, na_value=np.nan) if hasattr(column, "iloc") else np.asarray(column)


def _from_table(data, label, streaming) -> dict:
    """A Hugging Face dataset: an image column, or every numeric column; labels from a ClassLabel or a usual name."""
    _check_filled(data)
    y, image = label or _column(data, "ClassLabel", LABEL_NAMES), _column(data, "Image", INPUT_NAMES)
    inputs = [name for name in data.column_names if name != y] if image is None else [image]
    names = getattr(data.features[y], "names", None) if y else None
    note = f"inputs from {', '.join(inputs)}; labels from {y or 'nowhere'}"
    if image is not None:
        return {"class_names": names, "note": note} | _from_samples(Samples(data, image, y), streaming)
    rows = [data[i] for i in range(len(data))]
    x = to_numpy([[row[name] for name in inputs] for row in rows], f"columns {inputs}")
    return {"x": x, "y": None if y is None else [row[y] for row in rows], "class_names": names, "note": note}


def _column(data, kind: str, names: tuple[str, ...]) -> str | None:
    """The first column of a kind of feature, else the first with a usual name."""
    of_kind = [name for name in data.column_names if type(data.features[name]).__name__ == kind]
    return next(iter(of_kind + [name for name in data.column_names if name in names]), None)


def _from_indexed(data, label, streaming, class_names) -> dict:
    """A torch Dataset, read item by item: x, (x, y, ...), or a mapping with usual names."""
    _check_filled(data)
    first = data[0]
    x, y = None, None
    if isinstance(first, Mapping):
        x, y = _usual(first, label, "input")
    elif isinstance(first, (tuple, list)):
        x, y = 0, 1 if len(first) > 1 else None
    return {"class_names": None if y is None else class_names} | _from_samples(Samples(data, x, y), streaming)


def _from_stream(data, label) -> dict:
    """What can only be iterated over: samples, or the batches of a torch DataLoader, read once and in their order."""
    items, size, batched = [], 0, isinstance(data, torch.utils.data.DataLoader)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # a DataLoader that shuffles gives the same order every time
        for item in chain.from_iterable(map(_unbatched, data)) if batched else data:
            items.append(item)
            size += _bytes(item)
            if size > STREAM_ABOVE:
                raise DataError(
                    f"{type(data).__name__} gives more than {STREAM_ABOVE / 2**30:g} GiB, and is read into memory: give fewer "
                    "samples, or pictures in an object with __len__ and __getitem__, which can stay on the disk"
                )
    return _from_indexed(items, label, Streaming("never"), getattr(getattr(data, "dataset", data), "classes", None))


def _unbatched(batch) -> Iterator:
    """The samples of a batch as torch collates them."""
    if isinstance(batch, Mapping):
        return (dict(zip(batch, row)) for row in zip(*batch.values()))
    return zip(*batch) if isinstance(batch, (tuple, list)) else iter(batch)


def _bytes(item) -> int:
    """About what a sample takes in memory; of a sparse one nobody knows yet."""
    if isinstance(item, (Mapping, tuple, list)):
        return sum(map(_bytes, item.values() if isinstance(item, Mapping) else item))
    if getattr(item, "is_sparse", False):
        return 8
    return getattr(item, "nbytes", None) or (prod(item.size) * len(item.getbands()) if hasattr(item, "getbands") else 8)


def _check_filled(data) -> None:
    demand(len(data) > 0, f"{type(data).__name__} is empty: at least one sample is needed", DataError)


def _from_samples(samples: Samples, streaming: Streaming) -> dict:
    """Samples one by one: into memory, or left where they are when they are pictures and too many."""
    shape = samples[0].shape
    if len(shape) in (2, 3) and streaming.applies(len(samples), shape):
        x, y = samples.left_in_place(streaming.num_workers)
        return {"x": x, "y": y}
    arrays, labels = zip(*(samples.item(i) for i in range(len(samples))))
    for i, array in enumerate(arrays):
        if array.shape != shape:
            raise DataError(f"sample {i} has shape {array.shape}, sample 0 {shape}: bring all samples to one shape")
    return {"x": np.stack(arrays), "y": None if samples.y is None else list(labels)}


def read_embeddings(path: str, label: str | None = None, n_samples: int | None = None, seed: int = 0) -> dict:
    """A file of arrays: ``.npz`` (x, y, ... by name), ``.npy`` (one array), ``.pt`` (a tensor or a dict), never unpickled."""
    file = place(path, DataError)
    demand(file.suffix in FILES, f"embeddings:{path} must end in {', '.join(FILES)}", DataError)
    demand(os.path.isfile(file), f"embeddings:{path}: there is no such file", DataError)
    with _naming(f"{file} cannot be read (", "): write it again with plain arrays"):
        held = FILES[file.suffix](file)
    if isinstance(held, np.memmap):
        if isinstance(n_samples, Integral) and held.ndim and 0 < n_samples < len(held):
            rows = np.sort(stratified(np.zeros(len(held)), n_samples, seed))
            held = _read_rows(held, rows) if held.flags.c_contiguous else held[rows]
        held = np.asarray(held)
    return from_object(held, label, Streaming("never"))


def _read_rows(held: np.memmap, rows: np.ndarray) -> np.ndarray:
    """Rows of a file read one by one, because a map also brings what stands around them into memory."""
    found = np.empty((len(rows), *held.shape[1:]), held.dtype)
    with open(held.filename, "rb") as file:
        for row, at in zip(found.reshape(len(rows), -1), rows.tolist()):
            file.seek(held.offset + at * row.nbytes)
            file.readinto(row)
    return found


def _read_pt(file):
    """What torch saved, never unpickled: it packs nothing, so a file is as large as its tensors, but for views of few numbers."""
    size = os.path.getsize(file)
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(file) as archive:  # torch wrote no zip files once
        unpacked = sum(each.file_size for each in archive.infolist())
        demand(unpacked <= size, f"it would unpack {size:,} bytes to {unpacked:,}", OSError)
    try:
        held = torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:  # whose words tell people to run it
        raise ValueError("it holds more than tensors") from error
    check_size(_bytes(held), size)
    return held


FILES = {
    ".npz": read_npz,
    ".npy": lambda file: np.load(file, "r", allow_pickle=False),
    ".pt": _read_pt,
}


def read_custom(where: str, label: str | None, streaming: Streaming) -> dict:
    """``FILE.py:Name``: run the file, then read what the name stands for; a class or function is called without arguments."""
    path, _, name = where.rpartition(":")
    file = place(path or ".", DataError)
    there = name.isidentifier() and file.suffix == ".py" and os.path.isfile(file)
    remedy = "must name a Python file that is there and something in it, as in custom:my_data.py:MyData"
    demand(there, f"custom:{where} {remedy}", DataError)
    print(f"custom data set: running {file}", file=sys.stderr)
    with _naming(f"custom:{where} failed with ", ": mend the file"):
        spec = importlib.util.spec_from_file_location(f"icon_nb_custom_{file.stem}", file)
        found = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses and pickling look a class up there
        spec.loader.exec_module(found)
        if not hasattr(found, name):
            known = nearest(name, [each for each in vars(found) if each[0] != "_"])
            raise DataError(f"custom:{where}: {file.name} has no {name!r}; {known}")
        made = getattr(found, name)
        made = made() if isinstance(made, type) or (callable(made) and not hasattr(made, "__getitem__")) else made
        return from_object(made, label, streaming)
