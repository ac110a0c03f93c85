"""What a data set cannot serve, one row each: refused before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch

from ..data.dataset import Dataset
from ..errors import ConfigError, DataError
from ..methods import axes
from ..methods.catalogue import BACKBONES
from ..methods.config import Config
from ..methods.own import is_own
from ..methods.resolve import is_framed, method_of


@dataclass(frozen=True)
class Misfit:
    """A reason why a resolved Config cannot be trained: what is found of it in (Config, Dataset, Axis of p), and what is said."""

    found: Callable[[Config, Dataset, axes.Axis], object]
    words: str  # with {config}, {data}, and what was {found}
    error: type[Exception] = ConfigError


def _missing(need: str, part: str, remedy: str) -> Misfit:
    return Misfit(
        lambda config, data, p: need in p.needs and getattr(data, part) is None,
        f"method={{config.label!r}} needs {axes.NEEDS[need]}, and {{data.name}} has none: {remedy}",
        DataError,
    )


def _single_classes(config: Config, data: Dataset, p: axes.Axis) -> str:
    counts = torch.bincount(data.y, minlength=data.n_classes) if p.name == "same_class" else torch.empty(0)
    return ", ".join(repr(data.class_names[c]) for c in (counts == 1).nonzero().flatten().tolist()[:5])


def _too_few_points(config: Config, data: Dataset, p: axes.Axis) -> int:
    points = config.batch_size or len(data)
    return points if config.perplexity and config.perplexity > points - 1 else 0


def _no_convolution(config: Config, data: Dataset, p: axes.Axis) -> str:
    convolutional = [name for name, row in BACKBONES.items() if row.reads == "images"]
    unfit = config.channels_last and config.backbone not in convolutional and not is_own(config.backbone)
    return ", ".join(convolutional) if unfit else ""


def _unbounded(config: Config, data: Dataset, p: axes.Axis) -> bool:
    """Only directions, and an orthonormal map of samples, cannot move apart without end."""
    framed = is_framed(p, config.backbone) and data.kind != "tokens"
    return method_of(config).learned == "gaussian_wide" and config.distance != "cosine" and not framed


def _too_many_rows(config: Config, data: Dataset, p: axes.Axis) -> int:
    orthonormal = method_of(config).learned == "gaussian_wide" and config.backbone == "linear"
    return prod(data.shape) if orthonormal and config.embedding_dim > prod(data.shape) else 0


MISFITS = (
    Misfit(
        lambda config, data, p: len(data) if (config.batch_size or 0) > len(data) else 0,
        "batch_size={config.batch_size} is more than the {found} training samples of {data.name}: lower it",
    ),
    Misfit(
        lambda config, data, p: config.backbone != "table" and data.y_test is not None and len(data.y_test) < 2,
        "{data.name} holds out one sample, which has no neighbours that a kNN accuracy could ask: "
        "hold out two or more, or none",
        DataError,
    ),
    _missing("labels", "y", "choose a method without labels"),
    _missing("pairs", "pair", "use dataset='digit_captions' or 'digit_halves', or give pair= with your own data"),
    _missing("companion", "companion", "use dataset='digit_captions', or a Dataset with companion embeddings"),
    _missing("graph", "graph", "use dataset='karate_club', or supervisory='knn', which makes a graph of its own"),
    Misfit(
        lambda config, data, p: "tokens" in p.needs and data.kind != "tokens",
        "method={config.label!r} hides words of a text, and {data.name} has {data.kind}: use dataset='tiny_text'",
        DataError,
    ),
    Misfit(
        _single_classes,
        "class {found} has one sample, and so no neighbour under p of method={config.label!r}: "
        "drop it, or give it a second sample",
        DataError,
    ),
    Misfit(
        _too_few_points,
        "perplexity={config.perplexity:g} needs more than {found} points at once: lower it, or raise batch_size",
    ),
    Misfit(
        lambda config, data, p: config.augment not in (None, "none") and data.kind == "tokens",
        "augment={config.augment!r} has no meaning for tokens: use augment='none'",
    ),
    Misfit(
        _unbounded,
        "distance={config.distance!r}: with learned='gaussian_wide' the loss falls without end as the embedding grows: "
        "use distance='cosine', or backbone='linear' on samples that are not tokens, which is kept orthonormal",
    ),
    Misfit(
        _too_many_rows,
        "embedding_dim={config.embedding_dim}: learned='gaussian_wide' on backbone='linear' is an orthonormal map of the "
        "{found} feature(s) of {data.name}: use at most {found}",
    ),
    Misfit(_no_convolution, "channels_last=True has no effect with backbone={config.backbone!r}: leave it out, or use {found}"),
)


def check_fit(config: Config, dataset: Dataset) -> None:
    """Refuse a resolved Config that this data set cannot serve: the first of :data:`MISFITS` that is found is raised."""
    p = axes.SUPERVISORY[method_of(config).supervisory]
    for misfit in MISFITS:
        found = misfit.found(config, dataset, p)
        if found:
            raise misfit.error(misfit.words.format(config=config, data=dataset, found=found))
