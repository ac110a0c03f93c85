"""How time grows: an epoch with the images, the loss with the batch, beside lightly's NT-Xent; an atlas with the workers.

``python -m benchmarks.growth --picture docs/growth.png`` draws both. The exponents are slopes in logarithms: 1 is linear, 2
quadratic. A small batch costs its calls and not its arithmetic, so the slope of the loss is taken over the upper half. Up to 64
workers are simulated: each takes the next job as soon as it is free, with the seconds that the atlas recorded.
"""

from __future__ import annotations

import argparse
import heapq

import numpy as np
import torch

import icon_nb as icon
from benchmarks.harness import alternate, report
from benchmarks.loss import embeddings, lightly, ours, step
from icon_nb.data import Dataset
from icon_nb.study.atlas import Atlas
from icon_nb.training.trainer import Trainer

N_IMAGES = (1_000, 3_000, 10_000, 30_000, 60_000)
N_VIEWS = (128, 256, 512, 1024, 2048, 4096)
N_WORKERS, START = (1, 2, 4, 8, 16, 32, 64), 2.0  # seconds until a worker has imported torch
TARGETS = {"epoch_exponent": "1: linear in the images", "loss_exponent": "2: quadratic in the batch, and in nothing else"}
TARGETS |= {f"{name}_times_on_{n}": f"{n}, less the start of the workers" for name in ("atlas", "sweep") for n in N_WORKERS[1:]}


def epochs(sizes, repeats: int) -> list[float]:
    """Seconds of an epoch of SimCLR with the mlp on images of MNIST's shape."""
    x = torch.randint(0, 256, (max(sizes), 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    config = icon.Config(method="simclr", augment="affine").resolve()
    trainers = [Trainer(config, Dataset("random", x[:n])) for n in sizes]
    trainers[0].run_epoch()
    return [min(trainer.run_epoch().seconds for _ in range(repeats)) for trainer in trainers]


def losses(sizes, repeats: int) -> dict[str, list[float]]:
    """Seconds of one loss with its gradient, ours and lightly's, at growing numbers of views."""
    found: dict[str, list[float]] = {"ours": [], "peer": []}
    for n in sizes:
        z, other, mine, peer = embeddings(n // 2), embeddings(n // 2), ours(n // 2), lightly(n // 2)
        timed = alternate(lambda z=z, mine=mine: step(mine, z), lambda z=other, peer=peer: step(peer, z), n=repeats, warm_up=2)
        for side, times in found.items():
            times.append(timed[side]["median_s"])
    return found


def makespan(jobs, workers: int) -> float:
    """Seconds until so many workers have done all jobs, of so many seconds each, from one queue."""
    free = [START] * workers
    for seconds in jobs:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def on_workers() -> dict[str, float]:
    """How many times sooner so many workers do the jobs of the atlas that ships, a cell each, and of a sweep, a run each."""
    rows = [row for row in Atlas.shipped().rows if row["seconds"]]
    cells, runs = [row["seconds"] * row["runs"] for row in rows], [row["seconds"] for row in rows for _ in range(row["runs"])]
    jobs = {"atlas": cells, "sweep": runs}
    return {f"{name}_times_on_{n}": makespan(each, 1) / makespan(each, n) for name, each in jobs.items() for n in N_WORKERS[1:]}


def exponent(sizes, seconds) -> float:
    """The slope in logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def run(quick: bool = False) -> dict:
    """Measure and report."""
    images, views, repeats = (N_IMAGES[:3], N_VIEWS[:4], 1) if quick else (N_IMAGES, N_VIEWS, 9)
    epoch, loss = epochs(images, 1 if quick else 2), losses(views, repeats)
    half = len(views) // 2
    figures = {
        "epoch_exponent": exponent(images, epoch),
        "loss_exponent": exponent(views[half:], loss["ours"][half:]),
        "lightly_loss_exponent": exponent(views[half:], loss["peer"][half:]),
        **on_workers(),
        **{f"epoch_{n}_s": seconds for n, seconds in zip(images, epoch)},
        **{f"loss_{n}_s": seconds for n, seconds in zip(views, loss["ours"])},
        "curves": {"images": images, "epoch_s": epoch, "views": views, "loss_s": loss["ours"], "lightly_s": loss["peer"]},
    }
    report("growth", figures, TARGETS)
    return figures


def draw(curves: dict, path: str) -> None:
    """Both curves on logarithmic axes, with the straight line that each is held against."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    n, seconds = np.array(curves["images"]), np.array(curves["epoch_s"])
    left.plot(n, seconds, "o-", color="#0072B2", label="an epoch of SimCLR, mlp")
    left.plot(n, seconds[-1] * n / n[-1], "--", color="0.5", label="linear")
    left.set(xlabel="images of 28 x 28", ylabel="seconds", title="An epoch grows with the images")
    n, seconds = np.array(curves["views"]), 1e3 * np.array(curves["loss_s"])
    right.plot(n, seconds, "o-", color="#0072B2", label="icon_nb")
    right.plot(n, 1e3 * np.array(curves["lightly_s"]), "s-", color="#D55E00", label="lightly")
    right.plot(n, seconds[-1] * (n / n[-1]) ** 2, "--", color="0.5", label="quadratic")
    right.set(xlabel="views in the batch", ylabel="milliseconds", title="The loss grows with the batch, squared")
    for axes, ticks in ((left, curves["images"]), (right, curves["views"])):
        axes.set(xscale="log", yscale="log")
        axes.set_xticks(ticks, [f"{tick // 1000}k" if tick % 1000 == 0 else tick for tick in ticks])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--picture", help="where to draw the curves")
    options = parser.parse_args()
    figures = run(options.quick)
    if options.picture:
        draw(figures["curves"], options.picture)
