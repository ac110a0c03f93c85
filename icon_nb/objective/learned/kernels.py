"""log q(j|i): who is near whom in the embedding, by a kernel or through clusters. Log space is the only form of q.

Temperature has one meaning for every kernel: the scale that divides the distance. Where a text writes a Gaussian with a sigma,
``exp(-d / (2 sigma**2))``, the temperature here is ``2 * sigma**2``; on the unit sphere with ``cosine`` it is InfoNCE's tau.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import demand
from ..component import Learned
from ..sinkhorn import potentials

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


def log_matmul(a: Tensor, b: Tensor) -> Tensor:
    r""":math:`\log \sum_c e^{a_{ic} + b_{jc}}` for a (n, C) and b (m, C): (n, m).

    A matrix product of shifted exponentials, exact unless terms underflow; then the slower sum in log space.
    """
    top_a, top_b = a.detach().amax(1, keepdim=True), b.detach().amax(1, keepdim=True)
    product = (a - top_a).exp() @ (b - top_b).exp().T
    if bool((product < torch.finfo(product.dtype).tiny ** 0.5).any()):
        return (a[:, None] + b).logsumexp(2)
    return product.log() + top_a + top_b.T


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
