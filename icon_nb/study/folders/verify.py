"""What the parts of a saved run must look like before they are believed: checksums can be forged, files come from anywhere."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ...errors import ConfigError, LoadError, demand
from ...methods.catalogue import HISTORY
from ...methods.config import SETTINGS

REMEDY = "restore it from a copy, or run again"
LONGEST = 10_000  # characters of a text that a picture or a page has room for


def parse(content: bytes):
    """JSON of texts that can be written again: a lone surrogate is none."""
    value = json.loads(content)
    json.dumps(value, ensure_ascii=False).encode()
    return value


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file provokes into a :class:`LoadError` that names it."""
    try:
        yield
    except LoadError:
        raise
    except ConfigError as error:
        raise LoadError(f"{path} does not hold a configuration: {str(error).removeprefix(f'{path.name}: ')}") from None
    except Exception as error:  # json, zipfile, numpy and torch each raise their own
        text = (getattr(error, "strerror", None) or str(error)).partition("\n")[0][:200]
        raise LoadError(f"{path} is damaged or cannot be read ({type(error).__name__}: {text}): {REMEDY}") from error


def expect(holds: bool, path: Path, what: str) -> None:
    demand(holds, f"{path} is damaged: {what}; {REMEDY}", LoadError)


def version(schema, newest: int, path: Path) -> None:
    if not isinstance(schema, int) or not 1 <= schema <= newest:
        raise LoadError(f"{path} has schema {schema!r}, this version reads 1 to {newest}: upgrade icon_nb")


