"""The batches of a run: which samples in which order, what the model sees of them, and what p may look at.

What a data set cannot serve is refused before anything is trained. Every number that is drawn depends on (seed, epoch, step)
only, so a resumed run goes on as if it had never stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pkgutil import resolve_name

import torch
from torch import Tensor

from ..data.augment import build_augment
from ..data.dataset import Dataset
from ..errors import ConfigError, DataError, demand
from ..methods import axes
from ..methods.catalogue import BACKBONES, CANDIDATES
from ..methods.config import Config
from ..methods.resolve import is_framed, method_of
from ..methods.settings import is_own
from ..objective.component import Batch
from .backbones import n_features

STEPS_AHEAD = 64  # batches that have their augmentation drawn together: one alone pays more for the calls than for the numbers

Rows = Callable[[], Batch]  # makes what p may look at; called only while p is not known


def generator(device, *key) -> torch.Generator:
    """A random generator that depends on ``key`` only, for instance (seed, epoch, step)."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


class Reader:
    """Reads the batches of a data set on a device, in the floating-point type of the model.

    ``read(index, epoch, step)`` returns what the model sees, and what makes the batch that p may look at.
    """

    def __init__(self, config: Config, dataset: Dataset, device: torch.device, dtype: torch.dtype):
        self.config, self.dataset, self.device, self.dtype = config, dataset, device, dtype
        self.batch_size, self.views = config.batch_size or len(dataset), config.n_views or 1
        self.positions = BACKBONES[config.backbone].reads == "positions"  # which sample it is, and nothing of it
        self.steps = len(dataset) // self.batch_size  # the batches of an epoch
        self._held: tuple = None, None  # the positions of a batch, and its pictures while they are used
        self._drawn: tuple = (), []  # of which steps, and what happens to their images
        plain = config.augment in (None, "none")
        self.augment = None if plain else build_augment(config.augment, dataset, config.augment_strength)
        p = method_of(config).p
        self.needs, self.read = p.needs, partial(resolve_name(CANDIDATES[p.candidates].read), self)

    def order(self, epoch: int) -> Iterator[Tensor]:
        """The positions of each batch, in an order that depends on (seed, epoch); the last partial batch is dropped."""
        n, size = len(self.dataset), self.batch_size
        if size == n and self.augment is None:
            yield torch.arange(n, device=self.device)
            return
        order = torch.randperm(n, generator=generator("cpu", self.config.seed, epoch)).to(self.device)
        batches, x = order[: n - n % size].split(size), self.dataset.x
        if isinstance(x, Tensor):
            yield from batches
            return
        for index, pictures in zip(batches, x.ahead(batches, self.config.num_workers)):
            self._held = index, pictures
            yield index

    def samples(self, index: Tensor) -> Tensor:
        """The raw samples at ``index``, all of them as often as there are views; pictures on the disk are read once."""
        x = self.dataset.x
        if isinstance(x, Tensor):
            return x.index_select(0, index.repeat(self.views))
        if self._held[0] is not index:
            self._held = index, x[index]
        return self._held[1].repeat(self.views, 1, 1, 1)

    def inputs(self, index: Tensor, epoch: int, step: int) -> Tensor:
        """Every view of every sample at ``index``, augmented."""
        if self.positions:
            return index
        x = self.samples(index)
        return self.plain(x) if self.augment is None else self.cast(self.augmented(x, epoch, step))

    def augmented(self, x: Tensor, epoch: int, step: int) -> Tensor:
        """Raw samples (n, ...) augmented and normalised; what happens to images is drawn for many steps at a time."""
        block = epoch, step // STEPS_AHEAD, len(x)
        if self._drawn[0] != block:
            random, n = generator(x.device, self.config.seed, *block, "draws"), len(x) * min(STEPS_AHEAD, max(1, self.steps))
            self._drawn = block, list(self.augment.draw(n, x.shape[-2:], random, x.device).split(len(x)))
        draws, random = self._drawn[1][step % STEPS_AHEAD], generator(x.device, self.config.seed, epoch, step)
        return self.augment.apply(x, draws, random)

    def plain(self, x: Tensor) -> Tensor:
        """What a network sees of raw samples, or a table of positions, without augmentation."""
        return x if self.positions else self.cast(self.dataset.inputs(x))

    def cast(self, x: Tensor) -> Tensor:
        """Inputs in the type and the memory layout that the network expects."""
        x = x.to(self.dtype) if x.is_floating_point() else x
        return x.contiguous(memory_format=torch.channels_last) if self.config.channels_last and x.dim() == 4 else x

    def batch(self, index: Tensor) -> Batch:
        """The parts of the data that p needs, for every view of the samples at ``index``."""
        data, rows = self.dataset, index.repeat(self.views)
        x = data.flat(self.samples(index)).to(self.dtype) if "inputs" in self.needs else None
        y = None if data.y is None else data.y[rows]
        companion = data.companion[rows] if {"companion", "logits"} & set(self.needs) else None
        graph = data.graph.index_select(0, rows).index_select(1, rows) if "graph" in self.needs else None
        graph = graph.to_dense() if graph is not None and graph.is_sparse else graph
        return Batch(rows, x, y, data.n_classes, self.dtype, companion, graph)

    @cached_property
    def other(self) -> Dataset:
        return other_side(self.dataset)

    def other_plain(self, x: Tensor) -> Tensor:
        """The same of raw samples of the second modality."""
        return self.cast(self.other.inputs(x))


