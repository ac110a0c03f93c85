"""What a row of the catalogue says: one record for each kind of thing that has a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
class DataOption:
    """What can be said of a data set behind its name, as in ``moving_digits:size=24``: its default and its range."""

    about: str
    default: float
    low: float
    high: float


@dataclass(frozen=True)
class PublishedData(Named):
    """A data set with a name; ``make`` takes where to look for files, and the options, and returns the fields of a Dataset."""

    augment: str = "auto"  # what augment="auto" means; auto again where only the data can tell
    strength: float = 1.0  # the augment_strength that goes with it: weaker where an image has 8x8 pixels
    files: bool = False  # whether it is read from files that are fetched or brought
    source: str = ""
    licence: str = ""
    hard: str = ""  # what is hard about it
    options: Mapping[str, DataOption] = field(default_factory=dict)
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

    parts: str = ""  # what makes the modules that belong to it, beside the backbone
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

    ``needs`` names what must be there (labels, metrics, loss, plane, raw, note, forces), each with what is said where it is not.
    ``caption`` and ``short`` are what the picture says about it.
    """

    under: bool = False  # whether it lies under the points
    room: float = 0.0  # design pixels that it needs free at the edge of a panel
    by_hand: bool = False  # whether it needs what only a call in Python can give
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
