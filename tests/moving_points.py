"""Trajectories for the tests of what is drawn: cheap, seeded, with every attribute a real run has."""

from functools import partial
from io import BytesIO

import numpy as np
from PIL import Image

from icon_nb import animation
from icon_nb.evaluation.trajectory import Trajectory

animate, side_by_side = (partial(each, tween=0) for each in (animation.animate, animation.side_by_side))
"""The same with one frame for each recorded epoch, where a test counts frames."""


def run(T=5, n=40, d=8, classes=3, seed=0, **more):
    """n points that wander for T epochs in d dimensions; keywords replace attributes."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(T, n, d)).cumsum(0).astype(np.float32)
    metrics = {"loss": np.r_[np.nan, np.linspace(2, 1, T - 1)], "knn_accuracy": np.linspace(0.3, 0.9, T)}
    about = {"labels": np.arange(n) % classes, "class_names": tuple(map(str, range(classes)))}
    return Trajectory(z, np.arange(T), **{**about, "metrics": metrics, "title": "simclr on digits", **more})


def drawn_anew(painter, frame):
    """A frame without a copy of the still picture."""
    for artist in painter.artists:
        artist.set_animated(False)
    for part in painter.parts:
        part.update(frame)
    painter.canvas.agg.draw()
    return painter.canvas.pixels()


def decode(data):
    """Frames (RGB), durations and the header of an animated file."""
    image = Image.open(BytesIO(data))
    frames, durations = [], []
    for k in range(getattr(image, "n_frames", 1)):
        image.seek(k)
        frames.append(np.asarray(image.convert("RGB")))
        durations.append(image.info.get("duration"))
    return frames, durations, image.info
