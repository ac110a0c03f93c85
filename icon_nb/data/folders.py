"""A folder of pictures as one array, or left on the disk: by class or without classes, grey or colour, brought to one size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError
from .arrays import classes
from .stored import Reading, Stored

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
GREY_MODES = {"1", "L", "LA", "I", "I;16", "F"}
LARGEST_SIDE = 128
DEEP = "I;16"
WHITES = {"I": (255, 65535), "F": (1, 255)}
"""What can be white in 32-bit integers and in floats, which have no range of their own."""
IN_MEMORY_IF_SMALL = Reading()
TRAIN, TEST = ("train", "training"), ("test", "val", "valid", "validation")


@dataclass(frozen=True)
class Header:
    """Size (h, w) and kind of a picture, and the range of its values where its kind has none of its own."""

    size: tuple[int, int]
    kind: str
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Form:
    """What every picture is brought to.

    Parameters
    ----------
    size : (h, w)
    grey : bool
        One channel, not three.
    whites : mapping of str to float
        The value that becomes level 255, for each kind of more than 8 bits.
    """

    size: tuple[int, int]
    grey: bool
    whites: Mapping[str, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        return (1 if self.grey else 3, *self.size)


def read_folder(path: str, image_size=None, skip_unreadable: bool = False, reading: Reading = IN_MEMORY_IF_SMALL) -> dict:
    """Read every picture below ``path``.

    Sub-folders ``train`` and ``test`` (or ``val``) are a split; below them, or directly, each sub-folder is a class.
    Pictures that lie directly in the folder have no class.

    Parameters
    ----------
    path : str
        The folder.
    image_size : int or (h, w), optional
        Size to bring pictures to, by shrinking or enlarging to cover it and cutting off what sticks out evenly. Found when
        None: the size all pictures have, else a square of the median shorter side, at most 128.
    skip_unreadable : bool
        Leave out files that cannot be read as pictures, and say which; otherwise they are an error.
    reading : Reading
        Whether the pictures stay on the disk, and how many processes read them. Every picture is read once either way.

    Returns
    -------
    dict
        Fields of a Dataset, as arrays or :class:`icon_nb.data.stored.Stored`.

    Raises
    ------
    DataError
        No folder, no pictures, unreadable ones (listed), or values whose range does not tell what is white.

    Notes
    -----
    White is 255, or 65535 in pictures of 16 bits. Floats are read as 0..1 or 0..255, all of the folder alike, and so are 32-bit
    integers, as 0..255 or 0..65535.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise DataError(f"folder:{path} is not a folder: give the folder that holds the pictures or one folder per class")
    try:
        train, test = _splits(root)
        files, held = _files(train), _files(test) if test else []
    except OSError as error:
        raise DataError(f"folder:{path} cannot be read ({error}): allow it, or give another folder") from error
    if not files:
        raise DataError(f"folder:{path} holds no pictures ({', '.join(sorted(ENDINGS))})")
    headers, bad = _headers([file for file, _ in files + held])
    form, note = _form(headers, image_size)
    parts, held_out = (_part([file for file in each if file[0] in headers], form, bad, reading) for each in (files, held))
    _refuse(bad, skip_unreadable, root)
    if parts is None or (held and held_out is None):
        raise DataError(f"folder:{path}: not one picture {'of the held-out ones ' if parts else ''}could be read: repair them")
    (y, y_test), names = classes(parts[1], held_out[1] if held_out else None)
    skipped = f"left out {len(bad)} unreadable: {', '.join(bad[:10])}" if bad else ""
    found = {"x": parts[0], "y": y, "x_test": held_out[0] if held_out else None, "y_test": y_test}
    return found | {"class_names": names, "note": "; ".join(part for part in (note, skipped) if part)}


def _splits(root: Path) -> tuple[Path, Path | None]:
    inside = {folder.name.lower(): folder for folder in root.iterdir() if folder.is_dir()}
    train, test = (next((inside[name] for name in names if name in inside), None) for names in (TRAIN, TEST))
    return (train, test) if train is not None else (root, None)


def _files(folder: Path) -> list[tuple[Path, str | None]]:
    """Pictures with their class, in a fixed order. A class folder may have folders of its own."""
    direct = [(file, None) for file in _pictures(folder.iterdir())]
    by_class = [(file, sub.name) for sub in sorted(folder.iterdir()) if sub.is_dir() for file in _pictures(sub.rglob("*"))]
    if direct and by_class:
        raise DataError(
            f"{folder} holds pictures both directly and in class folders: move the {len(direct)} direct ones into a class"
        )
    return direct or by_class


def _pictures(paths) -> list[Path]:
    return sorted(p for p in paths if p.suffix.lower() in ENDINGS and not p.name.startswith(".") and p.is_file())


