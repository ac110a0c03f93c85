"""The card of a data set: where it comes from, what is hard about it, and how far one gets without learning anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from textwrap import fill

from ..data.loading import load
from ..errors import DataError, demand_type
from ..methods.catalogue import PublishedData, published
from ..methods.config import Config
from ..methods.methods import METHODS
from .run import run


@dataclass(frozen=True)
class DataCard:
    """What there is to know about a data set before anything is trained on it; what is not known is empty, 0 or NaN."""

    name: str
    about: str
    source: str = ""
    licence: str = ""
    hard: str = ""  # what is hard about it
    options: tuple[str, ...] = ()  # what can be said behind the name, each with its range
    n_train: int = 0
    n_test: int = 0  # held out
    kind: str = ""  # images, features or tokens
    shape: tuple[int, ...] = ()  # of one sample
    classes: tuple[str, ...] = ()
    knn_inputs: float = math.nan  # share of points whose class wins the vote of their 5 nearest neighbours
    knn_untrained: float = math.nan  # the same in the embedding of an untrained network
    network: str = ""  # which one: that of a run on these data when nothing else is said

    @property
    def rows(self) -> dict[str, str]:
        """What the table says, heading by heading; what is not known is left out."""
        rows = {"what it is": self.about, "source": self.source, "licence": self.licence, "what is hard": self.hard}
        rows |= {"options": "; ".join(self.options)}
        if self.n_train:
            rows["size"] = f"{self.n_train:,} to train on, {f'{self.n_test:,}' if self.n_test else 'none'} held out"
            rows["one sample"] = f"{self.kind}, {'x'.join(map(str, self.shape))}"
            rows["classes"] = f"{len(self.classes)}: {', '.join(self.classes)}" if self.classes else "no labels"
        else:
            rows["size"] = "not read: its files are not here, or data_dir does not name their folder"
        return {heading: text for heading, text in (rows | self.measured).items() if text}

    @property
    def measured(self) -> dict[str, str]:
        inputs = "the pixels" if self.kind == "images" else "the inputs"
        found = {inputs: self.knn_inputs, f"an untrained {self.network}": self.knn_untrained}
        return {f"kNN accuracy of {what}": f"{value:.3f}" for what, value in found.items() if not math.isnan(value)}

    def __repr__(self) -> str:
        if not self.n_train:
            return f"DataCard({self.name}: its files are not here)"
        size = f"{self.n_train:,} + {self.n_test:,} {self.kind} of {'x'.join(map(str, self.shape))}, {len(self.classes)} classes"
        knn = ", ".join(f"{heading} {value}" for heading, value in self.measured.items()).replace(", kNN accuracy of", ", of")
        return f"DataCard({self.name}: {size}{'; ' if knn else ''}{knn})"

    def __str__(self) -> str:
        width = max(map(len, self.rows)) + 2
        lines = (fill(f"{name:<{width}}{text}", 100, subsequent_indent=" " * width) for name, text in self.rows.items())
        return "\n".join([self.name, *lines])

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = (f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(text)}</td></tr>" for name, text in self.rows.items())
        return f"<table><caption>{escape(self.name)}</caption>{''.join(rows)}</table>"


def card(dataset: str, *, data_dir: str | None = None) -> DataCard:
    """The card of a data set, with the kNN accuracy of its inputs and of an untrained network: measured here, in a moment.

    Both numbers are those that the summary of a run compares with: on the same held-out points, at most 2,000, each of which asks
    the 5 nearest of the others, inputs by Euclidean distance. Nothing is downloaded: what is not here yet is not measured.

    The data set is named as in ``Config``, with options or not, or as ``folder:PATH``, ``embeddings:FILE``,
    ``custom:FILE.py:NAME``, and its files are in ``data_dir``. A DataError where there is none of this name (it names the
    nearest), or where it cannot be read.

    Examples
    --------
    >>> digits = card("digits")
    >>> digits.licence, digits.shape, digits.n_test
    ('CC BY 4.0', (1, 8, 8), 500)
    """
    demand_type("dataset", dataset, str, "the name of a data set", DataError)
    row = published(dataset)
    try:
        data = load(dataset, data_dir, download=False)
    except DataError:
        if row is None or not row.files or data_dir is not None:
            raise
        return DataCard(row.name, row.about, row.source, row.licence, row.hard)
    about = row or PublishedData(data.name, data.note)
    said = "{}: {about} ({low:g} to {high:g}, {default:g} by default)"
    options = tuple(said.format(name, **option) for name, option in about.options.items())
    own = [method.name for method in METHODS.values() if method.defaults.get("dataset") == dataset.partition(":")[0]]
    method = own[0] if own and Config().resolve().method not in own else None  # the default, or the one that needs these data
    results = run(Config(dataset=dataset, data_dir=data_dir, method=method, epochs=0, quiet=True))
    network, knn = results.config.backbone, results.baselines.get("raw inputs", math.nan)
    untrained = math.nan if network == "table" else results.history["knn_accuracy"][0]
    known = data.name, about.about, about.source, about.licence, about.hard, options
    sizes = len(data), 0 if data.x_test is None else len(data.x_test)
    return DataCard(*known, *sizes, data.kind, tuple(data.shape), tuple(data.class_names), knn, untrained, network)
