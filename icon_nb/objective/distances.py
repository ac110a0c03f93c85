"""Distances between the rows of two matrices: (n, d), (m, d) -> (n, m). Smaller is always closer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def exact(x: Tensor) -> Tensor:
    """The same in float64, which p is made in: distances of inputs have no gradient, and float32 loses those of near points.

    On mps, which has no float64, in float32.
    """
    return x.to(torch.float32 if x.device.type == "mps" else torch.float64)


def sqeuclidean(a: Tensor, b: Tensor) -> Tensor:
    r"""Squared Euclidean distance, :math:`d_{ij} = \lVert a_i - b_j \rVert^2 \ge 0`.

    >>> sqeuclidean(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.]]))
    tensor([[25.]])
    """
    centre = b.detach().mean(0)  # far from the origin the squares would swallow the differences
    a, b = (a - centre,) * 2 if a is b else (a - centre, b - centre)
    squares = a.square().sum(1, keepdim=True) + b.square().sum(1)  # (n, m)
    return torch.addmm(squares, a, b.T, alpha=-2).clamp_min(0)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    r"""Cosine distance, :math:`d_{ij} = 1 - \cos(a_i, b_j) \in [0, 2]`.

    Divided by a temperature it gives InfoNCE's logits up to a constant: :math:`-d/\tau = (\cos - 1)/\tau`.

    >>> cosine(torch.tensor([[1., 0.]]), torch.tensor([[0., 2.], [5., 0.]]))
    tensor([[1., 0.]])
    """
    return 1 - normalize(a, dim=1) @ normalize(b, dim=1).T  # (n, m)


def neg_dot(a: Tensor, b: Tensor) -> Tensor:
    r"""Negative inner product, :math:`d_{ij} = -a_i^\top b_j`: what a linear classifier uses. May be negative.

    >>> neg_dot(torch.tensor([[1., 2.]]), torch.tensor([[3., 4.]]))
    tensor([[-11.]])
    """
    return -(a @ b.T)  # (n, m)


def as_seen_by(distance: str | None, z: Tensor) -> Tensor:
    """The embedding (n, d) as a distance sees it: on the unit sphere for ``cosine``, which is blind to lengths."""
    return normalize(z, dim=1) if distance == "cosine" else z


def metric_of(distance: str | None) -> str:
    """How scores should compare embeddings that were trained with this distance: ``euclidean``, ``cosine`` or ``auto``."""
    return {"sqeuclidean": "euclidean", "cosine": "cosine"}.get(distance, "auto")


DISTANCES = {"sqeuclidean": sqeuclidean, "cosine": cosine, "neg_dot": neg_dot}
