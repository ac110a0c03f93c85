"""What a supervisory component may look at, and what it makes of it: p of one batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..errors import DataError
from ..methods import axes
from .distances import exact


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
