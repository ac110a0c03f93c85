"""Data that need no network: digits, plain, in two modalities and moving; pictures of clothes, a small graph, a small text."""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..methods.catalogue import read
from .arrays import stratified
from .published import CLOTHES, DIGITS, Search

PAD, OTHER = "<pad>", "<rare>"  # after the end of a sentence, and for the words that occur fewer than RARE times
RARE, WINDOW, STEP = 2, 12, 4  # WINDOW words are one sample of the text, STEP from the start of one to the start of the next
HELD_OUT = 0.2  # share at the end of the text that is held out
CAPTIONS = read("captions.toml")
FACTIONS = "hhhhhhhhhohhhhoohhohohoooooooooooo"  # whom each member of the karate club followed: Mr. Hi, or the officer
SIDES = (0.4375, 0.625)  # smallest and largest side of a moving digit in that of the picture: 7 to 10 of 16 pixels
FILE, SHA256 = "fashion_small.png", "f5b193f89fe851e737687edb3ec8e1ab92d6503056fe5ad1bacab7cb6d66b5c1"
TRAIN, TEST, SIDE, SEED = 6000, 2000, 28, 0


def read_digits(search: Search) -> dict:
    """scikit-learn's digits, 0..16 scaled to 0..255, and a split that is the same for everybody."""
    pixels, y = scikit_learns_digits()
    x = np.rint(pixels.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    test = np.sort(stratified(y, 500, seed=0))
    train = np.setdiff1d(np.arange(len(y)), test)
    note = "split made here: 500 of the 1,797 images, stratified by class, are held out for testing"
    parts = {"x": x[train], "y": y[train], "x_test": x[test], "y_test": y[test], "order": np.concatenate([train, test])}
    return parts | {"class_names": DIGITS, "note": note}


def scikit_learns_digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (1797, 64) on 0..16 and labels, as ``load_digits`` reads them, without a second spent on importing ``sklearn``."""
    try:
        rows = np.loadtxt(scikit_learns("data/digits.csv.gz"), delimiter=",")
    except (OSError, ValueError):  # another version may keep them elsewhere
        from sklearn.datasets import load_digits

        return load_digits(return_X_y=True)
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def scikit_learns(name: str) -> Path:
    """Where a file of ``sklearn.datasets`` lies, found without importing it."""
    return Path(find_spec("sklearn").origin).with_name("datasets") / name


def read_digit_halves(search: Search) -> dict:
    """Digits cut in two: ``x`` the left half, ``pair`` the right half, (n, 1, 8, 4) each."""
    data = read_digits(search)
    for part, other in (("x", "pair"), ("x_test", "pair_test")):
        data[part], data[other] = data[part][..., :4], data[part][..., 4:]
    return data | {"note": f"left halves, with right halves as pairs; {data['note']}"}


def read_digit_captions(search: Search) -> dict:
    """Digits, and a sentence about how heavy, wide and slanted each is: ``pair`` holds its words.

    ``companion`` says which words a sentence has, rare ones weighing more (tf-idf), in rows of length 1.
    """
    data = read_digits(search)
    looks = _looks(np.concatenate([data["x"], data["x_test"]]))
    y = np.concatenate([data["y"], data["y_test"]])
    form = np.random.default_rng(SEED).integers(len(CAPTIONS["forms"]), size=len(y))
    sentences = [CAPTIONS["forms"][f].format(digit=CAPTIONS["digits"][c], **look).split() for f, c, look in zip(form, y, looks)]
    vocabulary = (PAD, *sorted({word for sentence in sentences for word in sentence}))
    pair, pair_test = np.split(_numbered(sentences, vocabulary), [len(data["x"])])
    has = np.zeros((len(pair), len(vocabulary)), np.float32)
    has[np.arange(len(pair))[:, None], pair] = 1
    has[:, 0] = 0  # padding
    has *= np.log(len(pair) / np.maximum(has.sum(0), 1))
    companion = has / np.linalg.norm(has, axis=1, keepdims=True)
    parts = {"pair": pair, "pair_test": pair_test, "companion": companion, "vocabulary": vocabulary}
    return data | parts | {"note": f"sentences made from the pictures, {len(vocabulary)} words; {data['note']}"}


def _looks(x: np.ndarray) -> list[dict[str, str]]:
    """Three properties of each picture, each in thirds of all pictures: ink, spread along x, slant."""
    ink = x[:, 0].astype(float) + 1e-9
    total = ink.sum((1, 2))
    at = np.arange(8.0) - 3.5
    dx, dy = (at - ((ink.sum(axis) @ at) / total)[:, None] for axis in (1, 2))
    spread = np.einsum("nij,nj->n", ink, dx**2) / total
    slant = np.einsum("nij,ni,nj->n", ink, dy, dx) / np.einsum("nij,ni->n", ink, dy**2)
    third = (np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values) for values in (total, spread, slant))
    return [{kind: names[k] for (kind, names), k in zip(CAPTIONS["looks"].items(), look)} for look in zip(*third)]


def _numbered(sentences: list[list[str]], vocabulary: tuple[str, ...]) -> np.ndarray:
    """int64 (n, length): words as positions in the vocabulary, 0 (padding) after the end."""
    place = {word: i for i, word in enumerate(vocabulary)}
    tokens = np.zeros((len(sentences), max(map(len, sentences))), np.int64)
    for i, sentence in enumerate(sentences):
        tokens[i, : len(sentence)] = [place[word] for word in sentence]
    return tokens


def read_taught_digits(search: Search) -> dict:
    """Digits, and the logits of a teacher as ``companion``: a kernel classifier that judges every picture by the others."""
    data = read_digits(search)
    x, own = data["x"].reshape(len(data["x"]), -1) / 255.0, np.eye(len(DIGITS))[data["y"]]
    near = np.exp(-((x**2).sum(1)[:, None] + (x**2).sum(1) - 2 * x @ x.T))
    np.fill_diagonal(near, 0)
    return data | {"companion": np.log(near @ own + 1e-12), "note": f"a kernel classifier is the teacher; {data['note']}"}


def read_karate_club(search: Search) -> dict:
    """Zachary's karate club: ``graph`` (34, 34), in how many contexts two members met; ``x`` the same rows as features."""
    graph = np.zeros((34, 34), np.float32)
    with resources.files("icon_nb.data").joinpath("karate_club.txt").open(encoding="utf-8") as file:
        one, other, contexts = np.loadtxt(file, int, unpack=True)
    graph[one, other] = graph[other, one] = contexts
    note = "Zachary, J. Anthropological Research 33 (1977) 452-473: 34 members, 78 ties, the factions after the club split"
    y = np.array([faction == "o" for faction in FACTIONS], np.int64)
    named = {"class_names": ("Mr. Hi", "Officer"), "names": ("1 (Mr. Hi)", *map(str, range(2, 34)), "34 (Officer)")}
    return {"x": graph.copy(), "y": y, "graph": graph, "note": note, **named}


def read_tiny_text(search: Search) -> dict:
    """Windows of twelve words from a shipped text; those of the last fifth are held out and overlap no others."""
    text = resources.files("icon_nb.data").joinpath("alice.txt").read_text("utf-8")
    words = re.findall(r"[a-z]+(?:'[a-z]+)?|[.,;:!?]", text.partition("\n\n")[2].lower())
    common = {word for word, count in Counter(words).items() if count >= RARE}
    vocabulary = (PAD, OTHER, *sorted(common))
    kept = [word if word in common else OTHER for word in words]
    n = round(len(kept) * (1 - HELD_OUT))
    x, x_test = (
        _numbered([part[i : i + WINDOW] for i in range(0, len(part) - WINDOW + 1, step)], vocabulary)
        for part, step in ((kept[:n], STEP), (kept[n:], WINDOW))
    )
    source = "Lewis Carroll, Alice's Adventures in Wonderland (1865), public domain; the last fifth held out"
    return {"x": x, "x_test": x_test, "vocabulary": vocabulary, "note": f"{len(kept):,} words from {source}"}


def read_moving_digits(search: Search, size: int = 16, turn: float = 10, copies: int = 1) -> dict:
    """Every digit ``copies`` times, each at a place, size and angle of its own; a held-out digit is in one picture."""
    parts = read_digits(search)
    drawn = np.random.RandomState(SEED)  # its stream never changes between versions
    for part, labels, times in (("x", "y", copies), ("x_test", "y_test", 1)):
        originals = np.repeat(parts[part][:, 0], times, 0)
        parts[part] = place(originals, drawn.random_sample((len(originals), 4)), size, turn)[:, None]
        parts[labels] = np.repeat(parts[labels], times)
    note = f"digits at a random place, size and angle (up to {turn:g} degrees) in {size}x{size} pixels; others are held out"
    return parts | {"order": None, "note": note}


def read_photo_digits(search: Search, size: int = 20, turn: float = 10, copies: int = 1) -> dict:
    """Moving digits in white on crops of scikit-learn's two photographs, in colour."""
    digits = read_moving_digits(search, size, turn, copies)
    drawn = np.random.RandomState(SEED + 1)
    for part in ("x", "x_test"):
        ink = digits[part].astype(np.uint16)  # (n, 1, size, size)
        behind = crops(len(ink), size, drawn).astype(np.uint16)  # (n, 3, size, size)
        digits[part] = ((behind * (255 - ink) + 255 * ink + 127) // 255).astype(np.uint8)
    return digits | {"note": f"{digits['note']}; behind each is a crop of a photograph, which both of its views share"}


def place(images: np.ndarray, drawn: np.ndarray, size: int, turn: float) -> np.ndarray:
    """Small pictures (n, h, h) in larger ones (n, size, size), uint8, by uniform numbers (n, 4) for side, angle, x and y.

    Between pixels it is bilinear: only sums, products and quotients of float64, so that every machine makes the same bytes.
    """
    h = images.shape[1]
    side = size * (SIDES[0] + (SIDES[1] - SIDES[0]) * drawn[:, 0])
    t = np.float64(turn) * np.pi / 360 * (2 * drawn[:, 1] - 1)  # tangent of half the angle, nearly
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    room = (size - side + 1) / 2  # half a pixel of the dark border of a digit may leave the picture
    at = np.arange(size) - (size - 1) / 2
    dx = at[None, None, :] - ((2 * drawn[:, 2] - 1) * room)[:, None, None]
    dy = at[None, :, None] - ((2 * drawn[:, 3] - 1) * room)[:, None, None]
    cos, sin, step = (each[:, None, None] for each in (cos, sin, h / side))
    x, y = step * (cos * dx + sin * dy), step * (cos * dy - sin * dx)  # where each pixel looks, from the middle of the digit
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1))).astype(np.float64)
    h = padded.shape[1]
    x, y = (np.clip(each + (h - 1) / 2, 0, h - 1 - 1e-3) for each in (x, y))
    left, top = x.astype(np.int64), y.astype(np.int64)
    x, y = x - left, y - top
    flat, corner = padded.reshape(len(padded), -1), (h * top + left).reshape(len(padded), -1)
    a, b, c, d = (np.take_along_axis(flat, corner + k, 1).reshape(x.shape) for k in (0, 1, h, h + 1))
    return np.rint((a * (1 - x) + b * x) * (1 - y) + (c * (1 - x) + d * x) * y).astype(np.uint8)


