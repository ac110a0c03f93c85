"""What every p and q has in common: settings that are checked when it is made, and the few operations that all of them need."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import fields
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import DataError, demand, nearest
from .batch import Batch
from .distances import DISTANCES

WALKS = ("sum", "uniform")


class Field(NamedTuple):
    """What a field of a component is, in the words of its docstring, and its range."""

    kind: str
    about: str
    inside: Callable[[object], bool] = lambda value: True
    range: str = ""


def _scale(about: str) -> Field:
    return Field("float, > 0", about, lambda value: 0 < value < math.inf, "must be a number greater than 0")


def _count(about: str) -> Field:
    return Field("int, >= 1", about, lambda value: isinstance(value, int) and value >= 1, "must be a whole number of at least 1")


def _not_negative(about: str) -> Field:
    return Field("float, >= 0", about, lambda value: value >= 0, "must be at least 0")


FIELDS = {
    "temperature": _scale(r":math:`\tau`, in units of the distance of q, which it divides."),
    "distance": Field("str", "Of the embedding: ``sqeuclidean``, ``cosine``, or, where it may be negative, ``neg_dot``."),
    "df": _scale(r"Degrees of freedom :math:`\nu`; 1 is the Cauchy kernel of t-SNE."),
    "include_self": Field("bool", "Whether j = i is a candidate where the candidates are the batch itself."),
    "margin": _not_negative(r":math:`\mu`: how much farther than the neighbours all else has to be, in units of the distance."),
    "hardness": _not_negative(r":math:`\beta`: how much more the nearest strangers count; at 0 all count alike."),
    "bias": Field("float", ":math:`b`: the logit of two points at distance 0."),
    "kernel": Field("component of q", "What is normalised over all pairs, or mixed."),
    "alpha": Field("float, 0 <= alpha < 1", "The share that is spread."),
    "perplexity": Field(
        "float, 1 <= perplexity <= n - 1", "Effective number of neighbours.",
        lambda value: 1 <= value < math.inf, "must be at least 1",
    ),
    "p_temperature": _scale(
        r":math:`\tau_p`, which divides the distance, or the weight of an edge, in p; :math:`2 \sigma^2` of a Gaussian of inputs."
    ),
    "n_neighbors": _count("Nearest others; different samples, never other views."),
    "walk_length": _count("Steps of the random walk that spreads p; 1 is the graph itself."),
    "walk": Field("{'sum', 'uniform'}", "See :func:`icon_nb.objective.supervisory.graphs.propagate`."),
    "embedding_dim": _count("Number of eigenvectors: that of the clusters."),
    "n_candidates": _count("How many keys the queue holds."),
    "sides": Field("{1, 2}", "1: the first side looks at the second. 2: and the second at the first, stacked below."),
    "base": Field("Batch -> (n, m)", "p before the mixing."),
    "own": Field("bool, optional", "Whether j = i gets a share, as it must where q counts it; as in p when not given."),
}  # fmt: skip
"""The fields of all components: the same name means the same everywhere."""


class Component:
    """A p or a q whose fields are settings: each is checked by its name when the component is made.

    What its fields are, what it returns and what it raises is said once, here, and stands in the docstring of every class.
    """

    frame = ""
    unused: tuple[str, ...] = ()
    """Fields of a base that a class has no use for."""

    distances = tuple(DISTANCES)
    """The distances that a kernel can take."""

    def __init_subclass__(cls):
        if cls.__doc__:
            about, prompt, example = inspect.cleandoc(cls.__doc__).partition(">>> ")
            bases = reversed(cls.__mro__)
            own = dict.fromkeys(name for base in bases for name in inspect.get_annotations(base) if name not in cls.unused)
            takes = "".join(f"{name} : {FIELDS[name].kind}\n    {FIELDS[name].about}\n" for name in own if name in FIELDS)
            shows = prompt and f"Examples\n--------\n{prompt}{example}"
            parts = [about.rstrip(), takes and f"Parameters\n----------\n{takes}", inspect.cleandoc(cls.frame), shows]
            cls.__doc__ = "\n\n".join(part.rstrip() for part in parts if part)

    def __post_init__(self):
        for name, value in ((each.name, getattr(self, each.name)) for each in fields(self)):
            if name in FIELDS:
                demand(FIELDS[name].inside(value), f"{name}={value!r}: {FIELDS[name].range}")
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
