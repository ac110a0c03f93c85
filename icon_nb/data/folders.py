"""A folder of pictures as one array, or left on the disk: by class or without classes, grey or colour, brought to one size."""

from __future__ import annotations

import os
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import DataError, demand
from ..files import place
from .arrays import GREY_MODES, classes
from .stored import Stored, Streaming, Unreadable, chunks, read

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
LARGEST_SIDE = 128
TRAIN, TEST = ("train", "training"), ("test", "val", "valid", "validation")


def read_folder(path: str, image_size, skip_unreadable: bool, streaming: Streaming) -> dict:
    """Read every picture below ``path``: sub-folders train and test (or val) are a split, each folder in them is a class.

    Without ``image_size`` pictures get the size that all have, else a square of the median shorter side, at most 128; they are
    shrunk or enlarged to cover it, and what sticks out is cut off evenly. White is 255, or 65535 in pictures of 16 bits.
    """
    root = place(path, DataError)
    if not os.path.isdir(root):
        raise DataError(f"folder:{path} is not a folder: give the folder that holds the pictures or one folder per class")
    if root.resolve() == Path(root.resolve().anchor):
        raise DataError(f"folder:{path} is the whole file system: give the folder that holds the pictures")
    try:
        inside = {folder.name.lower(): folder for folder in _folders(root)}
        train, test = (next((inside[name] for name in names if name in inside), None) for names in (TRAIN, TEST))
        twins = [folder.name for folder in _folders(root) if folder.name.lower() in TRAIN]
        remedy = "keep one folder of training pictures, or rename the others"
        demand(len(twins) < 2, f"{root} holds {' and '.join(twins)}: {remedy}", DataError)
        files, held = _files(train or root), _files(test) if train and test else []
    except OSError as error:
        raise DataError(f"folder:{path} cannot be read ({error}): allow it, or give another folder") from error
    demand(files, f"folder:{path} holds no pictures ({', '.join(sorted(ENDINGS))})", DataError)
    forms, bad = _forms([file for file, _ in files + held])
    size, note = _size(Counter(size for size, _ in forms.values()), image_size)
    grey = all(grey for _, grey in forms.values())
    usable = ([file for file in each if file[0] in forms] for each in (files, held))
    (x, y), (x_test, y_test) = (_part(each, size, grey, bad, streaming) for each in usable)
    if bad and not skip_unreadable:
        listed = ", ".join(bad[:10]) + (f" and {len(bad) - 10} more" if len(bad) > 10 else "")
        remedy = "repair or delete them, or load them in Python with icon_nb.data.load(..., skip_unreadable=True)"
        raise DataError(f"{root}: {len(bad)} unreadable pictures: {listed}: {remedy}")
    if x is None or (held and x_test is None):
        which = "" if x is None else "of the held-out ones "
        raise DataError(f"folder:{path}: not one picture {which}could be read: repair them")
    (y, y_test), names = classes(y, y_test)
    skipped = f"left out {len(bad)} unreadable: {', '.join(bad[:10])}" if bad else ""
    note = "; ".join(filter(None, (note, skipped)))
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "class_names": names, "note": note}


def _files(folder: Path) -> list[tuple[Path, str | None]]:
    """Pictures with their class, in a fixed order. A class folder may have folders of its own."""
    direct = [(file, None) for file in _pictures(folder.iterdir(), folder)]
    by_class = [(file, sub.name) for sub in _folders(folder) for file in _pictures(sub.rglob("*"), sub)]
    both = f"{folder} holds pictures both directly and in class folders: move the {len(direct)} direct ones into a class"
    demand(not (direct and by_class), both, DataError)
    return direct or by_class


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, in a fixed order, without hidden ones such as ``.ipynb_checkpoints``."""
    return sorted(inside for inside in folder.iterdir() if not inside.name.startswith(".") and inside.is_dir())


def _pictures(paths, folder: Path) -> list[Path]:
    """Picture files that lie below a folder and in no hidden one."""
    shown = (p for p in paths if not any(name.startswith(".") for name in p.relative_to(folder).parts))
    return sorted(p for p in shown if p.suffix.lower() in ENDINGS and p.is_file())


def _forms(files: list[Path]) -> tuple[dict[Path, tuple[tuple[int, int], bool]], list[str]]:
    """Size (h, w) of every picture that opens, and whether it is grey; and the names of those that do not open."""
    forms, bad = {}, []
    for file in files:
        try:
            with Image.open(file) as image:
                turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # cameras store portraits lying on their side
                forms[file] = (image.size if turned else image.size[::-1]), _is_deep(image) or image.mode in GREY_MODES
        except Exception as error:  # Pillow raises many kinds for damaged files
            bad.append(f"{file.name} ({error if isinstance(error, DataError) else type(error).__name__})")
    return forms, bad


def _is_deep(image) -> bool:
    """Whether a picture has 16 bits: some of these come in 32."""
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if image.mode in ("I", "F") and not deep:
        raise DataError(f"it holds {'floats' if image.mode == 'F' else '32-bit integers'}: write it with 8 or 16 bits")
    return deep


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


class ImageFiles:
    """Picture files as a source of :class:`icon_nb.data.stored.Stored`: turned, and brought to one size (h, w) and colour."""

    def __init__(self, files: list[Path], size: tuple[int, int], grey: bool):
        self.files, self.size, self.grey = files, size, grey
        self.written = [file.stat() for file in files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> np.ndarray:
        """uint8 (c, h, w), c is 1 or 3; a file that has changed is refused."""
        now, before = self.files[i].stat(), self.written[i]
        same = (now.st_mtime_ns, now.st_size) == (before.st_mtime_ns, before.st_size)
        demand(same, "it was written anew", DataError)
        with Image.open(self.files[i]) as image:
            deep = _is_deep(image)
            image = ImageOps.exif_transpose(image)
            if deep:  # Pillow would cut at 255
                image = Image.fromarray(((np.asarray(image, np.int32) + 128) // 257).clip(0, 255).astype(np.uint8))  # of 65,535
            image = image.convert("L" if self.grey else "RGB")
            if image.size != self.size[::-1]:
                image = ImageOps.fit(image, self.size[::-1], Image.Resampling.BILINEAR)
            array = np.asarray(image, np.uint8)
        return array[None] if self.grey else array.transpose(2, 0, 1)

    def name(self, i: int) -> str:
        return self.files[i].name


def _part(files: list, size: tuple[int, int], grey: bool, bad: list[str], streaming: Streaming):
    """Pictures and classes of one part of a split; two times None where there are none. What cannot be read joins ``bad``."""
    if not files:
        return None, None
    shape = (1 if grey else 3, *size)
    x = Stored(ImageFiles([file for file, _ in files], size, grey), shape, num_workers=streaming.num_workers)
    stays = streaming.applies(len(x), shape)
    items = [] if stays else list(chain.from_iterable(read(x.source, chunks(x.rows), x.num_workers)))
    unreadable = x.summary.unreadable if stays else {i: each for i, each in enumerate(items) if isinstance(each, Unreadable)}
    bad.extend(f"{each.name} ({each.why})" for each in unreadable.values())
    good = [i for i in range(len(files)) if i not in unreadable]
    if not good:
        return None, None
    names = [files[i][1] for i in good]
    x = (x.only(good) if unreadable else x) if stays else np.stack([items[i] for i in good])
    return x, None if names[0] is None else names
