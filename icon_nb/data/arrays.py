"""Anybody's arrays as the three forms a Dataset knows: uint8 images, float32 features, int64 classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from ..errors import DataError
from .scales import Pictures, channels_last, one_scale

LARGEST, SMALLEST = 1e15, 1e-15
"""Sizes of features between which squared distances fit single precision with room to spare."""


def to_numpy(value, what: str) -> np.ndarray:
    """A numeric array from a tensor, an array, or nested lists; what holds no numbers is refused by name.

    Raises
    ------
    DataError
        Text, objects, dates, complex numbers, masked values, or rows of different lengths.
    """
    if isinstance(value, torch.Tensor):
        if value.is_meta:
            raise DataError(f"{what} is a tensor on the meta device, which holds no numbers: give one on the CPU or a GPU")
        value = value.detach().cpu().to_dense()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if np.ma.is_masked(value):
        raise DataError(
            f"{what} holds {np.ma.count_masked(value)} masked values: remove those samples, or fill them with .filled()"
        )
    if hasattr(value, "toarray"):  # scipy's sparse matrices
        value = value.toarray()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{what} cannot be made into one array ({error}): every sample must have the same shape") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} has dtype {array.dtype}, not numbers: drop or encode what is not numeric, then .astype(float)")
    return array


def inputs(value, what: str = "x") -> tuple[np.ndarray, str]:
    """Samples as uint8 (n, c, h, w) or float32 (n, d), and a note on how they were read.

    Parameters
    ----------
    value : array or tensor
        (n, d) features, or images (n, h, w), (n, c, h, w), (n, h, w, c) of any numeric type.
    what : str
        The name in an error.

    Examples
    --------
    >>> x, note = inputs(np.zeros((5, 8, 8, 3)))
    >>> x.shape, x.dtype.name
    ((5, 3, 8, 8), 'uint8')
    """
    parts, note = together({what: value})
    return parts[what], note


def together(parts: Mapping[str, object]) -> tuple[dict[str, object], str]:
    """Samples that belong together, each read as :func:`inputs` does, pictures by one scale; and a note on how they were read.

    Parameters
    ----------
    parts : mapping of str to array, Pictures or None
        By name, the training samples first.

    Returns
    -------
    dict
        The same names, with uint8 (n, c, h, w), float32 (n, d), what a ``Pictures`` reads, or None.
    note : str

    Raises
    ------
    DataError
        A part cannot be read, or no scale holds for all of them.

    Examples
    --------
    >>> together({"x": np.full((1, 1, 2), [[-1.0, 1.0]]), "x_test": np.zeros((1, 1, 2))})[0]["x_test"].flatten()
    array([128, 128], dtype=uint8)
    """
    read = {name: part if part is None or isinstance(part, Pictures) else _form(part, name) for name, part in parts.items()}
    pictures = {name: part for name, part in read.items() if isinstance(part, Pictures)}
    if not pictures:
        return read, ""
    scale, note = one_scale(pictures)
    for name, part in pictures.items():
        read[name] = part.read(replace(scale, channels_last=channels_last(part.shape)))
    return read, note


def _form(value, what: str) -> np.ndarray | Pictures:
    """Features as float32 (n, d); pictures with what is to be known of them."""
    array = to_numpy(value, what)
    if array.ndim not in (2, 3, 4) or array.size == 0:
        hint = "one number a sample is written (n, 1)" if array.ndim == 1 else "at least one sample is needed"
        raise DataError(
            f"{what} has shape {array.shape}; give (n, d) features or (n, h, w), (n, c, h, w), (n, h, w, c) images: {hint}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(1))
        raise DataError(
            f"{what} holds NaN or infinite values in {len(bad)} samples, first in {bad[:5].tolist()}: remove or fill them"
        )
    if array.ndim == 2:
        return _features(array, what)
    array = array[:, None] if array.ndim == 3 else array
    return Pictures(array.shape, array.dtype, float(array.min()), float(array.max()), lambda scale: scale(array))


def _features(array: np.ndarray, what: str) -> np.ndarray:
    size = np.abs(array.astype(np.float64)).max()
    if size > LARGEST or 0 < size < SMALLEST:
        raise DataError(
            f"{what} has values of size {size:.1e}, which single precision cannot hold: rescale them, for instance to 0..1"
        )
    return np.array(array, np.float32, order="C")  # a copy: the caller's array stays the caller's


def classes(*parts, names=None) -> tuple[list[np.ndarray | None], tuple[str, ...]]:
    """Labels of any kind as numbers from 0, the same numbers in every part, and the names of the classes.

    Parameters
    ----------
    *parts : array (n,) or None
        Labels of the training samples, of the held-out samples, ...: integers, text, booleans, or whole floats.
    names : sequence of str, optional
        Names of all classes in order: numbers are then positions in it, texts are looked up in it.

    Examples
    --------
    >>> (y, y_test), names = classes(["cat", "dog", "cat"], ["dog"])
    >>> y.tolist(), y_test.tolist(), names
    ([0, 1, 0], [1], ('cat', 'dog'))
    """
    arrays = [None if part is None else _labels(part) for part in parts]
    given = [array for array in arrays if array is not None]
    if not given:
        return [None] * len(parts), ()
    values, codes = np.unique(np.concatenate(given), return_inverse=True)
    found = tuple(str(value) for value in values.tolist())
    if names is not None:
        found, names = tuple(str(name) for name in names), found
        codes = _positions(values, names, found)[codes]
    _check_names(found)
    codes = iter(np.split(codes.astype(np.int64), np.cumsum([len(array) for array in given])[:-1]))
    return [None if array is None else next(codes) for array in arrays], found


def _check_names(names: tuple[str, ...]) -> None:
    """Class names must be text that can be written to a file."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"class name {name!r} cannot be written to a file: leave out what is not a character") from None


def _positions(values: np.ndarray, texts: tuple[str, ...], names: tuple[str, ...]) -> np.ndarray:
    """Where each label stands among ``names``."""
    if values.dtype.kind in "biu":
        return values.astype(np.int64)
    missing = [text for text in texts if text not in names]
    if missing:
        raise DataError(f"labels {missing[:5]} are not among the class names {list(names[:10])}: add them there")
    return np.array([names.index(text) for text in texts], np.int64)


def _labels(value) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
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
        if (array != np.rint(array)).any():
            raise DataError(f"labels such as {array[array != np.rint(array)][0]:g} are not classes: give integers or text")
        array = array.astype(np.int64)
    return array


def _unboxed(array: np.ndarray) -> np.ndarray:
    """An object array of only text, or only numbers, as a plain array."""
    values = [value.item() if isinstance(value, np.generic) else value for value in array]
    kinds = {type(value) for value in values}
    if kinds in ({str}, {int}, {bool}, {float}, {int, float}):
        return np.array(values)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise DataError(f"labels mix or hold {names}: give only integers or only text, and no missing values")
