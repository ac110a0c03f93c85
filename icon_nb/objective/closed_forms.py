r"""The mean divergence and its gradient in closed form: one pass over (n, n) instead of many.

For a kernel of distances, with s = log of the unnormalised kernel, :math:`\partial L / \partial s_{ij} = (q_{ij} - p_{ij}) / n`
for rows, without the n for one distribution over all pairs, and :math:`\partial s / \partial d` is known for each kernel. For
clusters, with memberships A (n, C) and shares B (n, C), q = A B^T: the gradients by A and B are products of the derivative by q,
:math:`-p/q` for D(p || q) and :math:`\log q - \log p + 1` for D(q || p), with B and A. Value and gradient equal those of the
plain composition of :mod:`icon_nb.learned` and :mod:`icon_nb.divergences`; only the time differs.

Of many points p is held on the nearest neighbours only. Most of a Gaussian p lies on the nearest three times the perplexity (van
der Maaten 2014): on digits at perplexity 30 all but 2 %, of one point all but 14 %. The rest is left out, and p is kept as edges
that sum to one again. q still runs over all pairs: its normaliser and its gradient are summed over blocks of rows, so memory is
linear in n and time quadratic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from ..errors import DataError, demand
from .component import Target
from .divergences import kl, rkl
from .learned import Clusters, DoublyStochastic, Gaussian, Joint, StudentT
from .sinkhorn import balance
from .supervisory.neighbourhoods import log_perplexity_of

SHORTEST = 1e-12  # an embedding shorter than this counts as this long, as in torch's ``normalize``
BLOCK = 2**25  # entries of a block of rows of q, of many points
LOWEST_SCORE = 40  # scores between zero and minus this much need no shift: their weights are far from the smallest float32


class KnownGradient(torch.autograd.Function):
    """``KnownGradient.apply(function, *inputs)``: the scalar that ``function(*inputs)`` returns, with its gradients."""

    @staticmethod
    def forward(ctx, function, *inputs):
        value, *gradients = function(*inputs)
        ctx.save_for_backward(*gradients)
        return value

    @staticmethod
    def backward(ctx, upstream):
        if torch.is_grad_enabled():  # a known gradient is a constant to autograd, which would be wrong in silence
            raise RuntimeError(
                "create_graph=True asks for a second derivative, which the closed form of this loss does not have: "
                "build Objective(supervisory, learned, divergence) without fused"
            )
        return None, *(upstream * gradient for gradient in ctx.saved_tensors)


class Workspace:
    """Matrices that every call works in: fresh memory costs more than the arithmetic on it."""

    def __init__(self):
        self._kept: dict[int, Tensor] = {}

    def __reduce__(self):
        return Workspace, ()  # a copy, or a pickle, begins empty

    def __call__(self, k: int, like: Tensor) -> Tensor:
        """Matrix k, of the form of another one; what it holds is left from the last call."""
        kept = self._kept.get(k)
        if kept is None or (kept.shape, kept.dtype, kept.device) != (like.shape, like.dtype, like.device):
            kept = self._kept[k] = torch.empty_like(like)
        return kept


@dataclass(frozen=True)
class FusedKL:
    """Mean KL(p || q) for a kernel of the distances within a batch, a scalar that autograd can follow to z."""

    kernel: Gaussian  # or a StudentT, with sqeuclidean or cosine distance
    joint: bool  # one distribution over all pairs instead of one per anchor
    symmetric: bool = False  # p of a pair is the same either way round: then so is a joint q, and half of the gradient is enough
    doubly: bool = False  # rows and columns of q sum to one, and so do those of p, which is symmetric
    work: Workspace = field(default_factory=Workspace, repr=False, compare=False)

    def __call__(self, target: Target, z: Tensor) -> Tensor:
        """The loss of embeddings z (n, d) for p (n, n) or (1, n * n)."""
        return KnownGradient.apply(partial(self.value_and_gradient, target), z)

    def value_and_gradient(self, target: Target, z: Tensor, valued: bool = True) -> tuple[Tensor | None, Tensor]:
        """The loss, and its gradient by z (n, d), for the derivative g by the distances.

        Unless ``valued`` the gradient alone, which needs no logarithm of every distance: a third of the time less.
        That is 2 sum_j (g_ij + g_ji)(z_i - z_j) for squared distances; for 1 - u_i u_j with directions u = z / |z| it is the
        part of -sum_j (g_ij + g_ji) u_j that does not point along u_i, over |z_i|.
        """
        n = len(z)
        p, rows = target.p.to(z.dtype).view(n, n), 1 if self.joint else n
        if self.on_sphere:
            lengths = torch.linalg.vector_norm(z, dim=1, keepdim=True).clamp_min_(SHORTEST)
            z = z / lengths
        else:
            z = z - z.mean(0)  # keeps the squared distances exact where the embedding has drifted
        kernel = self._doubly if self.doubly else self._student if self.heavy else self._gaussian
        attraction, weights, norm, log_norm, slope = kernel(z, p, valued)
        gap = torch.addcdiv(p, weights, norm, value=-1, out=self.work(1, p))  # p - q, (n, n)
        gap = gap if slope is None else gap.mul_(slope)
        value = (attraction + log_norm.sum() - target.entropy.sum()) / rows if valued else None
        if self.on_sphere:
            pull = torch.add(gap, gap.T, out=self.work(0, p)) @ z
            along = torch.linalg.vecdot(pull, z).unsqueeze(1)
            return value, torch.addcmul(pull, along, z, value=-1).mul_(-self.rate / rows).div_(lengths)
        one = torch.cat([z, torch.ones_like(z[:, :1])], 1)
        # (n, d + 1): the last column is the sum of row and column.
        if not self.symmetric:
            moved = gap @ one + (one.T @ gap).T
        else:  # the same either way but for rounding; from the left it is five times as fast
            moved = 2 * (gap @ one) if valued else 2 * (one.T @ gap).T
        return value, (2 * self.rate / rows) * (moved[:, -1:] * z - moved[:, :-1])

    @property
    def on_sphere(self) -> bool:
        """Whether the distance is blind to the lengths of z."""
        return self.kernel.distance == "cosine"

    @property
    def heavy(self) -> bool:
        """Whether the kernel has the tails of a Student-t."""
        return isinstance(self.kernel, StudentT)

    @property
    def rate(self) -> float:
        """The constant factor of -ds/dd."""
        kernel = self.kernel
        return (kernel.df + 1) / (2 * kernel.df * kernel.temperature) if self.heavy else 1 / kernel.temperature

    def _scaled_distances(self, z: Tensor, scale: float, plus: float, out: Tensor) -> Tensor:
        """The distances times ``scale`` plus a constant, by one matrix product: (n, n), in the memory of ``out``."""
        if self.on_sphere:
            return torch.addmm(z.new_full((1,), scale + plus), z, z.T, alpha=-scale, out=out)
        squares, one = scale * z.square().sum(1, keepdim=True), torch.ones_like(z[:, :1])
        return torch.mm(torch.cat([-2 * scale * z, squares + plus, one], 1), torch.cat([z, one, squares], 1).T, out=out)

    def _student(self, z: Tensor, p: Tensor, valued: bool):
        """Attraction (if valued), kernel, its normaliser, the log of that, and the factor 1 / (1 + d / nu tau) of ds/dd."""
        df = self.kernel.df
        base = self._scaled_distances(z, 1 / (df * self.kernel.temperature), 1.0, self.work(0, p)).clamp_(min=1)
        logs = torch.log(base, out=self.work(1, p)) if valued else None
        attraction = (df + 1) / 2 * torch.dot(p.reshape(-1), logs.reshape(-1)) if valued else None
        slope = base.reciprocal_().fill_diagonal_(0)
        weights = slope if df == 1 else torch.pow(slope, (df + 1) / 2, out=self.work(1, p))
        norm = weights.sum() if self.joint else weights.sum(1, keepdim=True)
        return attraction, weights, norm, norm.log(), slope

    def _gaussian(self, z: Tensor, p: Tensor, valued: bool):
        """As :meth:`_student`; where weights could underflow, the largest is made one."""
        scores = self._scaled_distances(z, -1 / self.kernel.temperature, 0.0, self.work(0, p))
        bounded = self.on_sphere and 2 / self.kernel.temperature < LOWEST_SCORE
        if not bounded:
            scores.clamp_(max=0)
        attraction = -torch.dot(p.reshape(-1), scores.reshape(-1)) if valued else None
        scores.fill_diagonal_(-math.inf)
        top = 0.0 if bounded else scores.amax() if self.joint else scores.amax(1, keepdim=True)
        weights = (scores if bounded else scores.sub_(top)).exp_()
        norm = weights.sum() if self.joint else weights.sum(1, keepdim=True)
        return attraction, weights, norm, norm.log() + top, None

    def _doubly(self, z: Tensor, p: Tensor, valued: bool):
        """As :meth:`_student`; the factors e^f add nothing to the gradient, because they minimise a sum over all pairs."""
        df, scale = (self.kernel.df if self.heavy else 1), self.kernel.temperature
        scores = self._scaled_distances(z, 1 / (df * scale), 0.0, self.work(0, p)).clamp_(min=0)
        slope = (1 / (1 + scores)).fill_diagonal_(0) if self.heavy else None
        scores = scores.log1p_().mul_(-(df + 1) / 2) if self.heavy else scores.neg_()
        attraction = -torch.dot(p.reshape(-1), scores.reshape(-1)) if valued else None
        f = balance(scores.fill_diagonal_(-math.inf))
        return attraction, scores.add_(f[:, None] + f).exp_(), z.new_ones(1), -2 * f, slope


@dataclass(frozen=True)
class FusedClusters:
    """Mean D(p || q), or D(q || p), of a cluster kernel within a batch, a scalar that autograd can follow to the logits.

    Where q underflows the plain composition takes over, which sums in log space.
    """

    reverse: bool  # D(q || p), which needs p to be positive
    work: Workspace = field(default_factory=Workspace, repr=False, compare=False)

    def __call__(self, target: Target, z: Tensor) -> Tensor:
        """The loss of logits z (n, C) for p (n, n)."""
        p, measure = target.p.to(z.dtype), target.measure
        join = z.log_softmax(1)
        member = join if measure is None else join + measure.log()[:, None]
        share = member - member.logsumexp(0)
        log_p = p.log() if target.log_p is None and self.reverse else target.log_p
        lowest = torch.finfo(z.dtype).tiny
        if float(join.detach().amin() + share.detach().amin()) < math.log(lowest) / 2:
            return (rkl if self.reverse else kl)(p, Clusters()(z, None, measure), log_p).mean()
        return KnownGradient.apply(partial(self._value_and_gradients, p, log_p, target.entropy), join.exp(), share.exp())

    def _value_and_gradients(self, p, log_p, entropy, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, and its gradients by the memberships a and the shares b, both (n, C)."""
        q, work = self.work(0, p), self.work(1, p)
        torch.mm(a, b.T, out=q)
        if self.reverse:
            torch.log(q, out=work).sub_(log_p)
            value = torch.dot(q.view(-1), work.view(-1)) / len(p)
            slope = work.add_(1)
        else:
            value = -(torch.dot(p.view(-1), torch.log(q, out=work).view(-1)) + entropy.sum()) / len(p)
            slope = torch.div(p, q, out=work).neg_()
        return value, (slope @ b) / len(p), (a.T @ slope).T / len(p)