def scikit_learns_photographs() -> list[np.ndarray]:
    """The two photographs (h, w, 3) of ``load_sample_images``, without a second spent on importing ``sklearn``."""
    from PIL import Image

    try:
        return [np.asarray(Image.open(scikit_learns(f"images/{name}.jpg"))) for name in ("china", "flower")]
    except OSError:  # another version may keep them elsewhere
        from sklearn.datasets import load_sample_images

        return load_sample_images().images


def crops(n: int, size: int, drawn: np.random.RandomState) -> np.ndarray:
    """Squares of the photographs at random places, in half size and half brightness: uint8 (n, 3, size, size)."""
    photographs, made = scikit_learns_photographs(), []
    for which, *corner in drawn.random_sample((n, 3)):
        photo = photographs[int(which * len(photographs))]  # (h, w, 3)
        i, j = (int(share * (extent - 2 * size)) for share, extent in zip(corner, photo.shape))
        square = photo[i : i + 2 * size, j : j + 2 * size].astype(np.uint16)
        made.append(square.reshape(size, 2, size, 2, 3).sum((1, 3)).transpose(2, 0, 1) // 8)
    return np.array(made, np.uint8)


def read_fashion_small(search: Search) -> dict:
    """As many pictures of each class: they stand in one grey PNG, one below the other, in the order of their classes."""
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
