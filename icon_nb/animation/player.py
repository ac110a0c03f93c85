"""The player: a trajectory, or several, as one self-contained HTML page that needs neither network nor server.

The page holds coordinates as whole numbers, names as data, and one script that may run alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from io import BytesIO
from itertools import zip_longest
from types import NoneType

import numpy as np
from PIL import Image

from ..errors import DataError, demand, demand_type
from ..evaluation.trajectory import Neighbours, Trajectory
from .display import Page, image, source
from .options import overlay_names
from .palette import class_color, class_marker
from .projection import Projection, fit_projection
from .view import CAMERA, caption_of, eye, facing, identity, parted, project_forces, words_on_pairs

INLINE_LIMIT = 2_000_000
PARTS = ("_decode", "_raster", "_view", "_curves", "")
LEVELS = (2**16 - 1, 2**14 - 1, 2**12 - 1, 2**11 - 1)
"""Steps along the longest side of the box: the most of these with which all coordinates take so many characters at most."""

MOST_CHARACTERS = 1_500_000

MAX_PIXELS, MAX_BYTES, SMALLEST = 2**20, 200_000, 6
"""Of the pictures of all points in one, and the pixels of a side of each below which nothing can be seen."""


@dataclass(frozen=True, repr=False)
class Player(Page):
    """A page with the epochs of runs; show it as the last value of a cell, or :meth:`save` it."""

    inline_limit: int = INLINE_LIMIT  # bytes; instead of a larger page stand a filmstrip, and a note of its size and the way out
    draw: Callable[[], bytes] = field(default=bytes, compare=False)  # makes the filmstrip, a PNG

    what = "player"
    instead = ", or .animate().save({!r}) for pictures that move"

    @cached_property
    def poster(self) -> bytes:
        """A filmstrip as a PNG, for readers that show no HTML; drawn when first asked for."""
        return self.draw()

    def _repr_html_(self) -> str:
        still = image(self.poster, f"Filmstrip of the embedding: {self.summary}")
        if self.nbytes <= self.inline_limit:
            return self.frame(still)
        return (
            f"{still}<p>The player of {html.escape(self.summary)} has {self.nbytes / 1e6:.1f} MB, above the limit of "
            f'{self.inline_limit / 1e6:.1f} MB inline. Write it with <code>.save("player.html")</code> and open that file, '
            f"or lift the limit with <code>inline_limit={self.nbytes}</code>.</p>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {**super()._repr_mimebundle_(), "image/png": base64.b64encode(self.poster).decode()}


def player(
    trajectories,
    projection: str | Projection | Sequence = "auto",
    *,
    titles: str | Sequence[str] | None = None,
    fit_on="last",
    seed: int = 0,
    height: int | None = None,
    inline_limit: int = INLINE_LIMIT,
    neighbours: Sequence[Neighbours | None] = (),
    baselines: Sequence[Mapping[str, Mapping[str, float]]] = (),
    forces: Sequence[tuple | None] = (),
    own_scale: str | Sequence[str] = (),
    note: str = "",
) -> Player:
    """A page on which the epochs can be played, scrubbed, turned and compared.

    A ConfigError where the numbers of trajectories, projections and titles do not fit together, or a projection cannot be used; a
    DataError for coordinates that are not finite.

    Parameters
    ----------
    trajectories : Trajectory, or anything that holds one (Results, Recorder), or a sequence of them
        Several are shown side by side under one epoch cursor; a run that stopped early holds its last frame.
    projection, fit_on, seed : str, Projection, or a sequence of them
        As in :func:`icon_nb.animation.projection.fit_projection`. Several for one trajectory show it in several ways.
    titles : str or sequence of str, optional
        One heading a panel; the trajectories' own titles by default.
    height, inline_limit : int
        Of the inline frame in CSS pixels; bytes of the largest page that is shown inline.
    neighbours, baselines, forces : sequence, optional
        One a run: the Neighbours that a pinned point is joined to, which of runs of icon_nb are known; dashed lines in the chart
        of a metric, as ``{"knn_accuracy": {"raw inputs": 0.97}}``; attraction and repulsion (n_frames, n, d), arrows at a pinned
        point.
    own_scale : str or sequence of str
        Metrics that are not comparable between the runs: each is drawn on an axis of its own.
    note : str
        A sentence below the charts.

    Notes
    -----
    Coordinates are kept to one part in 65,535 of the longest side of the box of all frames, and to one in 2,047 at least where
    there are so many that the page would be large. Pictures of the points go into one sheet of at most a million pixels: they are
    made smaller where there are many.

    Examples
    --------
    >>> import numpy as np
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 2)).cumsum(0)
    >>> player(Trajectory(walk, np.arange(4), title="a walk")).summary
    '1 run, epochs 0..3, 50 points, 2-d'
    """
    runs, kinds = _pair(trajectories, projection)
    runs = [(replace(run, pair=None) if pulls else run).both for run, pulls in zip_longest(runs, forces)]
    demand_type("titles", titles, (Iterable, NoneType), "a heading for each panel")
    titles = [titles] if isinstance(titles, str) else titles
    names = [run.title or (f"run {k}" if len(runs) > 1 else "") for k, run in enumerate(runs, 1)] if titles is None else titles
    names = [str(name) for name in names]
    demand(len(names) == len(runs), f"titles has {len(names)} entries for {len(runs)} panels: pass one for each")
    views = [fit_projection(run, kind, fit_on, seed) if isinstance(kind, str) else kind for run, kind in zip(runs, kinds)]
    said = {"own_scales": overlay_names(own_scale) if own_scale else (), "note": note}
    page = contents(runs, views, names, neighbours, baselines, forces, **said)
    if height is None:
        height = 620 if len(runs) == 1 else 270 + 350 * math.ceil(len(runs) / 3)
    whole = document(page, " | ".join(filter(None, names)) or "Embedding player")
    most = max(run.n_points for run in runs)

    def strip() -> bytes:
        from .animation import side_by_side
        from .plots import filmstrip

        return filmstrip(side_by_side(runs, names, projection=views, turn=0, max_points=most))

    first, last = min(int(run.epochs[0]) for run in runs), max(int(run.epochs[-1]) for run in runs)
    dims = " and ".join(f"{dim}-d" for dim in sorted({view.dim for view in views}))
    summary = f"{len(runs)} run{'s' * (len(runs) > 1)}, epochs {first}..{last}, {most} points, {dims}"
    return Player(whole, summary, height, inline_limit, strip)


def _pair(given, projection) -> tuple[list[Trajectory], list]:
    """As many trajectories as projections: one of either side serves all of the other."""
    several = not (isinstance(given, Trajectory) or hasattr(given, "trajectory"))
    runs = [getattr(run, "trajectory", run) for run in (given if several else [given])]
    for run in runs:
        said = f"player() shows trajectories, got {type(run).__name__}: pass a Trajectory, Results or Recorder"
        demand(isinstance(run, Trajectory), said)
    kinds = [projection] if isinstance(projection, (str, Projection)) else list(projection)
    demand(runs and kinds, "player() needs at least one trajectory and one projection: pass a Trajectory, or several")
    runs = runs * len(kinds) if len(runs) == 1 else runs
    kinds = kinds * len(runs) if len(kinds) == 1 else kinds
    fits = len(kinds) == len(runs)
    demand(fits, f"projection names {len(kinds)} views for {len(runs)} trajectories: pass one, or one for each")
    return runs, kinds


# What the page holds


def contents(runs: list[Trajectory], views: list[Projection], titles, linked=(), baselines=(), forces=(), **said) -> dict:
    """Everything the script needs; equal class lists, point sets and picture sheets are told once and numbered.

    ``linked``, ``baselines`` and ``forces`` have an entry a run, or none; ``said`` goes to the page as it is.
    """
    seen = {"group": [], "points": [], "sheet": []}
    told, placed = [], _placed(runs, views)
    each = zip_longest(runs, views, titles, placed, linked, baselines, forces)
    for run, view, title, coordinates, links, lines, pulls in each:
        run_told = _run(run, title, coordinates)
        run_told |= _coordinates(coordinates, view.kind == "sphere", MOST_CHARACTERS // len(runs))
        shared = {"group": _group(run), "points": identity(run), "sheet": None if run.images is None else sheet_of(run.images)}
        for name, item in shared.items():
            if item is not None and item not in seen[name]:
                seen[name].append(item)
            run_told[name] = None if item is None else seen[name].index(item)
        run_told |= {"baselines": lines or {}, "links": None if links is None else _links(links)}
        told.append(run_told | {"forces": None if pulls is None else _forces(project_forces(pulls, run, view))})
    common, own = parted([view.short for view in views], ", ")
    words = {"short": common, "own": list(own), "caption": f"{caption_of(views, titles)} {words_on_pairs(runs)}".strip()}
    return {"runs": told, "groups": seen["group"], "sheets": seen["sheet"]} | words | said


def _links(links: Neighbours) -> dict:
    """The strongest neighbours: the points as 16-bit numbers, then their probabilities in steps of 1/65,535."""
    steps = {name: each and (each[0], np.rint(each[1].clip(0, 1) * LEVELS[0])) for name, each in vars(links).items()}
    told = {name: each and packed(np.stack(each).astype("<u2")) for name, each in steps.items()}
    return {"k": links.q[0].shape[-1]} | told


def _forces(parts: np.ndarray) -> str:
    """Attraction and repulsion (2, T, n, dim) as bytes, on one scale: 127 is longer than all but one in a hundred."""
    longest = np.quantile(np.abs(parts), 0.99) or 1.0
    return packed(np.rint(parts / longest * 127).clip(-127, 127).astype("i1"))


def packed(numbers: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode()


def _placed(runs: list[Trajectory], views: list[Projection]) -> list[np.ndarray]:
    """Coordinates (T, n, 2 or 3) of every run; a sphere is turned so that the player begins where the animation ends."""
    placed = [view.coordinates(run) for run, view in zip(runs, views)]
    spheres = [k for k, view in enumerate(views) if view.kind == "sphere"]
    if camera := facing([placed[k][-1] for k in spheres]):
        for k in spheres:
            placed[k] = (placed[k] @ (eye(*CAMERA).T @ eye(*camera)).T).astype(np.float32)
    return placed


def _run(run: Trajectory, title: str, coordinates: np.ndarray) -> dict:
    if not np.isfinite(coordinates).all():
        raise DataError("the projected embedding holds NaN or infinite values: record finite embeddings")
    known = lambda value: float(f"{value:.6g}") if math.isfinite(value) else None  # noqa: E731
    return {
        "title": title,
        "n": run.n_points,
        "dim": coordinates.shape[2],
        "epochs": run.epochs.tolist(),
        "labels": None if run.labels is None else run.labels.tolist(),
        "index": None if run.index is None else np.asarray(run.index).tolist(),
        "names": list(run.names),
        "sides": [] if run.second is None else list(run.sides),
        "edges": None if run.edges is None or not len(run.edges) else packed(run.edges.astype("<u4")),
        "held_out": None if run.held_out is None else np.asarray(run.held_out).astype(int).tolist(),
        "metrics": {str(name): list(map(known, values)) for name, values in run.metrics.items()},
    }


def _group(run: Trajectory) -> dict:
    """Class names, colours and markers; a label without a name is called by its number."""
    count = 0 if run.labels is None else int(run.labels.max(initial=-1)) + 1
    names = [*run.class_names, *map(str, range(len(run.class_names), count))] if count else []
    looks = {"colours": class_color, "markers": class_marker}
    others = [class_marker(c, second=True) for c in range(max(1, len(names)))]
    return {"names": names, "others": others} | {name: list(map(look, range(len(names)))) for name, look in looks.items()}


def _coordinates(coordinates: np.ndarray, sphere: bool, room: int) -> dict:
    """Coordinates (T, n, dim) as whole numbers in one box for all frames, as fine as there is room for, in characters."""
    low, high = coordinates.min((0, 1)).astype(float), coordinates.max((0, 1)).astype(float)
    if sphere:
        low, high = -np.ones(3), np.ones(3)
    centre, half = (low + high) / 2, float((high - low).max()) / 2 or 1.0
    unit = (coordinates - centre) / half  # (T, n, dim) in -1..1
    for levels in LEVELS:
        told = bends(np.rint((unit + 1) * (levels / 2)).clip(0, levels).astype(int).transpose(0, 2, 1))
        if len(told) <= room:
            break
    return {
        "coordinates": told,
        "levels": levels,
        "centre": centre.tolist(),
        "half": half,
        "extent": np.maximum((high - low) / 2 / half, 0.05).tolist(),
        "radius": max(0.05, float(np.sqrt((unit**2).sum(2).max()))),
        "sphere": {"centre": (-centre / half).tolist(), "radius": 1 / half} if sphere else None,
    }


def bends(whole: np.ndarray) -> str:
    """Whole numbers (T, dim, n) below 2^16 as what each is off the straight line through the two frames before it.

    These are small where points glide. They are told modulo 2^16, the sign in the lowest bit, and first the low bytes of all.
    """
    off = whole.copy()
    off[1:] -= whole[:-1]
    off[2:] -= whole[1:-1] - whole[:-2]
    off = off.astype(np.int16)
    signed = ((off << 1) ^ (off >> 15)).astype("<u2")
    deflate = zlib.compressobj(strategy=zlib.Z_RLE)  # looking for repeats takes ten times as long, and finds none
    planes = np.stack([signed & 255, signed >> 8]).astype(np.uint8)
    return base64.b64encode(deflate.compress(planes.tobytes()) + deflate.flush()).decode()


def sheet_of(images: np.ndarray, pixels: int = MAX_PIXELS) -> dict | None:
    """All pictures in one image, row by row, made smaller until it fits; None where nothing could be seen any more."""
    images = np.asarray(images, dtype=np.uint8)
    images = images[..., None] if images.ndim == 3 else images  # (n, h, w, c)
    n, h, w, c = images.shape
    shrink = math.sqrt(pixels / (n * h * w))
    if shrink < 1:
        if min(h, w) * shrink < SMALLEST:
            return None
        h, w = int(h * shrink), int(w * shrink)
        images = np.stack([_picture(image).resize((w, h), Image.Resampling.BOX) for image in images]).reshape(n, h, w, c)
    columns = max(1, round(math.sqrt(n * h / w)))
    rows = math.ceil(n / columns)
    cells = np.zeros((rows * columns, h, w, c), np.uint8)
    cells[:n] = images
    grid = cells.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)
    kind, data = _encoded(grid)
    if len(data) > MAX_BYTES:
        return sheet_of(images, int(grid.shape[0] * grid.shape[1] * 0.9 * MAX_BYTES / len(data)))
    return {"source": source(data, kind), "cell_w": w, "cell_h": h, "columns": columns}


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _encoded(sheet: np.ndarray) -> tuple[str, bytes]:
    """PNG where the pixels are few, otherwise the best JPEG within the budget, or the smallest one where none is."""
    kinds = [("png", {})] if sheet.nbytes <= MAX_BYTES else [("jpeg", {"quality": quality}) for quality in (85, 70, 55)]
    for kind, options in kinds:
        buffer = BytesIO()
        _picture(sheet).save(buffer, kind, **options)
        if buffer.tell() <= MAX_BYTES:
            break
    return kind, buffer.getvalue()


@cache
def assets(page: str = "page_files/player", parts: tuple[str, ...] = PARTS) -> dict[str, str]:
    """The body, the style and the script of a page; the script's files share one scope of their own."""
    folder, scripts = files("icon_nb.animation"), [f"{page}{part}.js" for part in parts]
    names = ["page_files/page.html", f"{page}.html", f"{page}.css", "page_files/page_theme.js", *scripts]
    frame, body, style, *script = ((folder / name).read_text(encoding="utf-8") for name in names)
    whole = "".join(text.removeprefix('"use strict";\n') for text in script)
    return {"frame": frame, "body": body, "style": style, "script": f'(() => {{\n"use strict";\n{whole}}})();\n'}


def document(page: dict, title: str, parts: dict[str, str] | None = None) -> str:
    """The page; only this script and this style may run in it, by their hashes, and nothing may be loaded.

    ``parts`` are the assets of a page other than the player.
    """
    data = json.dumps(page, separators=(",", ":"), allow_nan=False)  # all ASCII; as it is here, it cannot end its element
    data = data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    parts = {**(parts or assets()), "title": html.escape(title), "data": data}
    for name in ("style", "script"):
        digest = hashlib.sha256(parts[name].encode()).digest()
        parts[f"{name}_hash"] = f"sha256-{base64.b64encode(digest).decode()}"
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], parts["frame"])
