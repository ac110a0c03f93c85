"""What has a name beside p, q and the methods: data sets, backbones, parts of an augmentation, ways to draw, columns, scores.

Its rows stand in ``catalogue.toml``: what ``--help`` and an error need to know, without torch, and the code behind it.
Here is a record for each kind of row.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from ..errors import ConfigError, nearest, shown
from .settings import is_own

HOLD = "icon_nb.data.loading:hold"  # keeps data that were given as an object, and returns what stands for them in a Config
HELD = "memory:"  # how such a handle begins


def read(file: str) -> dict:
    """The tables of a TOML file beside this one, with tuples in the place of lists."""
    return _fixed(tomllib.loads((files(__package__) / file).read_text(encoding="utf-8")))


def _fixed(value):
    if isinstance(value, dict):
        return {name: _fixed(each) for name, each in value.items()}
    return tuple(_fixed(each) for each in value) if isinstance(value, list) else value


def records(kind: type, rows: Mapping[str, Mapping]) -> dict:
    """A table: name -> record."""
    return {name: kind(name, **row) for name, row in rows.items()}


@dataclass(frozen=True)
class Named:
    """A row of the catalogue: the word in the API, one line about it, and what stands behind it, as ``"module:name"``."""

    name: str
    about: str
    make: str = ""  # empty where the place that uses it knows


@dataclass(frozen=True)
class DivergenceKind(Named):
    """How p and q are compared; ``make`` takes p, log q and log p, and its settings by name."""

    symbol: str = ""  # in a table
    settings: tuple[str, ...] = ()
    reverse: bool = False  # whether it is infinite where p is zero and q is not
    support: bool = False  # whether it only looks at where p is zero, and so needs a p with strangers


@dataclass(frozen=True)
class PublishedData(Named):
    """A data set with a name; ``make`` takes where to look for files, and the options, and returns the fields of a Dataset."""

    augment: str = "auto"  # what augment="auto" means; auto again where only the data can tell
    strength: float = 1.0  # the augment_strength that goes with it: weaker where an image has 8x8 pixels
    files: bool = False  # whether it is read from files that are fetched or brought
    source: str = ""
    licence: str = ""
    hard: str = ""  # what is hard about it
    options: Mapping[str, Mapping] = field(default_factory=dict)  # what may follow the name: each with about, default, low, high
    suits: Mapping[str, object] = field(default_factory=dict)  # defaults of a network that is trained on it


@dataclass(frozen=True)
class Source(Named):
    """A prefix of the names of one's own data; ``make`` takes the place that follows it."""

    place: str = "PATH"  # in an error
    takes: tuple[str, ...] = ()  # the arguments of icon_nb.data.load that make takes too
    code: bool = False  # whether it runs a file: only a person who types it may ask for that, never a saved config


@dataclass(frozen=True)
class Backbone(Named):
    """A network; ``make`` takes what it reads, the embedding dimension and the width of its hidden layers."""

    reads: str = "flat"  # a sample flattened; or images; or positions: which sample it is, and nothing of it
    width: int | None = None  # hidden_dim by default; None where it has no such setting
    options: Mapping[str, object] = field(default_factory=dict)  # what tells it from others of the same make


@dataclass(frozen=True)
class OptimizerKind(Named):
    """An optimizer; ``make`` takes the parameters, lr, weight_decay, and momentum where it has one."""

    momentum: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class AugmentationPart(Named):
    """A part of an augmentation."""

    reads: str = "images"  # or any numbers
    one_channel: Mapping[str, object] = field(default_factory=dict)  # what differs for images of one channel


@dataclass(frozen=True)
class CandidateKind(Named):
    """What the m columns of p and q are; ``make`` takes the model and the views, and returns the blocks that q compares."""

    parts: Mapping[str, str] = field(default_factory=dict)  # what makes the vectors that belong to it: prototypes, a queue
    networks: Mapping[str, str] = field(default_factory=dict)  # what makes its networks beside the backbone and its head
    two_views: bool = False  # whether one view is compared with the other
    counted: bool = False  # whether n_candidates says how many there are
    after_step: str = ""  # what is done to the model after every step
    read: str = "icon_nb.training.batches:read_samples"  # how a batch is read: what the model sees, and the rows of p


@dataclass(frozen=True)
class ProjectionKind(Named):
    """A way to two or three dimensions; ``make`` fits it to a trajectory, or makes one step of a chain of maps."""

    low: int = 1  # smallest and largest dimension of an embedding that it can show
    high: int = 10**9
    instead: str = ""  # what to do where it cannot
    chained: str = ""  # the name in a caption, where every frame has a map of its own


