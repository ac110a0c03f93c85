"""Processor seconds of SimCLR with convolutions on pictures of 20x20, against a DataLoader loop with the same network.

One thread, and time of the processor instead of the clock's, so that other work on the machine counts little. Network, batch
and augmentation are the same on both sides. The limit is what the multiplications of the network take at the rate of a matrix
product.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from torchvision import transforms as tv

import icon_nb as icon
from benchmarks.harness import report, summary
from benchmarks.peers import Pairs, loop, nt_xent
from icon_nb.data.augment import Affine, Grey, Jitter
from icon_nb.study.run import start
from icon_nb.training.ranks import multiplications

TARGETS = {
    "simplecnn_share_of_limit": "at least 0.5",
    "smallcnn_share_of_limit": "at least 0.5",
    "simplecnn_times_loop": "at least 4",
    "smallcnn_times_loop": "at least 4",
}


def pipeline(mean, std) -> tv.Compose:
    """torchvision's form of ``affine+jitter+grey`` at strength 1."""
    part, jitter, shift = Affine(), Jitter(), (Affine().translate,) * 2
    affine = tv.RandomAffine(part.degrees, shift, part.scale, part.shear, interpolation=tv.InterpolationMode.BILINEAR)
    colours = tv.ColorJitter(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
    return tv.Compose(
        [affine, tv.RandomApply([colours], jitter.p), tv.RandomGrayscale(Grey().p), tv.ToTensor(), tv.Normalize(mean, std)]
    )


def processor(action: Callable[[], object], n: int) -> dict:
    """The processor's seconds that a call takes, after one that does not count."""
    action()
    seconds = []
    for _ in range(n):
        begin = time.process_time()
        action()
        seconds.append(time.process_time() - begin)
    return summary(seconds)


def rate_of_products() -> float:
    """Multiplications in a second of this processor, in a product of large matrices."""
    a = torch.randn(1024, 1024)
    return 1024**3 / processor(lambda: a @ a, 20)["median_s"]


def run(quick: bool = False) -> dict:
    """Measure and report."""
    torch.set_num_threads(1)
    n, repeats, figures = (256, 1, {}) if quick else (1024, 5, {})
    for backbone in ("simplecnn", "smallcnn"):
        session = start(icon.Config(dataset="photo_digits", n_samples=n, backbone=backbone, batch_size=128, quiet=True))
        trainer = session.trainer
        pairs = Pairs(trainer.dataset.x, pipeline(trainer.dataset.mean.tolist(), trainer.dataset.std.tolist()))
        network = start(session.config).trainer.model.backbone
        peer = partial(loop, pairs, network, lambda a, b: nt_xent(torch.cat([a, b]), 0.15), 128, workers=0)
        ours, theirs = processor(trainer.run_epoch, repeats), processor(peer, repeats)
        figures |= {f"{backbone}_cpu": ours, f"{backbone}_loop_cpu": theirs}
        ours, theirs = ours["median_s"], theirs["median_s"]
        products = 3 * 2 * n * multiplications(network, trainer.reader.plain(trainer.dataset.x[:1])) / rate_of_products()
        figures |= {f"{backbone}_images_per_s": n / ours, f"{backbone}_times_loop": theirs / ours}
        figures[f"{backbone}_share_of_limit"] = products / ours
    report("convolutions", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
