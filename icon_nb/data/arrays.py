"""Anybody's arrays and labels as the three forms a Dataset knows: uint8 images, float32 features, int64 classes.

Nothing here imports torch, which a Recorder does without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..errors import DataError, demand, shown

LARGEST, SMALLEST = 1e15, 1e-15  # sizes of features between which squared distances fit single precision with room to spare
CHANNELS = (1, 3, 4)  # usual numbers of channels
UNIT, AS_THEY_ARE = (0.0, 1.0), (0.0, None)  # the scales of pictures on 0..1, and of those on 0..255
GREY_MODES, DEEP_MODES = {"1", "L", "LA"}, {"I;16", "I;16B", "I", "F"}  # Pillow's pictures in grey, and of more than 8 bits


def to_numpy(value, what: str) -> np.ndarray:
    """A numeric array from a tensor, an array, or nested lists; what holds no numbers is refused by name."""
    if hasattr(value, "detach"):
        if value.is_meta:
            raise DataError(f"{what} is a tensor on the meta device, which holds no numbers: give one on the CPU or a GPU")
        value = value.dequantize() if getattr(value, "is_quantized", False) else value.detach().cpu().to_dense()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if is_pictures(value):
        mode = "L" if {each.mode for each in value} <= GREY_MODES else "RGB"
        value = [np.asarray(each if each.mode in DEEP_MODES else each.convert(mode)) for each in value]
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
    remedy = "drop or encode what is not numeric, then .astype(float)"
    demand(array.dtype.kind in "biuf", f"{what} has dtype {array.dtype}, not numbers: {remedy}", DataError)
    return array


def is_pictures(value) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(hasattr(each, "getbands") for each in value)


def inputs(value, what: str = "x") -> tuple[np.ndarray, str]:
    """Samples as uint8 (n, c, h, w) or float32 (n, d), and a note on how they were read; ``what`` is their name in an error."""
    demand(value is not None, f"{what}=None is of type NoneType: give samples (n, ...)", DataError)
    parts, note = together({what: value})
    return parts[what], note


def together(parts: Mapping[str, object]) -> tuple[dict[str, object], str]:
    """Samples that belong together, training first, each read as :func:`inputs` does, pictures by one scale; and a note."""
    read = {name: part if part is None or hasattr(part, "with_transform") else _form(part, name) for name, part in parts.items()}
    pictures = {name: part for name, part in read.items() if part is not None and part.ndim == 4}
    if not pictures:
        return read, ""
    pixels, last = _common(pictures), {name: _channels_last(x.shape) for name, x in pictures.items()}
    for name, x in pictures.items():
        transform = partial(_to_levels, scale=pixels.scale, channels_last=last[name])
        read[name] = transform(x) if isinstance(x, np.ndarray) else x.with_transform(transform)
    notes = ["images read as (n, h, w, c)"] if next(iter(last.values())) else []
    if pixels.scale not in (UNIT, AS_THEY_ARE):
        notes.append(f"pixel values {pixels.low:g} to {pixels.high:g} stretched to 256 levels")
    return read, "; ".join(notes)


def _form(value, what: str) -> np.ndarray:
    """Features as float32 (n, d), pictures as (n, ...) with four axes, of the type they came in."""
    array = to_numpy(value, what)
    hint = "one number a sample is written (n, 1)" if array.ndim == 1 else "at least one sample is needed"
    forms = f"give (n, d) features or (n, h, w), (n, c, h, w), (n, h, w, c) images: {hint}"
    demand(array.ndim in (2, 3, 4) and array.size > 0, f"{what} has shape {array.shape}; {forms}", DataError)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(1))
        raise DataError(
            f"{what} holds NaN or infinite values in {len(bad)} samples, first in {bad[:5].tolist()}: remove or fill them"
        )
    size = max(abs(float(array.max())), abs(float(array.min())))
    remedy = "which single precision cannot hold: rescale them, for instance to 0..1"
    demand(size == 0 or SMALLEST <= size <= LARGEST, f"{what} has values of size {size:.1e}, {remedy}", DataError)
    if array.ndim == 2:
        return np.array(array, np.float32, order="C")  # a copy: the caller's array stays the caller's
    return array[:, None] if array.ndim == 3 else array


@dataclass(frozen=True)
class PixelRange:
    """The type of pictures, their lowest and their highest value: these tell which value is black and which is white."""

    dtype: np.dtype
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.dtype} from {self.low:g} to {self.high:g}"

    @property
    def scale(self) -> tuple[float, float | None]:
        """The value of level 0, and how far above it level 255 lies; 0..1 and 0..255 are taken as such, others stretched."""
        if self.dtype.kind == "b" or (self.dtype.kind == "f" and self.low >= 0 and self.high <= 1):
            return UNIT
        return (self.low, (self.high - self.low) or 1.0) if self.low < 0 or self.high > 255 else AS_THEY_ARE

    @property
    def meaning(self) -> str | bool:
        """What a number means, as far as types tell: uint8 has a scale of its own, and so has bool."""
        return self.dtype.name if self.dtype.name in ("uint8", "bool") else self.dtype.kind == "f"


def _common(pictures: Mapping[str, object]) -> PixelRange:
    """The range of the first part, or of all together where another goes beyond it; one on a scale of its own is refused."""
    measured = {
        name: PixelRange(x.dtype, float(x.min()), float(x.max())) if isinstance(x, np.ndarray) else x.pixels
        for name, x in pictures.items()
    }
    (first, x), *others = measured.items()
    for name, part in others:
        if part.scale == x.scale:
            continue
        low, span = x.scale
        lowest, highest = (np.rint((value - low) / (span or 255.0) * 255) for value in (part.low, part.high))
        beyond = lowest < 0 or highest > 255
        if part.meaning != x.meaning or (beyond and x.scale == UNIT):
            raise DataError(f"{name} is {part}, {first} {x}: bring both to one type and one range, 0..1 or 0..255")
        if beyond:
            x = replace(x, low=min(x.low, part.low), high=max(x.high, part.high))
    return x


def _to_levels(array: np.ndarray, scale: tuple[float, float | None], channels_last: bool) -> np.ndarray:
    """Pictures (n, ...) of any numeric type as uint8 (n, c, h, w)."""
    low, span = scale
    array = np.moveaxis(array, -1, 1) if channels_last else array
    if array.dtype == np.uint8:
        return np.array(array, order="C")
    levels = array if span is None else (array.astype(np.float64) - low) / span * 255
    return np.ascontiguousarray(np.rint(levels), np.uint8)


def _channels_last(shape: tuple[int, ...]) -> bool:
    """Whether (n, a, b, c) has its channels at the end: a usual number of them there and not in front, or simply fewer."""
    front, end = shape[1], shape[3]
    return end in CHANNELS if (front in CHANNELS) != (end in CHANNELS) else end < front


def stratified(y: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Positions of ``n`` samples, every class as near to its share as whole numbers allow."""
    order = np.random.default_rng(seed).permutation(len(y))
    classes, inverse, counts = np.unique(y[order], return_inverse=True, return_counts=True)
    rank = np.empty(len(y))
    for c, count in enumerate(counts):  # the k-th sample of a class stands at (k + 1/2) / count of the way
        rank[inverse == c] = (np.arange(count) + 0.5) / count
    return order[np.argsort(rank, kind="stable")[:n]]


