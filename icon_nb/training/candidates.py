"""The trainable parts of a method: the backbone, what else its candidates need, and where free points and clusters start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from math import prod
from pkgutil import resolve_name

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from ..data.dataset import Dataset
from ..errors import ConfigError
from ..methods.catalogue import CANDIDATES
from ..methods.config import Config
from ..methods.resolve import method_of
from ..objective.distances import cosine, sqeuclidean
from .backbones import build_backbone, seeded
from .batches import Rows, other_side

Blocks = list[tuple[Tensor, Tensor | None]]
"""Rows of q in blocks: anchors (n, d) with their candidates (m, d), or None where the anchors are each other's candidates."""

SPREAD = 1e-4  # standard deviation of the first coordinate: small, so that the kernel is flat at first and all can move freely
TRIES, AHEAD = 10, 10  # seedings that are drawn for clusters, as by scikit-learn, and iterations after which they are compared
SEEDED_ON = 5000  # at most so many samples are looked at for the seeds of clusters


class Model(nn.Module):
    """A backbone, and the parts that make the candidates: prototypes, a queue, a second encoder, a slow copy, nothing."""

    scores: Tensor | None = None  # what the teacher says about each candidate, where p is made of that: (n, m), no gradient

    def __init__(self, backbone: nn.Module, blocks: Callable, parts: Mapping[str, object], follow: Sequence[Callable]):
        super().__init__()
        self.backbone, self._blocks, self._follow = backbone, blocks, follow
        for name, part in parts.items():
            setattr(self, name, part)

    def embed(self, x) -> Tensor:
        """What the loss sees: the embedding (n, d), behind the projection head where there is one."""
        z = self.backbone(x)
        return self.head(z) if hasattr(self, "head") else z

    def forward(self, x) -> Blocks:
        return self._blocks(self, x)

    def taught(self, rows: Rows) -> Rows:
        """What p may look at, with what the teacher said in the last call."""
        return rows if self.scores is None else lambda: replace(rows(), companion=self.scores)

    @torch.no_grad()
    def after_step(self) -> None:
        """What has to happen after every update: the slow copy follows, the linear map is made orthonormal again."""
        for follow in self._follow:
            follow(self)


def among_themselves(model: Model, x: Tensor) -> Blocks:
    return [(model.embed(x), None)]


def among_drawn(model: Model, x: Tensor) -> Blocks:
    z = model.embed(x)
    model.scores = model.draws(len(z)).to(z.device)
    return [(z, None)]


def against_prototypes(model: Model, x: Tensor) -> Blocks:
    return [(model.embed(x), model.prototypes)]


def first_against_second(model: Model, x: Tensor) -> Blocks:
    return [model.embed(x).chunk(2)]  # the first and the second view of every sample


def dimensions(model: Model, x: Tensor) -> Blocks:
    first, second = model.embed(x).chunk(2)
    return [((first - first.mean(0)).T, (second - second.mean(0)).T)]  # the cosine is now a correlation over the batch


def queries_against_keys(model: Model, x: Tensor) -> Blocks:
    queries, keys = model.predictor(model.backbone(x)).chunk(2), model.slow(x).chunk(2)
    return [(queries[0], keys[1]), (queries[1], keys[0])]


def across_modalities(model: Model, x: tuple[Tensor, Tensor]) -> Blocks:
    one, other = model.backbone(x[0]), model.other(x[1])
    return [(one, other), (other, one)]


def against_key_and_queue(model: Model, x: Tensor) -> Blocks:
    keys = model.slow(x).chunk(2)[1]
    return [(model.embed(x).chunk(2)[0], torch.cat([keys, model.queue(keys)]))]


def related_to_queue(model: Model, x: Tensor) -> Blocks:
    keys = model.slow(x).chunk(2)[1]
    queue = model.queue(keys)
    model.scores = -cosine(keys, queue)
    return [(model.embed(x).chunk(2)[0], queue)]


def from_nearest_in_queue(model: Model, x: Tensor) -> Blocks:
    first, second = model.embed(x).chunk(2)
    queue = model.queue(first)
    near = [queue[cosine(view.detach(), queue).argmin(1)] for view in (first, second)]
    return [(near[0], model.predictor(second)), (near[1], model.predictor(first))]


