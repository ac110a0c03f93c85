"""The networks f in z = f(x): one function builds any of them for any input shape."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager
from copy import deepcopy
from math import prod
from pkgutil import resolve_name

import torch
from torch import Tensor, nn

from ..errors import ConfigError, DeviceError, demand, demand_type, nearest
from ..methods.catalogue import BACKBONES
from ..methods.config import Config
from ..methods.settings import is_own, thing_of

SMALL_IMAGE = 64  # images up to this side get a ResNet stem that does not shrink them four times before the first block
TABLE_SPREAD = 1e-2  # standard deviation of a fresh table: small, so that no point starts in a wrong place that it must leave
WORD = 32  # numbers that a word of a text is made of
COMPILERS = ("c++", "g++", "clang++")

_SEEDING = threading.RLock()


@contextmanager
def seeded(seed: int):
    """Torch's global random state set to ``seed``, and put back after; for one thread at a time, because there is one state."""
    with _SEEDING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def build_backbone(
    name: str,
    dataset_shape: tuple[int, ...],
    embedding_dim: int,
    *,
    n_points: int | None = None,
    hidden_dim: int | None = None,
    kind: str = "images",
    n_tokens: int | None = None,
) -> nn.Module:
    """Build the network that makes the embedding, freshly initialised from torch's global generator.

    It takes float (n, *dataset_shape) to (n, embedding_dim), a ``table`` positions int (n,). ``n_points`` is the rows of a table,
    ``hidden_dim`` the width of the hidden layers or the channels of the first, ``n_tokens`` the size of the vocabulary.
    """
    demand(name in BACKBONES or is_own(name), f"backbone={name!r} is unknown: {nearest(name, BACKBONES)}")
    sizes = {"embedding_dim": embedding_dim, "hidden_dim": hidden_dim or 1, "the data's size": min(dataset_shape, default=0)}
    for setting, value in sizes.items():
        demand(value >= 1, f"{setting}={value} must be at least 1")
    row, of = BACKBONES[name], f"{kind} of shape {tuple(dataset_shape)}"
    if row.reads == "positions" and not n_points:
        raise ConfigError(f"backbone={name!r} keeps a point per sample and needs n_points, the number of samples; got {n_points}")
    if row.reads == "images" and (kind != "images" or len(dataset_shape) != 3):
        raise ConfigError(f"backbone={name!r} reads images (c, h, w), the data are {of}: use 'mlp' or 'linear'")
    if kind == "tokens" and row.reads != "positions" and not n_tokens:
        raise ConfigError(f"backbone={name!r} on tokens needs n_tokens, the size of the vocabulary; got {n_tokens}")
    make, width = resolve_name(row.make), hidden_dim or row.width
    if row.reads == "positions":
        return make(n_points, embedding_dim)
    if row.reads in ("images", "samples"):
        return make(tuple(dataset_shape), embedding_dim, width, **row.options)
    words = [nn.Embedding(n_tokens, WORD)] if kind == "tokens" else []  # each token position keeps its place
    return Layers(*words, nn.Flatten(), *make(n_features(dataset_shape, kind), embedding_dim, width))


def n_features(shape: tuple[int, ...], kind: str) -> int:
    """How many numbers of a sample a network without convolutions sees: a word is a vector of its own."""
    return prod(shape) * (WORD if kind == "tokens" else 1)


