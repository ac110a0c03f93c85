"""Plain records of a run: its trajectory, and what p and q say about some of the points. Drawing lives elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np

from ..errors import DataError, LoadError, demand, demand_type, shown
from ..files import place, read, read_npz, write_whole

ARRAYS = ("embeddings", "epochs", "labels", "index", "images", "held_out", "second", "pair", "edges")
TEXTS = {"title": str, "class_names": tuple, "names": tuple, "sides": tuple}
OF_POINTS = {"labels": "iu", "index": "iu", "held_out": "b", "names": "OUiuf"}
"""What is known of every point, and the kinds of arrays that hold it."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The embedding of fixed evaluation points at every recorded epoch.

    Parameters
    ----------
    embeddings : float32 array (n_frames, n, d)
        Frame t holds the same n points in the same order as frame 0.
    epochs : int64 array (n_frames,)
        Strictly increasing; 0 is the untrained embedding.
    labels : int64 array (n,) or None
        Class of each point.
    class_names : tuple of str
        ``class_names[labels[i]]`` names the class of point i; empty when unlabelled.
    metrics : mapping of str to float64 array (n_frames,)
        For instance ``loss`` and ``knn_accuracy``; NaN where a frame has no value.
    index : int64 array (n,) or None
        Position of each point in the data set it came from.
    images : uint8 array (n, h, w, c) or None
        A small picture of each point, c is 1 or 3.
    held_out : bool array (n,) or None
        True where the backbone was not trained on the point.
    title : str
        What the pictures are headed with, for instance ``"simclr on digits"``.
    names : tuple of str
        What each point is called, for instance the words of a vocabulary; empty where they have no names.
    edges : integer array (m, 2) or None
        Positions of the points that a line can join, for instance the edges of a graph.
    pair : float32 array (n_frames, n, d) or None
        The embedding, in the same space, of what belongs to each point in a second modality, for instance its caption. Pictures
        show both; scores look at ``embeddings`` alone.
    sides : (str, str) or ()
        What a point and its pair are, for instance ``("image", "text")``.
    second : bool array (n,) or None
        True for the points of the second modality, where those of both stand side by side; see :attr:`both`.
    """

    embeddings: np.ndarray
    epochs: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)
    index: np.ndarray | None = None
    images: np.ndarray | None = None
    held_out: np.ndarray | None = None
    title: str = ""
    names: tuple[str, ...] = ()
    edges: np.ndarray | None = None
    pair: np.ndarray | None = None
    sides: tuple[str, ...] = ()
    second: np.ndarray | None = None

    def __post_init__(self):
        demand_type("embeddings", self.embeddings, np.ndarray, "a numpy array (n_frames, n, d)", DataError)
        shape, t = self.embeddings.shape, len(self.epochs)
        fits = len(shape) == 3 and shape[0] == t > 0
        demand(fits, f"embeddings must be (n_frames, n, d) with as many epochs; got {shape} and {t} epochs", DataError)
        for name in OF_POINTS:
            value = getattr(self, name) if name != "names" else self.names or None
            if value is not None and len(of_points(name, value)) != shape[1]:
                raise DataError(f"{name} has {len(value)} entries for {shape[1]} points: pass one per point")
        if self.pair is not None:
            demand(np.shape(self.pair) == shape, f"pair has shape {np.shape(self.pair)}: give {shape}, as embeddings", DataError)
            vars(self)["sides"] = checked_sides(self.sides or ("point", "pair"))
        if self.edges is not None:
            vars(self)["edges"] = checked_edges(self.edges, shape[1])
        if self.labels is not None:  # unsigned ones know no -1
            vars(self)["labels"] = of_points("labels", self.labels).astype(np.int64)
        checked_title(self.title)

    def save(self, path) -> Path:
        """Write it to one ``.npz`` file, whole or not at all, and return the path; a SaveError leaves an older one as it was."""
        told = {name: getattr(self, name) for name in ARRAYS if getattr(self, name) is not None}
        about = {name: getattr(self, name) for name in TEXTS} | {"metrics": list(self.metrics)}
        curves = {f"metric_{k}": np.asarray(values) for k, values in enumerate(self.metrics.values())}
        buffer, path = BytesIO(), place(path)
        np.savez_compressed(buffer, about=np.array(json.dumps(about)), **told, **curves)
        return write_whole(path if path.suffix or not path.name else path.with_name(f"{path.name}.npz"), buffer.getvalue())

    @classmethod
    def load(cls, path) -> Trajectory:
        """What :meth:`save` wrote; nothing in the file is run. A LoadError where it cannot be read, or is no trajectory."""
        path = place(path, LoadError)
        path = path if path.suffix or path.exists() else path.with_suffix(".npz")  # as save calls it
        try:
            file = read_npz(BytesIO(read(path)))
            about = {"sides": ()} | json.loads(str(file["about"]))  # which older ones do not name
            metrics = {name: file[f"metric_{k}"] for k, name in enumerate(about["metrics"])}
            texts = {name: kind(about[name]) for name, kind in TEXTS.items()}
            return cls(**{name: file[name] for name in ARRAYS if name in file}, metrics=metrics, **texts)
        except LoadError:
            raise
        except Exception as error:  # zipfile, numpy and json each raise their own
            raise LoadError(f"{path} holds no trajectory ({error}): give a file that Trajectory.save wrote") from error

    def take(self, keep: np.ndarray) -> Trajectory:
        """The same trajectory with only the points at these positions."""
        kept = {name: np.asarray(value)[keep] for name in ARRAYS[2:-2] if (value := getattr(self, name)) is not None}
        kept["names"] = tuple(self.names[i] for i in keep) if self.names else ()
        kept |= {"pair": None if self.pair is None else self.pair[:, keep]}
        kept |= {"edges": None if self.edges is None else edges_among(self.edges, keep, self.n_points)}
        return replace(self, embeddings=self.embeddings[:, keep], **kept)

    @cached_property
    def both(self) -> Trajectory:
        """Points and pairs as the points of one trajectory, the pair of point i at n + i, joined to it; itself without pairs."""
        if self.pair is None:
            return self
        n, twice = self.n_points, {name: getattr(self, name) for name in ("labels", "index", "images", "held_out")}
        doubled = {name: None if value is None else np.concatenate([value, value]) for name, value in twice.items()}
        joined = np.stack([np.arange(n), np.arange(n) + n], 1)
        edges = joined if self.edges is None else np.concatenate([self.edges, joined])
        about = {"names": 2 * self.names, "edges": edges, "pair": None, "second": np.arange(2 * n) >= n}
        return replace(self, embeddings=np.concatenate([self.embeddings, self.pair], 1), **doubled, **about)

    @property
    def n_frames(self) -> int:
        return self.embeddings.shape[0]

    @property
    def n_points(self) -> int:
        return self.embeddings.shape[1]

    @property
    def dim(self) -> int:
        return self.embeddings.shape[2]

    @property
    def of_unit_length(self) -> bool:
        """Whether the embeddings were recorded as directions, as those of every method with ``distance="cosine"`` are."""
        return bool(np.abs(np.linalg.norm(self.embeddings, axis=-1) - 1).max(initial=0) < 1e-3)

    def to_frame(self):
        """A pandas DataFrame with a row for each point at each epoch: epoch, point, label if there are any, z0, z1, ...

        ``point`` is the position in the data set where that is known. Write it with ``to_parquet``, ``to_csv`` and the like.

        >>> seen = Trajectory(np.zeros((2, 3, 2)), np.array([0, 5]), np.array([0, 0, 1]), ("cat", "dog"))
        >>> seen.to_frame().columns.tolist(), len(seen.to_frame())
        (['epoch', 'point', 'label', 'z0', 'z1'], 6)
        """
        try:
            import pandas as pd
        except ImportError:
            raise DataError("to_frame needs pandas: pip install pandas, or use trajectory.embeddings, a numpy array") from None
        index = np.arange(self.n_points) if self.index is None else self.index
        columns = {"epoch": np.repeat(self.epochs, self.n_points), "point": np.tile(index, self.n_frames)}
        if self.labels is not None:
            names = np.array(self.class_names, object)[self.labels] if self.class_names else self.labels
            columns["label"] = np.tile(names, self.n_frames)
        flat = self.embeddings.reshape(-1, self.dim)
        return pd.DataFrame(columns | {f"z{k}": flat[:, k] for k in range(self.dim)})

    def __repr__(self) -> str:
        first, last = int(self.epochs[0]), int(self.epochs[-1])
        return f"Trajectory({self.n_frames} frames, epochs {first}..{last}, {self.n_points} points, {self.dim}-d)"


@dataclass(frozen=True, eq=False)
class Rows:
    """What p and q say about some anchors of one batch, epoch by epoch."""

    p: np.ndarray  # (anchors, m)
    q: np.ndarray | None  # (n_frames, anchors, m); None where q is a limit of the temperature, which is no distribution
    anchors: tuple[str, ...]  # the class of each, or its position
    candidates: tuple[str, ...]  # the name of each of the m; "" where it has none


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The strongest neighbours of every recorded point: which, strongest first, and their probabilities."""

    p: tuple[np.ndarray, np.ndarray] | None  # (n, k) both; None where p does not speak of recorded points
    q: tuple[np.ndarray, np.ndarray]  # (n_frames, n, k) both


