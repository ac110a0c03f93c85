"""What a data set cannot serve is refused before anything is trained."""

from __future__ import annotations

from math import prod

import torch

from ..data.dataset import Dataset
from ..errors import ConfigError, DataError
from ..methods import axes
from ..methods.catalogue import BACKBONES
from ..methods.config import Config
from ..methods.own import is_own
from ..methods.resolve import is_framed, method_of

MISSING = {
    "labels": ("y", "choose a method without labels"),
    "pairs": ("pair", "use dataset='digit_captions' or 'digit_halves', or give pair= with your own data"),
    "companion": ("companion", "use dataset='digit_captions', or a Dataset with companion embeddings"),
    "logits": ("companion", "use dataset='taught_digits', or a Dataset with the logits of a teacher as companion"),
    "graph": ("graph", "use dataset='karate_club', or supervisory='knn', which makes a graph of its own"),
}
"""What a p may need -> the part of the data that it is, and what to do without it."""


def check_fit(config: Config, data: Dataset) -> None:
    """Refuse a resolved Config that this data set cannot serve."""
    p, method, n = method_of(config).p, f"method={config.label!r}", len(data)
    points = config.batch_size or n
    if points > n:
        raise ConfigError(f"batch_size={points} is more than the {n} training samples of {data.name}: lower it")
    if config.backbone != "table" and data.y_test is not None and len(data.y_test) < 2:
        raise DataError(
            f"{data.name} holds out one sample, which has no neighbours that a kNN accuracy could ask: "
            "hold out two or more, or none"
        )
    for need, (part, remedy) in MISSING.items():
        if need in p.needs and getattr(data, part) is None:
            raise DataError(f"{method} needs {axes.NEEDS[need]}, and {data.name} has none: {remedy}")
    if "logits" in p.needs and data.companion.shape[1] != data.n_classes:
        got = f"{data.name} has {data.companion.shape[1]} companion features for {data.n_classes} classes"
        raise DataError(f"{method} needs a teacher's logit of every class, and {got}: use dataset='taught_digits'")
    if "tokens" in p.needs and data.kind != "tokens":
        raise DataError(f"{method} hides words of a text, and {data.name} has {data.kind}: use dataset='tiny_text'")
    counts = torch.bincount(data.y, minlength=data.n_classes) if p.name == "same_class" else torch.empty(0)
    single = [repr(data.class_names[c]) for c in (counts == 1).nonzero().flatten().tolist()[:5]]
    if single:
        raise DataError(
            f"class {', '.join(single)} has one sample, and so no neighbour under p of {method}: "
            "drop it, or give it a second sample"
        )
    if config.perplexity and config.perplexity > points - 1:
        raise ConfigError(
            f"perplexity={config.perplexity:g} needs more than {points} points at once: lower it, or raise batch_size"
        )
    if config.augment not in (None, "none") and data.kind == "tokens":
        raise ConfigError(f"augment={config.augment!r} has no meaning for tokens: use augment='none'")
    if method_of(config).learned == "gaussian_wide":
        _check_bounded(config, data, p)
    convolutional = [name for name, row in BACKBONES.items() if row.reads == "images"]
    if config.channels_last and config.backbone not in convolutional and not is_own(config.backbone):
        raise ConfigError(
            f"channels_last=True has no effect with backbone={config.backbone!r}: leave it out, or use {', '.join(convolutional)}"
        )


def _check_bounded(config: Config, data: Dataset, p: axes.Axis) -> None:
    """Only directions, and an orthonormal map of samples, cannot move apart without end."""
    framed, features = is_framed(p, config.backbone) and data.kind != "tokens", prod(data.shape)
    if config.distance != "cosine" and not framed:
        raise ConfigError(
            f"distance={config.distance!r}: with learned='gaussian_wide' the loss falls without end as the embedding grows: "
            "use distance='cosine', or backbone='linear' on samples that are not tokens, which is kept orthonormal"
        )
    if config.backbone == "linear" and config.embedding_dim > features:
        raise ConfigError(
            f"embedding_dim={config.embedding_dim}: learned='gaussian_wide' on backbone='linear' is an orthonormal map of the "
            f"{features} feature(s) of {data.name}: use at most {features}"
        )
