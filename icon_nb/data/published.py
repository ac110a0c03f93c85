"""The published data sets: where their files lie, in the layout that torchvision keeps them in, and how these are read.

A reader returns the fields of a ``Dataset`` as numpy arrays. It reads a user's folder and never writes there;
what has to be downloaded or unpacked goes to the cache folder. A file is read only when its MD5 is right.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import tarfile
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from itertools import product
from pathlib import Path
from pkgutil import resolve_name
from urllib.request import Request, urlopen

import numpy as np

from ..errors import DataError, demand
from ..files import read_npz, write_whole
from ..methods.catalogue import read, records
from .arrays import classes

SILENCE = 20.0  # seconds without a byte after which an address is given up
MD5 = partial(hashlib.md5, usedforsecurity=False)  # the checksum that data sets are published with
LIMIT = 600.0  # seconds after which an address is given up that has not delivered a whole file


def cache_folder() -> Path:
    """Folder of downloaded data: ``ICON_NB_DATA`` if set, else ``~/.cache/icon_nb``, else (no home) a temporary folder."""
    if os.environ.get("ICON_NB_DATA"):
        return Path(os.environ["ICON_NB_DATA"])
    try:
        return Path.home() / ".cache" / "icon_nb"
    except RuntimeError:  # neither HOME nor an entry in the password file
        return Path(tempfile.gettempdir()) / "icon_nb"


@dataclass(frozen=True)
class Search:
    """Where files may be looked for: a user's folder, then the cache, then (if allowed) the network."""

    data_dir: Path | None = None
    download: bool = True
    cache: Path = field(default_factory=cache_folder)


@dataclass(frozen=True)
class Published:
    """A row of ``published.toml``; called with a :class:`Search`, it is the reader: files -> fields of a ``Dataset``."""

    name: str
    read: str  # the function below that reads the bytes; it sees only those with the right MD5
    folder: str
    urls: tuple[str, ...]
    files: dict[str, str]
    archive: tuple[str, str] | None = None
    class_names: tuple[str, ...] = ()
    unpacked: dict[str, str] = field(default_factory=dict)

    def __call__(self, search: Search) -> dict:
        for folder, files in product(self.folders(search), filter(None, (self.files, self.unpacked))):
            if all((folder / name).is_file() for name in files):
                break
        else:
            folder, files = self._unpacked(search), self.files
        return resolve_name(self.read)(self, [_content(folder / name, checksum) for name, checksum in files.items()])

    def folders(self, search: Search) -> list[Path]:
        """Candidate folders of the files, the user's first; the files' own folder may be named as data_dir too."""
        root = search.data_dir
        own = [root / self.folder, root / Path(self.folder).name, root] if root else []
        return [*own, search.cache / self.folder]

    def _unpacked(self, search: Search) -> Path:
        """The folder in the cache with the files, out of their archive where they have one: only those, under known names."""
        if self.archive is None:
            return self._downloaded(search, self.files, search.cache / self.folder)
        name, checksum = self.archive
        places = (folder.parent / name for folder in self.folders(search))
        archive = next(filter(Path.is_file, places), None) or self._downloaded(search, {name: checksum}, search.cache) / name
        with open(archive, "rb") as file:
            found = hashlib.file_digest(file, MD5).hexdigest()
        if found != checksum:
            raise damaged(archive, "its MD5 differs from the published one")
        folder = search.cache / self.folder
        try:
            with tarfile.open(archive) as tar:
                for file in self.files:
                    write_whole(folder / file, tar.extractfile(f"{self.folder}/{file}").read())
        except (OSError, KeyError, EOFError, tarfile.TarError) as error:
            raise DataError(f"{archive} cannot be unpacked to {folder} ({error}): name another folder in ICON_NB_DATA") from error
        return folder

    def _downloaded(self, search: Search, files: dict[str, str], folder: Path) -> Path:
        """Fetch ``files`` into the cache, from ``ICON_NB_MIRROR`` first, an own server or folder (``file://``)."""
        own = os.environ.get("ICON_NB_MIRROR")
        urls = (own.rstrip("/") + "/{file}", *self.urls) if own else self.urls
        try:
            demand(search.download, "downloading is switched off", DataError)
            for name, checksum in files.items():
                if not (folder / name).is_file():
                    fetch([url.replace("{file}", name) for url in urls], folder / name, checksum)
        except DataError as error:
            raise DataError(
                f"dataset={self.name!r} was not found. Looked for {', '.join(files)} "
                f"in {', '.join(dict.fromkeys(map(str, self.folders(search))))}; {error}. "
                f"Either put the files into one of these folders and pass data_dir=FOLDER (for {self.folder}), or connect to the "
                "network (ICON_NB_MIRROR=URL names an own server); dataset='digits' needs neither"
            ) from error
        return folder


