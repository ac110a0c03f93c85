"""What a p may look at and what becomes of it; and what every p and q has in common: checked settings, and a few operations."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from ..errors import DataError, demand, nearest
from ..methods import axes
from ..methods.config import SETTINGS
from .distances import DISTANCES, exact


@dataclass(frozen=True)
class Batch:
    """What a supervisory component may look at: n rows, one per anchor.

    Parameters
    ----------
    index : (n,) int64
        The sample each row came from; two views of one image share their index.
    x : (n, features), optional
        The samples in input space, before augmentation.
    y : (n,) int64, optional
        Classes.
    n_classes : int
        Number of classes in the data set, the columns of class candidates.
    dtype : torch.dtype
        Floating-point type of p.
    companion : (n, features), optional
        Embeddings of the same samples from elsewhere, for instance of their captions.
    graph : (n, n), optional
        Non-negative weights of the edges between the samples.
    """

    index: Tensor
    x: Tensor | None = None
    y: Tensor | None = None
    n_classes: int = 0
    dtype: torch.dtype = torch.float32
    companion: Tensor | None = None
    graph: Tensor | None = None

    @property
    def n_samples(self) -> int:
        """Number of different samples among the rows."""
        return len(self.index.unique())

    def need(self, part: str, component: object) -> Tensor:
        """A part that a component needs, numbers in float64, or a :class:`DataError` that says which component misses what."""
        value = getattr(self, part)
        if value is None:
            name = next(iter(axes.rows_of("supervisory", component)), type(component).__name__)
            parts = {"x": "inputs", "y": "labels", "companion": "companion embeddings", "graph": "a graph"}
            raise DataError(f"supervisory={name!r} needs {parts[part]}, and the data set has none")
        return exact(value) if value.is_floating_point() else value


@dataclass(frozen=True)
class Target:
    """p of one batch, with what can be computed once from it."""

    p: Tensor  # (n, m)
    log_p: Tensor | None = None  # (n, m), where p is known in log space, so that nothing underflows
    measure: Tensor | None = None  # (m,) or (n, m), weights of the candidates; 0 where one is none to that anchor
    weights: Tensor | None = None  # (n,), how much each row counts, 1 on average

    def mean(self, rows: Tensor) -> Tensor:
        """The mean over the rows (n,), as much as each counts."""
        return (rows if self.weights is None else rows * self.weights).mean()

    @cached_property
    def entropy(self) -> Tensor:
        """Entropy of every row of p, in nats: (n,)."""
        return -torch.xlogy(self.p, self.p).sum(1)


_TAKEN = {name for rows in axes.SLOTS.values() for row in rows.values() for name in row.settings}
FIELDS = {name: SETTINGS[name] for name in SETTINGS if name in _TAKEN}
"""The fields of components that are settings of a Config: the same name means the same everywhere."""


def _field(name: str) -> str:
    """The lines of a docstring about a field."""
    if name in axes.WORDS:
        return f"{name} : {axes.WORDS[name][0]}\n    {axes.WORDS[name][1]}\n"
    row = FIELDS[name]
    kind = row.kind.__name__ + (f", {row.range}" if row.kind in (int, float) else "")
    symbol = f":math:`{axes.SYMBOLS[name]}`: " if name in axes.SYMBOLS else ""
    return f"{name} : {kind}\n    {symbol}{row.text.partition('; or a schedule')[0]}.\n"


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
            takes = "".join(_field(name) for name in own if name in FIELDS or name in axes.WORDS)
            shows = prompt and f"Examples\n--------\n{prompt}{example}"
            parts = [about.rstrip(), takes and f"Parameters\n----------\n{takes}", inspect.cleandoc(cls.frame), shows]
            cls.__doc__ = "\n\n".join(part.rstrip() for part in parts if part)

    def __post_init__(self):
        for name, value in ((each.name, getattr(self, each.name)) for each in fields(self)):
            if name == "distance":
                demand(value in self.distances, f"distance={value!r} cannot be used here; {nearest(value, self.distances)}")
            elif name in FIELDS and not (name == "walk" and self.walk_length == 1):
                FIELDS[name].check_value(name, value.item() if isinstance(value, Tensor) else value)


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

    @property
    def include_self(self) -> bool:
        """Whether j = i counts, as in the kernel where it is none of the fields."""
        return self.kernel.include_self

    def distances_to(self, z: Tensor, candidates: Tensor | None) -> Tensor:
        """Distances (n, m) to the candidates, or within the batch; infinite where self is excluded."""
        d = DISTANCES[self.distance](z, z if candidates is None else candidates)
        return d if self.include_self or candidates is not None else without_self(d, math.inf)


def without_self(matrix: Tensor, fill: float = -math.inf) -> Tensor:
    """The same (n, n) with j = i excluded: minus infinity on the diagonal of logits, 0 on that of weights."""
    return matrix.masked_fill(torch.eye(len(matrix), dtype=torch.bool, device=matrix.device), fill)


def log_matmul(a: Tensor, b: Tensor) -> Tensor:
    r""":math:`\log \sum_c e^{a_{ic} + b_{jc}}` for a (n, C) and b (m, C): (n, m).

    A matrix product of shifted exponentials, exact unless terms underflow; then the slower sum in log space.
    """
    top_a, top_b = a.detach().amax(1, keepdim=True), b.detach().amax(1, keepdim=True)
    product = (a - top_a).exp() @ (b - top_b).exp().T
    if bool((product < torch.finfo(product.dtype).tiny ** 0.5).any()):
        return (a[:, None] + b).logsumexp(2)
    return product.log() + top_a + top_b.T


def row_normalise(weights: Tensor, cause: str) -> Tensor:
    """Divide every row of (n, m) by its sum; an anchor without any neighbour is an error that names the cause."""
    total = weights.sum(1, keepdim=True)
    empty = (total.squeeze(1) == 0).nonzero()
    if len(empty):
        raise DataError(f"anchor {int(empty[0])} of the batch has no neighbour under p: {cause}")
    return weights / total
