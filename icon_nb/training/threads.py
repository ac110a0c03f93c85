"""How many threads a run uses: one where its steps are small, because two threads then wait for each other longer than they work.

On a machine that also does other work the difference is large, and a laptop or a shared hub always does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import prod

import torch
from torch import nn

SET_BY = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # environment variables by which a person sets the number of threads
SMALL_STEP = 2e8  # a step of fewer multiplications than this, forward and backward, is done by one thread
SMALL_TABLE = 1_500_000  # so is one of a table with fewer pairs of points than this
SMALL_MAP = 4_000_000  # and so is the map of an animation, for which somebody waits, with fewer pairs than this


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
def multiplications(network: nn.Module, x: torch.Tensor) -> int:
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
