"""Images augmented per second, against torchvision's transforms applied image by image in a DataLoader with two workers.

Both do the same augmentation to the same images, in batches of 256: ``python -m benchmarks.augment``. The images are random
numbers of the data sets' shapes; the time does not depend on what they show.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch.utils.data import DataLoader
from torchvision import transforms as tv

from benchmarks.harness import alternate, report
from icon_nb.data import Dataset
from icon_nb.data.augment import Affine, Augment, Crop, Flip, Grey, Jitter, build_augment

CASES = {"grey_28": ((1, 28, 28), "affine"), "grey_28_crop_flip": ((1, 28, 28), "crop+flip"), "colour_32": ((3, 32, 32), "auto")}
TARGETS = {"grey_28_images_per_s": "at least 60,000 on 2 free cores"}
TARGETS |= {f"{case}_{figure}": "at least 8" for case in CASES for figure in ("ratio", "times_less_processor_time")}
BATCH = 256
BILINEAR = tv.InterpolationMode.BILINEAR

PEERS = {
    Affine: lambda p: tv.RandomAffine(p.degrees, (p.translate,) * 2, p.scale, p.shear, interpolation=BILINEAR),
    Flip: lambda p: tv.RandomHorizontalFlip(p.p),
    Jitter: lambda p: tv.RandomApply([tv.ColorJitter(p.brightness, p.contrast, p.saturation, p.hue)], p.p),
    Grey: lambda p: tv.RandomGrayscale(p.p),
}


def torchvision_pipeline(augment: Augment, size: tuple[int, int]) -> tv.Compose:
    """torchvision's transforms of one PIL image that do what ``augment`` does, normalisation included."""
    crop = {Crop: lambda p: tv.RandomResizedCrop(size, p.scale, p.ratio, BILINEAR)}
    steps = [(PEERS | crop)[type(part)](part) for part in augment.parts]
    return tv.Compose([*steps, tv.ToTensor(), tv.Normalize(augment.mean.tolist(), augment.std.tolist())])


class Images(torch.utils.data.Dataset):
    """PIL images and a pipeline, as torchvision's data sets hand them out."""

    def __init__(self, x: torch.Tensor, pipeline):
        to_pil = tv.ToPILImage()
        self.images, self.pipeline = [to_pil(image) for image in x], pipeline

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> torch.Tensor:
        return self.pipeline(self.images[i])


def processor_seconds(action) -> float:
    """Processor time of one call on one thread: what it costs, whatever else the machine is doing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    action()
    start = time.process_time()
    action()
    torch.set_num_threads(threads)
    return time.process_time() - start


def compare(shape: tuple[int, int, int], spec: str, n_images: int, repeats: int) -> dict:
    """Images per second of both, and how many times faster ours is."""
    dataset = Dataset("random", torch.randint(0, 256, (n_images, *shape), dtype=torch.uint8))
    augment, generator = build_augment(spec, dataset), torch.Generator().manual_seed(0)
    images = Images(dataset.x, torchvision_pipeline(augment, shape[1:]))
    loader = DataLoader(images, BATCH, num_workers=2, persistent_workers=True)  # the warm-up starts the workers

    def ours() -> None:
        for batch in dataset.x.split(BATCH):
            augment(batch, generator)

    times = alternate(ours, lambda: [batch.sum() for batch in loader], repeats)
    few = range(min(n_images, 512))
    used = processor_seconds(lambda: [images[i] for i in few]) / len(few), processor_seconds(ours) / n_images
    return {
        "times_less_processor_time": used[0] / used[1],
        "images_per_s": n_images / times["ours"]["median_s"],
        "peer_images_per_s": n_images / times["peer"]["median_s"],
        "ratio": times["ratio"],
        "times": times,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n_images", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    measure(options.n_images, options.repeats)


def run(quick: bool = False) -> dict:
    """Measure and report."""
    return measure(512 if quick else 8192, 1 if quick else 5)


def measure(n_images: int, repeats: int) -> dict:
    """Every case, with the targets beside."""
    found = {case: compare(*what, n_images, repeats) for case, what in CASES.items()}
    report("augment", {f"{case}_{key}": value for case, figures in found.items() for key, value in figures.items()}, TARGETS)
    return found


if __name__ == "__main__":
    main()
