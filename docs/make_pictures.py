"""The pictures of the README, made from real runs: ``python docs/make_pictures.py``."""

from pathlib import Path

import icon_nb as icon
from icon_nb.animation import side_by_side

HERE = Path(__file__).parent

if __name__ == "__main__":
    runs = [
        icon.run(icon.Config(method="simclr", quiet=True)),
        icon.run(icon.Config(method="supcon", quiet=True)),
        icon.run(icon.Config(method="sne", backbone="mlp", quiet=True)),
    ]
    side_by_side([run.trajectory for run in runs]).save(HERE / "three_methods.gif")
