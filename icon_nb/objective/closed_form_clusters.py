r"""The mean divergence between p and a cluster kernel, with its gradient in closed form, for whole data sets at once.

With memberships A (n, C) and shares B (n, C) of the clusters, q = A B^T: the gradients by A and B are products of the derivative
by q, :math:`-p/q` for D(p || q) and :math:`\log q - \log p + 1` for D(q || p), with B and A. Where q underflows the plain
composition takes over, which sums in log space.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .closed_forms import refuse_second_derivative
from .divergences import kl, rkl
from .learned.clusters import Clusters


@dataclass(frozen=True)
class FusedClusters:
    """Mean D(p || q), or D(q || p), of a cluster kernel within a batch, a scalar that autograd can follow to the logits.

    Parameters
    ----------
    reverse : bool
        D(q || p), which needs p to be positive.

    Examples
    --------
    >>> p, z = torch.full((2, 2), 0.5), torch.tensor([[3.0, 0.0], [3.0, 0.0]])
    >>> abs(round(FusedClusters(reverse=False)(p, None, torch.full((2,), math.log(2)), z).item(), 6))
    0.0
    """

    reverse: bool
    _memory: dict = field(default_factory=dict, repr=False, compare=False)

    def buffers(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """The two (n, n) that every call works in."""
        key = like.shape, like.dtype, like.device
        if key not in self._memory:
            self._memory.clear()
            self._memory[key] = torch.empty_like(like), torch.empty_like(like)
        return self._memory[key]

    def __call__(self, p: Tensor, log_p: Tensor | None, entropy: Tensor, z: Tensor, measure: Tensor | None = None) -> Tensor:
        """The loss of logits z (n, C) for p (n, n), its logarithm where that is known, and the entropies of its rows."""
        join = z.log_softmax(1)
        member = join if measure is None else join + measure.log()[:, None]
        share = member - member.logsumexp(0)
        if log_p is None and self.reverse:
            log_p = p.log()
        lowest = torch.finfo(z.dtype).tiny
        if float(join.detach().amin() + share.detach().amin()) < math.log(lowest) / 2:
            log_q = Clusters()(z, None, measure)
            return (rkl if self.reverse else kl)(p, log_q, log_p).mean()
        return _ClosedForm.apply(join.exp(), share.exp(), p, log_p, entropy, self)


class _ClosedForm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b, p, log_p, entropy, fused):
        q, work = fused.buffers(p)
        torch.mm(a, b.T, out=q)
        if fused.reverse:
            torch.log(q, out=work).sub_(log_p)
            value = torch.dot(q.view(-1), work.view(-1)) / len(p)
            slope = work.add_(1)
        else:
            value = -(torch.dot(p.view(-1), torch.log(q, out=work).view(-1)) + entropy.sum()) / len(p)
            slope = torch.div(p, q, out=work).neg_()
        ctx.save_for_backward((slope @ b) / len(p), (a.T @ slope).T / len(p))
        return value

    @staticmethod
    def backward(ctx, upstream):
        refuse_second_derivative()
        by_a, by_b = ctx.saved_tensors
        return upstream * by_a, upstream * by_b, None, None, None, None