def of_points(name: str, value) -> np.ndarray:
    """What is known of every point, as an array (n,); a DataError where it is none, or of another kind."""
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except ValueError:  # rows of several lengths
        array = np.empty(())
    if array.ndim != 1 or array.dtype.kind not in OF_POINTS[name]:
        what = {"names": "texts", "held_out": "booleans"}.get(name, "whole numbers")
        raise DataError(f"{name}={shown(value)}: give {what}, one for each point")
    return array


def checked_edges(edges, n: int | None = None) -> np.ndarray:
    """Positions (m, 2) of joined points, among n where that is known; a DataError for anything else."""
    edges = np.asarray(edges.detach().cpu() if hasattr(edges, "detach") else edges)
    edges = edges.reshape(-1, 2).astype(np.int64) if not edges.size else edges
    fits = edges.ndim == 2 and edges.shape[1] == 2 and edges.dtype.kind in "iu"
    demand(fits, f"edges={shown(edges)}: give two positions of points a row, whole numbers (m, 2)", DataError)
    inside = not edges.size or (edges.min() >= 0 and (n is None or edges.max() < n))
    demand(inside, f"edges name points beyond the {'first' if n is None else n}: positions run from 0 to n - 1", DataError)
    return edges.astype(np.int64)


def checked_sides(sides) -> tuple[str, ...]:
    """What a point and its pair are called: two texts."""
    fits = not isinstance(sides, str) and len(tuple(sides)) == 2 and all(isinstance(each, str) for each in sides)
    demand(fits, f"sides={shown(sides)}: give two texts, as in ('image', 'text')", DataError)
    return tuple(sides)


