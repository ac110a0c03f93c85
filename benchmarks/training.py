"""Images per second of SimCLR on MNIST, against a DataLoader loop and against lightly's transforms and loss.

``python -m benchmarks.training --data_dir FOLDER``; without the files, random images of the same shape stand in for the speed,
and the accuracies are left out. The network, the batch and the augmentation are the same on both sides; lightly brings its own
augmentation. The limit is what a step must do at least, at the rates that this machine reaches on that alone: the products of
the network and the loss, and the bytes that the optimizer and the augmentation have to move.
"""

from __future__ import annotations

import argparse
import os
import time

import torch

import icon_nb as icon
from benchmarks.harness import alternate, least_seconds, network_products, peak_mb, report
from benchmarks.peers import Pairs, Views, affine_pipeline, loop, nt_xent
from icon_nb.data import Dataset, load
from icon_nb.errors import DataError
from icon_nb.training.trainer import Trainer

CONFIG = {"method": "simclr", "backbone": "mlp", "batch_size": 128, "embedding_dim": 128, "temperature": 0.5, "augment": "affine"}
TARGETS = {
    "times_dataloader_loop": "at least 8",
    "times_lightly": "at least 6",
    "share_of_limit": "at least 0.6",
    "linear_probe": "at least 0.92 after 3 epochs",
    "knn": "at least 0.90 after 3 epochs",
    "recording_and_drawing": "at most 0.03 of ten epochs",
    "peak_memory_mb": "at most 1500",
}


def mnist(data_dir: str | None) -> tuple[Dataset, bool]:
    """MNIST, or random images of its shape, and whether they are real."""
    try:
        return load("mnist", data_dir, download=False), True
    except DataError:
        x = torch.randint(0, 256, (60_000, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        return Dataset("random", x, torch.arange(60_000) % 10, x[:10_000], torch.arange(10_000) % 10), False


def part(data: Dataset, n: int) -> Dataset:
    """The first n training images, normalised as before."""
    return Dataset("part", data.x[:n], data.y[:n], class_names=data.class_names, mean=data.mean, std=data.std)


def network(trainer: Trainer) -> torch.nn.Module:
    """The same network for the peer, freshly initialised."""
    return Trainer(trainer.config, trainer.dataset).model.backbone


def against_loop(data: Dataset, n_peer: int, repeats: int) -> dict:
    """Seconds of an image, ours and the DataLoader loop's."""
    ours = Trainer(icon.Config(**CONFIG).resolve(), data)
    pairs = Pairs(data.x[:n_peer], affine_pipeline(float(data.mean), float(data.std)))

    def peer():
        loop(pairs, network(ours), lambda a, b: nt_xent(torch.cat([a, b]), 0.5), 128)

    return _rates(ours, data, peer, n_peer, repeats)


def against_lightly(data: Dataset, n_peer: int, repeats: int) -> dict:
    """Seconds of an image, ours and with lightly's own transform and loss."""
    from lightly.loss import NTXentLoss
    from lightly.transforms import SimCLRTransform

    ours = Trainer(icon.Config(**CONFIG).resolve(), data)
    normalize = {"mean": [float(data.mean)] * 3, "std": [float(data.std)] * 3}
    views = Views(data.x[:n_peer].repeat(1, 3, 1, 1), SimCLRTransform(input_size=28, normalize=normalize))
    criterion = NTXentLoss(temperature=0.5)
    return _rates(ours, data, lambda: loop(views, _Grey(network(ours)), criterion, 128), n_peer, repeats)


class _Grey(torch.nn.Module):
    """lightly's transforms want three channels; the network sees the first."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x[:, :1])


def _rates(ours: Trainer, data: Dataset, peer, n_peer: int, repeats: int) -> dict:
    return alternate(ours.run_epoch, peer, n=repeats, items=(len(data), n_peer))


def limit(trainer: Trainer) -> float:
    """Images per second if a step did only its matrix products and moved only the bytes that it must.

    Products: two or three for each layer, two with (rows, rows) for the loss. Bytes: weight, gradient and both moments of Adam
    are read and all but the gradient written; every pixel is read and written once by the augmentation and once by the network.
    """
    rows, d = trainer.config.batch_size * trainer.config.n_views, trainer.config.embedding_dim
    weights = list(trainer.model.parameters())
    products = [*network_products(weights, rows), (rows, d, rows), (rows, rows, d)]
    floats = 7 * sum(w.numel() for w in weights) + 4 * rows * weights[0].shape[1]
    return trainer.config.batch_size / least_seconds(products, floats)


def share_of_recording(data: Dataset) -> float:
    """The share of ten epochs, from the start to the animation in the notebook, that is not training."""
    icon.run(quiet=True)._repr_mimebundle_()  # fonts and the like are read once in a process
    start = time.perf_counter()
    results = icon.run(icon.Config(**CONFIG, epochs=10, quiet=True), data=data)
    results._repr_mimebundle_()
    return 1 - sum(results.history["seconds"]) / (time.perf_counter() - start)


def run(quick: bool = False, data_dir: str | None = None) -> dict:
    """Measure and report."""
    data, real = mnist(data_dir or os.environ.get("ICON_NB_DATA_DIR"))
    some, n_peer, repeats = part(data, 12_800 if not quick else 1_280), 12_800 if not quick else 256, 5 if not quick else 1
    trainer = Trainer(icon.Config(**CONFIG).resolve(), some)
    trainer.run_epoch()
    figures = {
        "dataloader_loop_over_ours": (beside := against_loop(some, n_peer, repeats)),
        "lightly_over_ours": (lightly := against_lightly(some, min(n_peer, 5_120), repeats)),
        "times_dataloader_loop": beside["ratio"],
        "times_lightly": lightly["ratio"],
    }
    rates = [(len(some) / trainer.run_epoch().seconds, limit(trainer)) for _ in range(repeats)]
    rates.sort(key=lambda pair: pair[0] / pair[1])
    figures["images_per_s"], figures["limit_images_per_s"] = rates[len(rates) // 2]
    figures["share_of_limit"] = figures["images_per_s"] / figures["limit_images_per_s"]
    if real and not quick:
        figures["recording_and_drawing"] = share_of_recording(data)
        results = icon.run(icon.Config(**CONFIG, epochs=3, quiet=True), data=data)
        figures |= {"linear_probe": results.probes["trained"]["linear_probe"], "knn": results.probes["trained"]["knn"]}
        figures |= {f"untrained_{name}": value for name, value in results.probes["untrained"].items()}
    figures["peak_memory_mb"] = peak_mb()
    report("training", figures, TARGETS)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_dir")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    run(options.quick, options.data_dir)