def fetch(urls, path: Path, checksum: str, limit: float = LIMIT) -> Path:
    """Download the first of several addresses that delivers bytes with this MD5; the file appears whole or not at all."""
    failures, part = [], path.with_name(f".{path.name}.{os.getpid()}.part")
    for url in urls:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            found = _copy(url, part, limit)
            if found != checksum:
                raise ValueError(f"the file that came has md5 {found}, expected {checksum}")
            os.replace(part, path)
            return path
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"{url} ({error})")
        finally:
            with suppress(OSError):
                part.unlink()
    raise DataError(f"{path.name} could not be downloaded to {path.parent}: " + "; ".join(failures))


def _copy(url: str, part: Path, limit: float) -> str:
    """Stream ``url`` into a file; returns its MD5. The socket's own limit bounds silence, the clock bounds a trickle."""
    end, digest = time.monotonic() + limit, MD5()
    request = Request(url, headers={"User-Agent": "icon_nb"})
    with urlopen(request, timeout=min(SILENCE, limit)) as answer, open(part, "wb") as file:
        while block := answer.read1(1 << 16):
            file.write(block)
            digest.update(block)
            if time.monotonic() > end:
                raise TimeoutError(f"not finished after {limit:.0f} s")
    return digest.hexdigest()


def damaged(path: Path, why: object) -> DataError:
    return DataError(f"{path} is damaged ({why}): delete it and let it be downloaded again, or put a good copy there")


def _content(path: Path, checksum: str) -> bytes:
    """The bytes of a file whose MD5 is right: what is published is that data set, and a changed pickle could run code."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged(path, error) from error
    if MD5(content).hexdigest() != checksum:
        raise damaged(path, "its MD5 differs from the published one")
    return content


def read_idx(source: Published, contents: list[bytes]) -> dict:
    """MNIST and its relatives: four IDX files."""
    x, y, x_test, y_test = map(_idx, contents)
    return {"x": x[:, None], "y": y, "x_test": x_test[:, None], "y_test": y_test, "class_names": source.class_names}


def _idx(raw: bytes) -> np.ndarray:
    """One IDX file, gzipped or not: magic number, one big-endian size per axis, then the bytes."""
    raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    return np.frombuffer(bytearray(raw), np.uint8, offset=4 + 4 * raw[3]).reshape(np.frombuffer(raw, ">i4", raw[3], 4))


def read_cifar(source: Published, contents: list[bytes]) -> dict:
    """CIFAR-10 and -100: batches in Python's pickle format, the last one held out."""
    batches = [pickle.loads(raw, encoding="latin1") for raw in contents]
    *x, x_test = (batch["data"].reshape(-1, 3, 32, 32) for batch in batches)
    *y, y_test = (np.asarray(batch.get("labels", batch.get("fine_labels"))) for batch in batches)
    x, y = np.concatenate(x), np.concatenate(y)
    names = source.class_names or tuple(f"class {i}" for i in range(int(y.max()) + 1))
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "class_names": names}


def read_stl10(source: Published, contents: list[bytes]) -> dict:
    """STL-10: raw bytes, column-major pictures of 96x96, labels from 1. The unlabelled part is not read."""
    x, y, x_test, y_test = (np.frombuffer(raw, np.uint8) for raw in contents)
    x, x_test = (pixels.reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2) for pixels in (x, x_test))
    return {"x": x, "y": y - 1, "x_test": x_test, "y_test": y_test - 1, "class_names": source.class_names}


def read_cifar10_subset(search: Search) -> dict:
    """``cifar10_subset.npz``: arrays x_train, y_train, x_test, y_test, uint8 pictures (n, 32, 32, 3)."""
    name = "cifar10_subset.npz"
    folders = dict.fromkeys(filter(None, (search.data_dir, search.cache)))
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        raise DataError(
            f"dataset='cifar10_subset' needs the file {name}; looked in {', '.join(map(str, folders))}: "
            "put it there, or point data_dir at its folder"
        )
    try:
        file = read_npz(path)
        parts = {key: file[key if key.endswith("_test") else f"{key}_train"] for key in ("x", "y", "x_test", "y_test")}
        (parts["y"], parts["y_test"]), names = classes(parts["y"], parts["y_test"], names=CIFAR.class_names)
        for key in ("x", "x_test"):
            if parts[key].shape[1:] != (32, 32, 3) or parts[key].dtype != np.uint8:
                raise ValueError(f"{key} is {parts[key].dtype} of shape {parts[key].shape}, and not uint8 (n, 32, 32, 3)")
            parts[key] = parts[key].transpose(0, 3, 1, 2)
    except Exception as error:  # zipfile, numpy and zlib each raise their own
        raise damaged(path, error) from error
    note = f"a subset of CIFAR-10: {len(parts['x']):,} of 50,000 training and {len(parts['x_test']):,} of 10,000 test images"
    return parts | {"class_names": names, "note": note}


MNIST, FASHION, CIFAR, CIFAR100, STL = records(Published, read("published.toml")).values()
DIGITS, CLOTHES = MNIST.class_names, FASHION.class_names
