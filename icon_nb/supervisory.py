"""p(j|i): who should be near whom. Frozen components called on a batch; every row sums to one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .distances import sqeuclidean
from .errors import DataError


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
    """

    index: Tensor
    x: Tensor | None = None
    y: Tensor | None = None
    n_classes: int = 0
    dtype: torch.dtype = torch.float32


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
    if value is None:
        raise DataError(f"supervisory={name!r} needs {what}, and the data set has none")
    return value


@dataclass(frozen=True)
class PositivePairs:
    r"""Uniform over the other views of the same sample, :math:`p_{ij} = 1[s_i = s_j, i \ne j] / k`.

    Examples
    --------
    >>> PositivePairs()(Batch(index=torch.tensor([0, 1, 0, 1])))[0]
    tensor([0., 0., 1., 0.])
    """

    include_self = False

    def __call__(self, batch: Batch) -> Tensor:
        same = off_diagonal(batch.index[:, None] == batch.index)
        return row_normalise(same.to(batch.dtype), "it has no second view")


@dataclass(frozen=True)
class SameClass:
    r"""Uniform over the other members of the anchor's class, :math:`p_{ij} = 1[y_i = y_j, i \ne j] / (K_i - 1)`.

    Examples
    --------
    >>> SameClass()(Batch(index=torch.arange(4), y=torch.tensor([0, 0, 0, 1])))  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    icon_nb.errors.DataError: anchor 3 of the batch has no neighbour under p: ...
    """

    include_self = False

    def __call__(self, batch: Batch) -> Tensor:
        y = need(batch.y, "labels", "same_class")
        same = off_diagonal(y[:, None] == y)
        cause = "no other member of its class is in the batch; use a larger batch_size, or drop classes with one sample"
        return row_normalise(same.to(batch.dtype), cause)


@dataclass(frozen=True)
class Label:
    r"""All mass on the class of the sample, :math:`p_{ic} = 1[y_i = c]`; the candidates are the classes.

    Examples
    --------
    >>> Label()(Batch(index=torch.arange(2), y=torch.tensor([0, 2]), n_classes=3))
    tensor([[1., 0., 0.],
            [0., 0., 1.]])
    """

    include_self = True

    def __call__(self, batch: Batch) -> Tensor:
        y = need(batch.y, "labels", "label")
        return torch.nn.functional.one_hot(y, batch.n_classes).to(batch.dtype)


@dataclass(frozen=True)
class Gaussian:
    r"""Gaussian neighbourhoods of the inputs, :math:`p_{ij} \propto e^{-\lVert x_i - x_j \rVert^2 / 2\sigma_i^2}`, :math:`j \ne i`.

    Each :math:`\sigma_i` is set so that the entropy of row i is :math:`\log(\text{perplexity})` (Hinton & Roweis 2002).

    Parameters
    ----------
    perplexity : float, 1 <= perplexity <= n - 1
        Effective number of neighbours.

    Examples
    --------
    >>> p = Gaussian(perplexity=2.0)(Batch(index=torch.arange(5), x=torch.arange(5.0)[:, None]))
    >>> torch.xlogy(p, p).sum(1).neg().exp().round(decimals=3)
    tensor([2., 2., 2., 2., 2.])
    """

    perplexity: float = 30.0

    include_self = False

    def __call__(self, batch: Batch) -> Tensor:
        x = need(batch.x, "inputs", "gaussian")
        return perplexity_rows(sqeuclidean(x, x), self.perplexity)


@dataclass(frozen=True)
class GaussianJoint:
    r"""Symmetrised Gaussian neighbourhoods as one distribution over pairs, :math:`P_{ij} = (p_{j|i} + p_{i|j}) / 2n`: (1, n * n).

    The input side of the published t-SNE (van der Maaten & Hinton 2008). Parameters as :class:`Gaussian`.

    Examples
    --------
    >>> GaussianJoint(perplexity=2.0)(Batch(index=torch.arange(5), x=torch.arange(5.0)[:, None])).shape
    torch.Size([1, 25])
    """

    perplexity: float = 30.0

    include_self = False

    def __call__(self, batch: Batch) -> Tensor:
        p = Gaussian(self.perplexity)(batch)
        return ((p + p.T) / (2 * len(p))).reshape(1, -1)


@dataclass(frozen=True)
class Mixed:
    r"""Uniform mixing (debiasing), :math:`\tilde p = (1 - \alpha) p + \alpha / m` over the m candidates that p allows.

    Where self is excluded it stays excluded. On classes this is label smoothing.

    Examples
    --------
    >>> Mixed(Label(), alpha=0.3)(Batch(index=torch.arange(1), y=torch.tensor([0]), n_classes=3))
    tensor([[0.8000, 0.1000, 0.1000]])
    """

    base: object
    alpha: float

    @property
    def include_self(self) -> bool:
        return self.base.include_self

    def __call__(self, batch: Batch) -> Tensor:
        p = self.base(batch)
        allowed = torch.ones_like(p)
        if not self.include_self:
            n = len(batch.index)
            allowed = off_diagonal(torch.ones(n, n, dtype=p.dtype, device=p.device)).reshape(p.shape)
        return (1 - self.alpha) * p + self.alpha * allowed / allowed.sum(1, keepdim=True)


@torch.no_grad()
def perplexity_rows(distances: Tensor, perplexity: float, steps: int = 60) -> Tensor:
    """Rows of Gaussian weights (n, n) without self, each with the same perplexity.

    A safeguarded Newton search over the log of each row's precision, all rows at once.

    Raises
    ------
    DataError
        Fewer than ``perplexity + 1`` points.
    """
    n = len(distances)
    if perplexity > n - 1:
        raise DataError(f"perplexity={perplexity:g} needs at least {math.floor(perplexity) + 2} points in a batch, got {n}: lower it")
    d = shifted_and_scaled(distances)
    log_beta = torch.zeros(n, 1, dtype=d.dtype, device=d.device)
    low, high = log_beta - 25, log_beta + 25
    tolerance = 1e-5 if d.dtype == torch.float32 else 1e-10
    for _ in range(steps):
        weights, error, slope = entropy_error(d, log_beta, math.log(perplexity))
        if (error.abs() < tolerance).all():
            break
        low, high = torch.where(error > 0, log_beta, low), torch.where(error > 0, high, log_beta)
        newton = log_beta - error / slope
        log_beta = torch.where((newton > low) & (newton < high), newton, (low + high) / 2)
    return weights


def shifted_and_scaled(distances: Tensor) -> Tensor:
    """Distances less the nearest of the row, over the row's mean, so that one start and one bracket fit every data set.

    The diagonal is set to 0 and excluded by the caller. Neither change alters the rows that have a given perplexity.
    """
    d = off_diagonal(distances)
    nearest = d.clone().fill_diagonal_(math.inf).min(1, keepdim=True).values
    d = (d - nearest).fill_diagonal_(0)
    scale = d.mean(1, keepdim=True)
    return d / torch.where(scale > 0, scale, 1)


def entropy_error(d: Tensor, log_beta: Tensor, target: float) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised weights (n, n), entropy of each row minus ``target`` (n, 1), and its derivative by log beta (at most 0)."""
    beta = log_beta.exp()
    weights = torch.exp(-d * beta).fill_diagonal_(0)
    total = weights.sum(1, keepdim=True)
    weights /= total
    weighted = weights * d
    mean = weighted.sum(1, keepdim=True)
    variance = weighted.mul_(d).sum(1, keepdim=True) - mean.square()
    return weights, total.log() + beta * mean - target, -beta.square() * variance.clamp_min(1e-30)
