"""What every p and q has in common: settings that are checked when it is made, and the few operations that all of them need."""

from __future__ import annotations

import math
from dataclasses import fields

import torch
from torch import Tensor

from ..errors import DataError, demand, nearest
from .distances import DISTANCES

WALKS = ("sum", "uniform")

_SCALE = (lambda value: 0 < value < math.inf, "must be a number greater than 0")
_COUNT = (lambda value: isinstance(value, int) and value >= 1, "must be a whole number of at least 1")
RANGES = {
    **dict.fromkeys(("temperature", "p_temperature", "df"), _SCALE),
    **dict.fromkeys(("n_neighbors", "walk_length", "embedding_dim"), _COUNT),
    "perplexity": (lambda value: 1 <= value < math.inf, "must be at least 1"),
    "margin": (lambda value: value >= 0, "must be at least 0"),
}
"""Setting of a component -> whether a value is in its range, and the range in words."""


class Component:
    """A p or a q whose fields are settings: each is checked by its name when the component is made.

    Raises
    ------
    ConfigError
        A value outside its range, or a distance or a walk that is not known.
    """

    distances = tuple(DISTANCES)
    """The distances that a kernel can take."""

    def __post_init__(self):
        for name, value in ((each.name, getattr(self, each.name)) for each in fields(self)):
            if name in RANGES:
                inside, words = RANGES[name]
                demand(inside(value), f"{name}={value!r}: {words}")
            if name == "distance":
                demand(value in self.distances, f"distance={value!r} cannot be used here; {nearest(value, self.distances)}")
            if name == "walk":
                demand(self.walk_length == 1 or value in WALKS, f"walk={value!r} is not known; {nearest(value, WALKS)}")


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
