"""Where a table of free points starts, and where clusters do."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ..data.dataset import Dataset
from ..errors import ConfigError

SPREAD = 1e-4
"""Standard deviation of the first coordinate: small, so that the kernel is flat at first and every point can move freely."""


TRIES, AHEAD = 10, 10
"""So many seedings are drawn for clusters, as many as scikit-learn's ``n_init``, and compared so many iterations later."""

SEEDED_ON = 5000
"""At most so many samples are looked at for the seeds of clusters."""


def initial_points(dataset: Dataset, dim: int) -> Tensor:
    """The leading principal components of the inputs, scaled down: (n, dim). The largest entry of each is positive."""
    x = dataset.flat(dataset.x).double()
    x = x - x.mean(0)
    y = leading_components(x, dim)
    y = y * y.gather(0, y.abs().argmax(0, keepdim=True)).sign()
    missing = torch.zeros(len(y), max(0, dim - y.shape[1]), dtype=y.dtype, device=y.device)
    return (torch.cat([y, missing], 1) * (SPREAD / y[:, 0].std(correction=0).clamp_min(1e-30))).float()


def leading_components(x: Tensor, dim: int) -> Tensor:
    """Centred rows x (n, features) along their leading principal axes, (n, at most dim), by the smaller Gram matrix."""
    if len(x) < x.shape[1]:
        squares, left = torch.linalg.eigh(x @ x.T)
        return left.flip(1)[:, :dim] * squares.flip(0)[:dim].clamp_min(0).sqrt()
    _, _, axes = torch.linalg.svd(x.T @ x)
    return x @ axes[:dim].T


def start_clusters(backbone: nn.Module, dataset: Dataset, n_clusters: int, scale: float | None, seed: int) -> None:
    r"""Start at the nearest seed c of k-means++: logits :math:`-\lVert x - c_k\rVert^2 / \tau`, less what all clusters share.

    The backbone is a table (n, n_clusters), or one linear layer on the normalised inputs. :math:`\tau` is ``scale``, else the
    mean squared distance of the inputs from the nearest seed.
    """
    seeds = kmeans_seeds(dataset, n_clusters, seed)  # (k, features)
    if scale is None:
        some = dataset.flat(dataset.x[:SEEDED_ON]).double()
        scale = torch.cdist(some, seeds).amin(1).square().mean().clamp_min(1e-30).item()
    weight, bias = 2 * seeds / scale, -(seeds**2).sum(1) / scale
    layers = [layer for layer in backbone.modules() if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        if not layers:
            backbone.weight.copy_(dataset.flat(dataset.x).double() @ weight.T + bias)
            return
        mean, std = (
            part.double().view(-1, *[1] * (len(dataset.shape) - 1)).expand(dataset.shape).flatten()
            for part in (dataset.mean, dataset.std)
        )
        layers[0].weight.copy_(weight * std)
        layers[0].bias.copy_(bias + weight @ mean)


def kmeans_seeds(dataset: Dataset, n_clusters: int, seed: int) -> Tensor:
    """Seeds of k-means++ (Arthur & Vassilvitskii 2007) among the inputs: (n_clusters, features), float64.

    Of ``TRIES`` draws the one is kept from which ``AHEAD`` iterations of k-means come lowest; what they found is not used.
    """
    from sklearn.cluster import KMeans, kmeans_plusplus  # half a second of import time that others need not pay

    if n_clusters > len(dataset):
        raise ConfigError(f"embedding_dim={n_clusters} clusters of {len(dataset)} samples: lower it, or use init='random'")
    some = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(seed))[:SEEDED_ON]
    x = dataset.flat(dataset.x[some.to(dataset.x.device)]).double().cpu().numpy()
    random = np.random.RandomState(seed)
    draws = [kmeans_plusplus(x, n_clusters, random_state=random)[0] for _ in range(TRIES)]
    ahead = [KMeans(n_clusters, init=seeds, n_init=1, max_iter=AHEAD, tol=0).fit(x).inertia_ for seeds in draws]
    return torch.from_numpy(draws[np.argmin(ahead)])
