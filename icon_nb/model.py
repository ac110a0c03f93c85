"""The trainable parts of a method: the backbone, and what else its candidates need."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from . import axes
from .backbones import build_backbone
from .config import Config
from .data import Dataset
from .resolve import method_of


class Model(nn.Module):
    """A backbone and, where the candidates are classes, one prototype per class.

    Parameters
    ----------
    backbone : nn.Module
        Inputs -> (n, d).
    prototypes : Tensor (n_classes, d) or None
        Initial prototypes.
    """

    def __init__(self, backbone: nn.Module, prototypes: Tensor | None = None):
        super().__init__()
        self.backbone = backbone
        self.prototypes = None if prototypes is None else nn.Parameter(prototypes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Embeddings (n, d) of the anchors, and the candidates (m, d) or None when the batch itself is the candidates."""
        return self.backbone(x), self.prototypes


def build_model(config: Config, dataset: Dataset) -> Model:
    """The untrained model of a resolved Config; the same for the same seed. The caller's random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        backbone = build_backbone(
            config.backbone,
            dataset.shape,
            config.embedding_dim,
            n_points=len(dataset),
            hidden_dim=config.hidden_dim,
            kind=dataset.kind,
            n_tokens=dataset.n_tokens or None,
        )
        classes = axes.SUPERVISORY[method_of(config).supervisory].candidates == "classes"
        prototypes = torch.randn(dataset.n_classes, config.embedding_dim) / config.embedding_dim**0.5 if classes else None
    return Model(backbone, prototypes)
