"""The player: a trajectory, or several, as one self-contained HTML page that needs neither network nor server."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import math
import os
import re
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from .errors import ConfigError, DataError, SaveError
from .palette import class_color, class_marker
from .projection import Projection, fit_projection
from .trajectory import Trajectory

INLINE_MB = 2.0
SCRIPTS = ("player_decode.js", "player_raster.js", "player_view.js", "player_curves.js", "player.js")
# Steps along the longest side of the box: at the strongest zoom a step is about a pixel, and a page is a fifth smaller than with
# all 16 bits.
LEVELS = 2**14 - 1
SHEET_PIXELS = 2**20
SHEET_BYTES = 200_000
SMALLEST_PICTURE = 6


@dataclass(frozen=True)
class Player:
    """A finished page; show it as the last value of a cell, or :meth:`save` it.

    Parameters
    ----------
    html : str
        The whole page.
    summary : str
        What it shows, in one line.
    height : int
        Height of the inline frame in CSS pixels.
    max_mb : float
        A page larger than this is not shown inline; a note says its size and what to do.
    """

    html: str = field(repr=False)
    summary: str
    height: int = 620
    max_mb: float = INLINE_MB

    @property
    def nbytes(self) -> int:
        """Size of the page in bytes."""
        return len(self.html.encode())

    def save(self, path) -> Path:
        """Write the page to ``path``: the whole file or, when that fails, nothing.

        Raises
        ------
        SaveError
            The folder cannot be written to.
        """
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, self.html.encode())
        except OSError as error:
            raise SaveError(f"the player could not be written to {str(path)!r}: {error.strerror or error}") from error
        return path

    def __repr__(self) -> str:
        return f"Player({self.summary}, {self.nbytes / 1e6:.2f} MB)"

    def _repr_html_(self) -> str:
        return self._note() if self.nbytes > self.max_mb * 1e6 else self._frame()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _frame(self) -> str:
        """An iframe that may run the page's script and nothing else: it cannot reach the notebook around it."""
        title, page = html.escape(self.summary, quote=True), html.escape(self.html, quote=True)
        return (
            f'<iframe title="{title}" sandbox="allow-scripts" width="100%" height="{self.height}" '
            f'style="border:0;width:100%;height:{self.height}px" srcdoc="{page}"></iframe>'
        )

    def _note(self) -> str:
        size, limit = self.nbytes / 1e6, math.ceil(self.nbytes / 1e6)
        return (
            f"<p>The player of {html.escape(self.summary)} is {size:.1f} MB, more than the {self.max_mb:g} MB "
            f'shown inside a notebook. Write it to a file with <code>.save("player.html")</code> and open that, '
            f"or show it here with <code>max_mb={limit}</code>.</p>"
        )


def player(
    trajectories,
    projection: str | Projection | Sequence = "auto",
    *,
    titles: str | Sequence[str] | None = None,
    fit_on="last",
    seed: int = 0,
    height: int | None = None,
    max_mb: float = INLINE_MB,
) -> Player:
    """A page on which the epochs can be played, scrubbed, turned and compared.

    Parameters
    ----------
    trajectories : Trajectory, or a sequence of them
        Several are shown side by side under one epoch cursor; a run that stopped early holds its last frame.
    projection : str, Projection, or a sequence of them
        As in :func:`icon_nb.projection.fit_projection`. Several for one trajectory show it in several ways.
    titles : str or sequence of str, optional
        One heading a panel; the trajectories' own titles by default.
    fit_on, seed
        As in :func:`icon_nb.projection.fit_projection`.
    height : int, optional
        Height of the inline frame in CSS pixels.
    max_mb : float
        Largest page that is shown inline.

    Returns
    -------
    Player

    Raises
    ------
    ConfigError
        The numbers of trajectories, projections and titles do not fit together, or a projection cannot be used.
    DataError
        Coordinates that are not finite.

    Notes
    -----
    Coordinates are kept to one part in 16,383 of the longest side of the box of all frames. Pictures of the points go into one
    sheet of at most a million pixels: they are made smaller where there are many.

    Examples
    --------
    >>> import numpy as np
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 2)).cumsum(0)
    >>> page = player(Trajectory(walk, np.arange(4), title="a walk"))
    >>> page.summary
    '1 run, epochs 0..3, 50 points, 2-d'
    """
    runs = [trajectories] if isinstance(trajectories, Trajectory) else list(trajectories)
    runs, kinds = _pair(runs, projection)
    names = _titles(runs, titles)
    views = [fit_projection(run, kind, fit_on, seed) if isinstance(kind, str) else kind for run, kind in zip(runs, kinds)]
    page = _page(runs, views, names)
    if height is None:
        height = 620 if len(runs) == 1 else 250 + 350 * math.ceil(len(runs) / 3)
    return Player(_document(page, " | ".join(filter(None, names)) or "Embedding player"), _summary(runs, views), height, max_mb)


