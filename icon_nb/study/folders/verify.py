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

from ...errors import ConfigError, LoadError

REMEDY = "restore it from a copy, or run again"
HISTORY = ("epoch", "loss", "knn_accuracy", "seconds")
STATUS = ("complete", "interrupted", "failed")


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
        raise LoadError(f"{path} does not hold a configuration: {error}") from None
    except Exception as error:  # json, zipfile, numpy and torch each raise their own
        text = (str(error).splitlines() or [""])[0][:200]
        raise LoadError(f"{path} is damaged or cannot be read ({type(error).__name__}: {text}): {REMEDY}") from error


def expect(holds: bool, path: Path, what: str) -> None:
    """Refuse a file that does not hold ``what``."""
    if not holds:
        raise LoadError(f"{path} is damaged: {what}; {REMEDY}")


def container(content: bytes, path: Path) -> None:
    """A zip file of plain entries: what it unpacks to is no larger than itself, so a small file cannot fill the memory."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    expect(size <= len(content), path, f"it would unpack {len(content):,} bytes to {size:,}")


def comparison(record, settings, path: Path) -> None:
    """``comparison.json``: what is compared, and an entry for every run."""
    expect(isinstance(record, dict) and isinstance(record.get("title"), str), path, "it is not the record of a comparison")
    compared, runs = record.get("compared"), record.get("runs")
    expect(_names(compared) and set(compared) <= set(settings), path, "what it compares are not settings")
    expect(isinstance(record.get("interrupted"), bool), path, "interrupted is neither true nor false")
    expect(isinstance(runs, list) and all(map(_entry, runs)), path, "runs is not a list of runs")


def _entry(entry) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        return False
    texts = isinstance(entry.get("error"), str) and isinstance(entry.get("folder"), (str, type(None)))
    return texts and (entry.get("scores") is None or _numbers(entry["scores"]))


def mark(record: dict, path: Path) -> None:
    """``metrics.json``: status, history, trajectory, and the checksums of the other files."""
    expect(record.get("status") in STATUS, path, f"status is none of {', '.join(STATUS)}")
    expect(isinstance(record.get("error", ""), str), path, "error is not a text")
    expect(_texts(record.get("files")), path, "files is not a table of checksums")
    history = record.get("history")
    expect(isinstance(history, dict) and set(HISTORY) <= set(history), path, f"history lacks one of {', '.join(HISTORY)}")
    expect(_columns(history, len(history["epoch"])) and history["epoch"], path, "history is not columns of one length of numbers")
    expect(_increasing(history["epoch"]), path, "the epochs of its history do not increase")
    about = record.get("trajectory")
    expect(isinstance(about, dict) and isinstance(about.get("title"), str), path, "trajectory has no title")
    expect(_names(about.get("class_names")), path, "class_names is not a list of names")
    expect(_columns(about.get("metrics")), path, "the metrics of the trajectory are not columns of numbers")
    probes = record.get("probes")
    fine = probes is None or isinstance(probes, dict) and all(_numbers(each) for each in probes.values())
    expect(fine, path, "probes is not a table of numbers")


def provenance(record, path: Path) -> None:
    """``provenance.json``: what the backbone is rebuilt from, and what is shown of the rest."""
    expect(isinstance(record, dict) and isinstance(record.get("dataset"), dict), path, "it does not describe the data set")
    about = record["dataset"]
    shape, counts = about.get("shape"), (about.get("n_train"), about.get("n_tokens"))
    fine = isinstance(shape, list) and 0 < len(shape) <= 3 and all(_count(size) and size > 0 for size in shape)
    expect(fine and all(map(_count, counts)), path, "the data set has no shape and sizes")
    expect(all(isinstance(about.get(name), str) for name in ("name", "kind")), path, "the data set has no name and kind")
    expect(_texts(record.get("sources", {})) and _texts(record.get("versions", {})), path, "sources and versions are not texts")
    expect(all(_number(record.get(name, 0)) for name in ("seconds", "stack")), path, "a duration is not a number")


def arrays(embeddings: np.ndarray, found: dict[str, np.ndarray], n_names: int, path: Path) -> None:
    """``embeddings.npz``: finite frames of the same points, and what is known of the points."""
    expect(embeddings.dtype == np.float32 and embeddings.ndim == 3 and embeddings.size > 0, path, "it holds no frames")
    expect(bool(np.isfinite(embeddings).all()), path, "a frame is not finite")
    t, n, _ = embeddings.shape
    shapes = {"epochs": (t, "iu"), "labels": (n, "iu"), "index": (n, "iu"), "held_out": (n, "b")}
    for name, (size, kinds) in shapes.items():
        array = found.get(name)
        fine = array is None or (array.shape == (size,) and array.dtype.kind in kinds)
        expect(fine, path, f"{name} does not belong to {t} frames of {n} points")
    expect("epochs" in found and _increasing(found["epochs"].tolist()), path, "its epochs do not increase")
    for name, top in (("labels", n_names or 2**31), ("index", 2**62)):
        array = found.get(name)
        inside = array is None or (array.min() >= 0 and array.max() < top)
        expect(inside, path, f"{name} points beyond what there is, or metrics.json names too few classes")
    images = found.get("images")
    fine = images is None or (images.dtype == np.uint8 and images.ndim in (3, 4) and len(images) == n and images.size > 0)
    expect(fine and (images is None or images.ndim == 3 or images.shape[3] in (1, 3)), path, "its pictures are none")


def state(tensors, size: int, path: Path) -> None:
    """``model.pt``: plain dense tensors by name, with memory of their own."""
    fine = isinstance(tensors, dict) and all(isinstance(name, str) and _plain(each) for name, each in tensors.items())
    expect(fine, path, "it is not a table of tensors")
    expect(sum(each.nbytes for each in tensors.values()) <= size, path, "its tensors are larger than the file")


def _plain(tensor) -> bool:
    dense = isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided
    return dense and tensor.device.type == "cpu" and not tensor.is_quantized


def _number(value) -> bool:
    return value is None or (isinstance(value, (int, float)) and abs(value) < 1e300)


def _count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def _numbers(table) -> bool:
    return isinstance(table, dict) and all(map(_number, table.values()))


def _texts(table) -> bool:
    return isinstance(table, dict) and all(isinstance(value, str) for value in table.values())


def _names(value) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _columns(table, length: int | None = None) -> bool:
    """Whether every value is a list of numbers, all of them of this length."""
    lists = isinstance(table, dict) and all(isinstance(each, list) for each in table.values())
    return lists and all(all(map(_number, each)) and length in (None, len(each)) for each in table.values())


def _increasing(epochs: list) -> bool:
    return all(map(_count, epochs)) and all(a < b for a, b in zip(epochs, epochs[1:]))