class Layers(nn.Sequential):
    """Layers one after another. Up to 2.12, torch does not compile modules whose ``forward`` is its own: hence one here."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


class FreePoints(nn.Module):
    """A free point per sample: row i of ``weight`` (n_points, d) is the embedding of sample i."""

    def __init__(self, n_points: int, embedding_dim: int):
        super().__init__()
        self.weight = nn.Parameter(TABLE_SPREAD * torch.randn(n_points, embedding_dim))

    def forward(self, index: Tensor) -> Tensor:
        return self.weight[index]  # (n, d)


def linear(width: int, embedding_dim: int, hidden: None = None) -> list[nn.Module]:
    return [nn.Linear(width, embedding_dim)]


def mlp(width: int, embedding_dim: int, hidden: int) -> list[nn.Module]:
    return [nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, embedding_dim)]


def simplecnn(shape: tuple[int, ...], embedding_dim: int, a: int) -> nn.Module:
    """Halve the picture after the second and the third layer: 96x96 and 1x1 both arrive at the pooling."""
    layers: list[nn.Module] = []
    for before, after, stride in ((shape[0], a, 1), (a, 2 * a, 2), (2 * a, 2 * a, 2), (2 * a, 4 * a, 1)):
        layers += [nn.Conv2d(before, after, 3, stride, padding=1), nn.ReLU()]
    network = Layers(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16 * a, embedding_dim))
    return network.to(memory_format=torch.channels_last)  # up to twice as fast on a CPU


def smallcnn(shape: tuple[int, ...], embedding_dim: int, a: int) -> nn.Module:
    """Each filter's strongest answer anywhere in the picture: what is there counts, and where it is does not."""
    small = [nn.Conv2d(shape[0], a, 5, padding=2), nn.MaxPool2d(2, ceil_mode=True), nn.ReLU()]
    strongest = [nn.Conv2d(a, 2 * a, 3, padding=1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.ReLU()]
    network = Layers(*small, *strongest, nn.Linear(2 * a, 4 * a), nn.ReLU(), nn.Linear(4 * a, embedding_dim))
    return network.to(memory_format=torch.channels_last)


def resnet(shape: tuple[int, ...], embedding_dim: int, hidden: None, name: str) -> nn.Module:
    """torchvision's network with another first layer, and another last layer of ``embedding_dim`` outputs."""
    from torchvision import models  # a second of import time that other backbones need not pay

    net = getattr(models, name)(weights=None, num_classes=embedding_dim)
    width = net.conv1.out_channels
    if min(shape[1:]) <= SMALL_IMAGE:
        net.conv1 = nn.Conv2d(shape[0], width, 3, 1, padding=1, bias=False)
        net.maxpool = nn.Identity()
    elif shape[0] != 3:
        net.conv1 = nn.Conv2d(shape[0], width, 7, 2, padding=3, bias=False)
    return net


def own(shape: tuple[int, ...], embedding_dim: int, hidden: None, name: str) -> nn.Module:
    """A copy of the user's network, with the weights that it was given with."""
    return deepcopy(thing_of("backbone", name))


def fit_own(config: Config, dataset) -> Config:
    """A resolved Config with the dimensions that the user's network gives; one that cannot read the data is refused."""
    if not is_own(config.backbone):
        return config
    network, x = own(dataset.shape, 0, None, config.backbone), dataset.inputs(dataset.x[:2].cpu())
    demand_type("backbone", network, nn.Module, "an nn.Module")
    try:
        with torch.no_grad():
            found = tuple(network.float().cpu().eval()(x).shape)
    except Exception as error:  # a network of the user's may raise anything
        why = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        form = f"{dataset.kind} of shape (n, {', '.join(map(str, dataset.shape))})"
        said = f"backbone={config.backbone!r} cannot read {form} ({why}): give one that can, or other data"
        raise ConfigError(said) from error
    rows = len(found) == 2 and found[0] == len(x)
    demand(rows, f"backbone={config.backbone!r} makes {found} of {len(x)} samples: it must make rows, (n, d)")
    if config.came_by_default("embedding_dim"):
        return config.replace(embedding_dim=found[1]).replace_sources({"embedding_dim": "data"})
    said = f"embedding_dim={config.embedding_dim} but backbone={config.backbone!r} makes {found[1]}: leave it out"
    demand(config.embedding_dim == found[1], said)
    return config


def accelerate(config: Config, model: nn.Module, device: torch.device) -> None:
    """Prepare a model as ``compile`` and ``channels_last`` of a resolved Config say, in place; its parameters keep their names.

    Both leave the mathematics alone; sums are taken in another order, so results agree within rounding and not bit for bit.
    """
    if config.channels_last:
        model.to(memory_format=torch.channels_last)
    if config.compile == "none":
        return
    if device.type == "mps":
        raise DeviceError(f"compile={config.compile!r} is not supported on mps: use compile='none'")
    if device.type == "cpu" and not any(map(shutil.which, (os.environ.get("CXX", "c++"), *COMPILERS))):
        raise DeviceError(f"compile={config.compile!r} needs a C++ compiler on the CPU: install g++, or use compile='none'")
    for network in (model.backbone, getattr(model, "other", None)):
        if isinstance(network, nn.Module):
            network.compile(mode=None if config.compile == "default" else config.compile, dynamic=False)