def swapped_codes(model: Model, x: Tensor) -> Blocks:
    first, second = model.embed(x).chunk(2)
    model.scores = -cosine(torch.cat([second, first]), model.prototypes).detach()
    return [(first, model.prototypes), (second, model.prototypes)]


def taught_by_slow_copy(model: Model, x: Tensor) -> Blocks:
    said, centre = -cosine(torch.cat(model.slow(x).chunk(2)[::-1]), model.prototypes).detach(), model.centre.mean
    model.scores = said - centre
    if model.training:
        centre.lerp_(said.mean(0).to(centre.dtype), 0.1)  # as in the published code
    return [(view, model.prototypes) for view in model.embed(x).chunk(2)]


def sharpened(model: Model, x: Tensor) -> Blocks:
    z = model.embed(x)
    model.scores = -sqeuclidean(z, model.prototypes).detach()
    return [(z, model.prototypes)]


def prototypes(n: int, d: int) -> nn.Parameter:
    """One learned vector for each of n candidates."""
    return nn.Parameter(torch.randn(n, d) / d**0.5)


def centres(config: Config, dataset: Dataset, network: nn.Module) -> nn.Parameter:
    """Prototypes that start at seeds of k-means++ among the embeddings (DEC)."""
    seeds = kmeans_seeds(dataset, config.n_candidates, config.seed, lambda x: network(dataset.inputs(x)))
    return nn.Parameter(seeds.float())


class Centre(nn.Module):
    """The mean of what a teacher said of each candidate (DINO)."""

    def __init__(self, n: int, d: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n))


class Queue(nn.Module):
    """The last n embeddings of a network, random directions at first; in training a call replaces the oldest by new ones."""

    def __init__(self, n: int, d: int):
        super().__init__()
        self.register_buffer("keys", normalize(torch.randn(n, d)))

    @torch.no_grad()
    def forward(self, new: Tensor) -> Tensor:
        """What was in the queue before: (n, d)."""
        before = self.keys.to(new.dtype, copy=True)
        if self.training:
            self.keys.copy_(torch.cat([before, new])[-len(before) :])
        return before


class Draws(nn.Module):
    """Random numbers (rows, n), others after every call in training; what was drawn is part of the state."""

    def __init__(self, n: int, d: int):
        super().__init__()
        self.n = n
        self.register_buffer("seed", torch.randint(2**40, ()))

    def forward(self, rows: int) -> Tensor:
        drawn = torch.rand(rows, self.n, generator=torch.Generator().manual_seed(int(self.seed)))
        self.seed += self.training
        return drawn


def predictor(config: Config, dataset: Dataset, network: nn.Module) -> nn.Module:
    """A map between the network and the queries (MoCo v3), or the candidates (NNCLR)."""
    return projection(config.embedding_dim, "mlp")


def projection(d: int, kind: str) -> nn.Module:
    """A map of embeddings (n, d) -> (n, d) that the loss sees and nobody keeps: ``linear``, or ``mlp`` with one hidden layer."""
    hidden = max(d, 64)
    return nn.Linear(d, d) if kind == "linear" else nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, d))


def second_encoder(config: Config, dataset: Dataset, network: nn.Module) -> nn.Module:
    return encoder(config, other_side(dataset))


class Slow(nn.Module):
    """A copy of a network that follows it as a moving average, :math:`\\theta' \\leftarrow m \\theta' + (1 - m) \\theta`."""

    def __init__(self, config: Config, dataset: Dataset, network: nn.Module):
        super().__init__()
        self.network, self.momentum = deepcopy(network).requires_grad_(False), config.ema_momentum

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)


def follow(model: Model) -> None:
    """One step of the moving average; counters and running statistics are copied."""
    copy, leader = model.slow, nn.Sequential(model.backbone, model.head) if hasattr(model, "head") else model.backbone
    for slow, fast in zip(copy.network.parameters(), leader.parameters()):
        slow.lerp_(fast, 1 - copy.momentum)
    for slow, fast in zip(copy.network.buffers(), leader.buffers()):
        slow.copy_(fast)


