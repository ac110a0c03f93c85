"""What every p and q has in common: settings that are checked when it is made, and the few operations that all of them need."""

from __future__ import annotations

import inspect
import math
from dataclasses import fields

import torch
from torch import Tensor

from ..errors import DataError, demand, nearest
from .batch import Batch
from .distances import DISTANCES

WALKS = ("sum", "uniform")

_SCALE = (lambda value: 0 < value < math.inf, "must be a number greater than 0")
_COUNT = (lambda value: isinstance(value, int) and value >= 1, "must be a whole number of at least 1")
RANGES = {
    **dict.fromkeys(("temperature", "p_temperature", "df"), _SCALE),
    **dict.fromkeys(("n_neighbors", "walk_length", "embedding_dim"), _COUNT),
    "perplexity": (lambda value: 1 <= value < math.inf, "must be at least 1"),
    **dict.fromkeys(("margin", "hardness"), (lambda value: value >= 0, "must be at least 0")),
}
"""Setting of a component -> whether a value is in its range, and the range in words."""


class Component:
    """A p or a q whose fields are settings: each is checked by its name when the component is made.

    What it returns and raises is said once, in ``frame``, and stands in the docstring of every class.
    """

    frame = ""

    distances = tuple(DISTANCES)
    """The distances that a kernel can take."""

    def __init_subclass__(cls):
        if cls.__doc__:
            about, examples, lines = inspect.cleandoc(cls.__doc__).partition("Examples\n--------\n")
            cls.__doc__ = f"{about.rstrip()}\n\n{inspect.cleandoc(cls.frame)}\n\n{examples}{lines}"

    def __post_init__(self):
        for name, value in ((each.name, getattr(self, each.name)) for each in fields(self)):
            if name in RANGES:
                inside, words = RANGES[name]
                demand(inside(value), f"{name}={value!r}: {words}")
            if name == "distance":
                demand(value in self.distances, f"distance={value!r} cannot be used here; {nearest(value, self.distances)}")
            if name == "walk":
                demand(self.walk_length == 1 or value in WALKS, f"walk={value!r} is not known; {nearest(value, WALKS)}")


class Supervisory(Component):
    """A p: ``rows(batch)`` makes it in float64, and a call returns it in the type of the batch."""

    include_self = False
    """Whether j = i counts."""

    symmetric = False
    """Whether p of a pair is known to be the same either way round."""

    frame = """
        Returns
        -------
        (n, m), rows sum to one; over all pairs (1, n * n).

        Raises
        ------
        ConfigError
            A setting outside its range.
        DataError
            The batch lacks what p is made of, or an anchor has no neighbour in it.
    """

    def __call__(self, batch: Batch) -> Tensor:
        return self.rows(batch).to(batch.dtype)


class Softmax(Supervisory):
    """p as the softmax of ``scores(batch)``, also in log space, where it never underflows."""

    def log_rows(self, batch: Batch) -> Tensor:
        """log p (n, n) in float64; minus infinity on the diagonal where self does not count."""
        scores = self.scores(batch)
        return (scores if self.include_self else without_self(scores)).log_softmax(1)

    def log(self, batch: Batch) -> Tensor:
        """log p in the type of the batch."""
        return self.log_rows(batch).to(batch.dtype)

    def rows(self, batch: Batch) -> Tensor:
        return self.log_rows(batch).exp()


class Learned(Component):
    """A q: called on embeddings (n, d), and candidates (m, d) unless they are the batch itself."""

    frame = """
        Returns
        -------
        (n, m), log q, in which the exponentials of a row sum to one; over all pairs (1, n * n). In a limit, distances.

        Raises
        ------
        ConfigError
            A setting outside its range, or a distance that q cannot take.
    """


def without_self(matrix: Tensor, fill: float = -math.inf) -> Tensor:
    """The same (n, n) with j = i excluded: minus infinity on the diagonal of logits, 0 on that of weights."""
    return matrix.masked_fill(torch.eye(len(matrix), dtype=torch.bool, device=matrix.device), fill)


def row_normalise(weights: Tensor, cause: str) -> Tensor:
    """Divide every row of (n, m) by its sum; an anchor without any neighbour is an error that names the cause."""
    total = weights.sum(1, keepdim=True)
    empty = (total.squeeze(1) == 0).nonzero()
    if len(empty):
        raise DataError(f"anchor {int(empty[0])} of the batch has no neighbour under p: {cause}")
    return weights / total
