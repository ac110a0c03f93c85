"""p(j|i) from who a sample is: views, classes, and the sample itself among other candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ...errors import demand
from ..component import Batch, Supervisory, row_normalise, without_self


@dataclass(frozen=True)
class PositivePairs(Supervisory):
    r"""Uniform over the other views of the same sample, :math:`p_{ij} = 1[s_i = s_j, i \ne j] / k`.

    >>> PositivePairs()(Batch(index=torch.tensor([0, 1, 0, 1])))[0]
    tensor([0., 0., 1., 0.])
    """

    def rows(self, batch: Batch) -> Tensor:
        same = without_self(batch.index[:, None] == batch.index, 0)
        return row_normalise(same.to(batch.dtype), "it has no second view")


@dataclass(frozen=True)
class PositivePairsJoint(PositivePairs):
    r"""The same as one distribution over all pairs, :math:`P_{ij} = 1[s_i = s_j, i \ne j] / nk` (Wang & Isola 2020).

    >>> PositivePairsJoint()(Batch(index=torch.tensor([0, 1, 0, 1]))).view(4, 4)[0]
    tensor([0.0000, 0.0000, 0.2500, 0.0000])
    """

    symmetric = True

    def rows(self, batch: Batch) -> Tensor:
        return (super().rows(batch) / len(batch.index)).reshape(1, -1)


@dataclass(frozen=True)
class OtherSide(Supervisory):
    r"""All mass on the same sample seen from the other side, :math:`p_{ij} = 1[s_i = s_j]`: (sides * n, n).

    The candidates are n things of another kind: the other views, the keys of a slow encoder, the other modality, or, for
    features instead of samples, the same feature in the other view.

    >>> OtherSide(sides=2)(Batch(index=torch.tensor([5, 7])))
    tensor([[1., 0.],
            [0., 1.],
            [1., 0.],
            [0., 1.]])
    """

    sides: int = 1

    include_self = True

    def rows(self, batch: Batch) -> Tensor:
        return torch.eye(batch.n_samples, dtype=batch.dtype, device=batch.index.device).repeat(self.sides, 1)


@dataclass(frozen=True)
class Identity(Supervisory):
    r"""All mass on the point itself, :math:`p_{ij} = 1[i = j]`: only for a q that counts self.

    >>> Identity()(Batch(index=torch.arange(2)))
    tensor([[1., 0.],
            [0., 1.]])
    """

    include_self = True

    def rows(self, batch: Batch) -> Tensor:
        return torch.eye(len(batch.index), dtype=batch.dtype, device=batch.index.device)


@dataclass(frozen=True)
class SameClass(Supervisory):
    r"""Uniform over the other members of the anchor's class, :math:`p_{ij} = 1[y_i = y_j, i \ne j] / (K_i - 1)`.

    >>> SameClass()(Batch(index=torch.arange(4), y=torch.tensor([0, 0, 0, 1])))  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    icon_nb.errors.DataError: anchor 3 of the batch has no neighbour under p: ...
    """

    def rows(self, batch: Batch) -> Tensor:
        y = batch.need("y", self)
        same = without_self(y[:, None] == y, 0)
        cause = "no other member of its class is in the batch; use a larger batch_size, or drop classes with one sample"
        return row_normalise(same.to(batch.dtype), cause)


@dataclass(frozen=True)
class Label(Supervisory):
    r"""All mass on the class of the sample, :math:`p_{ic} = 1[y_i = c]`; the candidates are the classes.

    >>> Label()(Batch(index=torch.arange(2), y=torch.tensor([0, 2]), n_classes=3))
    tensor([[1., 0., 0.],
            [0., 0., 1.]])
    """

    include_self = True

    def rows(self, batch: Batch) -> Tensor:
        y = batch.need("y", self)
        return torch.nn.functional.one_hot(y, batch.n_classes).to(batch.dtype)


@dataclass(frozen=True)
class Mixed(Supervisory):
    r"""Uniform mixing (debiasing), :math:`\tilde p = (1 - \alpha) p + \alpha / m` over the m candidates.

    On classes this is label smoothing.

    >>> Mixed(Label(), alpha=0.3)(Batch(index=torch.arange(1), y=torch.tensor([0]), n_classes=3))
    tensor([[0.8000, 0.1000, 0.1000]])
    """

    base: Callable[[Batch], Tensor]
    alpha: float
    own: bool | None = None

    def __post_init__(self):
        demand(0 <= self.alpha < 1, f"alpha={self.alpha!r}: must be at least 0 and less than 1")

    @property
    def include_self(self) -> bool:
        return self.base.include_self if self.own is None else self.own

    def measure(self, batch: Batch) -> Tensor | None:
        """The weights of the candidates that p carries, if any."""
        return self.base.measure(batch) if hasattr(self.base, "measure") else None

    def rows(self, batch: Batch) -> Tensor:
        p = self.base(batch)
        measure = self.measure(batch)
        allowed = torch.ones_like(p) if measure is None or measure.dim() == 1 else (measure > 0).to(p.dtype)
        if not self.include_self:
            own = torch.eye(len(batch.index), dtype=torch.bool, device=p.device)
            allowed = allowed.masked_fill(own.reshape(p.shape), 0)
        return (1 - self.alpha) * p + self.alpha * allowed / allowed.sum(1, keepdim=True)


@dataclass(frozen=True)
class KeyAndQueue(OtherSide):
    r"""All mass on the own key, :math:`p_{ij} = 1[s_i = s_j]`, where the candidates are the keys of the batch and a queue (MoCo).

    >>> p, batch = KeyAndQueue(n_candidates=2), Batch(index=torch.tensor([0, 1, 0, 1]))
    >>> p(batch)[0], p.measure(batch)[0]
    (tensor([1., 0., 0., 0.]), tensor([1., 0., 1., 1.]))
    """

    n_candidates: int = 256

    def measure(self, batch: Batch) -> Tensor:
        """Weights (n, m) of the candidates: the other keys of the batch are none."""
        return pad(super().rows(batch), (0, self.n_candidates), value=1)

    def rows(self, batch: Batch) -> Tensor:
        return pad(super().rows(batch), (0, self.n_candidates))
