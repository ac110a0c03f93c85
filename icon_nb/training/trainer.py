"""The one trainer: epochs of minibatches over indexed tensors, the loss summed on the device, one record per epoch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.augment import Draws, build_augment
from ..data.dataset import Dataset
from ..data.stored import Prefetcher, Stored
from ..errors import ConfigError, DataError, DeviceError, TrainingError
from ..methods import axes
from ..methods.config import Config
from ..methods.resolve import method_of
from ..objective.batch import Batch, Target
from ..objective.closed_forms import fuse
from ..objective.distances import as_seen_by
from ..objective.edges import Edges, neighbour_edges, sparse_kl
from ..objective.objective import build_objective
from .accelerated import accelerate, laid_out
from .candidates import build_model, other_side
from .contexts import around
from .optimizers import build_optimizer

DENSE_POINTS = 8192
"""A table of more free points than this keeps p on the nearest neighbours only."""

STEPS_AHEAD = 64
"""So many batches have their augmentation drawn at a time: one batch alone pays more for the calls than for the numbers."""

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


@dataclass(frozen=True)
class Record:
    """One finished epoch; epoch 0 is the untrained model with the loss of its first batch."""

    epoch: int
    loss: float
    seconds: float


def generator(device, *key) -> torch.Generator:
    """A random generator that depends on ``key`` only, for instance (seed, epoch, step)."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def pick_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is the first of cuda, mps and cpu that is there.

    Raises
    ------
    DeviceError
        A device was asked for by name and is absent.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, found in there.items() if found))
    if not there[name]:
        raise DeviceError(f"device={name!r} is not available here: use device='auto' or 'cpu', or install a torch with {name}")
    return torch.device(name)