def orthonormalise(model: Model) -> None:
    """Turn the rows of the linear map into an orthonormal frame of the space that they span, signs kept."""
    for layer in model.backbone.modules():
        if isinstance(layer, nn.Linear):
            q, r = torch.linalg.qr(layer.weight.T)
            layer.weight.copy_((q * r.diagonal().sign()).T)


def build_model(config: Config, dataset: Dataset) -> Model:
    """The untrained model of a resolved Config; the same for the same seed. The caller's random state is left alone."""
    method = method_of(config)
    kind = CANDIDATES[method.p.candidates]
    with seeded(config.seed):
        backbone = encoder(config, dataset)
        sizes = {"tokens": dataset.n_tokens, "classes": dataset.n_classes, "contexts": len(dataset)}
        size = sizes.get(kind.name, config.n_candidates), config.embedding_dim
        parts = {name: resolve_name(make)(*size) for name, make in kind.parts.items()}
        if config.head in ("linear", "mlp"):
            parts["head"] = projection(config.embedding_dim, config.head)
        network = nn.Sequential(backbone, parts["head"]) if "head" in parts else backbone
        parts |= {name: resolve_name(make)(config, dataset, network) for name, make in kind.networks.items()}
    if config.init == "pca":
        backbone.weight.data = initial_points(dataset, config.embedding_dim).to(backbone.weight.dtype)
    if config.init == "kmeans++":
        start_clusters(backbone, dataset, config.embedding_dim, config.p_temperature, config.seed)
    follow = [resolve_name(kind.after_step)] if kind.after_step else []
    if config.backbone == "linear" and method.learned == "gaussian_wide":
        follow.append(orthonormalise)
    model = Model(backbone, resolve_name(kind.make), parts, follow)
    model.after_step()
    return model


def encoder(config: Config, dataset: Dataset) -> nn.Module:
    sizes = {"n_points": len(dataset), "n_tokens": dataset.n_tokens or None, "hidden_dim": config.hidden_dim}
    return build_backbone(config.backbone, dataset.shape, config.embedding_dim, kind=dataset.kind, **sizes)


def initial_points(dataset: Dataset, dim: int) -> Tensor:
    """The leading principal components of the inputs, scaled down: (n, dim). The largest entry of each is positive."""
    x = dataset.flat(dataset.x).double()
    y = leading_components(x - x.mean(0), dim)
    y = pad(y * y.gather(0, y.abs().argmax(0, keepdim=True)).sign(), (0, max(0, dim - y.shape[1])))
    return (y * (SPREAD / y[:, 0].std(correction=0).clamp_min(1e-30))).float()


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
        pixels = prod(dataset.shape) // len(dataset.mean)  # of a channel; a feature is one by itself
        mean, std = (part.double().repeat_interleave(pixels) for part in (dataset.mean, dataset.std))
        layers[0].weight.copy_(weight * std)
        layers[0].bias.copy_(bias + weight @ mean)


@torch.no_grad()
def kmeans_seeds(dataset: Dataset, n_clusters: int, seed: int, embed: Callable | None = None) -> Tensor:
    """Seeds of k-means++ (Arthur & Vassilvitskii 2007) among the inputs, or of what they become: (n_clusters, d), float64.

    Of ``TRIES`` draws the one is kept from which ``AHEAD`` iterations of k-means come lowest; what they found is not used.
    """
    from sklearn.cluster import KMeans, kmeans_plusplus  # half a second of import time that others need not pay

    if n_clusters > len(dataset):
        name, remedy = ("n_candidates", "it") if embed else ("embedding_dim", "it, or use init='random'")
        raise ConfigError(f"{name}={n_clusters} clusters of {len(dataset)} samples: lower {remedy}")
    some = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(seed))[:SEEDED_ON]
    x = (embed or dataset.flat)(dataset.x[some.to(dataset.x.device)]).double().cpu().numpy()
    random = np.random.RandomState(seed)
    draws = [kmeans_plusplus(x, n_clusters, random_state=random)[0] for _ in range(TRIES)]
    ahead = [KMeans(n_clusters, init=seeds, n_init=1, max_iter=AHEAD, tol=0).fit(x).inertia_ for seeds in draws]
    return torch.from_numpy(draws[np.argmin(ahead)])
