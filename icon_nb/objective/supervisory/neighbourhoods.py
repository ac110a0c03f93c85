"""p(j|i) from distances: neighbourhoods in input space, along a graph, or among companion embeddings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DataError
from ..batch import Batch
from ..component import Softmax
from ..distances import cosine, sqeuclidean
from .perplexity import log_perplexity_rows


@dataclass(frozen=True)
class Gaussian(Softmax):
    r"""Gaussian neighbourhoods, :math:`p_{ij} \propto e^{-\lVert x_i - x_j \rVert^2 / 2\sigma_i^2}`, :math:`j \ne i`.

    Each :math:`\sigma_i` is set so that the entropy of row i is :math:`\log(\text{perplexity})` (Hinton & Roweis 2002).

    >>> p = Gaussian(perplexity=2.0)(Batch(index=torch.arange(5), x=torch.arange(5.0)[:, None]))
    >>> torch.xlogy(p, p).sum(1).neg().exp().round(decimals=3)
    tensor([2., 2., 2., 2., 2.])
    """

    perplexity: float = 30.0

    def distances_of(self, batch: Batch) -> Tensor:
        """Squared distances (n, n)."""
        x = batch.need("x", self)
        return sqeuclidean(x, x)

    def log_rows(self, batch: Batch) -> Tensor:
        return log_perplexity_rows(self.distances_of(batch), self.perplexity)


@dataclass(frozen=True)
class GaussianJoint(Gaussian):
    r"""Symmetrised Gaussian neighbourhoods as one distribution over pairs, :math:`P_{ij} = (p_{j|i} + p_{i|j}) / 2n`.

    The input side of the published t-SNE (van der Maaten & Hinton 2008).

    >>> GaussianJoint(perplexity=2.0)(Batch(index=torch.arange(5), x=torch.arange(5.0)[:, None])).shape
    torch.Size([1, 25])
    """

    symmetric = True

    def log_rows(self, batch: Batch) -> Tensor:
        rows = super().log_rows(batch)
        return (torch.logaddexp(rows, rows.T) - math.log(2 * len(rows))).reshape(1, -1)


@dataclass(frozen=True)
class ShortestPaths(GaussianJoint):
    r"""The same over the edges that lie between two nodes of a graph, :math:`P_{ij}` of :math:`\delta_{ij}^2` (tsNET).

    :math:`\delta_{ij}` is the number of edges of the shortest path; nodes that no path joins are twice as far as the
    farthest that one does.

    >>> path = torch.tensor([[0., 1., 0.], [1., 0., 1.], [0., 1., 0.]])
    >>> ShortestPaths().distances_of(Batch(index=torch.arange(3), graph=path))
    tensor([[0., 1., 4.],
            [1., 0., 1.],
            [4., 1., 0.]], dtype=torch.float64)
    """

    def distances_of(self, batch: Batch) -> Tensor:
        from scipy.sparse.csgraph import shortest_path

        graph = batch.need("graph", self)
        if not graph.any():
            raise DataError("the graph has no edge inside the batch: remove isolated nodes, or give a graph with edges")
        steps = torch.from_numpy(shortest_path(graph.cpu().numpy(), unweighted=True, directed=False)).to(graph)
        return steps.where(steps.isfinite(), 2 * steps[steps.isfinite()].max()).square()


@dataclass(frozen=True)
class GaussianFixed(Softmax):
    r"""Gaussian neighbourhoods of one scale for all points, :math:`p_{ij} \propto e^{-\lVert x_i - x_j \rVert^2 / \tau_p}`.

    >>> GaussianFixed(p_temperature=1.0)(Batch(index=torch.arange(3), x=torch.tensor([[0.], [1.], [1.]])))[0]
    tensor([0.0000, 0.5000, 0.5000])
    """

    p_temperature: float = 1.0
    include_self: bool = False

    def scores(self, batch: Batch) -> Tensor:
        x = batch.need("x", self)
        return -sqeuclidean(x, x) / self.p_temperature


@dataclass(frozen=True)
class StudentT(GaussianFixed):
    r"""Heavy-tailed neighbourhoods of the inputs, :math:`p_{ij} \propto (1 + \lVert x_i - x_j \rVert^2 / \tau_p)^{-1}`.

    The tail is that of a Cauchy distribution.

    >>> StudentT()(Batch(index=torch.arange(3), x=torch.tensor([[0.], [1.], [3.]])))[0]
    tensor([0.0000, 0.8333, 0.1667])
    """

    def scores(self, batch: Batch) -> Tensor:
        return -torch.log1p(-super().scores(batch))


@dataclass(frozen=True)
class Companion(Softmax):
    r"""Similarity of companion embeddings g, :math:`p_{ij} \propto e^{\cos(g_i, g_j) / \tau_p}`, :math:`j \ne i` (X-Sample).

    >>> batch = Batch(index=torch.arange(3), companion=torch.tensor([[1., 0.], [2., 0.], [0., 1.]]))
    >>> Companion(p_temperature=0.5)(batch)[0]
    tensor([0.0000, 0.8808, 0.1192])
    """

    p_temperature: float = 0.1

    def scores(self, batch: Batch) -> Tensor:
        g = batch.need("companion", self)
        return -cosine(g, g) / self.p_temperature
