"""x: data sets that are published, bundled or your own, and the views of a sample that augmentation makes.

What a data set is called, and what is said about it, stands in the table.
"""

from importlib import import_module

from ..methods.catalogue import DATASETS, SOURCES

_WHERE = {"Dataset": "dataset", "describe": "dataset", "is_described": "dataset", "load": "loading", "load_for": "loading"}
__all__ = ["DATASETS", "SOURCES", *_WHERE]


def __getattr__(name: str):
    if name in _WHERE:  # loads torch, which a Recorder does without
        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
