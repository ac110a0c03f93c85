"""x: data sets that are published, bundled or your own, and the views of a sample that augmentation makes.

What a data set is called, and what is said about it, stands in the table.
"""

from ..methods.catalogue import DATASETS, SOURCES
from .dataset import Dataset, describe, is_described
from .loading import load, load_for

__all__ = ["DATASETS", "SOURCES", "Dataset", "describe", "is_described", "load", "load_for"]