@dataclass(frozen=True)
class OverlayKind(Named):
    """What can be drawn beside the points; ``make`` adds it to a panel, and without one it stands around the panels.

    ``needs`` names what must be there (labels, metrics, loss, plane, raw, note, forces, edges), and the words
    where it is not.
    ``caption`` and ``short`` are what the picture says about it.
    """

    under: bool = False  # whether it lies under the points
    room: float = 0.0  # design pixels that it needs free at the edge of a panel
    needs: Mapping[str, str] = field(default_factory=dict)
    caption: str = ""
    short: str = ""


@dataclass(frozen=True)
class Score(Named):
    """A number that says how good an embedding is; ``make`` returns it, or a mapping that holds it under its name."""

    takes: tuple[str, ...] = ("z",)  # the arguments of make, among z, y, x, seed, metric and linear
    needs: tuple[str, ...] = ()  # NaN without: labels (of two classes), inputs, directions (an embedding read by angles)
    heading: str = ""  # in a table; the name when empty
    compared: bool = True  # whether tables that compare runs have a column of it


class _Backbones(dict):
    """The rows by name; a network of one's own has a row too."""

    def __missing__(self, name: str) -> Backbone:
        if is_own(name):
            return Backbone(name, "a network of your own", "icon_nb.training.backbones:own", "samples", options={"name": name})
        raise KeyError(name)


_ROWS = read("catalogue.toml")

CLASS_COLORS: tuple[str, ...] = _ROWS["class_colors"]
DATASETS: dict[str, PublishedData] = records(PublishedData, _ROWS["datasets"])
SOURCES: dict[str, Source] = records(Source, _ROWS["sources"])
BACKBONES: dict[str, Backbone] = _Backbones(records(Backbone, _ROWS["backbones"]))
OPTIMIZERS: dict[str, OptimizerKind] = records(OptimizerKind, _ROWS["optimizers"])
AUGMENTATIONS: dict[str, AugmentationPart] = records(AugmentationPart, _ROWS["augmentations"])
DIVERGENCES: dict[str, DivergenceKind] = records(DivergenceKind, _ROWS["divergences"])
CANDIDATES: dict[str, CandidateKind] = records(CandidateKind, _ROWS["candidates"])
PROJECTIONS: dict[str, ProjectionKind] = records(ProjectionKind, _ROWS["projections"])
OVERLAYS: dict[str, OverlayKind] = records(OverlayKind, _ROWS["overlays"])
HISTORY: dict[str, Named] = records(Named, _ROWS["history"])
TRACKERS: dict[str, Named] = records(Named, _ROWS["trackers"])
SCORES: dict[str, Score] = records(Score, _ROWS["scores"])


def source_of(dataset: str) -> Source | None:
    """The row of a name that begins with a prefix, None for others."""
    prefix, _, place = dataset.partition(":")
    return SOURCES.get(prefix) if place else None


def absolute(dataset: str) -> str:
    """The name of one's own data with a path that means the same in any working directory; other names as they are."""
    source, (prefix, _, place) = source_of(dataset), dataset.partition(":")
    if source is None:
        return dataset
    path, colon, name = place.rpartition(":") if source.code else (place, "", "")
    return f"{prefix}:{os.path.abspath(path)}{colon}{name}"


def published(dataset: str) -> PublishedData | None:
    """The row of a data set that has a name, with options behind it or without; None for others."""
    name, _, options = dataset.partition(":")
    row = DATASETS.get(name)
    return row if row is not None and (not options or row.options) else None


def options_of(dataset: str) -> dict[str, int]:
    """The options that stand behind the name of a data set, each one that it has, and in its range."""
    known, found = published(dataset).options, {}
    for text in filter(None, dataset.partition(":")[2].split(",")):
        name, _, value = text.partition("=")
        if name not in known:
            raise ConfigError(f"dataset={shown(dataset)}: {name!r} is not an option; {nearest(name, known)}")
        option = known[name]
        if not (value.isdecimal() and option["low"] <= int(value) <= option["high"]):
            raise ConfigError(
                f"dataset={shown(dataset)}: {name}={value} is out of range: it is the {option['about']}, "
                f"a whole number from {option['low']:g} to {option['high']:g} (default {option['default']:g})"
            )
        found[name] = int(value)
    return found


def runs_code(dataset: str | None) -> bool:
    """Whether reading this data set runs a file."""
    source = source_of(dataset or "")
    return source is not None and source.code


def not_run(dataset: str, remedy: str) -> str:
    """Why a file of code that a saved config names is not run, and what a person can do."""
    return f"dataset={shown(dataset)} was read from a file, and names code, which is not run: if you trust it, {remedy}"