def container(content: bytes, path: Path) -> io.BytesIO:
    """A zip file of plain entries: what it unpacks to is no larger than itself, so a small file cannot fill the memory."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    expect(size <= len(content), path, f"it would unpack {len(content):,} bytes to {size:,}")
    return io.BytesIO(content)


def tensors(content: bytes, path: Path) -> dict:
    with reading(path):
        return torch.load(container(content, path), map_location="cpu", weights_only=True)


def fits(value, kind) -> bool:
    """Whether it is of a kind: a type, a function, a value, one of ``(a, b)``, a list ``[a]``, a table ``{str: a}``, fields."""
    if isinstance(value, str) and kind is str and len(value) > LONGEST:
        raise ValueError("a text has more than 10,000 characters")
    if isinstance(kind, tuple):
        return any(fits(value, each) for each in kind)
    if isinstance(kind, list):
        return isinstance(value, list) and all(fits(each, kind[0]) for each in value)
    if isinstance(kind, dict):
        kinds = dict.fromkeys(value, kind[str]) if str in kind and isinstance(value, dict) else kind
        named = isinstance(value, dict) and all(fits(name, str) for name in value)
        return named and all(fits(value.get(name), each) for name, each in kinds.items())
    if isinstance(kind, type):
        return isinstance(value, kind)
    return kind(value) if callable(kind) else value == kind


def follows(record, kinds: dict, path: Path) -> None:
    expect(isinstance(record, dict), path, "it is no record")
    for name, kind in kinds.items():
        expect(fits(record.get(name), kind), path, f"its {name} is not what a whole file has there")


def number(value) -> bool:
    """NaN and infinities were written as null."""
    return value is None or (isinstance(value, (int, float)) and abs(value) < 1e300)


def count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def increasing(epochs) -> bool:
    return all(map(count, epochs)) and all(a < b for a, b in zip(epochs, epochs[1:]))


def history(value) -> bool:
    """Columns of one length, those that summaries and curves are made from among them."""
    whole = fits(value, {str: [number]}) and {"epoch", *HISTORY} <= set(value)
    whole = whole and any(loss is not None for loss in value["loss"])
    return whole and len({len(each) for each in value.values()}) == 1 and len(value["epoch"]) > 0 and increasing(value["epoch"])


# What stands in each file

_ANY_TEXT = lambda value: isinstance(value, str)  # noqa: E731  of any length, as it is not drawn
_ABOUT = {"n_points": count, "held_out": bool}  # where there are any: data without labels have none
_SHAPE = lambda value: fits(value, [count]) and 0 < len(value) <= 3 and all(value)  # noqa: E731
_BRANCHED = {
    "fork": ({"epoch": count, "settings": dict}, None),
    "resumed": ([{"epoch": count, "settings": dict, "threads_before": (count, None)}], None),
}

RUN = {
    "status": ("complete", "interrupted", "failed"),
    "error": _ANY_TEXT,
    "files": {str: str},
    "history": history,
    "trajectory": {
        "title": str, "class_names": [str], "names": ([str], None), "sides": ([str], None), "metrics": {str: [number]},
    },
    "probes": (None, lambda value: fits(value, {str: {str: number}}) and (not value or fits(value.get("about"), _ABOUT))),
}
"""``metrics.json``: status, history, trajectory, and the checksums of the other files."""

PROVENANCE = {
    "dataset": {"name": str, "kind": str, "shape": _SHAPE, "n_train": count, "n_tokens": count},
    "sources": {str: str},
    "baselines": ({str: number}, None),
    "versions": {str: str},
    "started": str,
    "device": str,
    "seconds": number,
    "stack": number,
    "stopped": (str, None),
    **_BRANCHED,
}
"""``provenance.json``: what the backbone is rebuilt from, and what is shown of the rest."""

CHECKPOINT = {
    "history": lambda value: history(value) and len(value) == 1 + len(HISTORY),
    "frames": lambda value: fits(value, [lambda row: fits(row[1], {str: number})]) and len({(*each,) for _, each in value}) == 1,
    "threads": (count, None),
    "dataset": (dict, None),
    "config": (dict, None),
    **_BRANCHED,
}
"""What a checkpoint says beside its tensors; those of older versions say less."""

COMPARISON = {
    "title": str,
    "compared": [SETTINGS.__contains__],
    "interrupted": bool,
    "runs": [{"config": dict, "error": _ANY_TEXT, "folder": (str, None), "scores": ({str: number}, None)}],
}
"""``comparison.json``: what is compared, and an entry for every run."""


def arrays(embeddings: np.ndarray, found: dict[str, np.ndarray], n_names: int, path: Path) -> None:
    """``embeddings.npz``: finite frames of the same points, and what is known of the points."""
    expect(embeddings.dtype == np.float32 and embeddings.ndim == 3 and embeddings.size > 0, path, "it holds no frames")
    expect(bool(np.isfinite(embeddings).all()), path, "a frame is not finite")
    t, n, _ = embeddings.shape
    columns = {"epochs": (t, "iu", 2**40), "labels": (n, "iu", n_names or 2**31)}  # length, kinds, and what is too large
    columns |= {"index": (n, "iu", 2**62), "held_out": (n, "b", 2)}
    for name in filter(found.__contains__, columns):
        array, (length, kinds, top) = found[name], columns[name]
        fine = array.shape == (length,) and array.dtype.kind in kinds
        expect(fine, path, f"{name} does not belong to {t} frames of {n} points")
        inside = array.min() >= 0 and array.max() < top
        expect(inside, path, f"{name} points beyond what there is, or metrics.json names too few classes")
    expect("epochs" in found and increasing(found["epochs"].tolist()), path, "its epochs do not increase")
    pair, edges = found.get("pair", embeddings), found.get("edges", np.zeros((0, 2), int))
    fine = pair.shape == embeddings.shape and pair.dtype == np.float32 and bool(np.isfinite(pair).all())
    expect(fine, path, "the pairs do not belong to its frames")
    fine = edges.ndim == 2 and edges.shape[1] == 2 and edges.dtype.kind in "iu" and edges.min(initial=0) >= 0
    expect(fine and edges.max(initial=0) < n, path, "its edges join points beyond what there is")
    images = found.get("images", np.zeros((n, 1, 1), np.uint8))
    fine = images.dtype == np.uint8 and len(images) == n and images.size > 0 and images.shape[3:] in ((), (1,), (3,))
    expect(fine and images.ndim in (3, 4), path, "its pictures are none")


def state(content: bytes, path: Path, part: str | None = None) -> dict:
    """``model.pt``, or a checkpoint whose ``part`` is one: plain dense tensors by name, with memory of their own."""
    whole = tensors(content, path)
    with reading(path):
        found = whole if part is None else whole[part]
        named = fits(found, {str: torch.Tensor}) and all(isinstance(name, str) for name in found)
        expect(named, path, "it is not a table of tensors")
        plain = (each.layout == torch.strided and each.device.type == "cpu" and not each.is_quantized for each in found.values())
        expect(all(plain), path, "its tensors are not plain ones")
        expect(sum(each.nbytes for each in found.values()) <= len(content), path, "its tensors are larger than the file")
    return whole
