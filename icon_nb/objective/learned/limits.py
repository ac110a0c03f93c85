r"""q with a loss of its own: the two ends of the temperature of a Gaussian q, in closed form, and kernels that look at p.

With :math:`H(p, q) = D(p \Vert q) + H(p)` and distances d over m candidates,

- wide, :math:`\tau \to \infty`: :math:`\tau (H(p_i, q_i) - \log m) \to \sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`,
  cohesion less variance: PCA for p = identity, the core of VICReg for positive pairs;
- narrow, :math:`\tau \to 0`: :math:`\tau H(p_i, q_i) \to \sum_j p_{ij} d_{ij} - \min_k d_{ik}`, the triplet loss with the hardest
  negative for positive pairs, the perceptron loss for labels.

A limit is a q whose call returns distances instead of log q, and whose ``divergence`` stands in the place of D(p || q). It may
be negative. Kernels under which neighbours and strangers are treated apart come in the same form, as their q looks at where p is
zero: margins, hard negatives, and every pair judged by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..component import Learned, without_self
from ..divergences import kl


@dataclass(frozen=True)
class GaussianWide(Learned):
    r"""A Gaussian q as :math:`\tau \to \infty`: cohesion less variance, :math:`\sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`.

    Unbounded below where the embedding may grow: use cosine distance, or ``backbone="linear"``, which is kept orthonormal.

    >>> q = GaussianWide(include_self=True)
    >>> d = q(torch.tensor([[0.0], [2.0]]))
    >>> q.divergence(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), d)
    tensor([2., 2.])
    """

    distance: str = "sqeuclidean"
    include_self: bool = True

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        """Distances (n, m); infinite where self is excluded, or a candidate is none to an anchor."""
        d = self.distances_to(z, candidates)
        return d if measure is None or measure.dim() == 1 else d.masked_fill(measure == 0, math.inf)

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        """In the place of D(p || q): (n, m), (n, m) -> (n,)."""
        allowed = d < math.inf
        d = d.masked_fill(~allowed, 0)
        return (p * d).sum(1) - d.sum(1) / allowed.sum(1)


@dataclass(frozen=True)
class KernelWide(GaussianWide):
    r"""The same of a similarity, :math:`d_{ij} = -e^{-d'_{ij} / \tau}` with d' the distance: never without a least value (KCL).

    >>> q = KernelWide()
    >>> q.divergence(torch.tensor([[1.0, 0.0]]), q(torch.tensor([[0.0]]), torch.tensor([[0.0], [9.0]]))).round(decimals=4)
    tensor([-0.5000])
    """

    temperature: float = 1.0

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        d = super().__call__(z, candidates, measure)
        return (-(-d / self.temperature).exp()).masked_fill(d == math.inf, math.inf)


@dataclass(frozen=True)
class GaussianNarrow(GaussianWide):
    r"""A Gaussian q as :math:`\tau \to 0`: only the nearest candidate is left, :math:`\sum_j p_{ij} d_{ij} - \min_k d_{ik}`.

    The margin is what an extra :math:`\mu / \tau` on the logits of all candidates with p = 0 becomes.

    >>> q = GaussianNarrow(margin=1.0)
    >>> q.divergence(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 2.5]]))
    tensor([0.5000])
    """

    include_self: bool = False
    margin: float = 0.0

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        r""":math:`\sum_j p_{ij} d_{ij} - \min_k (d_{ik} - \mu 1[p_{ik} = 0])`: (n, m), (n, m) -> (n,), at least 0."""
        nearest = torch.where(p > 0, d, d - self.margin).amin(1)
        return (p * d.masked_fill(p == 0, 0)).sum(1) - nearest


@dataclass(frozen=True)
class GaussianMargin(GaussianWide):
    r"""A Gaussian whose neighbours are moved away by a margin, :math:`q_{ij} \propto e^{-(d_{ij} + \mu 1[p_{ij} > 0]) / \tau}`.

    With labels and cosine distance this is CosFace (Wang et al. 2018): its scale is :math:`1 / \tau`.

    >>> q = GaussianMargin(margin=1.0)
    >>> q.divergence(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 2.0]])).round(decimals=4)
    tensor([0.6931])
    """

    include_self: bool = False
    temperature: float = 1.0
    margin: float = 0.0

    def moved(self, d: Tensor) -> Tensor:
        """What a neighbour at distance d counts as."""
        return d + self.margin

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        return kl(p, (-torch.where(p > 0, self.moved(d), d) / self.temperature).log_softmax(1), log_p)


@dataclass(frozen=True)
class GaussianAngular(GaussianMargin):
    r"""Neighbours are turned away by an angle, :math:`q_{ij} \propto e^{\cos(\theta_{ij} + \mu 1[p_{ij} > 0]) / \tau}`.

    With labels this is ArcFace (Deng et al. 2019). Beyond :math:`\theta + \mu = \pi` the cosine goes on as a straight line, as in
    its published code. The margin is in radians.

    >>> q = GaussianAngular(margin=math.pi / 2)
    >>> q.moved(torch.tensor([0.0])).round(decimals=2)
    tensor([1.])
    """

    distance: str = "cosine"

    distances = ("cosine",)

    def moved(self, d: Tensor) -> Tensor:
        cos = 1 - d
        sin = (1 - cos.square()).clamp_min(torch.finfo(d.dtype).tiny).sqrt()
        turned = cos * math.cos(self.margin) - sin * math.sin(self.margin)
        return 1 - torch.where(cos > -math.cos(self.margin), turned, cos - self.margin * math.sin(self.margin))


@dataclass(frozen=True)
class GaussianHard(GaussianMargin):
    r"""A Gaussian whose strangers count the more the nearer they are (Robinson et al. 2021).

    :math:`q_{ij} \propto w_{ij} e^{-d_{ij} / \tau}`, where neighbours have weight 1 and strangers
    :math:`e^{-\beta d_{ij} / \tau}` over its mean among the strangers.

    >>> p, d = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[1.0, 1.0, 5.0]])
    >>> GaussianHard(hardness=0.0).divergence(p, d) < GaussianHard(hardness=1.0).divergence(p, d)
    tensor([True])
    """

    hardness: float = 1.0

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        logits = -torch.where(p > 0, self.moved(d), d) / self.temperature
        strangers = (p == 0) & (d < math.inf)
        tilt = (self.hardness * logits).masked_fill(~strangers, 0)
        many = strangers.sum(1, keepdim=True).to(d.dtype)
        mean = tilt.masked_fill(~strangers, -math.inf).logsumexp(1, keepdim=True) - many.log()
        return kl(p, torch.where(strangers, logits + tilt - mean, logits).log_softmax(1), log_p)


@dataclass(frozen=True)
class ClassMeans(GaussianWide):
    r"""Classes by the means of their members, :math:`q_{ij} \propto e^{-\lVert z_i - c_j\rVert^2 / \tau} / n_j`.

    That of prototypical networks (Snell et al. 2017). :math:`c_j` is the mean of j and of its neighbours in p, :math:`n_j` points
    of which i is never one. Its squared distance is known from those of the points: the mean distance of i from the members,
    less half of that between two of them.

    >>> q, p = ClassMeans(), torch.eye(4)[[1, 0, 3, 2]]
    >>> q.divergence(p, q(torch.tensor([[0.0], [1.0], [1.0], [1.0]])))[0].round(decimals=4)
    tensor(0.6931)
    """

    include_self: bool = False
    temperature: float = 1.0

    distances, unused = ("sqeuclidean",), ("distance",)

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        """D(p || q): (n, n), (n, n) -> (n,)."""
        member = (p >= p.amax(1, keepdim=True)).to(d.dtype).fill_diagonal_(1)  # (n, n): row j, who is of its class
        d = d.masked_fill(d == math.inf, 0)
        apart = d @ member.T  # (n, n): from i to all of the class of j
        many = member.sum(1) - member.T
        within = (member @ d * member).sum(1) - 2 * member.T * apart  # without i
        logits = -(apart / many - within / (2 * many.square())) / self.temperature - many.log()
        return kl(p, without_self(logits).log_softmax(1), log_p)


@dataclass(frozen=True)
class Sigmoid(GaussianWide):
    r"""Every pair by itself: :math:`q_{ij} = \sigma(b - d_{ij} / \tau)`, no distribution (SigLIP).

    The divergence is the sum over j of the KL between :math:`1[p_{ij} > 0]` and :math:`q_{ij}`, the binary cross-entropy.
    With cosine distance SigLIP writes :math:`b - 1 / \tau`.

    >>> Sigmoid().divergence(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.0]])).round(decimals=4)
    tensor([1.3863])
    """

    include_self: bool = False
    temperature: float = 1.0
    bias: float = 0.0

    def divergence(self, p: Tensor, d: Tensor, log_p: Tensor | None = None) -> Tensor:
        logits = self.bias - d / self.temperature
        return -logsigmoid(torch.where(p > 0, logits, -logits).masked_fill(d == math.inf, math.inf)).sum(1)
