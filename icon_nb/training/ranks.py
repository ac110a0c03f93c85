r"""One run on several processes: each embeds its share of every batch, and all see the candidates of the whole batch.

``torchrun --nproc-per-node 2 -m icon_nb ...`` starts them. The embeddings are gathered, so that every process has the loss L of
the whole batch. On the way back, gathering adds the gradients of W processes, which is W times that of a share, and the mean over
the processes is the gradient of L: the run ends where one process with the same batch ends.
"""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import ConfigError
from ..methods.config import Config
from .batches import Reader


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
