r"""The mean KL against a kernel of distances, with its gradient in closed form: one pass over (n, n) instead of many.

With s = log of the unnormalised kernel, :math:`\partial L / \partial s_{ij} = (q_{ij} - p_{ij}) / n` for rows, without the n for
one distribution over all pairs, and :math:`\partial s / \partial d` is known for each kernel. The value and the gradient equal
those of the plain composition of :mod:`icon_nb.learned` and :func:`icon_nb.divergences.kl`; only the time differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .learned import Gaussian, Joint, StudentT

SHORTEST = 1e-12
"""An embedding shorter than this counts as this long, as in torch's ``normalize``."""

LOWEST_SCORE = 40
"""Scores between zero and minus this much need no shift: their weights are far from the smallest float32."""


@dataclass(frozen=True)
class FusedKL:
    """Mean KL(p || q) for a kernel of the distances within a batch, a scalar that autograd can follow to z.

    Parameters
    ----------
    kernel : Gaussian or StudentT with ``distance="sqeuclidean"`` or ``"cosine"``
    joint : bool
        One distribution over all pairs instead of one per anchor.
    symmetric : bool
        p of a pair is the same either way round. With ``joint`` so is q, and one half of the gradient stands for both.

    Examples
    --------
    >>> z, p = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    >>> round(FusedKL(StudentT(), joint=False)(p, entropy(p), z).item(), 4)
    0.1514
    """

    kernel: Gaussian
    joint: bool
    symmetric: bool = False
    _memory: dict = field(default_factory=dict, repr=False, compare=False)

    def buffer(self, k: int, like: Tensor) -> Tensor:
        """Matrix k of the two (n, n) that every call works in: fresh memory costs more than the arithmetic on it."""
        key = k, like.dtype, like.device
        if key not in self._memory or self._memory[key].shape != like.shape:
            self._memory[key] = torch.empty_like(like)
        return self._memory[key]

    def __call__(self, p: Tensor, entropy: Tensor, z: Tensor) -> Tensor:
        """The loss of embeddings z (n, d) for p (n, n) or (1, n * n) and the entropies of its rows."""
        return _ClosedForm.apply(z, p, entropy, self)

    def value_and_gradient(self, p: Tensor, entropy: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, and its gradient by z (n, d), for the derivative g by the distances.

        That is 2 sum_j (g_ij + g_ji)(z_i - z_j) for squared distances; for 1 - u_i u_j with directions u = z / |z| it is the
        part of -sum_j (g_ij + g_ji) u_j that does not point along u_i, over |z_i|.
        """
        n = len(z)
        p, rows = p.to(z.dtype).view(n, n), 1 if self.joint else n
        if self.on_sphere:
            lengths = torch.linalg.vector_norm(z, dim=1, keepdim=True).clamp_min_(SHORTEST)
            z = z / lengths
        else:
            z = z - z.mean(0)  # keeps the squared distances exact where the embedding has drifted
        attraction, weights, norm, log_norm, slope = KERNELS[type(self.kernel)](self, z, p)
        gap = torch.addcdiv(p, weights, norm, value=-1, out=self.buffer(1, p))  # p - q, (n, n)
        gap = gap if slope is None else gap.mul_(slope)
        value = (attraction + log_norm.sum() - entropy.sum()) / rows
        if self.on_sphere:
            pull = torch.add(gap, gap.T, out=self.buffer(0, p)) @ z
            along = torch.linalg.vecdot(pull, z).unsqueeze(1)
            return value, torch.addcmul(pull, along, z, value=-1).mul_(-self.rate / rows).div_(lengths)
        one = torch.cat([z, torch.ones_like(z[:, :1])], 1)
        moved = gap @ one  # (n, d + 1): the last column is the sum of the row, and then of row and column
        moved = 2 * moved if self.joint and self.symmetric else moved + (one.T @ gap).T
        gradient = (2 * self.rate / rows) * (moved[:, -1:] * z - moved[:, :-1])
        return value, gradient

    @property
    def on_sphere(self) -> bool:
        """Whether the distance is blind to the lengths of z."""
        return self.kernel.distance == "cosine"

    def scaled_distances(self, z: Tensor, scale: float, plus: float, out: Tensor) -> Tensor:
        """The distances times ``scale`` plus a constant, by one matrix product: (n, n), in the memory of ``out``."""
        if self.on_sphere:
            return torch.addmm(z.new_full((1,), scale + plus), z, z.T, alpha=-scale, out=out)
        squares, one = scale * z.square().sum(1, keepdim=True), torch.ones_like(z[:, :1])
        return torch.mm(torch.cat([-2 * scale * z, squares + plus, one], 1), torch.cat([z, one, squares], 1).T, out=out)

    @property
    def rate(self) -> float:
        """The constant factor of -ds/dd."""
        kernel = self.kernel
        return (kernel.df + 1) / (2 * kernel.df * kernel.temperature) if isinstance(kernel, StudentT) else 1 / kernel.temperature


def fuse(learned, symmetric: bool = False) -> FusedKL | None:
    """The closed form of the mean KL from a p, symmetric or not, to a learned component, or None where there is none."""
    joint, kernel = isinstance(learned, Joint), learned.kernel if isinstance(learned, Joint) else learned
    known = type(kernel) is StudentT or (type(kernel) is Gaussian and not joint)
    fits = known and kernel.distance in ("sqeuclidean", "cosine") and not kernel.include_self
    return FusedKL(kernel, joint, symmetric) if fits else None


def refuse_second_derivative() -> None:
    """Called in a backward pass: a gradient known in closed form is a constant to autograd, which would be wrong in silence."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "create_graph=True asks for a second derivative, which the closed form of this loss does not have: "
            "build Objective(supervisory, learned, divergence) without fused"
        )


