"""The names of the data sets, of the backbones and of ways to draw, readable without torch (``--help`` needs them)."""

from __future__ import annotations

from pkgutil import resolve_name

from ..errors import shown

DATASETS = {
    "digits": "1,797 handwritten digits of 8x8 pixels, bundled with scikit-learn (1,297 train, 500 test)",
    "mnist": "60,000 handwritten digits of 28x28 pixels, 10,000 test",
    "fashion_mnist": "60,000 pictures of clothes of 28x28 pixels, 10,000 test",
    "cifar10": "50,000 colour pictures of 32x32 pixels in 10 classes, 10,000 test",
    "cifar100": "50,000 colour pictures of 32x32 pixels in 100 classes, 10,000 test",
    "cifar10_subset": "a part of CIFAR-10 in one file, cifar10_subset.npz, found in data_dir",
    "digit_halves": "digits cut in two: left halves, and right halves as the second modality",
    "digit_captions": "digits, and a sentence about each as the second modality; companion embeddings of the sentences",
    "karate_club": "the 34 members of a karate club, their two factions, and the graph of who met whom (Zachary 1977)",
    "tiny_text": "windows of words from the first chapters of Alice's Adventures in Wonderland",
    "stl10": "5,000 colour pictures of 96x96 pixels in 10 classes, 8,000 test",
}
"""Name of each data set -> one line about it."""

PREFIXES = {
    "folder:PATH": "pictures below a folder, one sub-folder per class or none, train/ and test/ if they are there",
    "embeddings:FILE": "arrays from a .npz, .npy or .pt file",
    "custom:FILE.py:NAME": "what NAME in a Python file makes; the file is run",
}
"""How to name your own data -> one line about it. In Python, arrays, tables and data set objects are taken too."""

BACKBONES = {
    "table": "a free point per sample, no network: the embedding itself is learned",
    "linear": "one linear map of the flattened input",
    "mlp": "two hidden layers on the flattened input",
    "simplecnn": "four 3x3 convolutions and a linear layer, for images of any size",
    "resnet18": "torchvision's ResNet-18, with a small-image stem up to 64x64 pixels",
    "resnet34": "torchvision's ResNet-34, with a small-image stem up to 64x64 pixels",
    "resnet50": "torchvision's ResNet-50, with a small-image stem up to 64x64 pixels",
}
"""Name of each backbone -> one line about it."""

AUGMENTATIONS = {
    "crop": "a random part of the image, resized to the whole",
    "affine": "small rotation, shift, scale and shear",
    "flip": "left-right mirror with probability one half",
    "jitter": "brightness, contrast, saturation and hue",
    "grey": "colour removed with probability one fifth",
    "blur": "Gaussian blur",
    "noise": "Gaussian noise on features",
}
"""Parts of an augmentation, joined by ``+``."""

PROJECTIONS = ("auto", "raw", "pca", "pca3", "sphere", "tsne", "umap")
"""Ways to two or three dimensions."""

OVERLAYS = ("none", "epoch", "loss", "curves", "diagnosis", "trails", "centroids", "rows", "regions")
"""What can be drawn beside the points, joined by ``+``; and any metric by its name, as a curve."""

MEASURED = ("loss", "knn_accuracy", "seconds")
"""What a run measures at every epoch: the columns of its history."""

FILES = ("folder:", "embeddings:", "custom:")
"""Prefixes of data sets that are read from a path."""

CODE = "custom:"
"""Prefix of the one kind of data set that runs a file: only a person who types it may ask for that, never a saved config."""

SOURCES = (*FILES, "memory:")
"""Prefixes of data sets that are read from a path, or held in the memory of this process."""

def hold(data: object, **streaming) -> str:
    """Keep data of the caller's in this process; returns the handle that stands for them in a Config."""
    return resolve_name("icon_nb.data.loading:hold")(data, **streaming)  # torch is loaded only when there are data to look at


def not_run(dataset: str, remedy: str) -> str:
    """Why a file of code that a saved config names is not run, and what a person can do.

    >>> not_run("custom:file.py:X", "give the data")
    "dataset='custom:file.py:X' was read from a file, and names code, which is not run: if you trust it, give the data"
    """
    return f"dataset={shown(dataset)} was read from a file, and names code, which is not run: if you trust it, {remedy}"


_AUTO = {
    "digits": "affine+crop",
    "mnist": "affine",
    "fashion_mnist": "crop+flip",
    "cifar10": "crop+flip+jitter+grey",
    "cifar100": "crop+flip+jitter+grey",
    "cifar10_subset": "crop+flip+jitter+grey",
    "stl10": "crop+flip+jitter+grey",
}


def default_augment(dataset: str) -> str:
    """What ``augment="auto"`` means for a data set of this name; ``auto`` again where only the data can tell."""
    return _AUTO.get(dataset, "auto")


def default_strength(dataset: str) -> float:
    """The ``augment_strength`` that goes with ``augment="auto"``: weaker where an image has 8x8 pixels."""
    return 0.3 if dataset == "digits" else 1.0


def is_known(dataset: str) -> bool:
    """Whether ``dataset`` names a data set or a source that is read from a path."""
    return dataset in DATASETS or dataset.startswith(SOURCES)
