"""The trainable parts of a method: the backbone, and what else its candidates need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pkgutil import resolve_name

import torch
from torch import Tensor, nn

from ..data.dataset import Dataset
from ..methods.catalogue import CANDIDATES
from ..methods.config import Config
from ..methods.resolve import method_of
from .backbones import build_backbone, seeded
from .batches import other_side
from .starts import initial_points, start_clusters

Blocks = list[tuple[Tensor, Tensor | None]]
"""Rows of q in blocks: anchors (n, d) with their candidates (m, d), or None where the anchors are each other's candidates."""


class Model(nn.Module):
    """A backbone, and the parts that make the candidates: prototypes, a second encoder, a slow copy, nothing."""

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
        """The rows of q: anchors and their candidates."""
        return self._blocks(self, x)

    @torch.no_grad()
    def after_step(self) -> None:
        """What has to happen after every update: the slow copy follows, the linear map is made orthonormal again."""
        for follow in self._follow:
            follow(self)


def among_themselves(model: Model, x: Tensor) -> Blocks:
    return [(model.embed(x), None)]


def against_prototypes(model: Model, x: Tensor) -> Blocks:
    return [(model.embed(x), model.prototypes)]


def first_against_second(model: Model, x: Tensor) -> Blocks:
    return [model.embed(x).chunk(2)]  # the first and the second view of every sample


def dimensions(model: Model, x: Tensor) -> Blocks:
    first, second = model.embed(x).chunk(2)
    return [((first - first.mean(0)).T, (second - second.mean(0)).T)]  # the cosine is now a correlation over the batch


def queries_against_keys(model: Model, x: Tensor) -> Blocks:
    queries = model.predictor(model.backbone(x)).chunk(2)
    with torch.no_grad():
        keys = model.slow(x).chunk(2)
    return [(queries[0], keys[1]), (queries[1], keys[0])]


def across_modalities(model: Model, x: tuple[Tensor, Tensor]) -> Blocks:
    one, other = model.backbone(x[0]), model.other(x[1])
    return [(one, other), (other, one)]


def prototypes(config: Config, dataset: Dataset, backbone: nn.Module) -> dict:
    """One learned vector per class, or per token of the vocabulary."""
    n = dataset.n_tokens if dataset.kind == "tokens" else dataset.n_classes
    return {"prototypes": nn.Parameter(torch.randn(n, config.embedding_dim) / config.embedding_dim**0.5)}


def slow_copy(config: Config, dataset: Dataset, backbone: nn.Module) -> dict:
    """A copy of the backbone that only follows, and the predictor between the backbone and the queries (MoCo v3)."""
    predictor = projection(config.embedding_dim, "mlp")
    return {"predictor": predictor, "slow": Slow(deepcopy(backbone), config.ema_momentum)}


def projection(d: int, kind: str) -> nn.Module:
    """A map of embeddings (n, d) -> (n, d) that the loss sees and nobody keeps: ``linear``, or ``mlp`` with one hidden layer."""
    hidden = max(d, 64)
    return nn.Linear(d, d) if kind == "linear" else nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, d))


def second_encoder(config: Config, dataset: Dataset, backbone: nn.Module) -> dict:
    return {"other": _encoder(config, other_side(dataset))}


class Slow(nn.Module):
    """A network whose weights are a moving average of another's, :math:`\\theta' \\leftarrow m \\theta' + (1 - m) \\theta`."""

    def __init__(self, network: nn.Module, momentum: float):
        super().__init__()
        self.network, self.momentum = network.requires_grad_(False), momentum

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)


def follow(model: Model) -> None:
    """One step of the moving average; counters and running statistics are copied."""
    copy, leader = model.slow, model.backbone
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
        backbone = _encoder(config, dataset)
        parts = resolve_name(kind.parts)(config, dataset, backbone) if kind.parts else {}
        if config.head in ("linear", "mlp"):
            parts["head"] = projection(config.embedding_dim, config.head)
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


def _encoder(config: Config, dataset: Dataset) -> nn.Module:
    sizes = {"n_points": len(dataset), "n_tokens": dataset.n_tokens or None, "hidden_dim": config.hidden_dim}
    return build_backbone(config.backbone, dataset.shape, config.embedding_dim, kind=dataset.kind, **sizes)