def read_samples(reader: Reader, index: Tensor, epoch: int, step: int) -> tuple[Tensor, Rows]:
    """The rows of p are the views of the samples."""
    return reader.inputs(index, epoch, step), partial(reader.batch, index)


def read_modalities(reader: Reader, index: Tensor, epoch: int, step: int) -> tuple[tuple[Tensor, Tensor], Rows]:
    """The same, and the model sees both modalities."""
    x, rows = read_samples(reader, index, epoch, step)
    return (x, reader.other_plain(reader.other.x[index])), rows


def read_dimensions(reader: Reader, index: Tensor, epoch: int, step: int) -> tuple[Tensor, Rows]:
    """The rows of p are the dimensions of the embedding, and not the samples."""
    rows = torch.arange(reader.config.embedding_dim, device=index.device).repeat(reader.views)
    return reader.inputs(index, epoch, step), partial(Batch, rows, dtype=reader.dtype)


def read_contexts(reader: Reader, index: Tensor, epoch: int, step: int) -> tuple[Tensor, Rows]:
    """The context of one word of every row, hidden behind token 0; the hidden word is the label."""
    x = reader.inputs(index, epoch, step)
    random = torch.rand(x.shape, generator=generator("cpu", reader.config.seed, epoch, step)).to(x.device)
    place = random.masked_fill(x == 0, -1).argmax(1, keepdim=True)
    hidden, rows = x.gather(1, place).squeeze(1), index.repeat(reader.views)
    return around(x, place), partial(Batch, rows, y=hidden, n_classes=reader.dataset.n_tokens, dtype=reader.dtype)


def around(x: Tensor, place: Tensor) -> Tensor:
    """Rows of words (n, length) moved so that the word at ``place`` (n, 1) would stand in the middle, and hidden there.

    Beyond the ends of a row stands token 0 too. "The word before" is then at one place of the input, which a network could not
    learn for every place from a small text.
    """
    length = x.shape[1]
    at = torch.arange(length, device=x.device) + place - length // 2  # (n, length)
    shown = x.gather(1, at.clamp(0, length - 1)).masked_fill((at < 0) | (at >= length), 0)
    shown[:, length // 2] = 0
    return shown


def other_side(dataset: Dataset) -> Dataset:
    """The second modality as a data set of its own, row i belonging to sample i."""
    tokens = {} if dataset.kind == "tokens" else {"vocabulary": dataset.vocabulary}
    return Dataset(f"{dataset.name}, second modality", dataset.pair, x_test=dataset.pair_test, **tokens)


def check_fit(config: Config, data: Dataset) -> None:
    """Refuse a resolved Config that this data set cannot serve."""
    p, method, n = method_of(config).p, f"method={config.label!r}", len(data)
    points = config.batch_size or n
    demand(points <= n, f"batch_size={points} is more than the {n} training samples of {data.name}: lower it")
    if config.backbone != "table" and data.y_test is not None and len(data.y_test) < 2:
        why = "which has no neighbours that a kNN accuracy could ask: hold out two or more, or none"
        raise DataError(f"{data.name} holds out one sample, {why}")
    for need in map(axes.NEEDS.get, p.needs):
        if need.part and getattr(data, need.part) is None:
            raise DataError(f"{method} needs {need.about}, and {data.name} has none: {need.remedy}")
    if "logits" in p.needs and data.companion.shape[1] != data.n_classes:
        got = f"{data.name} has {data.companion.shape[1]} companion features for {data.n_classes} classes"
        raise DataError(f"{method} needs a teacher's logit of every class, and {got}: use dataset='taught_digits'")
    if "tokens" in p.needs and data.kind != "tokens":
        raise DataError(f"{method} hides words of a text, and {data.name} has {data.kind}: use dataset='tiny_text'")
    counts = torch.bincount(data.y, minlength=data.n_classes) if p.name == "same_class" else torch.empty(0)
    single = ", ".join(repr(data.class_names[c]) for c in (counts == 1).nonzero().flatten().tolist()[:5])
    if single:
        why = f"which has no neighbour under p of {method}: drop it, or give it a second sample"
        raise DataError(f"of class {single} there is one sample, {why}")
    if config.perplexity and config.perplexity > points - 1:
        remedy = "lower it, or raise batch_size"
        raise ConfigError(f"perplexity={config.perplexity:g} needs more than {points} points at once: {remedy}")
    if config.augment not in (None, "none") and data.kind == "tokens":
        raise ConfigError(f"augment={config.augment!r} has no meaning for tokens: use augment='none'")
    convolutional = [name for name, row in BACKBONES.items() if row.reads == "images"]
    if config.channels_last and config.backbone not in convolutional and not is_own(config.backbone):
        remedy = f"leave it out, or use {', '.join(convolutional)}"
        raise ConfigError(f"channels_last=True has no effect with backbone={config.backbone!r}: {remedy}")
    if method_of(config).learned != "gaussian_wide":
        return
    framed, features = is_framed(p, config.backbone) and data.kind != "tokens", n_features(data.shape, data.kind)
    if config.distance != "cosine" and not framed:  # only directions and orthonormal maps cannot move apart without end
        raise ConfigError(
            f"distance={config.distance!r}: with learned='gaussian_wide' the loss falls without end as the embedding grows: "
            "use distance='cosine', or backbone='linear' on samples that are not tokens, which is kept orthonormal"
        )
    frame = f"learned='gaussian_wide' on backbone='linear' is an orthonormal map of the {features} feature(s) of {data.name}"
    few = config.backbone != "linear" or config.embedding_dim <= features
    demand(few, f"embedding_dim={config.embedding_dim}: {frame}: use at most {features}")
