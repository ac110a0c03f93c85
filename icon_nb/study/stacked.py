"""Many networks as one: runs that differ only in scalars share every batch, their networks are stacked along a new first axis.

Data, augmentation and p are made once for all, and every layer of all networks is one call. The numbers are those of single runs
within rounding, not bit for bit.
"""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from ..data.augment import default_augment
from ..data.dataset import Dataset
from ..errors import TrainingError
from ..methods import axes
from ..methods.config import Config
from ..methods.resolve import fit_to_data, method_of
from ..training.trainer import Record, Trainer
from .progress import ProgressBar
from .results import Results
from .session import Session

SCALARS = ("temperature", "df", "learning_rate", "weight_decay", "momentum")
"""The settings in which stacked runs may differ."""


@dataclass(frozen=True)
class Job:
    """Runs that are trained in one go: one, or a stack.

    Parameters
    ----------
    members : tuple of int
        Positions among the configs.
    stacked : bool
    """

    members: tuple[int, ...]
    stacked: bool = False

    def without(self, done: Container[int]) -> Job:
        """The same with only those members that are not done."""
        return replace(self, members=tuple(k for k in self.members if k not in done))


def plan(configs: Sequence[Config], together: bool) -> list[Job]:
    """Jobs for resolved configs, in the order of their first members; ``together`` stacks what can be stacked."""
    groups: dict[object, list[int]] = {}
    for k, config in enumerate(configs):
        groups.setdefault(shared_settings(config) if together and can_stack(config) else k, []).append(k)
    return [Job(tuple(members), stacked=len(members) > 1) for members in groups.values()]


def can_stack(config: Config) -> bool:
    """Whether the network and the kernel of a resolved config are of a kind that a stack gets right."""
    method = method_of(config)
    candidates = axes.SUPERVISORY[method.supervisory].candidates
    known = candidates in ("samples", "classes") and method.learned in ("gaussian", "student_t")
    plain = config.precision != "bfloat16" and config.compile == "none" and not config.alpha
    return known and plain and config.backbone in ("linear", "mlp")


def shared_settings(config: Config) -> tuple:
    """The settings that all runs of a stack have in common."""
    return tuple((name, value) for name, value in config.to_dict().items() if name not in (*SCALARS, "run_name"))


