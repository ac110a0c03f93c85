r"""log q(j|i), who is near whom in the embedding: kernels of a distance, clusters, and q with a loss of its own.

Every q takes z (n, d) and returns (n, m) log-probabilities: log space is the only form of q.

Temperature has one meaning for every kernel: the scale that divides the distance. Where a text writes a Gaussian with a sigma,
``exp(-d / (2 sigma**2))``, the temperature here is ``2 * sigma**2``; on the unit sphere with ``cosine`` it is InfoNCE's tau.

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

from ..errors import demand
from .component import Learned, log_matmul, without_self
from .divergences import kl
from .sinkhorn import potentials

__all__ = [
    "ClassMeans", "Clusters", "DoublyStochastic", "Gaussian", "GaussianAngular", "GaussianHard", "GaussianMargin",
    "GaussianNarrow", "GaussianWide", "Joint", "KernelWide", "Mixed", "Sigmoid", "StudentT", "StudentTNarrow", "without_self",
]  # fmt: skip
NOT_NEGATIVE = ("sqeuclidean", "cosine")  # the distances that a Student-t kernel can take


@dataclass(frozen=True)
class Gaussian(Learned):
    r"""Gaussian kernel, :math:`q_{ij} = e^{-d_{ij}/\tau} / \sum_k e^{-d_{ik}/\tau}`.

    >>> log_q = Gaussian(temperature=0.5, distance="cosine")(torch.eye(3))
    >>> log_q.exp()
    tensor([[0.0000, 0.5000, 0.5000],
            [0.5000, 0.0000, 0.5000],
            [0.5000, 0.5000, 0.0000]])
    """

    temperature: float = 1.0
    distance: str = "sqeuclidean"
    include_self: bool = False

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        """log q of shape (n, m); the candidates are the batch itself unless given as (m, d), weighed by a measure (m,) if any."""
        logits = self.logits(z, candidates)
        return (logits if measure is None else logits + measure.log()).log_softmax(1)

    def logits(self, z: Tensor, candidates: Tensor | None = None) -> Tensor:
        """Unnormalised log q (n, m)."""
        return self.log_kernel(self.distances_to(z, candidates))

    def log_kernel(self, d: Tensor) -> Tensor:
        """Log of the kernel of distances, any shape."""
        return -d / self.temperature


@dataclass(frozen=True)
class StudentT(Gaussian):
    r"""Student-t kernel, :math:`q_{ij} \propto (1 + d_{ij} / (\nu \tau))^{-(\nu + 1)/2}`.

    >>> StudentT()(torch.tensor([[0.0], [1.0], [3.0]])).exp()[0]
    tensor([0.0000, 0.8333, 0.1667])
    """

    df: float = 1.0

    distances = NOT_NEGATIVE

    def log_kernel(self, d: Tensor) -> Tensor:
        return -(self.df + 1) / 2 * torch.log1p(d / (self.df * self.temperature))


@dataclass(frozen=True)
class StudentTNarrow(Gaussian):
    r"""Student-t kernel as its scale goes to zero, :math:`q_{ij} \propto d_{ij}^{-(\nu + 1)/2}` (harmonic loss).

    Only ratios of distances are left, so there is no temperature. The exponent of the *squared* distance is (df + 1) / 2. A point
    is infinitely near to itself, so it counts only where the candidates are others.

    >>> StudentTNarrow(df=1.0)(torch.tensor([[0.0]]), torch.tensor([[1.0], [2.0]])).exp()
    tensor([[0.8000, 0.2000]])
    """

    df: float = 1.0

    distances, unused = NOT_NEGATIVE, ("temperature",)

    def log_kernel(self, d: Tensor) -> Tensor:
        return -(self.df + 1) / 2 * d.clamp_min(torch.finfo(d.dtype).tiny).log()


@dataclass(frozen=True)
class Joint(Learned):
    r"""One distribution over all ordered pairs, :math:`q_{ij} = k(d_{ij}) / \sum_{a \ne b} k(d_{ab})`: the published t-SNE form.

    >>> Joint(StudentT())(torch.tensor([[0.0], [1.0], [3.0]])).exp().sum()
    tensor(1.)
    """

    kernel: Gaussian

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        return self.kernel.logits(z, candidates).reshape(1, -1).log_softmax(1)


@dataclass(frozen=True)
class DoublyStochastic(Learned):
    r"""Kernel whose rows and columns all sum to one, :math:`q_{ij} = e^{f_i + f_j} k(d_{ij})`, by Sinkhorn's iteration.

    The factors :math:`e^{f_i}` follow from the distances, and so does their gradient. Weights of the candidates would be taken
    back by them, so that a measure has no effect.

    >>> DoublyStochastic(StudentT())(torch.tensor([[0.0], [1.0], [3.0], [4.0]])).exp().sum(0).round(decimals=4)
    tensor([1., 1., 1., 1.])
    """

    kernel: Gaussian

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        demand(candidates is None, "columns sum to one only where the candidates are the batch itself: leave candidates out")
        logits = self.kernel.logits(z)
        return (logits + potentials(logits)).log_softmax(1)


@dataclass(frozen=True)
class Clusters(Learned):
    r"""Uniform on clusters, :math:`q_{ij} = \sum_c \phi_{ic} \phi_{jc} m_j / \sum_k \phi_{kc} m_k`, self included.

    The embedding is the (n, C) logits of the cluster probabilities :math:`\phi = \text{softmax}(z)`; every row sums to one.
    A point is a member of its own clusters, so ``include_self`` is always True.

    >>> Clusters()(torch.tensor([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])).exp().round(decimals=2)
    tensor([[0.5000, 0.5000, 0.0000],
            [0.5000, 0.5000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """

    include_self: bool = True

    def __post_init__(self):
        demand(self.include_self, "include_self=False: a point is a member of its own clusters, so q counts it; leave it True")

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        """log q (n, m) from logits (n, C) of the anchors and (m, C) of the candidates, weighed by a measure (m,) if any."""
        join = z.log_softmax(1)  # (n, C): from point to cluster
        member = join if candidates is None else candidates.log_softmax(1)
        if measure is not None:
            member = member + measure.log()[:, None]
        leave = member - member.logsumexp(0)  # (m, C): from cluster to point
        return log_matmul(join, leave)


@dataclass(frozen=True)
class Mixed(Learned):
    r"""Uniform mixing of q, :math:`\tilde q = (1 - \alpha) q + \alpha / m` over the m candidates that q allows.

    >>> Mixed(Gaussian(temperature=1e-3), alpha=0.5)(torch.tensor([[0.0], [1.0], [3.0]])).exp()[0]
    tensor([0.0000, 0.7500, 0.2500])
    """

    kernel: Gaussian | Joint | Clusters
    alpha: float

    def __post_init__(self):
        demand(0 < self.alpha < 1, f"alpha={self.alpha!r}: must lie between 0 and 1; to mix nothing, leave Mixed out")

    def __call__(self, z: Tensor, candidates: Tensor | None = None, measure: Tensor | None = None) -> Tensor:
        log_q = self.kernel(z, candidates, measure)
        excluded = log_q == -math.inf
        uniform = math.log(self.alpha) - (~excluded).sum(1, keepdim=True).to(log_q.dtype).log()  # (n, 1)
        floor = torch.finfo(log_q.dtype).min / 4  # keeps the gradient of excluded entries finite
        return torch.logaddexp(log_q.clamp_min(floor) + math.log1p(-self.alpha), uniform).masked_fill(excluded, -math.inf)


@dataclass(frozen=True)
class GaussianWide(Learned):
    r"""A Gaussian q as :math:`\tau \to \infty`: cohesion less variance, :math:`\sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik}`.

    It is what :math:`\tau (H(p_i, q_i) - \log m)` goes to: PCA for p = identity, the core of VICReg for positive pairs. Unbounded
    below where the embedding may grow: use cosine distance, or ``backbone="linear"``, which is kept orthonormal.

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

    For positive pairs the triplet loss with the hardest negative, for labels the perceptron loss. The margin is what an extra
    :math:`\mu / \tau` on the logits of all candidates with p = 0 becomes.

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
