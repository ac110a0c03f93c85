"""Symmetric matrices whose rows and columns sum to one: by Sinkhorn's iteration, and with entropies that are asked for."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import DataError, demand

ROUNDS, PRODUCTS = 50, 20  # of Sinkhorn's iteration: rounds, and products with a vector in each, at most
NEWTON, CONJUGATE, HALVINGS = 200, 40, 30  # steps of the search for entropies, of each solution in it, of each length
BARRIERS = 1e-1, 1e-6  # the first and the last weight of what keeps gamma positive
CLOSE = 1e-6  # how far a sum or an entropy may be from what was asked for


def potentials(scores: Tensor) -> Tensor:
    r"""f (n,) with which the rows of :math:`e^{s_{ij} + f_i + f_j}` sum to one, for symmetric scores s (n, n).

    Autograd can follow: Sinkhorn's iteration finds them without a gradient, and one step of Newton's method from there, which
    changes nothing but rounding, has the gradient of the implicit function. Among scores that differ by thousands the iteration
    ends early, and columns may not sum to one.

    >>> s = torch.tensor([[-torch.inf, 0.0, 1.0], [0.0, -torch.inf, 2.0], [1.0, 2.0, -torch.inf]])
    >>> f = potentials(s)
    >>> (s + f[:, None] + f).exp().sum(1).round(decimals=3)
    tensor([1., 1., 1.])
    """
    f = balance(scores.detach())
    q = (scores.detach() + f[:, None] + f).exp()
    ridge = 1 + 1e3 * torch.finfo(q.dtype).eps  # two points that see only each other leave the difference of their factors open
    return f - torch.linalg.solve(q + ridge * torch.eye(len(q)).to(q), f + (scores + f).logsumexp(1))


@torch.no_grad()
def balance(scores: Tensor) -> Tensor:
    """The same without a gradient: most steps are products, which may underflow where a step in log space does not."""
    f, info = -scores.logsumexp(1) / 2, torch.finfo(scores.dtype)
    for _ in range(ROUNDS):
        f = (f - (scores + f).logsumexp(1)) / 2
        kernel, u = (scores + f[:, None] + f).exp_(), torch.ones_like(f)
        for _ in range(PRODUCTS):
            sums = u * (kernel @ u)
            if float((sums - 1).abs().max()) < 100 * info.eps:
                return f + u.log()
            if float(sums.min()) < info.tiny**0.5:
                break
            u = u / sums.sqrt()
        f = f + u.log()
    return f


@torch.no_grad()
def log_entropic(distances: Tensor, perplexity: float) -> Tensor:
    r"""log P (n, n): symmetric, rows of sum one and of entropy :math:`\log(\text{perplexity})`, at the least mean distance.

    That is :math:`P_{ij} = e^{(\lambda_i + \lambda_j - 2 d_{ij}) / (\gamma_i + \gamma_j)}`, where the dual problem is solved for
    :math:`\lambda` and :math:`\gamma > 0`. A point that others need more than it needs them may have more entropy than was asked
    for; its :math:`\gamma` is nearly zero then.
    """
    n, near = len(distances), math.ceil(perplexity) + 1
    demand(n >= near, f"perplexity={perplexity:g} needs at least {near} points in a batch, got {n}: lower it", DataError)
    if perplexity >= n - 1:
        return torch.full_like(distances, -math.log(n - 1)).fill_diagonal_(-math.inf)
    reach = distances.kthvalue(near).values  # (n,)
    scale = float(reach.median()) or float(distances.mean()) or 1.0
    dual, gamma = Dual(2 * distances / scale, math.log(perplexity)), (reach / scale).clamp_min(0.1)
    v = torch.stack([2 * gamma * balance(dual.log_p(torch.stack([torch.zeros_like(gamma), gamma]))), gamma])
    barrier, last = BARRIERS
    for _ in range(NEWTON):
        log_p = dual.log_p(v)
        gradient = dual.gradient(v, log_p, barrier)
        off = float(gradient.abs().max())
        if off < CLOSE and barrier <= last:
            f = balance(log_p)
            return log_p + f[:, None] + f
        if off < (CLOSE if barrier <= last else 0.1):
            barrier /= 100
        else:
            v = dual.step(v, log_p, gradient, barrier)
    raise DataError(
        f"perplexity={perplexity:g}: no symmetric p with this entropy was found; look for values far from all others, "
        "or raise perplexity"
    )


class Dual:
    """The convex problem that symmetric entropic affinities solve, in v (2, n): lambda and gamma."""

    def __init__(self, cost: Tensor, entropy: float):
        self.cost, self.entropy = cost, entropy

    def log_p(self, v: Tensor) -> Tensor:
        rise, width = ((each[:, None] + each) for each in v)
        return rise.sub_(self.cost).div_(width).fill_diagonal_(-math.inf)

    def value(self, v: Tensor, log_p: Tensor, barrier: float) -> float:
        widths = (log_p.exp().sum(1) * v[1]).sum()  # half of the sum over pairs
        return float(widths - v[0].sum() - ((self.entropy + 1) * v[1] + barrier * v[1].log()).sum())

    def gradient(self, v: Tensor, log_p: Tensor, barrier: float) -> Tensor:
        p = log_p.exp()
        sums, entropy = p.sum(1), -torch.xlogy(p, p).sum(1)
        return torch.stack([sums - 1, sums + entropy - self.entropy - 1 - barrier / v[1]])

    def step(self, v: Tensor, log_p: Tensor, gradient: Tensor, barrier: float) -> Tensor:
        """One step of Newton's method, as far as gamma stays positive and the value falls."""
        move, value = self._direction(v, log_p, gradient, barrier), self.value(v, log_p, barrier)
        share = min(1.0, 0.95 / max(float((-move[1] / v[1]).max()), 1e-9))
        enough = 1e-4 * float((gradient * move).sum())
        for _ in range(HALVINGS):
            moved = v + share * move
            if self.value(moved, self.log_p(moved), barrier) <= value + share * enough + 1e-12 * abs(value):
                break
            share /= 2
        return moved

    def _direction(self, v: Tensor, log_p: Tensor, gradient: Tensor, barrier: float) -> Tensor:
        """Newton's direction, by conjugate gradients from that of every point by itself."""
        p = log_p.exp() / (v[1][:, None] + v[1])
        log_p = log_p.masked_fill(log_p.isinf(), 0)
        both = torch.stack([p, -p * log_p, p * log_p.square()])  # (3, n, n), second derivatives between points
        own = both.sum(2)  # (3, n), and of a point by itself
        own[2] += barrier / v[1].square()
        det = own[0] * own[2] - own[1].square()

        def times(x: Tensor) -> Tensor:
            mixed = both[1] @ x.T
            return torch.stack([own[0] * x[0] + own[1] * x[1] + both[0] @ x[0] + mixed[:, 1],
                                own[1] * x[0] + own[2] * x[1] + mixed[:, 0] + both[2] @ x[1]])  # fmt: skip

        def alone(x: Tensor) -> Tensor:
            return torch.stack([own[2] * x[0] - own[1] * x[1], own[0] * x[1] - own[1] * x[0]]) / det

        found, rest = torch.zeros_like(v), -gradient
        along = better = alone(rest)
        left = first = (rest * better).sum()
        for _ in range(CONJUGATE):
            bent = times(along)
            length = left / (along * bent).sum()
            found, rest = found + length * along, rest - length * bent
            better = alone(rest)
            left, before = (rest * better).sum(), left
            if left < 1e-2 * first:
                break
            along = better + left / before * along
        return found