def classes(*parts, names=None) -> tuple[list[np.ndarray | None], tuple[str, ...]]:
    """Labels of any kind as numbers from 0, the same in every part, and the names of the classes; ``names`` are all, in order."""
    arrays = [None if part is None else _labels(part) for part in parts]
    given = [array for array in arrays if array is not None]
    if not given:
        return [None] * len(parts), ()
    codes, found = encode(np.concatenate(given), names)
    codes = iter(np.split(codes, np.cumsum([len(array) for array in given])[:-1]))
    return [None if array is None else next(codes) for array in arrays], found


def encode(labels: np.ndarray, names=None) -> tuple[np.ndarray, tuple[str, ...]]:
    """The code of each label, int64 (n,), and the names of the classes: the sorted labels themselves, unless names are given.

    Where they are, numbers are positions among them, and texts are looked up there.
    """
    names = () if names is None else tuple(map(str, names))
    positions = bool(names) and labels.dtype.kind in "biu"
    if positions and len(labels) and (labels.min() < 0 or labels.max() >= len(names)):
        raise DataError(f"labels run from {labels.min()} to {labels.max()} but there are {len(names)} class names")
    values, codes = ((), labels) if positions else np.unique(labels, return_inverse=True)
    texts = tuple(map(str, values))
    strange = next((name for name in names or texts if re.search("[\ud800-\udfff]", name)), None)
    demand(strange is None, f"class name {strange!r} cannot be written to a file: leave out what is not a character", DataError)
    if names and not positions:
        strange = next((text for text in texts if text not in names), None)
        remedy = "name every label, pass integers 0..C-1, or leave class_names out"
        demand(strange is None, f"label {shown(strange)} is not among the class names {shown(names)}: {remedy}", DataError)
        codes = np.array([names.index(text) for text in texts], np.int64)[codes]
    return codes.astype(np.int64), names or texts


def _labels(value) -> np.ndarray:
    """Integers, text or booleans (n,); whole floats become integers."""
    if hasattr(value, "detach"):
        value = to_numpy(value, "labels")
    array = value if isinstance(value, np.ndarray) else np.asarray(value, object)  # numpy alone would turn 1 among texts into "1"
    remedy = "use .ravel(), or .argmax(1) where each row marks its class"
    demand(array.ndim == 1, f"labels have shape {array.shape}, expected (n,): {remedy}", DataError)
    if array.dtype.kind == "O":
        values = [value.item() if isinstance(value, np.generic) else value for value in array]
        kinds = {type(value) for value in values}
        if kinds not in ({str}, {int}, {bool}, {float}, {int, float}):
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise DataError(f"labels mix or hold {names}: give only integers or only text, and no missing values")
        array = np.array(values)
    demand(array.dtype.kind in "biufUS" and array.itemsize, f"labels have dtype {array.dtype}: give integers or text", DataError)
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
