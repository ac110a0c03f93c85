"""The pictures of the README, made from real runs: ``python docs/make_pictures.py``."""

from pathlib import Path

import matplotlib
import torch

import icon_nb as icon
from icon_nb.data.augment import build_augment

HERE = Path(__file__).parent


def first_minute() -> None:
    """The default run, with the pictures themselves at some points."""
    run = icon.run(quiet=True)
    run.animate(thumbnails=36, overlay="loss", size=(620, 560), title="SimCLR on moving digits, no labels").save(
        HERE / "first_minute.gif"
    )


def views(n: int = 8) -> None:
    """Some pictures, and the two views of each that p joins."""
    from matplotlib import pyplot

    data = icon.data.load("moving_digits")
    augment = build_augment("affine", data)
    pairs = [augment(data.x[:n], torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    figure, axes = pyplot.subplots(3, n, figsize=(8, 3))
    for line, name, pictures in zip(axes, ("picture", "view 1", "view 2"), (data.x[:n].float(), *pairs)):
        line[0].set_ylabel(name)
        for ax, picture in zip(line, pictures):
            ax.imshow(picture[0], cmap="gray")
            ax.set(xticks=[], yticks=[])
    figure.tight_layout()
    figure.savefig(HERE / "views.png", dpi=100)


if __name__ == "__main__":
    matplotlib.use("agg")
    first_minute()
    views()