class Stack:
    """The trainers of several runs, trained in lockstep: same batches, same augmentation, same p, stacked networks.

    Parameters
    ----------
    trainers : sequence of Trainer
        Of configs that differ only in ``SCALARS``. Their networks become views of the stack; their own optimizers update them.
    """

    def __init__(self, trainers: Sequence[Trainer]):
        self.trainers, self.lead = trainers, trainers[0]
        self._networks = [dict(trainer.model.named_parameters()) for trainer in trainers]
        together = {name: [network[name].detach() for network in self._networks] for name in self._networks[0]}
        self.parameters = {name: torch.stack(each).requires_grad_() for name, each in together.items()}
        for b, network in enumerate(self._networks):
            for name, parameter in network.items():
                parameter.data = self.parameters[name].data[b]

    def losses(self, index: Tensor, step: int) -> Tensor:
        """The loss of every network (b,) on the samples at ``index``."""
        x, rows = self.lead.reader.read(index, self.lead.epoch, step)
        target = self.lead.strategy.p(rows)
        blocks = zip(self.embed(x), self.parameters.get("prototypes", repeat(None)))
        return torch.stack([trainer.objective.loss(target, [block]) for trainer, block in zip(self.trainers, blocks)])

    def embed(self, x: Tensor) -> Tensor:
        """The embeddings (b, n, d) of inputs x (n, ...) by every network: every linear layer is one batched product."""
        layers = list(self.lead.model.backbone.named_children())
        first = next(k for k, (_, layer) in enumerate(layers) if isinstance(layer, torch.nn.Linear))
        h = self._read(torch.nn.Sequential(OrderedDict(layers[:first])), x)
        for name, layer in layers[first:]:
            if isinstance(layer, torch.nn.Linear):
                weight, bias = (self.parameters[f"backbone.{name}.{part}"] for part in ("weight", "bias"))
                h = torch.baddbmm(bias.unsqueeze(1), h, weight.mT)
            else:
                h = layer(h)
        return h

    def _read(self, reader: torch.nn.Sequential, x: Tensor) -> Tensor:
        """What the first linear layer of every network sees, (b, n, width)."""
        own = {name: self.parameters[f"backbone.{name}"] for name, _ in reader.named_parameters()}
        if own:
            return vmap(lambda parameters: functional_call(reader, parameters, (x,)))(own)
        return reader(x).expand(len(self.trainers), -1, -1)

    def step(self, index: Tensor, step: int) -> Tensor:
        """One update of every network; returns the losses (b,), detached."""
        losses = self.losses(index, step)
        gradients = torch.autograd.grad(losses.sum(), list(self.parameters.values()))
        for name, gradient in zip(self.parameters, gradients):
            for network, own in zip(self._networks, gradient.contiguous()):  # fused optimizers read memory, not strides
                network[name].grad = own
        for trainer in self.trainers:
            trainer.optimizer.step()
        return losses.detach()

    def run_epoch(self) -> list[Record]:
        """Train every network for one epoch; a network whose loss is not finite any more has NaN as its loss."""
        start = time.perf_counter()
        for trainer in self.trainers:
            trainer.epoch += 1
            trainer.model.train()
        batches = self.lead.reader.order(self.lead.epoch)
        losses = torch.stack([self.step(index, step) for step, index in enumerate(batches)])  # (steps, b)
        means = losses.mean(0).tolist()
        seconds = (time.perf_counter() - start) / len(self.trainers)
        return [Record(self.lead.epoch, mean, seconds) for mean in means]

    @torch.no_grad()
    def initial(self) -> list[Record]:
        """Epoch 0: the loss of every untrained network on the first batch."""
        start = time.perf_counter()
        losses = self.losses(next(self.lead.reader.order(self.lead.epoch)), 0).tolist()
        seconds = (time.perf_counter() - start) / len(self.trainers)
        return [Record(0, loss, seconds) for loss in losses]

    def release(self) -> None:
        """Give every network memory of its own again."""
        for network in self._networks:
            for parameter in network.values():
                parameter.data = parameter.data.clone()
                parameter.grad = None


def run_stack(configs: Sequence[Config], dataset: Dataset, *, progress: bool | None = None) -> list[Results]:
    """Train configs that differ only in ``SCALARS`` as one stack; each result is marked with ``provenance["stack"]``.

    A run whose numbers stop being finite ends as failed, the others go on. Interrupted runs are marked; under ``ICON_NB_STRICT``
    the interrupt is raised.
    """
    configs = [fit_to_data(config.resolve(), len(dataset), default_augment(dataset)) for config in configs]
    sessions = [Session(config, dataset) for config in configs]
    stack = Stack([session.trainer for session in sessions])
    shown = not configs[0].quiet if progress is None else progress
    with ProgressBar(configs[0], enabled=shown) as bar:
        try:
            _keep_all(sessions, stack.initial())
            while stack.lead.epoch < configs[0].epochs:
                records = stack.run_epoch()
                _keep_all(sessions, records)
                bar.show(records[0], sessions[0].knn)
        except KeyboardInterrupt:
            if os.environ.get("ICON_NB_STRICT") or not all(session.history["epoch"] for session in sessions):
                raise
            for session in sessions:
                session.status = "interrupted" if session.status == "complete" else session.status
    stack.release()
    results = [session.results() for session in sessions]
    for each in results:
        took = round(each.provenance["seconds"] / len(results), 3)
        each.provenance.update(stack=len(results), seconds=took)
    return results


def _keep_all(sessions: Sequence[Session], records: Sequence[Record]) -> None:
    """Record the epoch of every run that is still good."""
    for session, record in zip(sessions, records):
        if session.status == "failed":
            continue
        try:
            if not math.isfinite(record.loss):
                raise TrainingError(
                    f"the loss became {record.loss} in epoch {record.epoch}, "
                    f"with learning_rate={session.config.learning_rate:g}; "
                    f"the last good epoch is {record.epoch - 1}: lower learning_rate, or raise temperature"
                )
            session.keep(record)
        except TrainingError as error:
            session.fail(error)
