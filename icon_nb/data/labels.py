"""Labels of any kind as codes 0, 1, 2, ... and the names of the classes."""

from __future__ import annotations

import numpy as np

from ..errors import DataError, shown


def classes(*parts, names=None) -> tuple[list[np.ndarray | None], tuple[str, ...]]:
    """Labels of any kind as numbers from 0, the same numbers in every part, and the names of the classes.

    Labels are integers, text, booleans, or whole floats. Where the names of all classes are given in order, numbers are positions
    among them, and texts are looked up there.

    >>> (y, y_test), names = classes(["cat", "dog", "cat"], ["dog"])
    >>> y.tolist(), y_test.tolist(), names
    ([0, 1, 0], [1], ('cat', 'dog'))
    """
    arrays = [None if part is None else _labels(part) for part in parts]
    given = [array for array in arrays if array is not None]
    if not given:
        return [None] * len(parts), ()
    codes, found = encode(np.concatenate(given), names)
    codes = iter(np.split(codes, np.cumsum([len(array) for array in given])[:-1]))
    return [None if array is None else next(codes) for array in arrays], found


def encode(labels: np.ndarray, names=None) -> tuple[np.ndarray, tuple[str, ...]]:
    """The code of each label, int64 (n,), and the names of the classes: the sorted labels themselves, unless names are given."""
    names = () if names is None else tuple(map(str, names))
    _check_names(names)
    if names and labels.dtype.kind in "biu":
        if len(labels) and (labels.min() < 0 or labels.max() >= len(names)):
            raise DataError(f"labels run from {labels.min()} to {labels.max()} but there are {len(names)} class names")
        return labels.astype(np.int64), names
    values, codes = np.unique(labels, return_inverse=True)
    texts = tuple(str(value) for value in values)
    if not names:
        _check_names(texts)
        return codes.astype(np.int64), texts
    strange = next((text for text in texts if text not in names), None)
    if strange is not None:
        raise DataError(
            f"label {shown(strange)} is not among the class names {shown(names)}: "
            "name every label, pass integers 0..C-1, or leave class_names out"
        )
    return np.array([names.index(text) for text in texts], np.int64)[codes], names


def _check_names(names: tuple[str, ...]) -> None:
    """Class names must be text that can be written to a file."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"class name {name!r} cannot be written to a file: leave out what is not a character") from None


def _labels(value) -> np.ndarray:
    from .arrays import LARGEST, to_numpy  # loads torch, which a Recorder does without

    if hasattr(value, "detach"):
        value = to_numpy(value, "labels")
    array = value if isinstance(value, np.ndarray) else np.asarray(value, object)  # numpy alone would turn 1 among texts into "1"
    if array.ndim != 1:
        raise DataError(
            f"labels have shape {array.shape}, expected (n,): use .ravel(), or .argmax(1) where each row marks its class"
        )
    if array.dtype.kind == "O":
        array = _unboxed(array)
    if array.dtype.kind not in "biufUS":
        raise DataError(f"labels have dtype {array.dtype}: give integers or text")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise DataError(f"labels hold NaN or infinite values, first at {np.flatnonzero(~np.isfinite(array))[:5].tolist()}")
        array = array.astype(np.float64)
        strange = (array != np.rint(array)) | (abs(array) > LARGEST)
        if strange.any():
            raise DataError(f"labels such as {array[strange][0]:g} are not classes: give integers or text")
        array = array.astype(np.int64)
    small = array.dtype.kind == "u" and not (array >= 2**63).any()  # numpy joins unsigned and signed numbers as floats
    return array.astype(np.int64) if small else array


def _unboxed(array: np.ndarray) -> np.ndarray:
    """An object array of only text, or only numbers, as a plain array."""
    values = [value.item() if isinstance(value, np.generic) else value for value in array]
    kinds = {type(value) for value in values}
    if kinds in ({str}, {int}, {bool}, {float}, {int, float}):
        return np.array(values)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise DataError(f"labels mix or hold {names}: give only integers or only text, and no missing values")