def fuse(learned, symmetric: bool = False) -> FusedKL | None:
    """The closed form of the mean KL from a p, symmetric or not, to a learned component, or None where there is none."""
    joint, doubly = isinstance(learned, Joint), isinstance(learned, DoublyStochastic)
    kernel = learned.kernel if joint or doubly else learned
    if doubly and not symmetric:
        return None
    fits = type(kernel) in (Gaussian, StudentT) and kernel.distance in ("sqeuclidean", "cosine") and not kernel.include_self
    return FusedKL(kernel, joint, symmetric and (joint or doubly), doubly) if fits else None


def closed_form(learned, divergence: Callable, symmetric: bool = False) -> FusedKL | FusedClusters | None:
    """The loss in one piece, for the kernels and divergences where its gradient is known; p may be known to be symmetric."""
    if isinstance(learned, Clusters):
        return FusedClusters(reverse=divergence is rkl) if divergence in (kl, rkl) else None
    return fuse(learned, symmetric) if divergence is kl else None


@dataclass(frozen=True)
class Edges:
    """A sparse p: ``weight[e]`` from point ``i[e]`` to point ``j[e]``, and its entropy."""

    i: Tensor  # (n_edges,)
    j: Tensor  # (n_edges,)
    weight: Tensor  # (n_edges,), which sum to one over each point's edges, or over all of them for one distribution over pairs
    entropy: float  # sum of the entropies of the rows, in nats