class Trainer:
    """Everything that changes while a resolved Config trains: model, optimizer, epoch.

    Parameters
    ----------
    config : Config
        Resolved.
    dataset : Dataset
    """

    def __init__(self, config: Config, dataset: Dataset):
        check_fit(config, dataset)
        self.config, self.device = config, pick_device(config.device)
        self.dtype = DTYPES[config.precision]
        if self.device.type == "mps" and self.dtype == torch.float64:
            raise DeviceError("precision='float64' does not exist on mps: use device='cpu'")
        self.dataset = dataset.to(self.device)
        self._x = Prefetcher(dataset.x, config.num_workers) if isinstance(dataset.x, Stored) else self.dataset.x
        self.objective = build_objective(config)
        self.model = build_model(config, dataset).to(self.device, self.dtype)
        accelerate(config, self.model, self.device)
        self.optimizer = build_optimizer(config, self.model.parameters())
        self.epoch = 0
        self._augment = (
            None if config.augment in (None, "none") else build_augment(config.augment, dataset, config.augment_strength)
        )
        p = axes.SUPERVISORY[method_of(config).supervisory]
        self._needs, self._of_dimensions = p.needs, p.candidates == "dimensions"
        self._other = other_side(self.dataset) if "pairs" in self._needs else None
        self._same_p = config.backbone == "table" or not set(self._needs) - {"views", "pairs"}
        self._p: Target | None = None
        self._ahead: tuple[tuple, list[Draws]] | None = None
        self._edges = self._neighbours()

    @property
    def engine(self) -> str:
        """How the loss is computed: exactly, or with p on nearest neighbours only, as it is for many free points."""
        if self._edges is None:
            return "exact"
        return f"p on {3 * self.config.perplexity:g} nearest neighbours only, q exact in blocks"

    def _neighbours(self) -> Edges | None:
        """The edges of p for a table of so many points that (n, n) does not fit, or None."""
        few = len(self.dataset) <= DENSE_POINTS
        if few or self.config.backbone != "table":
            return None
        kernel = fuse(self.objective.learned) if self.config.divergence == "kl" else None
        if kernel is None or kernel.on_sphere or self.config.perplexity is None or self.config.alpha:
            raise ConfigError(
                f"method={self.config.label!r} with backbone='table' holds {len(self.dataset)} x {len(self.dataset)} numbers: "
                f"set n_samples to at most {DENSE_POINTS}, or use sne, tsne or tsne_conditional, which need not"
            )
        x = self.dataset.flat(self.dataset.x).to(self.dtype)
        return neighbour_edges(x, self.config.perplexity, kernel.joint)

    @property
    def batch_size(self) -> int:
        return self.config.batch_size or len(self.dataset)

    def run_epoch(self) -> Record:
        """Train for one epoch.

        Raises
        ------
        TrainingError
            The loss became NaN or infinite; names the epoch, the batch and the learning rate.
        """
        start = time.perf_counter()
        self.epoch += 1
        self.model.train()
        losses = [self.step(index, step) for step, index in enumerate(self.batches())]
        losses = torch.stack(losses)  # on the device: the only synchronisation of the epoch is the next line
        if not torch.isfinite(losses).all():
            self._fail(losses)
        return Record(self.epoch, losses.mean().item(), time.perf_counter() - start)

    def batches(self) -> Iterator[Tensor]:
        """The positions of each batch, in an order that depends on (seed, epoch); the last partial batch is dropped."""
        n, size = len(self.dataset), self.batch_size
        if size == n and self._augment is None:
            yield torch.arange(n, device=self.device)
            return
        order = torch.randperm(n, generator=generator("cpu", self.config.seed, self.epoch)).to(self.device)
        batches = order[: n - n % size].split(size)
        yield from self._x.prefetch(batches) if isinstance(self._x, Prefetcher) else batches

    def step(self, index: Tensor, step: int) -> Tensor:
        """One update on the samples at ``index``; returns the loss, detached, without waiting for it."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(index, step)
        loss.backward()
        self.optimizer.step()
        self.model.after_step()
        return loss.detach()

    def loss(self, index: Tensor, step: int) -> Tensor:
        """The objective on the samples at ``index``."""
        if self._edges is not None:
            return sparse_kl(fuse(self.objective.learned), self._edges, self.model.backbone(index))
        x, batch = self.batch(index, step)
        with self._autocast():
            blocks = self.model(x)
        blocks = [(z.to(self.dtype), other if other is None else other.to(self.dtype)) for z, other in blocks]
        return self.objective.loss(self.target(batch), blocks)

    def batch(self, index: Tensor, step: int) -> tuple[Tensor | tuple[Tensor, Tensor], Batch]:
        """What the model sees, and what p may look at: every view of every sample at ``index``."""
        config, views, x = self.config, self.config.n_views or 1, index
        if config.backbone != "table":
            x = self._inputs(self._repeated(index, views), step)
        if self._other is not None:
            x = x, self._cast(self._other.inputs(self._other.x[index]))
        if "tokens" in self._needs:
            return self._hide(x, index.repeat(views), step)
        if self._of_dimensions:  # which are the rows of p then, and not the samples
            return x, Batch(torch.arange(config.embedding_dim, device=index.device).repeat(views), dtype=self.dtype)
        return x, self._batch(index.repeat(views))

    def _repeated(self, index: Tensor, views: int) -> Tensor:
        """The raw samples at ``index``, as often as there are views; what stays on the disk is read once."""
        if isinstance(self._x, Tensor):
            return self._x.index_select(0, index.repeat(views))
        return self._x[index].repeat(views, *[1] * (self.dataset.x.dim() - 1))

    def _hide(self, x: Tensor, index: Tensor, step: int) -> tuple[Tensor, Batch]:
        """The context of one word of every row, hidden behind token 0; the hidden word is the label."""
        random = torch.rand(x.shape, generator=generator("cpu", self.config.seed, self.epoch, step)).to(x.device)
        place = random.masked_fill(x == 0, -1).argmax(1, keepdim=True)
        hidden = x.gather(1, place).squeeze(1)
        return around(x, place), Batch(index, y=hidden, n_classes=self.dataset.n_tokens, dtype=self.dtype)

    def _batch(self, index: Tensor) -> Batch:
        """The parts of the data that p needs, for the samples at ``index``."""
        data, needs = self.dataset, self._needs if self._p is None else ()
        return Batch(
            index,
            data.flat(self._x[index]).to(self.dtype) if "inputs" in needs else None,
            None if data.y is None else data.y[index],
            data.n_classes,
            self.dtype,
            data.companion[index] if "companion" in needs else None,
            edges(data.graph, index) if "graph" in needs else None,
        )

    def _inputs(self, x: Tensor, step: int) -> Tensor:
        if self._augment is None:
            return self._cast(self.dataset.inputs(x))
        random = generator(self.device, self.config.seed, self.epoch, step)
        return self._cast(self._augment.apply(x, self._drawn(len(x), x.shape[-2:], step), random))

    def _drawn(self, n: int, size: tuple[int, int], step: int) -> Draws:
        """What was drawn for the n images of this step, made for ``STEPS_AHEAD`` steps at a time."""
        block = self.epoch, step // STEPS_AHEAD, n
        if self._ahead is None or self._ahead[0] != block:
            random = generator(self.device, self.config.seed, *block, "draws")
            steps = min(STEPS_AHEAD, max(1, len(self.dataset) // self.batch_size))
            draws = self._augment.draw(n * steps, size, random, self.device)
            self._ahead = block, list(draws.batches(n))
        return self._ahead[1][step % STEPS_AHEAD]

    def _cast(self, x: Tensor) -> Tensor:
        return laid_out(self.config, x.to(self.dtype)) if x.is_floating_point() else x

    def target(self, batch: Batch) -> Target:
        """p of the batch; computed once where it is the same in every batch.

        So it is where every batch is the same whole data set, and where p only asks which rows are views of one sample.
        """
        if self._p is not None:
            return self._p
        target = self.objective.target(batch)
        if self._same_p:
            self._p = target
        return target

    def _autocast(self):
        if self.config.precision == "bfloat16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    @torch.no_grad()
    def initial(self) -> Record:
        """Epoch 0: the loss of the untrained model on its first batch; running statistics stay those of the untrained model."""
        start = time.perf_counter()
        self.model.train()
        untouched = [buffer.clone() for buffer in self.model.buffers()]
        index = next(iter(self.batches()))
        loss = self.loss(index, 0).item()
        for buffer, before in zip(self.model.buffers(), untouched):
            buffer.copy_(before)
        return Record(0, loss, time.perf_counter() - start)

    @torch.inference_mode()
    def embed(self, x: Tensor, chunk: int = 4096) -> Tensor:
        """Embeddings (n, d) of raw samples, or of positions for a table, on the device, without augmentation."""
        self.model.eval()
        with self._autocast():
            embed = self.model.backbone.forward  # not compiled: chunks differ in size
            parts = [embed(self._raw(part.to(self.device))) for part in x.split(chunk)]
        return as_seen_by(self.config.distance, torch.cat(parts).to(self.dtype))

    def _raw(self, x: Tensor) -> Tensor:
        return x if self.config.backbone == "table" else self._cast(self.dataset.inputs(x))

    def _fail(self, losses: Tensor):
        bad = int((~torch.isfinite(losses)).nonzero()[0])
        raise TrainingError(
            f"the loss became {losses[bad].item()} in epoch {self.epoch}, batch {bad + 1} of {len(losses)}, "
            f"with learning_rate={self.config.learning_rate:g}; the last good epoch is {self.epoch - 1}: "
            "lower learning_rate, or raise temperature"
        )


def edges(graph: Tensor, index: Tensor) -> Tensor:
    """The dense weights (n, n) between the samples at ``index``."""
    rows = graph.index_select(0, index).index_select(1, index)
    return rows.to_dense() if rows.is_sparse else rows


def check_fit(config: Config, dataset: Dataset) -> None:
    """Refuse a resolved Config that this data set cannot serve, before anything is trained."""
    needs = axes.SUPERVISORY[method_of(config).supervisory].needs
    if config.batch_size and config.batch_size > len(dataset):
        raise ConfigError(
            f"batch_size={config.batch_size} is more than the {len(dataset)} training samples of {dataset.name}: lower it"
        )
    check_needs(config, dataset, needs)
    if config.perplexity:
        points = config.batch_size or len(dataset)
        if config.perplexity > points - 1:
            raise ConfigError(
                f"perplexity={config.perplexity:g} needs more than {points} points at once: lower it, or raise batch_size"
            )
    if config.augment not in (None, "none") and dataset.kind == "tokens":
        raise ConfigError(f"augment={config.augment!r} has no meaning for tokens: use augment='none'")


MISSING = {
    "labels": ("y", "choose a method without labels"),
    "pairs": ("pair", "use dataset='digit_captions' or 'digit_halves', or give pair= with your own data"),
    "companion": ("companion", "use dataset='digit_captions', or a Dataset with companion embeddings"),
    "graph": ("graph", "use dataset='karate_club', or supervisory='knn', which makes a graph of its own"),
}
"""Which part of the data each need is about, and what to do where it is absent."""


def check_needs(config: Config, dataset: Dataset, needs: tuple[str, ...]) -> None:
    """The parts of the data that p is made from must be there."""
    for need, (part, remedy) in MISSING.items():
        if need in needs and getattr(dataset, part) is None:
            raise DataError(f"method={config.label!r} needs {axes.NEEDS[need]}, and {dataset.name} has none: {remedy}")
    if "tokens" in needs and dataset.kind != "tokens":
        raise DataError(
            f"method={config.label!r} hides words of a text, and {dataset.name} has {dataset.kind}: use dataset='tiny_text'"
        )
    if "labels" in needs:
        check_labels(config, dataset)


def check_labels(config: Config, dataset: Dataset) -> None:
    """Every class must have a second member where neighbours are of the same class."""
    if method_of(config).supervisory != "same_class":
        return
    counts = torch.bincount(dataset.y, minlength=dataset.n_classes)
    single = (counts == 1).nonzero().flatten().tolist()
    if single:
        names = ", ".join(repr(dataset.class_names[c]) for c in single[:5])
        raise DataError(
            f"class {names} has one sample, and so no neighbour under p of method={config.label!r}: "
            "drop it, or give it a second sample"
        )
