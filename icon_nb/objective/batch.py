"""What a supervisory component may look at, and the helpers that all of them share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import DataError


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


def row_normalise(weights: Tensor, cause: str) -> Tensor:
    """Divide every row of (n, m) by its sum; an anchor without any neighbour is an error that names the cause."""
    total = weights.sum(1, keepdim=True)
    empty = (total.squeeze(1) == 0).nonzero()
    if len(empty):
        raise DataError(f"anchor {int(empty[0])} of the batch has no neighbour under p: {cause}")
    return weights / total


def off_diagonal(matrix: Tensor) -> Tensor:
    """The same (n, n) matrix with a zero (or False) diagonal."""
    return matrix.masked_fill(torch.eye(len(matrix), dtype=torch.bool, device=matrix.device), 0)


def need(value, what: str, name: str):
    """``value``, or an error that says which supervisory component misses what."""
    if value is None:
        raise DataError(f"supervisory={name!r} needs {what}, and the data set has none")
    return value
