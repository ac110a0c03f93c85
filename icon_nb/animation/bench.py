"""The bench: one self-contained page that trains while you look at it, and whose objective you change under its hands."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..data.augment import build_augment, default_augment
from ..data.loading import load
from ..errors import ConfigError, demand, nearest
from ..methods import axes
from ..methods.catalogue import DATASETS, DIVERGENCES
from ..methods.config import SETTINGS, Config
from ..methods.methods import METHODS
from .display import Page
from .page import assets, document
from .palette import CLASS_COLORS, THEMES

_PARTS = ("_divergences", "_math", "_data", "_trainer", "_words", "_view", "_state", "")
SCRIPTS = tuple(f"bench_files/bench{part}.js" for part in _PARTS)
OWN_DATA = ("two_moons", "blobs", "drawn")
"""Data that only the page has; the others are names of the package."""


@dataclass(frozen=True, repr=False)
class BenchPage(Page):
    """A page that trains in the browser."""

    height: int = 1500
    what = "bench"


def bench(**start) -> BenchPage:
    """A page that trains in the browser, without a kernel: choose p, q and the divergence, move a slider, and watch.

    Parameters
    ----------
    **start
        Settings of :class:`icon_nb.Config` that the page starts with, for instance ``method="simclr"``, ``temperature=0.1``.
        ``dataset`` may also be ``"two_moons"``, ``"blobs"`` or ``"drawn"``, points that you draw.

    Raises
    ------
    ConfigError
        A setting that cannot be, or that the page does not have.

    Examples
    --------
    >>> page = bench(method="tsne_conditional", df=2.0)
    >>> page.summary
    'tsne_conditional on digits'
    """
    dataset = start.pop("dataset", None)
    data = {name: each["title"] for name, each in contents()["data"].items()} | {"drawn": "your own points"}
    demand(dataset is None or dataset in data, f"dataset={dataset!r} is not on the bench; {nearest(dataset, data)}")
    for name in start:
        known = name not in SETTINGS or name in (*CARRIED, "method", "supervisory", "learned")
        demand(known, f"{name} has no effect on the bench: leave it out")
    config = Config(**start or {"method": "tsne_conditional"})
    method = config.case.method
    for axis, there in [("supervisory", SUPERVISORY), ("learned", LEARNED)]:
        own = getattr(method, axis)
        demand(own in there, f"method={method.name!r}: the bench has no {axis}={own!r}; use one of {there}")
    given = {name: value for name, value in config.explicit().items() if name in CARRIED}
    dataset = dataset or ("karate_club" if "graph" in method.p.needs else "digits")
    told = given | {"p": method.supervisory, "q": method.learned, "data": dataset}
    page = document({**contents(), "start": told}, "I-Con bench", assets("bench_files/bench", SCRIPTS))
    return BenchPage(page, f"{method.name} on {data[dataset]}")


SUPERVISORY = (
    "gaussian", "gaussian_joint", "gaussian_fixed", "student_t", "identity", "graph", "graph_gibbs", "knn", "positive_pairs",
    "same_class", "label",
)  # fmt: skip
"""The p of the page; the others need a second modality, companion embeddings, a second encoder or a text."""

LEARNED = (
    "gaussian", "gaussian_wide", "gaussian_narrow", "student_t", "student_t_joint", "student_t_narrow", "clusters",
)  # fmt: skip
"""The q of the page."""

TOLD = ("title", "family", "needs", "limit", "positive", "candidates", "settings")
"""What the page knows of a p or a q."""

ROWS = tuple(dict.fromkeys(axes.LEARNED[name].family for name in LEARNED))

BACKBONES = ("table", "linear", "mlp")
HIDDEN = 64
N_POINTS = 500
SMALL_BATCH = 16
"""For the limit that keeps the nearest alone: in a large batch that is too near, and all points fall into one place."""

CARRIED = (
    "divergence", "kl_weight", "renyi_order", "temperature", "distance", "df", "margin", "perplexity", "p_temperature",
    "n_neighbors", "alpha", "alpha_on",
    "backbone", "embedding_dim", "hidden_dim", "init", "n_views", "augment", "augment_strength", "batch_size", "learning_rate",
    "optimizer", "momentum",
)  # fmt: skip
"""The settings that the page has."""

NAMED = {(each.supervisory, each.learned): each for each in reversed(METHODS.values())}
"""The method of each pair, the first where several share it."""
NAMED["positive_pairs", "student_t"] = METHODS["tsimcne"]  # which was made for two dimensions


@cache
def contents() -> dict:
    """All that is the same for every page."""
    pairs = {f"{p} {q}": pair(p, q) for p in SUPERVISORY for q in LEARNED}
    return {
        "p": {name: {told: getattr(axes.SUPERVISORY[name], told) for told in TOLD} for name in SUPERVISORY},
        "q": {name: {told: getattr(axes.LEARNED[name], told) for told in TOLD} for name in LEARNED},
        "pairs": pairs,
        "cells": list(cells()),
        "columns": axes.COLUMNS,
        "rows": {row: title for row, title in axes.ROWS.items() if row in ROWS},
        "data": data(),
        "colours": CLASS_COLORS,
        "themes": {style: vars(THEMES[style]) for style in ("notebook", "dark")},
    }


def pair(p: str, q: str) -> dict:
    """What is to be known about one p with one q: why it cannot be, or the settings that it starts with on every backbone."""
    why = axes.why_not(axes.SUPERVISORY[p], axes.LEARNED[q])
    if why:
        return {"why": why}
    in_p, in_q = axes.counts_self(axes.SUPERVISORY[p], axes.LEARNED[q])
    named = NAMED.get((p, q))
    told = {"method": named.name} if named else {"supervisory": p, "learned": q}
    own = Config(**told).case.backbone
    about = {"method": named.name, "title": named.title, "gap": named.gap, "note": named.note} if named else {}
    return about | {
        "self": [in_p, in_q],
        "backbone": own if own in BACKBONES else "mlp",
        "starts": {backbone: start(told, q, backbone) for backbone in BACKBONES},
        "divergences": {} if axes.LEARNED[q].limit else {name: refused(told, divergence=name) for name in DIVERGENCES},
        "distances": {name: refused(told, distance=name) for name in ("sqeuclidean", "cosine", "neg_dot")},
    }


def start(told: dict, q: str, backbone: str) -> dict | str:
    """The settings of a pair on a backbone, resolved and made small enough to be seen; or why there are none."""
    why = refused(told, backbone=backbone)
    if why:
        return why
    settings = Config(**told, backbone=backbone).resolve().to_dict()
    settings = {name: settings[name] for name in CARRIED if name in settings}
    if q != "clusters":  # as many dimensions as can be seen; directions have one less
        settings["embedding_dim"] = 3 if settings.get("distance") == "cosine" else 2
    if "hidden_dim" in settings:
        settings["hidden_dim"] = HIDDEN
    if q == "gaussian_narrow" and "batch_size" in settings:
        settings["batch_size"] = SMALL_BATCH
    if settings.get("init") == "kmeans++":
        settings["init"] = "random"
    return settings


def refused(told: dict, **settings) -> str | None:
    """Why a Config with these settings cannot be; None where it can."""
    try:
        Config(**told, **settings)
    except ConfigError as error:
        return str(error)
    return None


def cells() -> Iterator[dict]:
    """The cells of the published figure, row by row: what is in each, which pair it sets, or why there is none."""
    for row in ROWS:
        for column in axes.COLUMNS:
            ps = [name for name, each in axes.SUPERVISORY.items() if each.family == column]
            here = [(p, q) for p in ps for q in LEARNED if axes.LEARNED[q].family == row]
            inside = [each for each in METHODS.values() if (each.supervisory, each.learned) in here]
            reasons = [axes.why_not(axes.SUPERVISORY[p], axes.LEARNED[q]) for p, q in here]
            possible = [f"{p} {q}" for (p, q), why in zip(here, reasons) if why is None and p in SUPERVISORY]
            named = [f"{each.supervisory} {each.learned}" for each in inside]
            yield {
                "row": row,
                "column": column,
                "methods": [[each.title, f"{each.supervisory} {each.learned}", each.gap] for each in inside],
                "pair": next((each for each in [*named, *possible] if each in possible), None),
                "why": None if None in reasons else reasons[0],
            }


def data() -> dict[str, dict]:
    """The data sets of the page. Free points are laid out for all samples, networks are shown the training samples alone."""
    found = {name: {"dataset": name, **published(name)} for name in ("digits", "moving_digits", "karate_club")}
    return found | {"two_moons": flat("two moons", "make_moons", noise=0.08), "blobs": flat("blobs", "make_blobs", centers=5)}


def published(name: str) -> dict:
    """A data set of the package: at most ``N_POINTS`` of its samples, as a Config with ``n_samples`` takes them."""
    many = len(load(name)) > N_POINTS
    samples = {"n_samples": N_POINTS} if many else {}
    shown, trained = load(name, **samples, whole=True), load(name, **samples)
    about = {"title": name.replace("_", " "), "about": DATASETS[name].about, **samples, **augmentation(shown)}
    return about | {"table": packed(shown)} | ({"network": packed(trained)} if many else {})


def flat(title: str, maker: str, **options) -> dict:
    """Points in the plane that scikit-learn makes, and the line of Python that makes them again."""
    from sklearn import datasets

    x, y = getattr(datasets, maker)(N_POINTS, random_state=0, **options)
    given = ", ".join(f"{name}={value}" for name, value in options.items())
    code = f"x, y = {maker}({N_POINTS}, random_state=0, {given})"
    dataset = load((x.astype(np.float32), y))
    about = {"title": title, "about": f"{N_POINTS} points in the plane", "import": maker, "code": code, **augmentation(dataset)}
    return about | {"table": packed(dataset)}


def augmentation(dataset) -> dict:
    """What ``augment="auto"`` means for a data set, and how strong it is."""
    row = DATASETS.get(dataset.name)
    return {"augment": default_augment(dataset), "augment_strength": row.strength if row else 1.0}


def packed(dataset) -> dict:
    """The samples, labels and normalisation of a data set, arrays packed, and the parts of its augmentation."""
    x = dataset.x.numpy()
    augment = build_augment("auto", dataset, augmentation(dataset)["augment_strength"])
    raw = x.astype("u1" if x.dtype == np.uint8 else "<f4").tobytes()
    return {
        "n": len(x),
        "shape": list(x.shape[1:]),
        "pixels": bool(x.dtype == np.uint8),
        "x": base64.b64encode(zlib.compress(raw, 9)).decode(),
        "y": dataset.y.tolist(),
        "names": list(dataset.class_names),
        "mean": dataset.mean.tolist(),
        "std": dataset.std.tolist(),
        "graph": None if dataset.graph is None else dataset.graph.to_dense().tolist(),
        "augment": [{"part": type(part).__name__.lower(), **vars(part)} for part in augment.parts],
    }