def _pair(runs: list[Trajectory], projection) -> tuple[list[Trajectory], list]:
    """As many trajectories as projections: one of either side serves all of the other."""
    kinds = [projection] if isinstance(projection, (str, Projection)) else list(projection)
    if not runs or not kinds:
        raise ConfigError("player() needs at least one trajectory and one projection: pass a Trajectory, or several")
    if len(runs) == 1:
        runs = runs * len(kinds)
    if len(kinds) == 1:
        kinds = kinds * len(runs)
    if len(kinds) != len(runs):
        raise ConfigError(f"projection names {len(kinds)} views for {len(runs)} trajectories: pass one, or one for each")
    return runs, kinds


def _titles(runs: list[Trajectory], titles) -> list[str]:
    if titles is None:
        return [run.title or (f"run {place + 1}" if len(runs) > 1 else "") for place, run in enumerate(runs)]
    titles = [titles] if isinstance(titles, str) else [str(title) for title in titles]
    if len(titles) != len(runs):
        raise ConfigError(f"titles has {len(titles)} entries for {len(runs)} panels: pass one for each")
    return titles


def _summary(runs: list[Trajectory], views: list[Projection]) -> str:
    count = f"{len(runs)} run" + "s" * (len(runs) > 1)
    first, last = min(int(run.epochs[0]) for run in runs), max(int(run.epochs[-1]) for run in runs)
    points = max(run.n_points for run in runs)
    dims = " and ".join(f"{dim}-d" for dim in sorted({view.dim for view in views}))
    return f"{count}, epochs {first}..{last}, {points} points, {dims}"


# --- what the page is told ------------------------------------------------------------------------------------------------


def _page(runs: list[Trajectory], views: list[Projection], titles: list[str]) -> dict:
    """Everything the script needs; equal class lists, point sets and picture sheets are told once and numbered."""
    groups, points, sheets = [], [], []
    told = []
    for run, view, title in zip(runs, views, titles):
        sheet = None if run.images is None else _sheet(run.images)
        told.append(
            _run(run, view, title)
            | {"group": _number(_group(run), groups), "points": _number(_identity(run), points)}
            | {"sheet": None if sheet is None else _number(sheet, sheets)}
        )
    return {"runs": told, "groups": groups, "sheets": sheets}


def _number(item, seen: list) -> int:
    if item not in seen:
        seen.append(item)
    return seen.index(item)


def _run(run: Trajectory, view: Projection, title: str) -> dict:
    coordinates = view.coordinates(run)
    if not np.isfinite(coordinates).all():
        raise DataError("the projected embedding holds NaN or infinite values: record finite embeddings")
    return {
        "title": title,
        "short": view.short,
        "caption": view.caption,
        "n": run.n_points,
        "dim": coordinates.shape[2],
        "epochs": run.epochs.tolist(),
        "labels": None if run.labels is None else run.labels.tolist(),
        "index": None if run.index is None else np.asarray(run.index).tolist(),
        "held_out": None if run.held_out is None else np.asarray(run.held_out).astype(int).tolist(),
        "metrics": {str(name): [_rounded(value) for value in values] for name, values in run.metrics.items()},
    } | _pack(coordinates, _is_sphere(view, coordinates))


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


def _is_sphere(view: Projection, coordinates: np.ndarray) -> bool:
    return view.kind == "sphere" or (view.dim == 3 and bool(np.abs(np.linalg.norm(coordinates, axis=2) - 1).max() < 1e-3))


# --- coordinates and pictures as text -------------------------------------------------------------------------------------