def _headers(files) -> tuple[dict[Path, Header], list[str]]:
    """The header of every picture that opens, and the names of those that do not."""
    from PIL import Image

    headers, bad = {}, []
    for file in files:
        try:
            with Image.open(file) as image:
                turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # cameras store portraits lying on their side
                headers[file] = Header(image.size if turned else image.size[::-1], _kind(image), *_range(image))
        except Exception as error:  # Pillow raises many kinds for damaged files
            bad.append(f"{file.name} ({error if isinstance(error, DataError) else type(error).__name__})")
    return headers, bad


def _kind(image) -> str:
    """The mode of a picture; all that have 16 bits are one kind: some of them come in 32."""
    return DEEP if image.mode.startswith(DEEP) or (image.mode == "I" and image.format in ("PNG", "PPM")) else image.mode


def _range(image) -> tuple[float, float]:
    """The lowest and the highest value of a picture whose kind has no range of its own; (0, 0) of any other."""
    if _kind(image) not in WHITES:
        return 0.0, 0.0
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise DataError("it holds NaN or infinite values")
    return float(values.min()), float(values.max())


def _whites(headers: list[Header]) -> dict[str, float]:
    """What is white in each kind of more than 8 bits, the same in all pictures of a folder."""
    found = {DEEP: 65535.0}
    for kind in WHITES.keys() & {header.kind for header in headers}:
        low, high = min(h.low for h in headers if h.kind == kind), max(h.high for h in headers if h.kind == kind)
        white = next((each for each in WHITES[kind] if low >= 0 and high <= each), None)
        if white is None:
            ranges = " or ".join(f"0..{each}" for each in WHITES[kind])
            what = "floats" if kind == "F" else "32-bit integers"
            raise DataError(f"the pictures of {what} run from {low:g} to {high:g}: bring them to {ranges}")
        found[kind] = float(white)
    return found


def _form(headers: dict[Path, Header], image_size) -> tuple[Form, str]:
    """What all pictures are brought to, and a note where that changes them."""
    size, note = _size(Counter(header.size for header in headers.values()), image_size)
    grey = all(header.kind in GREY_MODES for header in headers.values())
    return Form(size, grey, _whites(list(headers.values()))), note


def _size(sizes: Counter, image_size) -> tuple[tuple[int, int], str]:
    if image_size is not None:
        size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
        if len(size) != 2 or min(size) < 1:
            raise DataError(f"image_size={image_size!r} must be a side in pixels, or (height, width)")
        return size, f"brought to the given size {size[0]}x{size[1]}"
    if len(sizes) == 1 and max(next(iter(sizes))) <= 4 * LARGEST_SIDE:
        return next(iter(sizes)), ""
    shorter = int(np.median([min(size) for size in sizes.elements()])) if sizes else 1
    side = max(1, min(shorter, LARGEST_SIDE))
    return (side, side), f"pictures of {len(sizes)} sizes brought to {side}x{side} (image_size changes that)"


class Files:
    """Picture files as a source of :class:`icon_nb.data.stored.Stored`: read, turned, and brought to one size and colour."""

    def __init__(self, files: list[Path], form: Form):
        self.files, self.form = files, form

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> np.ndarray:
        return _read(self.files[i], self.form)

    def name(self, i: int) -> str:
        return self.files[i].name


def _part(files: list, form: Form, bad: list[str], reading: Reading):
    """Pictures and classes of one part of a split; None where there are none. What cannot be read joins ``bad``."""
    if not files:
        return None
    x = Stored(Files([file for file, _ in files], form), form.shape, num_workers=reading.num_workers)
    x, good, unreadable = x.checked(stays=reading.leaves(len(x), form.shape))
    bad.extend(f"{each.name} ({each.why})" for each in unreadable)
    names = [files[i][1] for i in good]
    return (x, None if names[0] is None else names) if names else None


def _read(file: Path, form: Form) -> np.ndarray:
    """uint8 (c, h, w)."""
    from PIL import Image, ImageOps

    with Image.open(file) as image:
        white = form.whites.get(_kind(image))
        image = ImageOps.exif_transpose(image)
        if white is not None:  # Pillow would cut at 255
            image = Image.fromarray(np.rint(np.asarray(image, np.float64) * (255 / white)).clip(0, 255).astype(np.uint8))
        image = image.convert("L" if form.grey else "RGB")
        if image.size != form.size[::-1]:
            image = ImageOps.fit(image, form.size[::-1], Image.Resampling.BILINEAR)
        array = np.asarray(image, np.uint8)
    return array[None] if form.grey else array.transpose(2, 0, 1)


def _refuse(bad: list[str], skip: bool, root: Path) -> None:
    if bad and not skip:
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        listed = ", ".join(bad[:10]) + more
        remedy = "repair or delete them, or load them in Python with icon_nb.data.load(..., skip_unreadable=True)"
        raise DataError(f"{root}: {len(bad)} unreadable pictures: {listed}: {remedy}")
