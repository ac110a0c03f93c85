"""p(j|i) from distances: neighbourhoods in input space or among companion embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batch import Batch
from ..component import Component, without_self
from ..distances import cosine, sqeuclidean
from .perplexity import perplexity_rows


@dataclass(frozen=True)
class Gaussian(Component):
    r"""Gaussian neighbourhoods, :math:`p_{ij} \propto e^{-\lVert x_i - x_j \rVert^2 / 2\sigma_i^2}`, :math:`j \ne i`.

    Each :math:`\sigma_i` is set so that the entropy of row i is :math:`\log(\text{perplexity})` (Hinton & Roweis 2002).

    Parameters
    ----------
    perplexity : float, 1 <= perplexity <= n - 1
        Effective number of neighbours.

    Returns
    -------
    (n, n), rows sum to one.

    Raises
    ------
    ConfigError
        A perplexity below 1.
    DataError
        No inputs, or fewer than perplexity + 1 of them.

    Examples
    --------
    >>> p = Gaussian(perplexity=2.0)(Batch(index=torch.arange(5), x=torch.arange(5.0)[:, None]))
    >>> torch.xlogy(p, p).sum(1).neg().exp().round(decimals=3)
    tensor([2., 2., 2., 2., 2.])
    """

    perplexity: float = 30.0

    include_self = False

    def __call__(self, batch: Batch) -> Tensor:
        x = batch.need("x", self)
        return perplexity_rows(sqeuclidean(x, x), self.perplexity)


@dataclass(frozen=True)
class GaussianJoint(Gaussian):
    r"""Symmetrised Gaussian neighbourhoods as one distribution over pairs, :math:`P_{ij} = (p_{j|i} + p_{i|j}) / 2n`: (1, n * n).

    The input side of the published t-SNE (van der Maaten & Hinton 2008). Parameters as :class:`Gaussian`.

    Returns
    -------
    (1, n * n), which sums to one.

    Raises
    ------
    ConfigError, DataError
        As :class:`Gaussian`.

    Examples
    --------
    >>> GaussianJoint(perplexity=2.0)(Batch(index=torch.arange(5), x=torch.arange(5.0)[:, None])).shape
    torch.Size([1, 25])
    """

    symmetric = True

    def __call__(self, batch: Batch) -> Tensor:
        p = super().__call__(batch)
        return ((p + p.T) / (2 * len(p))).reshape(1, -1)


class Softmax(Component):
    """p as the softmax of ``scores(batch)``, also in log space, where it never underflows."""

    def log(self, batch: Batch) -> Tensor:
        """log p (n, n); minus infinity on the diagonal where self does not count."""
        scores = self.scores(batch)
        return (scores if self.include_self else without_self(scores)).log_softmax(1)

    def __call__(self, batch: Batch) -> Tensor:
        return self.log(batch).exp()


@dataclass(frozen=True)
class GaussianFixed(Softmax):
    r"""Gaussian neighbourhoods of one scale for all points, :math:`p_{ij} \propto e^{-\lVert x_i - x_j \rVert^2 / \tau_p}`.

    Parameters
    ----------
    p_temperature : float, > 0
        :math:`\tau_p = 2\sigma^2`, in units of the squared distance of the inputs.
    include_self : bool
        Whether j = i counts.

    Returns
    -------
    (n, n), rows sum to one.

    Raises
    ------
    ConfigError
        A scale that is not positive.
    DataError
        No inputs.

    Examples
    --------
    >>> GaussianFixed(p_temperature=1.0)(Batch(index=torch.arange(3), x=torch.tensor([[0.], [1.], [1.]])))[0]
    tensor([0.0000, 0.5000, 0.5000])
    """

    p_temperature: float = 1.0
    include_self: bool = False

    def scores(self, batch: Batch) -> Tensor:
        x = batch.need("x", self)
        return -sqeuclidean(x, x) / self.p_temperature


@dataclass(frozen=True)
class StudentT(Softmax):
    r"""Heavy-tailed neighbourhoods of the inputs, :math:`p_{ij} \propto (1 + \lVert x_i - x_j \rVert^2 / \tau_p)^{-1}`.

    Parameters as :class:`GaussianFixed`; the tail is that of a Cauchy distribution.

    Returns
    -------
    (n, n), rows sum to one.

    Raises
    ------
    ConfigError, DataError
        As :class:`GaussianFixed`.

    Examples
    --------
    >>> StudentT()(Batch(index=torch.arange(3), x=torch.tensor([[0.], [1.], [3.]])))[0]
    tensor([0.0000, 0.8333, 0.1667])
    """

    p_temperature: float = 1.0
    include_self: bool = False

    def scores(self, batch: Batch) -> Tensor:
        x = batch.need("x", self)
        return -torch.log1p(sqeuclidean(x, x) / self.p_temperature)


@dataclass(frozen=True)
class Companion(Softmax):
    r"""Similarity of companion embeddings g, :math:`p_{ij} \propto e^{\cos(g_i, g_j) / \tau_p}`, :math:`j \ne i` (X-Sample).

    Parameters
    ----------
    p_temperature : float, > 0
        Scale that divides the cosine distance of the companions.

    Returns
    -------
    (n, n), rows sum to one.

    Raises
    ------
    ConfigError
        A scale that is not positive.
    DataError
        No companion embeddings.

    Examples
    --------
    >>> batch = Batch(index=torch.arange(3), companion=torch.tensor([[1., 0.], [2., 0.], [0., 1.]]))
    >>> Companion(p_temperature=0.5)(batch)[0]
    tensor([0.0000, 0.8808, 0.1192])
    """

    p_temperature: float = 0.1

    include_self = False

    def scores(self, batch: Batch) -> Tensor:
        g = batch.need("companion", self)
        return -cosine(g, g) / self.p_temperature
