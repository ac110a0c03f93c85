"""p(j|i) from distances: neighbourhoods in input space, along a graph, among companion embeddings; and as a teacher sees them.

The width of every Gaussian neighbourhood comes from its perplexity (Hinton & Roweis 2002), all rows at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DataError, demand
from ..component import Batch, Softmax
from ..distances import cosine, exact, sqeuclidean
from ..sinkhorn import log_entropic

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}  # of the entropy, in nats
STEPS, STRIDE = 200, 8.0  # of the search: how many at most, and how far each may go in the log of the precision
STEEPEST = 0.97  # of the range of the type, in logarithms: the precision of a row that has all its weight on the nearest
BLOCK = 2**22  # entries of the rows that are searched together


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
class SymmetricEntropic(Gaussian):
    r"""Symmetric entropic affinities, :math:`p_{ij} = p_{ji} = e^{(\lambda_i + \lambda_j - 2 d_{ij}) / (\gamma_i + \gamma_j)}`.

    The symmetric p of the least mean squared distance d whose rows sum to one and have the entropy
    :math:`\log(\text{perplexity})` or more (Van Assel et al. 2023).

    >>> p = SymmetricEntropic(perplexity=3.0)(Batch(index=torch.arange(5), x=torch.arange(5.0)[:, None]))
    >>> torch.equal(p, p.T), p.sum(1).round(decimals=4)
    (True, tensor([1., 1., 1., 1., 1.]))
    """

    symmetric = True

    def log_rows(self, batch: Batch) -> Tensor:
        return log_entropic(self.distances_of(batch), self.perplexity)


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
        if not (graph - graph.diag().diag()).any():  # an edge to itself is none
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


@dataclass(frozen=True)
class Teacher(Softmax):
    r"""The softmax of what a teacher says, :math:`p_{ic} \propto e^{g_{ic} / \tau_p}` (Hinton et al. 2015).

    >>> Teacher(p_temperature=2.0)(Batch(index=torch.arange(1), companion=torch.tensor([[2.0, 0.0]]))).round(decimals=4)
    tensor([[0.7311, 0.2689]])
    """

    p_temperature: float = 1.0

    include_self = True

    def scores(self, batch: Batch) -> Tensor:
        return batch.need("companion", self) / self.p_temperature


@dataclass(frozen=True)
class Sharpened(Softmax):
    r"""What the network says, squared, over how much each candidate is used: :math:`p_{ic} \propto q_{ic}^2 / \sum_k q_{kc}`.

    q is the Student-t kernel of the distances to the centres, whose settings it shares, and k runs over the batch (DEC, Xie et
    al. 2016).

    >>> said = -torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    >>> Sharpened()(Batch(index=torch.arange(2), companion=said)).round(decimals=4)
    tensor([[0.8000, 0.2000],
            [0.2000, 0.8000]])
    """

    temperature: float = 1.0
    df: float = 1.0

    include_self = True

    def scores(self, batch: Batch) -> Tensor:
        d = batch.need("companion", self).neg().clamp_min(0)
        log_q = (-(self.df + 1) / 2 * torch.log1p(d / (self.df * self.temperature))).log_softmax(1)
        return 2 * log_q - log_q.logsumexp(0)


@dataclass(frozen=True)
class SwappedCodes(Teacher):
    r"""The same, balanced: within each view all candidates are used alike, by Sinkhorn's iteration (SwAV, Caron et al. 2020).

    >>> said = torch.tensor([[2.0, 0.0], [1.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    >>> p = SwappedCodes()(Batch(index=torch.tensor([0, 1, 0, 1]), companion=said))
    >>> p[:2].sum(0).round(decimals=1)
    tensor([1., 1.])
    """

    def log_rows(self, batch: Batch) -> Tensor:
        views = self.scores(batch).chunk(len(batch.index) // batch.n_samples)
        for _ in range(3):  # as in the published code
            views = [(view - view.logsumexp(0)).log_softmax(1) for view in views]
        return torch.cat(views)


def perplexity_rows(distances: Tensor, perplexity: float) -> Tensor:
    """Rows of Gaussian weights (n, n) without self, each with the same perplexity; parameters as :func:`log_perplexity_rows`."""
    return log_perplexity_rows(distances, perplexity).exp()


def log_perplexity_rows(distances: Tensor, perplexity: float) -> Tensor:
    """The logarithms of the same, which do not underflow: minus infinity on the diagonal."""
    n = len(distances)
    least = math.ceil(perplexity) + 1
    demand(n >= least, f"perplexity={perplexity:g} needs at least {least} points in a batch, got {n}: lower it", DataError)
    rows = torch.full_like(distances, -math.inf)
    off_diagonal(rows).copy_(log_perplexity_of(off_diagonal(distances).reshape(n, n - 1), perplexity).view(n - 1, n))
    return rows


def off_diagonal(matrix: Tensor) -> Tensor:
    """All entries of (n, n) but the diagonal, in their order, as a view (n - 1, n)."""
    n = len(matrix)
    return matrix.view(-1)[1:].view(n - 1, n + 1)[:, :-1]


@torch.no_grad()
def log_perplexity_of(distances: Tensor, perplexity: float) -> Tensor:
    """The same for the distances (n, k) of every point to k others, searched in float64.

    A point with more others at its least distance than the perplexity has all its weight on them, in equal parts.
    """
    entropy = math.log(min(perplexity, distances.shape[1]))
    found = torch.empty_like(distances)
    for rows in torch.arange(len(distances), device=distances.device).split(max(1, BLOCK // distances.shape[1])):
        d = exact(distances[rows])
        d = d - d.amin(1, keepdim=True)  # neither this nor the scale alters which rows have a given entropy
        d = d / d.mean(1, keepdim=True).clamp_min(torch.finfo(d.dtype).tiny)
        log_beta, stuck = _search(d, entropy)
        if len(stuck):
            raise DataError(
                f"perplexity={perplexity:g} cannot be reached for point {int(rows[stuck[0]])}: look for values that are not "
                "finite, or so large that all others look alike"
            )
        found[rows] = (-d * log_beta.exp()).log_softmax(1).to(found.dtype)
    return found


def _search(d: Tensor, target: float) -> tuple[Tensor, Tensor]:
    """The log of the precision (n, 1) that has this entropy for distances from 0, and the rows for which there is none.

    Newton's method; where a step does not halve the one before it or leaves the bracket, bisection.
    """
    found = d.new_full((len(d), 1), STEEPEST * math.log(torch.finfo(d.dtype).max))
    rows = ((d == 0).sum(1).to(d.dtype).log() < target).nonzero().squeeze(1)
    x, last = d.new_zeros(len(rows), 1), d.new_full((len(rows), 1), math.inf)
    low, high = -last, last
    for _ in range(STEPS):
        error, slope = entropy_error(d[rows], x, target)
        found[rows], unfinished = x, ~(error.abs() < TOLERANCE[d.dtype]).squeeze(1)
        rows, x, last, low, high, error, slope = (each[unfinished] for each in (rows, x, last, low, high, error, slope))
        if not len(rows):
            break
        low, high = torch.where(error > 0, x, low), torch.where(error > 0, high, x)
        step = (-error / slope).clamp(-STRIDE, STRIDE)
        halfway = torch.where(low.isinf(), x - STRIDE, torch.where(high.isinf(), x + STRIDE, (low + high) / 2))
        good = (x + step > low) & (x + step < high) & (step.abs() <= last.abs() / 2)
        moved = torch.where(good, x + step, halfway)
        x, last = moved, moved - x
    return found, rows


def entropy_error(d: Tensor, log_beta: Tensor, target: float) -> tuple[Tensor, Tensor]:
    """Entropy of each row of Gaussian weights minus ``target`` (n, 1), and its derivative by log beta (at most 0)."""
    beta = log_beta.exp()
    weights = torch.exp(-d * beta)
    total = weights.sum(1, keepdim=True)
    weighted = weights.mul_(d)
    mean = weighted.sum(1, keepdim=True) / total
    variance = weighted.mul_(d).sum(1, keepdim=True) / total - mean.square()
    return total.log() + beta * mean - target, -beta.square() * variance.clamp_min(1e-30)
