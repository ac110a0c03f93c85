r"""How many work on a run: one thread where its steps are small, and several processes where they were started together.

Two threads wait for each other longer than they work on a small step. On a machine that also does other work the difference is
large, and a laptop or a shared hub always does.

Of several processes each embeds its share of every batch, and all see the candidates of the whole batch.
``torchrun --nproc-per-node 2 -m icon_nb ...`` starts them. The embeddings are gathered, so that every process has the loss L of
the whole batch. On the way back, gathering adds the gradients of W processes, which is W times that of a share, and the mean over
the processes is the gradient of L: the run ends where one process with the same batch ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import prod

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import ConfigError
from ..methods.config import Config
from .batches import Reader

SET_BY = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # environment variables by which a person sets the number of threads
SMALL_STEP = 2e8  # a step of fewer multiplications than this, forward and backward, is done by one thread
SMALL_TABLE = 1_500_000  # so is one of a table with fewer pairs of points than this
SMALL_MAP = 4_000_000  # and so is the map of an animation, for which somebody waits, with fewer pairs than this


def started() -> bool:
    """Whether ``torchrun`` started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["WORLD_SIZE"]) > 1


def join() -> int:
    """Join the processes that ``torchrun`` started, if it did: the rank of this one, 0 where it is alone."""
    if not started():
        return 0
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return dist.get_rank()


class Ranks:
    """What a trainer asks of the processes that train one model together; with one process, nothing happens."""

    def __init__(self, config: Config, model: nn.Module, reader: Reader):
        self.n = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
        self.views, self.model = reader.views, model
        if self.n == 1:
            return
        if config.backbone == "table":
            raise ConfigError("backbone='table' has one free point a sample and nothing to share: run it in one process")
        if reader.batch_size % self.n:
            raise ConfigError(f"batch_size={reader.batch_size} cannot be shared by {self.n} processes: choose a multiple")
        if any(isinstance(each, _BatchNorm) for each in model.modules()):
            if not next(model.parameters()).is_cuda:
                raise ConfigError(f"backbone={config.backbone!r} normalises over the batch, on several processes on GPUs only")
            nn.SyncBatchNorm.convert_sync_batchnorm(model)
        for name in ("backbone", "slow", "other"):
            if hasattr(model, name):
                getattr(model, name).register_forward_hook(self._gather)

    def share(self, x):
        """The samples of this process, every view of them, from a batch of which each process has all."""
        if self.n == 1:
            return x
        if isinstance(x, tuple):
            return tuple(self.share(each) for each in x)
        views = x.unflatten(0, (self.views, self.n, -1))
        return views[:, dist.get_rank()].flatten(0, 1)

    def _gather(self, network, inputs, z: Tensor) -> Tensor:
        """The embeddings of the whole batch, in its order, from those of every share; after training, a process is alone."""
        if not network.training:
            return z
        views = [each.unflatten(0, (self.views, -1)) for each in all_gather(z.contiguous())]
        return torch.cat(views, 1).flatten(0, 1)

    def average(self) -> None:
        """Let every process have the mean of the gradients, which is that of the whole batch."""
        if self.n == 1:
            return
        for each in self.model.parameters():
            if each.grad is not None:
                dist.all_reduce(each.grad)
                each.grad /= self.n


@contextmanager
def threads_for(small: bool) -> Iterator[None]:
    """Work with one thread where the work is small; afterwards the number is what it was.

    It stays as it is where the environment or ``torch.set_num_threads`` has set it.
    """
    before = torch.get_num_threads()
    if not small or chosen_by_user(before):
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def chosen_by_user(threads: int) -> bool:
    """Whether the number of threads is one that somebody set: torch itself takes the cores, or half of them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return any(name in os.environ for name in SET_BY) or threads not in (cores, max(1, cores // 2))


def is_small(trainer) -> bool:
    """Whether one step is too little work for two threads; on a GPU, their number stays as it is."""
    config, n = trainer.config, len(trainer.dataset)
    if trainer.device.type != "cpu":
        return False
    if config.backbone == "table":
        return n * n < SMALL_TABLE
    rows = (config.batch_size or n) * (config.n_views or 1)
    x = trainer.dataset.x
    blank = torch.zeros(1, *x.shape[1:], dtype=x.dtype, device=trainer.device)  # pictures on the disk are not read for this
    return 3 * rows * multiplications(trainer.model.backbone, trainer.reader.plain(blank)) < SMALL_STEP


@torch.inference_mode()
def multiplications(network: nn.Module, x: Tensor) -> int:
    """Multiplications of one forward pass in the linear and convolutional layers, for one sample x (1, ...)."""
    found, training = [], network.training
    count = lambda layer, _, out: found.append(layer.weight.numel() * prod(out.shape[2:]))  # noqa: E731
    with ExitStack() as after:
        after.callback(network.train, training)
        for layer in network.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                after.callback(layer.register_forward_hook(count).remove)
        network.eval().forward(x)  # as it is written, not compiled
    return sum(found)
