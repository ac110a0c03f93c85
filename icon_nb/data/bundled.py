"""Real pictures that come with the package: a part of Fashion-MNIST."""

from __future__ import annotations

import hashlib
import io
from importlib import resources

import numpy as np

from ..errors import DataError
from .published import CLOTHES, Search

FILE, SHA256 = "fashion_small.png", "f5b193f89fe851e737687edb3ec8e1ab92d6503056fe5ad1bacab7cb6d66b5c1"
TRAIN, TEST, SIDE = 6000, 2000, 28


def read_fashion_small(search: Search) -> dict:
    """6,000 training and 2,000 test pictures of Fashion-MNIST, as many of each class.

    They stand in one grey PNG, one below the other, in the order of their classes: label = position * 10 // number.

    Raises
    ------
    DataError
        The file of the installed package is damaged or missing.
    """
    from PIL import Image

    try:
        content = resources.files(__package__).joinpath(FILE).read_bytes()
    except OSError as error:
        raise DataError(f"{FILE} of dataset='fashion_small' cannot be read ({error}): install icon_nb again") from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError(f"{FILE} of dataset='fashion_small' is damaged, its checksum is another: install icon_nb again")
    pictures = np.asarray(Image.open(io.BytesIO(content))).reshape(-1, 1, SIDE, SIDE)
    x, x_test = pictures[:TRAIN].copy(), pictures[TRAIN:].copy()
    y, y_test = (np.arange(n) * len(CLOTHES) // n for n in (TRAIN, TEST))
    note = "the first 600 training and 200 test pictures of each class of Fashion-MNIST (MIT licence)"
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "class_names": CLOTHES, "note": note}
