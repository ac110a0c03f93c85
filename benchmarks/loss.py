"""The SimCLR objective alone, forward and backward, against lightly's and pytorch-metric-learning's NT-Xent: time and memory.

n = 2 x 1024 embeddings of 128 dimensions, and 2 x 256 against pytorch-metric-learning, whose loss compares every positive pair
with every negative one: n^3 numbers, 34 GB at 2 x 1024. Memory is what the call adds at its peak, in a process of its own each.
"""

from __future__ import annotations

import subprocess
import sys

import torch

import icon_nb as icon
from benchmarks.harness import alternate, least_seconds, peak_mb, report
from icon_nb.objective import build_objective
from icon_nb.objective.supervisory import Batch

N, DIM, TAU = 1024, 128, 0.5
CUBIC = {"pytorch_metric_learning": 256}
"""Peers that need n^3 memory, and the n that they are given."""
TARGETS = {
    "times_lightly": "at least 1",
    "times_pytorch_metric_learning": "at least 1",
    "share_of_limit": "two products and one pass over (2n, 2n)",
    "memory_over_lightly": "at most 1",
    "memory_over_pytorch_metric_learning": "at most 1",
}


def embeddings(n: int = N) -> torch.Tensor:
    """Two views of n points, the same every time."""
    return torch.randn(2 * n, DIM, generator=torch.Generator().manual_seed(0)).requires_grad_()


def ours(n: int = N):
    """The package's objective on a batch of views."""
    objective = build_objective(icon.Config(method="simclr", temperature=TAU).resolve())
    batch = Batch(index=torch.arange(n).repeat(2))
    return lambda z: objective(batch, z)


def lightly(n: int = N):
    """lightly's NTXentLoss."""
    from lightly.loss import NTXentLoss

    criterion = NTXentLoss(temperature=TAU)
    return lambda z: criterion(z[:n], z[n:])


def pytorch_metric_learning(n: int = N):
    """pytorch-metric-learning's NTXentLoss on labels that name the pairs."""
    from pytorch_metric_learning.losses import NTXentLoss

    criterion, labels = NTXentLoss(temperature=TAU), torch.arange(n).repeat(2)
    return lambda z: criterion(z, labels)


def step(loss, z: torch.Tensor) -> float:
    """Forward and backward."""
    z.grad = None
    value = loss(z)
    value.backward()
    return value.item()


def added_memory(name: str, n: int) -> float:
    """MB that one side's first step adds to the peak of a fresh process."""
    code = f"from benchmarks.loss import *; print(measured_memory({name!r}, {n}))"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def measured_memory(name: str, n: int) -> float:
    """The same, in this process; a small step first brings in the code."""
    step(globals()[name](16), embeddings(16))
    loss, z = globals()[name](n), embeddings(n)
    before = peak_mb()
    step(loss, z)
    return peak_mb() - before


def limit(n: int) -> float:
    """Seconds of the two products that loss and gradient need, with one pass over the (2n, 2n) numbers between them."""
    rows = 2 * n
    return least_seconds([(rows, DIM, rows), (rows, rows, DIM)], 2 * rows * rows)


def run(quick: bool = False) -> dict:
    """Measure and report."""
    n, repeats = (128, 3) if quick else (N, 15)
    figures, own = {}, {}
    for name in ("lightly", "pytorch_metric_learning"):
        size = min(n, CUBIC.get(name, n))
        mine, peer, z, other = ours(size), globals()[name](size), embeddings(size), embeddings(size)
        assert abs(step(mine, z) - step(peer, other)) < 1e-4
        timed = alternate(lambda z=z, mine=mine: step(mine, z), lambda peer=peer, z=other: step(peer, z), n=repeats)
        figures |= {f"{name}_over_ours": timed, f"times_{name}": timed["ratio"]}
        own[size] = timed["ours"]["median_s"]
        memory = {each: added_memory(each, size) for each in ("ours", name)}
        figures |= {f"{each}_mb_at_2x{size}": value for each, value in memory.items()}
        if memory[name]:
            figures[f"memory_over_{name}"] = memory["ours"] / memory[name]
    figures["share_of_limit"] = limit(n) / own[n]
    report("loss", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
