"""p(j|i) from graphs: nearest neighbours, given weights, random walks on them, and the spectral embedding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ...errors import DataError, demand
from ..component import Batch, Softmax, Supervisory, row_normalise, without_self
from ..distances import cosine, sqeuclidean

LONELY = "no other sample is left to be its neighbour; use a larger batch_size"


def nearest(distances: Tensor, k: int) -> Tensor:
    """Adjacency (n, n) of the k nearest others of every row, 0 or 1; row i lists the neighbours of i."""
    n = len(distances)
    demand(k < n, f"n_neighbors={k} needs at least {k + 1} different samples in a batch, got {n}: lower it", DataError)
    others = without_self(distances, math.inf)
    return torch.zeros_like(distances).scatter_(1, others.topk(k, dim=1, largest=False).indices, 1.0)


def propagate(p: Tensor, walk_length: int, walk: str) -> Tensor:
    r"""Spread a row-stochastic P over random walks of up to ``walk_length`` steps (neighbour propagation, debiasing).

    ``"sum"`` is :math:`\tilde P \propto P + P^2 + \dots + P^k`, ``"uniform"`` is :math:`\tilde P \propto 1[P + \dots + P^k > 0]`.
    Walks that come back to where they started are left out, as P leaves out j = i.
    """
    if walk_length == 1:
        return p
    powers = [p]
    for _ in range(walk_length - 1):
        powers.append(powers[-1] @ p)
    total = without_self(reduce(torch.add, powers), 0)
    return row_normalise((total > 0).to(p.dtype) if walk == "uniform" else total, LONELY)


@dataclass(frozen=True)
class NearestNeighbors(Supervisory):
    r"""Uniform over the nearest others in input space, :math:`p_{ij} = 1[j \in \text{kNN}(i)] / k`.

    >>> NearestNeighbors(n_neighbors=2)(Batch(index=torch.arange(4), x=torch.tensor([[0.], [1.], [2.], [9.]])))[0]
    tensor([0.0000, 0.5000, 0.5000, 0.0000])
    """

    n_neighbors: int = 10
    walk_length: int = 1
    walk: str = "sum"

    def distances_of(self, batch: Batch) -> Tensor:
        """What is compared: (n, n)."""
        x = batch.need("x", self)
        return sqeuclidean(x, x)

    def rows(self, batch: Batch) -> Tensor:
        p = nearest(self.distances_of(batch), self.n_neighbors) / self.n_neighbors
        return propagate(p, self.walk_length, self.walk)


@dataclass(frozen=True)
class SampledNeighbors(NearestNeighbors):
    r"""The same among a few strangers that are drawn anew at every step, each as often as it was drawn (InfoNC-t-SNE).

    The companion are random numbers from 0 to 1, (n, m), one for each draw; neighbours and the point itself are no strangers.

    >>> x, draws = torch.tensor([[0.], [1.], [9.]]), torch.tensor([[0.7, 0.8], [0.5, 0.1], [0.2, 0.9]])
    >>> p, batch = SampledNeighbors(n_neighbors=1), Batch(index=torch.arange(3), x=x, companion=draws)
    >>> p(batch)[0], p.measure(batch)[0]
    (tensor([0., 1., 0.]), tensor([0., 1., 2.], dtype=torch.float64))
    """

    unused = ("walk_length", "walk")

    def measure(self, batch: Batch) -> Tensor:
        """Weights (n, n) of the candidates."""
        p = self.rows(batch)
        drawn = (batch.need("companion", self) * len(p)).long() % len(p)
        times = torch.zeros_like(p).scatter_add_(1, drawn, torch.ones_like(drawn, dtype=p.dtype))
        return torch.where(p > 0, 1, times)


@dataclass(frozen=True)
class CompanionNeighbors(NearestNeighbors):
    r"""Uniform over the nearest others among companion embeddings, by cosine (language-guided, El Banani et al. 2023).

    >>> batch = Batch(index=torch.arange(3), companion=torch.tensor([[1., 0.], [2., 0.], [0., 1.]]))
    >>> CompanionNeighbors(n_neighbors=1)(batch)[0]
    tensor([0., 1., 0.])
    """

    def distances_of(self, batch: Batch) -> Tensor:
        g = batch.need("companion", self)
        return cosine(g, g)


@dataclass(frozen=True)
class ViewsAndNeighbors(NearestNeighbors):
    r"""Views of the same sample, views of its nearest neighbours, and of what a walk reaches, :math:`j \ne i`.

    The graph of debiased InfoNCE clustering: :math:`p_{ij} \propto 1[s_i = s_j] + k \tilde P_{s_i s_j}`, so that another view of
    the sample weighs as much as a view of a direct neighbour.

    >>> batch = Batch(index=torch.tensor([0, 1, 2, 0, 1, 2]), x=torch.tensor([[0.], [1.], [9.], [0.], [1.], [9.]]))
    >>> ViewsAndNeighbors(n_neighbors=1)(batch)[0]
    tensor([0.0000, 0.3333, 0.0000, 0.3333, 0.3333, 0.0000])
    """

    n_neighbors: int = 3

    def rows(self, batch: Batch) -> Tensor:
        x = batch.need("x", self)
        samples, row = batch.index.unique(return_inverse=True)
        first = torch.empty_like(samples).scatter_(0, row, torch.arange(len(row), device=row.device))
        p = nearest(sqeuclidean(x[first], x[first]), self.n_neighbors) / self.n_neighbors
        reach = propagate(p, self.walk_length, self.walk)
        reach = (reach > 0).to(p.dtype) if self.walk == "uniform" else reach * self.n_neighbors
        near = reach + torch.eye(len(samples), dtype=p.dtype, device=p.device)
        return row_normalise(without_self(near[row][:, row], 0), LONELY)


@dataclass(frozen=True)
class GraphWeights(Supervisory):
    r"""The edges of a given graph, :math:`p_{ij} = w_{ij} / \sum_k w_{ik}`, :math:`j \ne i`.

    >>> path = torch.tensor([[0., 1., 0.], [1., 0., 3.], [0., 3., 0.]])
    >>> GraphWeights()(Batch(index=torch.arange(3), graph=path))[1]
    tensor([0.2500, 0.0000, 0.7500])
    """

    walk_length: int = 1
    walk: str = "sum"

    def rows(self, batch: Batch) -> Tensor:
        weights = without_self(batch.need("graph", self), 0)
        cause = "it has no edge inside the batch; remove isolated nodes, or use backbone='table', which sees the whole graph"
        return propagate(row_normalise(weights, cause), self.walk_length, self.walk)


@dataclass(frozen=True)
class GraphContexts(GraphWeights):
    r"""The edges of a given graph, to second vectors of the nodes, as in LINE: a row counts by the degree of its node.

    >>> path = torch.tensor([[0., 1., 0.], [1., 0., 3.], [0., 3., 0.]])
    >>> GraphContexts().weights(Batch(index=torch.arange(3), graph=path))
    tensor([0.3750, 1.5000, 1.1250], dtype=torch.float64)
    """

    include_self = True

    def weights(self, batch: Batch) -> Tensor:
        """How much each row counts (n,): its degree over the mean degree."""
        degrees = batch.need("graph", self).sum(1)
        return degrees / degrees.mean()


@dataclass(frozen=True)
class GraphGibbs(Softmax):
    r"""The edges of a given graph as in normalized cuts, :math:`p_{ij} \propto e^{w_{ij} / (d_j \tau_p)}`, self included.

    It carries the degrees :math:`d_j` of the nodes: the measure that a cluster kernel weighs its candidates with.
    The cut that is best for the objective is the best normalized cut as :math:`\tau_p` goes to zero.

    >>> path = torch.tensor([[0., 1., 0.], [1., 0., 3.], [0., 3., 0.]])
    >>> GraphGibbs(p_temperature=1.0)(Batch(index=torch.arange(3), graph=path))[0]
    tensor([0.3045, 0.3910, 0.3045])
    """

    p_temperature: float = 0.1

    include_self = True

    def scores(self, batch: Batch) -> Tensor:
        weights = batch.need("graph", self)
        return weights / (self.measure(batch) * self.p_temperature)

    def measure(self, batch: Batch) -> Tensor:
        """Degrees (n,) of the nodes within the batch."""
        degrees = batch.need("graph", self).sum(0)
        if (degrees == 0).any():
            node = int((degrees == 0).nonzero()[0])
            remedy = "remove isolated nodes, or raise n_samples or batch_size"
            raise DataError(f"node {node} of the batch has no edge in the graph: {remedy}")
        return degrees


@dataclass(frozen=True)
class Spectral(Softmax):
    r"""Gaussian on the spectral embedding of the kNN graph of the inputs (Ng, Jordan & Weiss 2001).

    The leading eigenvectors of :math:`D^{-1/2} W D^{-1/2}`, rows scaled to unit length.

    >>> x = torch.tensor([[0.], [1.], [50.], [51.]])
    >>> Spectral(n_neighbors=1, p_temperature=0.1, embedding_dim=2)(Batch(index=torch.arange(4), x=x))[0].round(decimals=4)
    tensor([0., 1., 0., 0.])
    """

    n_neighbors: int = 10
    p_temperature: float = 1.0
    embedding_dim: int = 10
    include_self: bool = False

    def scores(self, batch: Batch) -> Tensor:
        from scipy.sparse.csgraph import connected_components

        x = batch.need("x", self)
        graph = nearest(sqeuclidean(x, x), self.n_neighbors)
        parts = connected_components(graph.cpu().numpy(), directed=False)[0]
        if parts > self.embedding_dim:
            raise DataError(
                f"the graph of the {self.n_neighbors} nearest neighbours falls into {parts} parts, which embedding_dim="
                f"{self.embedding_dim} eigenvectors cannot tell apart: raise n_neighbors or embedding_dim"
            )
        u = spectral_embedding(graph, self.embedding_dim)
        return -sqeuclidean(u, u) / self.p_temperature


def spectral_embedding(adjacency: Tensor, dim: int) -> Tensor:
    """Rows of unit length (n, dim): the leading eigenvectors of the normalised, symmetrised adjacency (n, n)."""
    weights = (adjacency + adjacency.T) / 2
    root = weights.sum(1).sqrt()
    _, vectors = torch.linalg.eigh(weights / (root[:, None] * root))
    return normalize(vectors[:, -dim:], dim=1)