def entropy(p: Tensor) -> Tensor:
    """Entropy of every row of p (n, m), in nats: (n,)."""
    return -torch.xlogy(p, p).sum(1)


def _student(fused: FusedKL, z: Tensor, p: Tensor):
    """Attraction, kernel, its normaliser, the log of that, and the factor 1 / (1 + d / nu tau) of the derivative."""
    df = fused.kernel.df
    base = fused.scaled_distances(z, 1 / (df * fused.kernel.temperature), 1.0, fused.buffer(0, p)).clamp_(min=1)
    attraction = (df + 1) / 2 * torch.dot(p.reshape(-1), torch.log(base, out=fused.buffer(1, p)).reshape(-1))
    slope = base.reciprocal_().fill_diagonal_(0)
    weights = slope if df == 1 else torch.pow(slope, (df + 1) / 2, out=fused.buffer(1, p))
    norm = weights.sum() if fused.joint else weights.sum(1, keepdim=True)
    return attraction, weights, norm, norm.log(), slope


def _gaussian(fused: FusedKL, z: Tensor, p: Tensor):
    """As :func:`_student`; where a row could underflow, its largest weight is made one."""
    scores = fused.scaled_distances(z, -1 / fused.kernel.temperature, 0.0, fused.buffer(0, p))
    bounded = fused.on_sphere and 2 / fused.kernel.temperature < LOWEST_SCORE
    if not bounded:
        scores.clamp_(max=0)
    attraction = -torch.dot(p.reshape(-1), scores.reshape(-1))
    scores.fill_diagonal_(-math.inf)
    top = 0.0 if bounded else scores.amax(1, keepdim=True)
    weights = (scores if bounded else scores.sub_(top)).exp_()
    norm = weights.sum(1, keepdim=True)
    return attraction, weights, norm, norm.log() + top, None


KERNELS: dict[type, Callable] = {StudentT: _student, Gaussian: _gaussian}


class _ClosedForm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, p, entropy, fused):
        value, gradient = fused.value_and_gradient(p, entropy, z)
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(ctx, upstream):
        refuse_second_derivative()
        (gradient,) = ctx.saved_tensors
        return upstream * gradient, None, None, None
