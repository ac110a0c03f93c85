"""The loop: batch, augment, embed, p, q, D, step, record."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from ..data.dataset import Dataset
from ..errors import ConfigError, DeviceError, TrainingError
from ..methods.config import Config
from ..methods.resolve import method_of
from ..methods.settings import value_at
from ..objective.closed_forms import Edges, FusedKL, fuse, neighbour_edges, sparse_kl
from ..objective.component import Target
from ..objective.distances import as_seen_by
from ..objective.objective import Objective, build_objective
from .backbones import accelerate
from .batches import Reader, Rows, check_fit
from .candidates import Blocks, build_model
from .optimizers import REMEDY, OpenTSNE, build_optimizer, fits, installed, made
from .ranks import Ranks

DENSE_POINTS = 8192  # a table of more free points than this keeps p on the nearest neighbours only
EARLY = 1 / 4  # the share of the epochs in which p is exaggerated, as in scikit-learn
SHARP = 0.01  # a temperature below which gradients, which grow with its inverse, are likely to be too large
HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}  # of the network; weights, p, q and the loss are float32 then


@contextmanager
def usual_torch() -> Iterator[None]:
    """Gradients, float32 and the CPU as torch has them when it is imported, whatever the caller has set; put back after."""
    dtype, here = torch.get_default_dtype(), torch.empty(0).device.type == "cpu"
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad(), nullcontext() if here else torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)


@dataclass(frozen=True)
class Record:
    """One finished epoch; epoch 0 is the untrained model with the loss of its first batch."""

    epoch: int
    loss: float
    seconds: float


class Trainer:
    """Everything that changes while a resolved Config trains: model, optimizer, epoch."""

    def __init__(self, config: Config, dataset: Dataset):
        check_fit(config, dataset)
        self.config, self.device = config, pick_device(config.device)
        self.dtype = torch.float64 if config.precision == "float64" else torch.float32
        if self.device.type == "mps" and config.precision in ("float64", "float16"):
            raise DeviceError(f"precision={config.precision!r} is not supported on mps: use 'float32', or device='cpu'")
        self.dataset = dataset.to(self.device)
        self.objective = build_objective(config)
        self.model = build_model(config, dataset).to(self.device, self.dtype)
        if not any(each.requires_grad for each in self.model.parameters()):
            raise ConfigError("every weight of the backbone is frozen, so nothing is trained: let some learn, or set head")
        self.reader = Reader(config, self.dataset, self.device, self.dtype)
        self.ranks = Ranks(config, self.model, self.reader)
        accelerate(config, self.model, self.device)
        self.strategy = strategy_of(config, self.dataset, self.objective, self.dtype)
        self.optimizer = self.strategy.optimizer(config.at(0), self.model.parameters())
        self.scheduler = config.scheduler and made("scheduler", config.scheduler, self.optimizer, LRScheduler)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=config.precision == "float16")
        half = HALVES.get(config.precision)
        self.autocast = partial(torch.autocast, self.device.type, half) if half else nullcontext
        self.epoch = 0

    @property
    def learning_rate(self) -> float | str:
        return self.config.learning_rate or self.optimizer.param_groups[0]["lr"]

    def run_epoch(self) -> Record:
        """Train for one epoch; a loss that became NaN or infinite is an error that names its batch."""
        start = time.perf_counter()
        self.epoch += 1
        self.model.train()
        if isinstance(self.config.temperature, str) or isinstance(self.config.alpha, str):
            self.strategy.take(build_objective(self.config, (self.epoch - 1) / max(1, self.config.epochs - 1)))
        self.optimizer.zero_grad(set_to_none=True)
        losses, together = [], self.config.accumulate or 1
        for step, index in enumerate(self.reader.order(self.epoch)):
            loss = self.loss(index, step)
            self.scaler.scale(loss / together).backward()
            losses.append(loss.detach())
            if (step + 1) % together == 0:
                self._step((self.epoch - 1) + step / self.reader.steps)
        losses = torch.stack(losses)  # on the device: the only synchronisation of the epoch is the next line
        if self.strategy.measures(self.epoch) and not torch.isfinite(losses).all():
            bad = int((~torch.isfinite(losses)).nonzero()[0])
            raise TrainingError(
                f"the loss became {losses[bad].item()} in epoch {self.epoch}, batch {bad + 1} of {len(losses)}, "
                f"with learning_rate={self.learning_rate}; the last good epoch is {self.epoch - 1}: "
                + self.remedy(self.epoch > 1 or bad > 0, losses[bad].item())
            )
        loss = losses.mean().item()
        self.end_epoch(loss)
        return Record(self.epoch, loss, time.perf_counter() - start)

    def remedy(self, stepped: bool, loss: float = math.nan) -> str:
        """What helps where a number is not finite any more; before the first step it cannot be the learning rate."""
        config, said = self.config, ["lower learning_rate"] if stepped else []
        if isinstance(config.temperature, float) and config.temperature < SHARP:
            said.append(f"raise temperature={config.temperature:g}")
        if not stepped and math.isinf(loss):
            said.append("choose divergence='js', which is at most log 2 where q is nearly 0")
        if config.precision in HALVES:
            said.append(f"choose precision='float32', because {config.precision} is coarse")
        return ", or ".join(said) or "no step was taken yet: look for NaN in the weights of the backbone"

    def end_epoch(self, loss: float) -> None:
        """Let a scheduler of the user's set the learning rate of the next epoch."""
        if self.scheduler is not None:
            self.scheduler.step(*([loss] if isinstance(self.scheduler, ReduceLROnPlateau) else []))

    def _step(self, epochs: float) -> None:
        """Follow the gradient, at the learning rate that is due when so many epochs are over."""
        config = self.config
        if isinstance(config.learning_rate, str) or config.warmup:
            rate = value_at(config.learning_rate, epochs / config.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * min(1.0, (epochs + 1 / self.reader.steps) / (config.warmup or 1))
        self.ranks.average()
        if config.clip_norm:
            self.scaler.unscale_(self.optimizer)
            clip_grad_norm_(self.model.parameters(), config.clip_norm)
        self.scaler.step(self.optimizer)  # which float16 leaves out where a gradient was too large for it
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.model.after_step()

    def loss(self, index: Tensor, step: int) -> Tensor:
        """The mean divergence on the samples at ``index``."""
        x, rows = self.reader.read(index, self.epoch, step)  # every view of every sample, augmented; and what p may look at
        with self.autocast():
            blocks = self.model(self.ranks.share(x))  # z = f(x): anchors and their candidates
        blocks = [(z.to(self.dtype), other if other is None else other.to(self.dtype)) for z, other in blocks]
        p = self.strategy.p(self.model.taught(rows), self.epoch)  # p(j | i)
        return self.strategy.loss(p, blocks)  # q(j | i), and the mean of D(p || q)

    @torch.no_grad()
    def initial(self) -> Record:
        """Epoch 0: the loss of the untrained model on its first batch; running statistics stay those of the untrained model."""
        start = time.perf_counter()
        self.model.train()
        untouched = [buffer.clone() for buffer in self.model.buffers()]
        loss = self.loss(next(self.reader.order(self.epoch)), 0).item()
        for buffer, before in zip(self.model.buffers(), untouched):
            buffer.copy_(before)
        return Record(0, loss, time.perf_counter() - start)

    @torch.inference_mode()
    def embed(self, x: Tensor, chunk: int = 4096, pair: bool = False) -> Tensor:
        """Embeddings (n, d) of raw samples, or of positions for a table, on the device, without augmentation.

        Those of a ``pair`` are samples of the second modality, which has a network of its own.
        """
        self.model.eval()
        network, read = (self.model.other, self.reader.other_plain) if pair else (self.model.backbone, self.reader.plain)
        with self.autocast():  # not compiled: chunks differ in size
            parts = [network.forward(read(part.to(self.device))) for part in x.split(chunk)]
        return as_seen_by(self.config.distance, torch.cat(parts).to(self.dtype))


class Exact:
    """p is made for every batch, or once: where each is the whole data set, or p only asks which rows are views of one sample."""

    engine, optimizer = "exact", staticmethod(build_optimizer)
    measures = staticmethod(lambda epoch: True)  # whether the loss is known in an epoch

    def __init__(self, objective: Objective, once: bool = True):
        self.objective, self.once, self.known = objective, once, None

    def take(self, objective: Objective) -> None:
        """Go on with another temperature or alpha."""
        self.known = self.known if objective.supervisory == self.objective.supervisory else None
        self.objective = objective

    def p(self, rows: Rows, epoch: int) -> Target | Edges:
        if self.known is None or not self.once:
            self.known = self.objective.target(rows())
        return self.known

    def loss(self, p: Target | Edges, blocks: Blocks) -> Tensor:
        return self.objective.loss(p, blocks)


class Exaggerated(Exact):
    """p of a map counts several times in the first epochs, so that clusters part before they settle (van der Maaten 2008).

    The steps are as many times smaller, as in scikit-learn and openTSNE: with whole ones the points would be thrown apart.
    """

    def __init__(self, objective: Objective, factor: float, last: int):
        super().__init__(objective)
        self.factor, self.last, self.early, self.strong = factor, last, False, (None, None)

    def p(self, rows: Rows, epoch: int) -> Target:
        self.early = 0 < epoch <= self.last
        p = super().p(rows, epoch)
        if self.early and self.strong[0] is not p:
            self.strong = p, replace(p, p=self.factor * p.p)
        return p

    def loss(self, p: Target, blocks: Blocks) -> Tensor:
        """The loss of p as it is; its gradient is that of the exaggerated one, over the factor."""
        if not self.early:
            return super().loss(p, blocks)
        with torch.no_grad():
            loss = super().loss(p, blocks)
        pulled = super().loss(self.strong[1], blocks) / self.factor
        return loss + (pulled - pulled.detach())


class OnEdges(Exact):
    """p of many free points is kept on the edges between nearest neighbours, and q is summed in blocks."""

    def __init__(self, objective: Objective, kernel: FusedKL, x: Tensor, perplexity: float):
        super().__init__(objective)
        self.kernel, self.known = kernel, neighbour_edges(x, perplexity, kernel.joint)
        self.engine = f"p on {3 * perplexity:g} nearest neighbours only, q exact in blocks"

    def take(self, objective: Objective) -> None:
        self.objective, self.kernel = objective, fuse(objective.learned)

    def loss(self, p: Edges, blocks: Blocks) -> Tensor:
        return sparse_kl(self.kernel, p, blocks[0][0])


def is_for_open_tsne(config: Config, dataset: Dataset) -> bool:
    """Whether a resolved Config on these data is t-SNE of many points on a CPU."""
    return len(dataset) > DENSE_POINTS and fits(config) and pick_device(config.device).type == "cpu"


def strategy_of(config: Config, dataset: Dataset, objective: Objective, dtype: torch.dtype) -> Exact | OpenTSNE:
    """How p is held for a resolved Config on these data."""
    if config.exaggeration:
        if objective.fused is None or len(dataset) > DENSE_POINTS:
            raise ConfigError(
                f"exaggeration={config.exaggeration:g} needs a q of distances without alpha, and {DENSE_POINTS} points at most: "
                "leave it out"
            )
        return Exaggerated(objective, config.exaggeration, round(EARLY * config.epochs))
    table, needs = config.backbone == "table", method_of(config).p.needs
    if not table or len(dataset) <= DENSE_POINTS:
        return Exact(objective, once="teacher" not in needs and (table or set(needs) <= {"views", "pairs"}))
    kernel = fuse(objective.learned) if config.divergence == "kl" else None
    if kernel is None or kernel.on_sphere or config.perplexity is None or config.alpha:
        raise ConfigError(
            f"method={config.label!r} with backbone='table' holds {len(dataset)} x {len(dataset)} numbers: "
            f"set n_samples to at most {DENSE_POINTS}, or use sne, tsne or tsne_conditional, which need not"
        )
    x, linear = dataset.flat(dataset.x).to(dtype), is_for_open_tsne(config, dataset)
    if linear and installed():
        return OpenTSNE(config, x)
    exact = OnEdges(objective, kernel, x, config.perplexity)
    if linear:
        exact.engine += f"; {REMEDY}"
        warnings.warn(f"every epoch takes time quadratic in the {len(dataset)} points: {REMEDY}", stacklevel=2)
    return exact


def pick_device(name: str) -> torch.device:
    """The device of this name, or an error; ``auto`` is the first of cuda, mps and cpu that is there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(filter(there.get, there)))
    kind, _, number = name.partition(":")
    if not there[kind]:
        raise DeviceError(f"device={name!r} is not available here: use device='auto' or 'cpu', or install a torch with {kind}")
    if number and int(number) >= torch.cuda.device_count():
        cards = ", ".join(f"'cuda:{k}'" for k in range(torch.cuda.device_count()))
        raise DeviceError(f"device={name!r} is not among the cards that are here: use {cards}")
    return torch.device(name)
