"""The bench: one self-contained page that trains while you look at it, and whose objective you change under its hands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

import numpy as np

from ..data.augment import build_augment, default_augment
from ..data.loading import load
from ..errors import ConfigError, demand, nearest
from ..methods import axes
from ..methods.catalogue import DATASETS, DIVERGENCES
from ..methods.config import SETTINGS, Config
from ..methods.methods import METHODS
from .display import Page
from .palette import CLASS_COLORS, THEMES
from .player import assets, document, packed

PARTS = ("_divergences", "_math", "_data", "_trainer", "_words", "_view", "_state", "")
HAS = tomllib.loads((files(__package__) / "bench_files/bench.toml").read_text(encoding="utf-8"))
CARRIED = HAS["settings"]
P = {name: axes.SUPERVISORY[name] for name in HAS["supervisory"]}
Q = {name: axes.LEARNED[name] for name in HAS["learned"]}
ROWS = tuple(dict.fromkeys(row.family for row in Q.values()))
HIDDEN, N_POINTS = 64, 500
SMALL_BATCH = 16
"""For the limit that keeps the nearest alone: in a large batch that is too near, and all points fall into one place."""

NAMED = {(each.supervisory, each.learned): each for each in reversed(METHODS.values())}
"""The method of each pair, the first where several share it."""
NAMED["positive_pairs", "student_t"] = METHODS["tsimcne"]  # which was made for two dimensions


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
        ``dataset`` may also be ``"two_moons"``, ``"blobs"`` or ``"drawn"``, points that you draw. A ConfigError for a setting
        that cannot be, or that the page does not have.

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
    for axis, there in [("supervisory", P), ("learned", Q)]:
        own = getattr(method, axis)
        demand(own in there, f"method={method.name!r}: the bench has no {axis}={own!r}; use one of {tuple(there)}")
    given = {name: value for name, value in config.explicit().items() if name in CARRIED}
    dataset = dataset or ("karate_club" if "graph" in method.p.needs else "digits")
    told = given | {"p": method.supervisory, "q": method.learned, "data": dataset}
    page = document({**contents(), "start": told}, "I-Con bench", assets("bench_files/bench", PARTS))
    return BenchPage(page, f"{method.name} on {data[dataset]}")


@cache
def contents() -> dict:
    """All that is the same for every page."""
    made = HAS["made"].items()
    p, q = ({name: {told: getattr(row, told) for told in HAS["told"]} for name, row in rows.items()} for rows in (P, Q))
    return {
        "p": p,
        "q": q,
        "pairs": {f"{p} {q}": pair(p, q) for p in P for q in Q},
        "cells": list(cells()),
        "columns": axes.COLUMNS,
        "rows": {row: title for row, title in axes.ROWS.items() if row in ROWS},
        "data": {name: published(name) for name in HAS["datasets"]} | {name: in_the_plane(**made) for name, made in made},
        "colours": CLASS_COLORS,
        "themes": {style: vars(THEMES[style]) for style in ("notebook", "dark")},
    }


def pair(p: str, q: str) -> dict:
    """What is to be known about one p with one q: why it cannot be, or the settings that it starts with on every backbone."""
    if why := axes.why_not(P[p], Q[q]):
        return {"why": why}
    named = NAMED.get((p, q))
    told = {"method": named.name} if named else {"supervisory": p, "learned": q}
    own = Config(**told).case.backbone
    about = {"method": named.name, "title": named.title, "gap": named.gap, "note": named.note} if named else {}
    return about | {
        "self": list(axes.counts_self(P[p], Q[q])),
        "backbone": own if own in HAS["backbones"] else "mlp",
        "starts": {backbone: start(told, q, backbone) for backbone in HAS["backbones"]},
        "divergences": {} if Q[q].limit else {name: refused(told, divergence=name) for name in DIVERGENCES},
        "distances": {name: refused(told, distance=name) for name in HAS["distances"]},
    }


def start(told: dict, q: str, backbone: str) -> dict | str:
    """The settings of a pair on a backbone, resolved and made small enough to be seen; or why there are none."""
    if why := refused(told, backbone=backbone):
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
    for row, column in product(ROWS, axes.COLUMNS):
        ps = [name for name, each in axes.SUPERVISORY.items() if each.family == column]
        reasons = {(p, q): axes.why_not(axes.SUPERVISORY[p], Q[q]) for p in ps for q in Q if Q[q].family == row}
        inside = [each for each in METHODS.values() if (each.supervisory, each.learned) in reasons]
        possible = [f"{p} {q}" for (p, q), why in reasons.items() if why is None and p in P]
        named = [f"{each.supervisory} {each.learned}" for each in inside]
        yield {
            "row": row,
            "column": column,
            "methods": [[each.title, name, each.gap] for each, name in zip(inside, named)],
            "pair": next((each for each in [*named, *possible] if each in possible), None),
            "why": None if None in reasons.values() else next(iter(reasons.values())),
        }


def published(name: str) -> dict:
    """A data set of the package: at most ``N_POINTS`` of its samples, as a Config with ``n_samples`` takes them.

    Free points are laid out for all samples, networks are shown the training samples alone.
    """
    row, samples = DATASETS[name], {"n_samples": N_POINTS} if len(load(name)) > N_POINTS else {}
    shown = load(name, **samples, whole=True)
    about = {"dataset": name, "title": name.replace("_", " "), "about": row.about, **samples}
    about |= {"augment": default_augment(shown), "augment_strength": row.strength, "table": table(shown, row.strength)}
    return about | ({"network": table(load(name, **samples), row.strength)} if samples else {})


def in_the_plane(title: str, maker: str, options: dict) -> dict:
    """Points that scikit-learn makes, and the line of Python that makes them again."""
    from sklearn import datasets

    x, y = getattr(datasets, maker)(N_POINTS, random_state=0, **options)
    given = ", ".join(f"{name}={value}" for name, value in options.items())
    dataset, code = load((x.astype(np.float32), y)), f"x, y = {maker}({N_POINTS}, random_state=0, {given})"
    about = {"title": title, "about": f"{N_POINTS} points in the plane", "import": maker, "code": code}
    return about | {"augment": default_augment(dataset), "augment_strength": 1.0, "table": table(dataset, 1.0)}


def table(dataset, strength: float) -> dict:
    """The samples, labels and normalisation of a data set, arrays packed, and the parts of its augmentation."""
    x, augment = dataset.x.numpy(), build_augment("auto", dataset, strength)
    return {
        "n": len(x),
        "shape": list(x.shape[1:]),
        "pixels": bool(x.dtype == np.uint8),
        "x": packed(x.astype("u1" if x.dtype == np.uint8 else "<f4")),
        "y": dataset.y.tolist(),
        "names": list(dataset.class_names),
        "mean": dataset.mean.tolist(),
        "std": dataset.std.tolist(),
        "graph": None if dataset.graph is None else dataset.graph.to_dense().tolist(),
        "augment": [{"part": type(part).__name__.lower(), **vars(part)} for part in augment.parts],
    }