def neighbour_edges(x: Tensor, perplexity: float, joint: bool) -> Edges:
    """Gaussian neighbourhoods of x (n, features) on the ``3 * perplexity`` nearest, found exactly by scikit-learn."""
    from sklearn.neighbors import NearestNeighbors

    n, k = len(x), min(len(x) - 1, math.ceil(3 * perplexity))
    demand(perplexity <= n - 1, f"perplexity={perplexity:g} needs more than {n} points: lower it", DataError)
    distances, index = NearestNeighbors(n_neighbors=k).fit(x.cpu().double().numpy()).kneighbors()
    weight = log_perplexity_of(torch.from_numpy(distances).square(), perplexity).exp().to(x)  # (n, k)
    i = torch.arange(n, device=x.device).repeat_interleave(k)
    j = torch.from_numpy(index).to(x.device).reshape(-1)
    weight = weight.reshape(-1)
    if joint:  # edges of (p + p.T) / 2n, each pair once in each direction
        where, back = torch.cat([i * n + j, j * n + i]).unique(return_inverse=True)
        total = torch.zeros(len(where), dtype=weight.dtype, device=weight.device).index_add_(0, back, weight.repeat(2))
        i, j, weight = where // n, where % n, total / (2 * n)
    return Edges(i, j, weight, -torch.xlogy(weight, weight).sum().item())


