"""The default run: what a person sees in the first minute, over five seeds, against a DataLoader loop with the same network.

The gain is the kNN accuracy of the trained embedding over the better of the pixels and the untrained network. ``3 s``, ``10 s``
and ``60 s`` are what so much training buys, in one thread.
"""

from __future__ import annotations

import time

import numpy as np
import torch

import icon_nb as icon
from benchmarks.harness import alternate, clock, report, summary
from benchmarks.peers import Pairs, affine_pipeline, loop, nt_xent
from icon_nb.animation.projection import fit_projection
from icon_nb.evaluation.scores import knn_accuracy
from icon_nb.training.backbones import build_backbone

TARGETS = {
    "pixels": "under 0.45",
    "trained": "aim at 0.85",
    "least_gain": "at least 0.35",
    "run_and_animation_s": "at most 3, warm, on two idle cores",
    "kept_in_the_plane": "at least 0.80 of the kNN accuracy",
}


def learned(seeds: int) -> dict:
    """kNN accuracy of pixels, and before and after training, over the seeds."""
    data = icon.data.load(icon.Config().resolve().dataset)
    pixels = float(knn_accuracy(data.flat(data.x_test), data.y_test, 5, metric="euclidean"))
    runs = [icon.run(seed=seed, quiet=True) for seed in range(seeds)]
    before, after = (np.array([run.history["knn_accuracy"][at] for run in runs]) for at in (0, -1))
    gain = after - np.maximum(pixels, before)
    ends = {"untrained_spread": before, "trained_spread": after}
    spread = {name: [float(values.min()), float(values.max())] for name, values in ends.items()}
    probes = np.mean([run.probes["trained"]["linear_probe"] for run in runs])
    means = {"untrained": before.mean(), "trained": after.mean(), "linear_probe": probes, "gain": gain.mean()}
    return {"seeds": seeds, "pixels": pixels, **means, "least_gain": gain.min(), **spread}


def bought(budgets: tuple[float, ...]) -> dict:
    """kNN accuracy after so many seconds of training in one thread."""
    seconds = icon.run(quiet=True).history["seconds"][1:]
    epochs = {budget: max(1, round(budget * len(seconds) / sum(seconds))) for budget in budgets}
    made = {f"after_{budget:g}_s": icon.run(epochs=n, quiet=True, record_every=n) for budget, n in epochs.items()}
    return {name: run.history["knn_accuracy"][-1] for name, run in made.items()}


def kept_in_the_plane(run) -> float:
    """kNN accuracy of the last frame as it is drawn, over that of the embedding."""
    drawn = fit_projection(run.trajectory).coordinates(run.trajectory)[-1]
    return float(knn_accuracy(torch.tensor(drawn), torch.tensor(run.labels), 5)) / run.history["knn_accuracy"][-1]


def peer_epoch(config: icon.Config) -> None:
    """One epoch of the loop of every tutorial, on the same pictures with the same network."""
    data = icon.data.load(config.dataset)
    pipeline = affine_pipeline(float(data.mean[0]), float(data.std[0]))
    network = build_backbone(config.backbone, data.shape, config.embedding_dim, hidden_dim=config.hidden_dim)
    both = lambda a, b: nt_xent(torch.cat([a, b]), config.temperature)  # noqa: E731
    loop(Pairs(data.x, pipeline), network, both, config.batch_size, workers=0)


def run(quick: bool = False) -> dict:
    """Measure and report."""
    config = icon.Config().resolve()
    shown = lambda: icon.run(quiet=True)._repr_mimebundle_()  # noqa: E731
    shown()
    by_itself = summary([clock(shown) for _ in range(2 if quick else 5)])
    epoch = lambda: icon.run(epochs=1, probe=False, quiet=True)  # noqa: E731
    beside = alternate(epoch, lambda: peer_epoch(config), n=1 if quick else 3)
    start = time.perf_counter()
    figures = {
        **learned(2 if quick else 5),
        **bought((3,) if quick else (3, 10, 60)),
        "kept_in_the_plane": kept_in_the_plane(icon.run(quiet=True)),
        "run_and_animation": by_itself,
        "run_and_animation_s": by_itself["median_s"],
        "dataloader_loop_over_run": beside,
        "took_s": time.perf_counter() - start,
    }
    report("first_minute", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
