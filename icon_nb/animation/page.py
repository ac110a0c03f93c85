"""What the player's page holds: coordinates as 16-bit numbers, names as data, and one script that may run alone."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
import zlib
from functools import cache
from importlib.resources import files
from itertools import zip_longest

import numpy as np

from ..errors import DataError
from ..evaluation.trajectory import Neighbours, Trajectory
from .captions import caption_of, parted
from .palette import class_color, class_marker
from .projection import Projection
from .selection import take_forces
from .sheet import sheet_of
from .view import CAMERA, cameras, eye

SCRIPTS = ("page_theme.js", "player_decode.js", "player_raster.js", "player_view.js", "player_curves.js", "player.js")
LEVELS = 2**16 - 1
"""Steps along the longest side of the box."""


def contents(runs: list[Trajectory], views: list[Projection], titles, linked=(), baselines=(), forces=(), **said) -> dict:
    """Everything the script needs; equal class lists, point sets and picture sheets are told once and numbered.

    ``linked``, ``baselines`` and ``forces`` have an entry a run, or none; ``said`` goes to the page as it is.
    """
    groups, points, sheets = [], [], []
    told, placed = [], _placed(runs, views)
    each = zip_longest(runs, views, titles, placed, linked, baselines, forces)
    for run, view, title, coordinates, links, lines, pulls in each:
        sheet = None if run.images is None else sheet_of(run.images)
        told.append(
            _run(run, title, coordinates)
            | _coordinates(coordinates, view.kind == "sphere")
            | {"group": _number(_group(run), groups), "points": _number(_identity(run), points)}
            | {"sheet": None if sheet is None else _number(sheet, sheets), "baselines": lines or {}}
            | {"links": None if links is None else _links(links)}
            | {"forces": None if pulls is None else _forces(take_forces(pulls, np.arange(run.n_points), run, view))}
        )
    return {"runs": told, "groups": groups, "sheets": sheets} | _captions(views, titles) | said


def _links(links: Neighbours) -> dict:
    """The strongest neighbours, packed: the points as 16-bit numbers, then their probabilities in steps of 1/65,535."""
    return {"k": links.q[0].shape[-1]} | {name: None if each is None else _packed(*each) for name, each in vars(links).items()}


def _forces(parts: np.ndarray) -> str:
    """Attraction and repulsion (2, T, n, dim) as bytes, on one scale: 127 is longer than all but one in a hundred."""
    longest = np.quantile(np.abs(parts), 0.99) or 1.0
    whole = np.rint(parts / longest * 127).clip(-127, 127).astype("i1")
    return base64.b64encode(zlib.compress(whole.tobytes(), 9)).decode()


def _packed(points: np.ndarray, weights: np.ndarray) -> str:
    steps = np.rint(weights.clip(0, 1) * LEVELS)
    return base64.b64encode(zlib.compress(np.stack([points, steps]).astype("<u2").tobytes(), 9)).decode()


def _placed(runs: list[Trajectory], views: list[Projection]) -> list[np.ndarray]:
    """Coordinates (T, n, 2 or 3) of every run; a sphere is turned so that the player begins where the animation ends."""
    placed = [view.coordinates(run) for run, view in zip(runs, views)]
    chosen = cameras(views, [xyz[-1] for xyz in placed])
    turns = [None if camera is None else (eye(*CAMERA).T @ eye(*camera)).T for camera in chosen]
    return [xyz if turn is None else (xyz @ turn).astype(np.float32) for xyz, turn in zip(placed, turns)]


def _captions(views: list[Projection], titles: list[str]) -> dict:
    """The words below all panels, and those below each: what is the same for all is said once."""
    common, own = parted([view.short for view in views], ", ")
    return {"short": common, "own": list(own), "caption": caption_of(views, titles)}


def _number(item, seen: list) -> int:
    if item not in seen:
        seen.append(item)
    return seen.index(item)


def _run(run: Trajectory, title: str, coordinates: np.ndarray) -> dict:
    if not np.isfinite(coordinates).all():
        raise DataError("the projected embedding holds NaN or infinite values: record finite embeddings")
    return {
        "title": title,
        "n": run.n_points,
        "dim": coordinates.shape[2],
        "epochs": run.epochs.tolist(),
        "labels": None if run.labels is None else run.labels.tolist(),
        "index": None if run.index is None else np.asarray(run.index).tolist(),
        "names": list(run.names),
        "held_out": None if run.held_out is None else np.asarray(run.held_out).astype(int).tolist(),
        "metrics": {str(name): [_rounded(value) for value in values] for name, values in run.metrics.items()},
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _group(run: Trajectory) -> dict:
    """Class names, colours and markers; a label without a name is called by its number."""
    count = 0 if run.labels is None else int(run.labels.max(initial=-1)) + 1
    names = [*run.class_names, *map(str, range(len(run.class_names), count))] if count else []
    marked = range(len(names))
    return {"names": names, "colours": [class_color(c) for c in marked], "markers": [class_marker(c) for c in marked]}


def _identity(run: Trajectory) -> str:
    """The same for two runs exactly when they show the same points, so that a pin in one can be shown in the other."""
    about = hashlib.sha256(str(run.n_points).encode())
    for part in (run.index, run.labels):
        about.update(b"none" if part is None else np.ascontiguousarray(part, dtype=np.int64).tobytes())
    return about.hexdigest()


def _coordinates(coordinates: np.ndarray, sphere: bool) -> dict:
    """Coordinates (T, n, dim) as 16-bit numbers in one box for all frames."""
    low, high = coordinates.min((0, 1)).astype(float), coordinates.max((0, 1)).astype(float)
    if sphere:
        low, high = -np.ones(3), np.ones(3)
    centre, half = (low + high) / 2, float((high - low).max()) / 2 or 1.0
    unit = (coordinates - centre) / half  # (T, n, dim) in -1..1
    whole = np.rint((unit + 1) * (LEVELS / 2)).clip(0, LEVELS).transpose(0, 2, 1)  # (T, dim, n)
    return {
        "coordinates": base64.b64encode(whole.astype("<u2").tobytes()).decode(),
        "levels": LEVELS,
        "centre": centre.tolist(),
        "half": half,
        "extent": np.maximum((high - low) / 2 / half, 0.05).tolist(),
        "radius": max(0.05, float(np.sqrt((unit**2).sum(2).max()))),
        "sphere": {"centre": (-centre / half).tolist(), "radius": 1 / half} if sphere else None,
    }


@cache
def assets() -> tuple[str, str, str]:
    """Template, style and script; the script's files share one scope of their own."""
    folder = files("icon_nb.animation") / "page_files"
    read = {name: (folder / name).read_text(encoding="utf-8") for name in ("player.html", "player.css", *SCRIPTS)}
    script = '(() => {\n"use strict";\n' + "\n".join(read[name] for name in SCRIPTS) + "})();\n"
    return read["player.html"], read["player.css"], script


def document(page: dict, title: str, files: tuple[str, str, str] | None = None) -> str:
    """The page; only this script and this style may run in it, by their hashes, and nothing may be loaded.

    ``files`` are the template, the style and the script of a page other than the player.
    """
    template, style, script = files or assets()
    parts = {
        "title": html.escape(title),
        "style": style,
        "script": script,
        "style_hash": _source_hash(style),
        "script_hash": _source_hash(script),
        "data": _json(page),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(page: dict) -> str:
    """JSON that cannot end the script element it stands in: no <, > or & is left, and nothing beyond ASCII."""
    text = json.dumps(page, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