def sparse_kl(fused: FusedKL, edges: Edges, z: Tensor) -> Tensor:
    """The loss of embeddings z (n, d) for a sparse p, a scalar that autograd can follow to z."""
    return KnownGradient.apply(partial(value_and_gradient, fused, edges), z)


def value_and_gradient(fused: FusedKL, edges: Edges, z: Tensor) -> tuple[Tensor, Tensor]:
    """As :meth:`FusedKL.value_and_gradient`, for a sparse p: the loss, and its gradient by z (n, d)."""
    z = z - z.mean(0)
    rows, log_norm, step = 1 if fused.joint else len(z), torch.empty_like(z[:, 0]), z[edges.i] - z[edges.j]
    for block, d in _blocks(z):
        scores, _ = _kernel(fused, d)
        scores[:, block].fill_diagonal_(-math.inf)
        log_norm[block] = scores.logsumexp(1)
    log_norm = log_norm.logsumexp(0).expand(len(z)) if fused.joint else log_norm  # (n,)
    log_kernel, slope = _kernel(fused, step.square().sum(1))
    value = -(edges.weight * log_kernel).sum() - edges.entropy + (log_norm[0] if fused.joint else log_norm.sum())
    pull = (edges.weight * slope)[:, None] * step
    force = torch.zeros_like(z).index_add_(0, edges.i, pull).index_add_(0, edges.j, pull, alpha=-1)
    return value / rows, (2 * fused.rate / rows) * (force - _repulsion(fused, z, log_norm))


def _kernel(fused: FusedKL, d: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the unnormalised kernel at squared distances d, and the factor of its derivative beside the constant rate."""
    kernel = fused.kernel
    if fused.heavy:
        base = 1 + d / (kernel.df * kernel.temperature)
        return base.log().mul_(-(kernel.df + 1) / 2), base.reciprocal_()
    return -d / kernel.temperature, torch.ones_like(d)


def _blocks(z: Tensor):
    """Slices of rows, and the squared distances (rows, n) of each to all points."""
    size = max(1, BLOCK // len(z))
    squares = z.square().sum(1)
    for start in range(0, len(z), size):
        rows = slice(start, min(start + size, len(z)))
        yield rows, torch.addmm(squares[rows, None] + squares, z[rows], z.T, alpha=-2).clamp_(min=0)


def _repulsion(fused: FusedKL, z: Tensor, log_norm: Tensor) -> Tensor:
    """sum_j (q_ij + q_ji) slope_ij (z_i - z_j) for every i: (n, d)."""
    force = torch.empty_like(z)
    for rows, d in _blocks(z):
        scores, slope = _kernel(fused, d)
        both = (scores - log_norm[rows, None]).exp_().add_(scores.sub_(log_norm).exp_()).mul_(slope)
        both[:, rows].fill_diagonal_(0)
        force[rows] = both.sum(1, keepdim=True) * z[rows] - both @ z
    return force
