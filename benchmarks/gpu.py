"""What one graphics card does: SimCLR beside lightly's parts, an epoch of MNIST, t-SNE of 60,000 points, a sweep, CPU and GPU.

``python -m benchmarks gpu`` takes about ten minutes on one card, and writes its figures into the README. Without a card, or with
``--quick``, it only shows that it runs: everything has toy size, and nothing that it measures is written there.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

import icon_nb as icon
from benchmarks.harness import clock, report
from benchmarks.layouts import many_points
from benchmarks.peers import Views
from benchmarks.training import CONFIG, mnist, part
from icon_nb.data import Dataset
from icon_nb.training.trainer import Trainer

README = Path(__file__).parents[1] / "README.md"
ROWS = {
    "resnet_times_lightly": ("SimCLR, ResNet-18, 32x32 in colour: images a second over lightly's example", "at least 4"),
    "mnist_epoch_s": ("SimCLR, mlp, an epoch of 60,000 images of MNIST, batch 1,024", "under 0.5 s"),
    "tsne_s": ("t-SNE of 60,000 points, exact in blocks", "under 60 s"),
    "tsne_kl_over_open_tsne": ("the KL of that map over openTSNE's", "at most 1.01"),
    "sweep_over_one": ("a sweep of 32 temperatures over one run", "at most 32"),
    "cpu_gpu_difference": ("largest relative difference of a loss between CPU and GPU, five epochs", "at most 0.001"),
}
TARGETS = {name: aim for name, (_, aim) in ROWS.items()}
COLOURED = {"method": "simclr", "backbone": "resnet18", "batch_size": 256, "augment": "crop+flip+jitter+grey"}
FAST = {"precision": "bfloat16", "channels_last": True, "compile": "default"}


def coloured(n: int) -> Dataset:
    """Random pictures of the size of CIFAR-10's."""
    x = torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Dataset("random", x, torch.arange(n) % 10)


def lightly_epoch(data: Dataset, network: nn.Module, batch_size: int, device: str) -> None:
    """One epoch as lightly's example of SimCLR has it, on the same card with the same network."""
    from lightly.loss import NTXentLoss
    from lightly.transforms import SimCLRTransform

    views, workers = Views(data.x, SimCLRTransform(input_size=32)), min(8, os.cpu_count() or 1) if device == "cuda" else 0
    loader = DataLoader(views, batch_size, shuffle=True, drop_last=True, num_workers=workers, pin_memory=device == "cuda")
    optimizer, criterion = torch.optim.SGD(network.parameters(), lr=0.06), NTXentLoss()
    for first, second in loader:
        loss = criterion(network(first.to(device)), network(second.to(device)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    loss.item()


def against_lightly(device: str, toy: bool) -> dict:
    """Images per second of both, each after an epoch that does not count."""
    n, n_peer = (64, 64) if toy else (50_000, 10_240)
    plain = {**COLOURED, "device": device, **({"batch_size": 32, "backbone": "smallcnn"} if toy else {})}
    trainer = Trainer(icon.Config(**{**plain, **({} if toy else FAST)}).resolve(), coloured(n))
    peer, rates = Trainer(icon.Config(**plain).resolve(), coloured(256)).model.backbone, {}
    epochs = {
        "ours": (trainer.run_epoch, n),
        "lightly": (lambda: lightly_epoch(coloured(n_peer), peer, plain["batch_size"], device), n_peer),
    }
    for name, (epoch, images) in epochs.items():
        epoch()
        rates[f"resnet_{name}_images_per_s"] = images / clock(epoch)
    return rates | {"resnet_times_lightly": rates["resnet_ours_images_per_s"] / rates["resnet_lightly_images_per_s"]}


def mnist_epochs(device: str, toy: bool, data_dir: str | None) -> dict:
    """The median second of an epoch, in large batches and in those of the processor's benchmark."""
    data, _ = mnist(data_dir)
    figures = {}
    for name, batch_size in (("mnist_epoch_s", 1024), ("mnist_epoch_batch_128_s", 128)):
        config = icon.Config(**{**CONFIG, "batch_size": batch_size, "device": device}).resolve()
        trainer = Trainer(config, part(data, 2_048) if toy else data)
        trainer.run_epoch()
        figures[name] = float(np.median([trainer.run_epoch().seconds for _ in range(1 if toy else 5)]))
    return figures


def tsne(device: str, toy: bool, data_dir: str | None) -> dict:
    """Seconds and KL of ours on the device, and of openTSNE's defaults on the processor."""
    images, _ = mnist(data_dir)
    x = images.flat(images.x[: 300 if toy else 60_000]).float() / 255
    found = many_points(x, 30 if toy else None, device)
    told = {"tsne_s": "many_ours_s", "tsne_open_tsne_s": "many_open_tsne_s", "tsne_kl_over_open_tsne": "kl_over_open_tsne"}
    return {name: found[given] for name, given in told.items()}


def sweep(device: str, toy: bool) -> dict:
    """Seconds of 32 temperatures over those of one run, with the time of the first run in this process left out."""
    config = icon.Config(device=device, quiet=True, probe=False, **({"dataset": "digits", "epochs": 1} if toy else {}))
    temperatures = np.geomspace(0.05, 1, 2 if toy else 32).tolist()
    icon.run(config)
    one = clock(lambda: icon.run(config))
    return {"sweep_over_one": clock(lambda: icon.sweep(config, temperature=temperatures)) / one}


def agreement(device: str) -> dict:
    """How far the losses of one run on the processor and on the device lie apart, relative to the first."""
    given = {"dataset": "digits", "epochs": 5, "augment": "none", "method": "supcon", "quiet": True, "probe": False}
    cpu, other = (np.array(icon.run(icon.Config(device=each, **given)).history["loss"]) for each in ("cpu", device))
    return {"cpu_gpu_difference": float(np.abs(other / cpu - 1).max())}


def table(figures: dict | None, card: str = "") -> str:
    """The rows of the README: figures of a card, or that there are none."""
    said = f"On one {card}:" if figures else "No card was at hand: nothing of this is measured yet."
    rows = [f"| {what} | {f'{figures[name]:.3g}' if figures else 'not measured'} | {aim} |" for name, (what, aim) in ROWS.items()]
    return "\n".join([said, "", "| with `python -m benchmarks gpu` | figure | aim |", "| --- | --- | --- |", *rows])


def run(quick: bool = False, data_dir: str | None = None) -> dict:
    """Measure and report; on a card in full, and then into the README."""
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    device, toy, start = "cuda" if card else "cpu", quick or not card, time.perf_counter()
    data_dir = data_dir or os.environ.get("ICON_NB_DATA_DIR")
    figures = {
        **against_lightly(device, toy),
        **mnist_epochs(device, toy, data_dir),
        **tsne(device, toy, data_dir),
        **sweep(device, toy),
        **agreement(device),
    }
    about = {"card": card or "none", "toy_size": toy, "took_s": time.perf_counter() - start}
    report("gpu", about | figures, {} if toy else TARGETS)
    if not toy:
        text = README.read_text(encoding="utf-8")
        block = f"<!-- gpu -->\n{table(figures, card)}\n<!-- /gpu -->"
        README.write_text(re.sub(r"<!-- gpu -->.*<!-- /gpu -->", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")
    return figures


if __name__ == "__main__":
    run()