def edges_among(edges: np.ndarray, keep: np.ndarray, n: int) -> np.ndarray:
    """Those of the edges between n points whose ends are both kept, by their positions among those kept."""
    place = np.full(n, -1)
    place[keep] = np.arange(len(keep))
    moved = place[edges]
    return moved[(moved >= 0).all(1)]


def checked_title(title: str) -> str:
    """A title that a picture has room for and that can be written to a file."""
    demand(isinstance(title, str), f"title={shown(title)} is no text: give a str", DataError)
    fits = len(title) <= 10_000 and title.encode(errors="ignore").decode() == title
    demand(fits, f"title={shown(title)}: give at most 10,000 characters, without lone surrogates", DataError)
    return title


def as_matrix(embeddings) -> np.ndarray:
    """A float array (n, d) on the CPU from a tensor, array or nested list."""
    try:
        if hasattr(embeddings, "detach"):
            embeddings = embeddings.detach().to_dense().cpu().float().numpy()
        z = np.asarray(embeddings)
    except (ValueError, RuntimeError) as error:  # rows of several lengths; no numbers, as on the meta device
        raise DataError(f"embeddings cannot be read ({error}): give a numeric matrix (n, d)") from None
    if z.ndim != 2 or z.dtype.kind not in "fiu":
        raise DataError(f"embeddings must be a numeric matrix (n, d), got shape {z.shape} and type {z.dtype}")
    return z


def choose_points(n: int, max_points: int, seed: int) -> np.ndarray:
    """Sorted positions of at most ``max_points`` of n points, drawn once from ``seed``."""
    if n <= max_points:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, max_points, replace=False))
