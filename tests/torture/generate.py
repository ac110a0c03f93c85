"""Settings and data sets made up by hypothesis: what is valid, what is not, and what people bring."""

from __future__ import annotations

import math
import os
import sys

import numpy as np
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from icon_nb import methods
from icon_nb.data import Dataset
from icon_nb.errors import ConfigError
from icon_nb.methods import axes
from icon_nb.methods.catalogue import AUGMENTATIONS, OVERLAYS
from icon_nb.methods.config import DEFAULTS, SETTINGS, Config

BACKBONES = ("table", "linear", "mlp", "simplecnn")  # the residual networks are trained in tests/test_train.py
SIZES = {"epochs": (0, 1), "embedding_dim": (1, 6), "hidden_dim": (1, 12), "n_views": (1, 3), "walk_length": (1, 4)}
COUNTS = {"n_samples": (2, 24), "batch_size": (2, 24), "n_neighbors": (1, 8), "max_points": (2, 30), "num_workers": (0, 4)}
SMALL = {**SIZES, **COUNTS, "seed": (0, 2**31 - 1)}
ELSEWHERE = {"dataset", "data_dir", "device", "output_dir"}
TEXTS = st.text(max_size=20)


def examples(n: int):
    """Hypothesis settings for n examples: the same ones each time, none of them hurried."""
    n = max(1, int(n * float(os.environ.get("ICON_NB_EXAMPLES", "1"))))
    return settings(max_examples=n, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def value_of(name: str) -> st.SearchStrategy:
    """A valid value of a setting, small where size costs time."""
    about = SETTINGS[name]
    if name in SMALL:
        return st.integers(*SMALL[name])
    if name == "augment":
        return st.sampled_from(["auto", "none", *AUGMENTATIONS, "crop+flip", "noise"])
    if name == "gif_overlay":
        return st.sampled_from([name for name in OVERLAYS if name != "rows"])
    if about.names:
        return st.sampled_from(about.names)
    if about.kind is bool:
        return st.booleans()
    if about.kind is str:
        return TEXTS
    above = sys.float_info.min if about.above == 0 else about.above  # the next number up is lost where a library flushes it to 0
    low = about.low if about.low is not None else above if above is not None else -1e6
    high = min(x for x in (about.high, about.below, 1e6) if x is not None)
    if about.kind is int:
        return st.integers(math.ceil(low), min(int(high), 100))
    floats = st.floats(low, high, exclude_min=bool(about.above), exclude_max=about.below is not None, allow_subnormal=False)
    return st.one_of(st.sampled_from([x for x in (0.05, 0.1, 0.5, 1.0) if low <= x <= high]), floats)


@st.composite
def valid_settings(draw) -> dict[str, object]:
    """A method or a composed pair with settings that it uses; a few that it perhaps does not."""
    composed = draw(st.integers(0, 5)) == 0
    chosen = {
        "supervisory": draw(st.sampled_from(sorted(axes.SUPERVISORY))), "learned": draw(st.sampled_from(sorted(axes.LEARNED)))
    } if composed else {"method": draw(st.sampled_from(sorted(methods.METHODS)))}  # fmt: skip
    if draw(st.booleans()):
        chosen["backbone"] = draw(st.sampled_from(BACKBONES))
    try:
        base = Config(**chosen)
        used = {name for name in SETTINGS if base.case.applies(name)}
    except ConfigError:
        used = set(SETTINGS)
    free = {name for name, default in DEFAULTS.items() if default is not None} | {"n_samples", "run_name", "gif_fps"}
    pool = sorted((used | free) & set(SETTINGS) - {*ELSEWHERE, *chosen})
    names = draw(st.lists(st.sampled_from(pool), max_size=5, unique=True))
    if draw(st.integers(0, 9)) == 0:
        names.append(draw(st.sampled_from(sorted(set(SETTINGS) - {*ELSEWHERE, *chosen, *names}))))
    return {**chosen, **{name: draw(value_of(name)) for name in names}}


WRONG = (
    *([], {}, (), b"x", object(), 1j, np.zeros(3), True, None, type),
    *(float("nan"), float("inf"), -math.inf, 10**400, 10**5000, -1, -0.5, 0.5, 2**40),
    *("", "no such thing", "\0", "\ud800"),
)


@st.composite
def invalid_setting(draw) -> tuple[str, object]:
    """A setting with a value outside its type, its range or its choices."""
    name = draw(st.sampled_from([name for name in SETTINGS if name != "dataset"]))  # which takes nearly anything: see the data
    return name, draw(st.sampled_from(WRONG))


def everything() -> Dataset:
    """24 samples that have all that any method asks for, tokens aside."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(0, 256, (24, 1, 8, 8), dtype=np.uint8))
    y = torch.arange(24) % 3
    other = torch.from_numpy(rng.normal(size=(24, 5)).astype(np.float32))
    graph = (torch.rand(24, 24, generator=torch.Generator().manual_seed(0)) < 0.4).float().fill_diagonal_(0)
    ring = torch.eye(24).roll(1, 0)
    graph = ((graph + graph.T + ring + ring.T) > 0).float()
    return Dataset("everything", x, y, pair=other, companion=other.clone(), graph=graph)


def text() -> Dataset:
    """24 windows of words."""
    x = torch.from_numpy(np.random.default_rng(0).integers(1, 9, (24, 5)))
    return Dataset("words", x, torch.arange(24) % 3, vocabulary=tuple("_abcdefgh"))


SHAPES = ((3,), (16,), (8, 8), (1, 8, 8), (3, 8, 8), (8, 8, 3), (5, 8, 8), (1,), (1, 1), (1, 1, 1), (0,), (), (2, 2, 2, 2))
SCALES = (1, 1, 1, 100, 1e-6, 1e6, 1e14, 0, 1e-20, 1e30, 1e300)
VALUES = (*["plain"] * 4, "constant", "duplicated", "nan", "inf", "one constant column", "shifted")
LABELS = ("none", "ints", "ints", "one class", "unicode", "gaps", "negative", "floats", "mixed", "short", "2-d", "nan")
NAMES = st.text(min_size=1, max_size=12)
NUMERIC = ("float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool", "uint16")
DTYPES = (*NUMERIC, "complex64", "object", "datetime64[s]", "U3", *("float32", "float64") * 3)


@st.composite
def brought_data(draw):
    """Anything that somebody might bring as data: arrays of any form, type, scale and order, labels of any kind."""
    odd = draw(st.sets(st.sampled_from(["shape", "n", "scale", "values", "type", "labels"]), max_size=3))  # the rest is as usual
    shape = draw(st.sampled_from(SHAPES if "shape" in odd else SHAPES[:7]))
    n = draw(st.sampled_from([0, 1, 2, 3, 8, 12, 20] if "n" in odd else [8, 12, 20]))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    x = rng.normal(size=(n, *shape)) * draw(st.sampled_from(SCALES if "scale" in odd else SCALES[:6]))
    how = draw(st.sampled_from(VALUES if "values" in odd else VALUES[:4]))
    if x.size:
        if how == "constant":
            x[:] = 3.0
        elif how == "duplicated":
            x[:] = x[:1]
        elif how in ("nan", "inf"):
            x.flat[rng.integers(x.size)] = np.nan if how == "nan" else np.inf
        elif how == "one constant column":
            x[..., 0] = 7.0
        elif how == "shifted":
            x += 1e7
    with np.errstate(all="ignore"):
        x = _as(x, draw(st.sampled_from(DTYPES if "type" in odd else NUMERIC)))
    layout = draw(st.sampled_from(["C", "F", "reversed", "strided", "tensor", "list", "read-only"]))
    return _laid_out(x, layout), draw(_labels(n, LABELS if "labels" in odd else LABELS[:7]))


def _as(x: np.ndarray, dtype: str) -> np.ndarray:
    return np.abs(x).astype("int64").astype(dtype) if dtype.startswith("datetime") else np.nan_to_num(x).astype(dtype) if (
        dtype in ("uint8", "int8", "int32", "int64", "uint16", "bool")) else x.astype(dtype)  # fmt: skip


def _laid_out(x: np.ndarray, layout: str):
    if layout == "tensor" and x.dtype.kind in "bif" or layout == "tensor" and x.dtype == np.uint8:
        return torch.from_numpy(x.copy())
    if layout == "list":
        return x.tolist()
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "reversed" and x.ndim:
        return x[::-1]
    if layout == "strided" and x.ndim:
        return np.repeat(x, 2, axis=0)[::2]
    if layout == "read-only":
        x.setflags(write=False)
    return x


@st.composite
def _labels(draw, n: int, kinds: tuple[str, ...]):
    kind = draw(st.sampled_from(kinds))
    k = np.arange(n) % 3
    names = draw(st.lists(NAMES, min_size=3, max_size=3))
    return {
        "none": None,
        "ints": k,
        "one class": np.zeros(n, int),
        "unicode": np.array(names, object)[k] if n else np.array([], object),
        "floats": k / 2,
        "mixed": [i if i else "zero" for i in k.tolist()],
        "gaps": k * 1000,
        "short": k[:-1],
        "2-d": k[:, None],
        "negative": k - 5,
        "nan": np.where(k == 1, np.nan, k),
    }[kind]
