"""Where a table of free points starts."""

from __future__ import annotations

import torch
from torch import Tensor

from .data import Dataset

SPREAD = 1e-4
"""Standard deviation of the first coordinate: small, so that the kernel is flat at first and every point can move freely."""


def initial_points(dataset: Dataset, dim: int) -> Tensor:
    """The leading principal components of the inputs, scaled down: (n, dim), the same on every run.

    Each component's sign makes its largest entry positive.

    Examples
    --------
    >>> line = Dataset("line", torch.tensor([[0.0, 0.0], [1.0, 1.0], [3.0, 3.0]]))
    >>> initial_points(line, 1).argmax().item()
    2
    """
    x = dataset.flat(dataset.x).double()
    x = x - x.mean(0)
    _, _, axes = torch.linalg.svd(x.T @ x)
    y = x @ axes[:dim].T  # (n, at most dim)
    y = y * y.gather(0, y.abs().argmax(0, keepdim=True)).sign()
    missing = torch.zeros(len(y), max(0, dim - y.shape[1]), dtype=y.dtype, device=y.device)
    return (torch.cat([y, missing], 1) * (SPREAD / y[:, 0].std(correction=0).clamp_min(1e-30))).float()