def _pack(coordinates: np.ndarray, sphere: bool) -> dict:
    """Coordinates (T, n, dim) as 16-bit numbers in one box for all frames, packed: whole frames or steps, what is smaller."""
    low, high = coordinates.min((0, 1)).astype(float), coordinates.max((0, 1)).astype(float)
    if sphere:
        low, high = -np.ones(3), np.ones(3)
    centre, half = (low + high) / 2, float((high - low).max()) / 2 or 1.0
    unit = (coordinates - centre) / half  # (T, n, dim) in -1..1
    whole = np.rint((unit + 1) * (LEVELS / 2)).clip(0, LEVELS).astype(np.uint16).transpose(0, 2, 1)  # (T, dim, n)
    steps = np.concatenate([whole[:1], whole[1:] - whole[:-1]])
    packed = [_squeeze(whole), _squeeze(steps)]
    delta = len(packed[1]) < len(packed[0])
    return {
        "coordinates": base64.b64encode(packed[delta]).decode(),
        "delta": delta,
        "levels": LEVELS,
        "centre": centre.tolist(),
        "half": half,
        "extent": np.maximum((high - low) / 2 / half, 0.05).tolist(),
        "radius": max(0.05, float(np.sqrt((unit**2).sum(2).max()))),
        "sphere": {"centre": (-centre / half).tolist(), "radius": 1 / half} if sphere else None,
    }


def _squeeze(values: np.ndarray) -> bytes:
    """Low bytes first, then high bytes, as zlib: like stands beside like, and the bytes carry no date."""
    planes = np.ascontiguousarray(values.astype("<u2")).view(np.uint8).reshape(-1, 2).T
    return zlib.compress(np.ascontiguousarray(planes).tobytes(), 6)


def _sheet(images: np.ndarray, pixels: int = SHEET_PIXELS) -> dict | None:
    """All pictures in one image, row by row, made smaller until it fits; None where nothing could be seen any more."""
    images = np.asarray(images, dtype=np.uint8)
    images = images[..., None] if images.ndim == 3 else images  # (n, h, w, c)
    n, h, w, _ = images.shape
    shrink = math.sqrt(pixels / (n * h * w))
    if shrink < 1 and min(h, w) * shrink < SMALLEST_PICTURE:
        return None
    if shrink < 1:
        images = np.stack([_resized(image, int(w * shrink), int(h * shrink)) for image in images])
    grid, columns = _grid(images)
    kind, data = _picture(grid)
    if len(data) > SHEET_BYTES:
        return _sheet(images, int(grid.shape[0] * grid.shape[1] * 0.9 * SHEET_BYTES / len(data)))
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"source": source, "cell_w": images.shape[2], "cell_h": images.shape[1], "columns": columns}


def _grid(images: np.ndarray) -> tuple[np.ndarray, int]:
    """Pictures (n, h, w, c) as one nearly square picture, and how many stand in a row."""
    n, h, w, c = images.shape
    columns = max(1, round(math.sqrt(n * h / w)))
    rows = math.ceil(n / columns)
    cells = np.zeros((rows * columns, h, w, c), np.uint8)
    cells[:n] = images
    return cells.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c), columns


def _resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    small = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).resize((width, height), Image.Resampling.BOX)
    return np.asarray(small).reshape(height, width, -1)


def _picture(sheet: np.ndarray) -> tuple[str, bytes]:
    """PNG where the pixels are few, otherwise the best JPEG within the budget, or the smallest one where none is."""
    picture, buffer = Image.fromarray(sheet[..., 0] if sheet.shape[2] == 1 else sheet), io.BytesIO()
    if sheet.nbytes <= SHEET_BYTES:
        picture.save(buffer, "PNG")
        return "png", buffer.getvalue()
    for quality in (85, 70, 55):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= SHEET_BYTES:
            break
    return "jpeg", buffer.getvalue()


# --- the document ---------------------------------------------------------------------------------------------------------


@cache
def _assets() -> tuple[str, str, str]:
    """Template, style and script; the script's files share one scope of their own."""
    folder = files(__package__) / "assets"
    read = {name: (folder / name).read_text(encoding="utf-8") for name in ("player.html", "player.css", *SCRIPTS)}
    script = '(() => {\n"use strict";\n' + "\n".join(read[name] for name in SCRIPTS) + "})();\n"
    return read["player.html"], read["player.css"], script


def _document(page: dict, title: str) -> str:
    """The page; only this script and this style may run in it, by their hashes, and nothing may be loaded."""
    template, style, script = _assets()
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


def _replace(path: Path, data: bytes) -> None:
    """Write beside ``path``, make sure it reached the disk, then take its place."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
