"""How fast an animation is drawn and encoded, how large it is, and how steady t-SNE is between epochs.

The peer of the drawing is what one writes first: a new figure for every epoch, ``savefig`` to PNG, and imageio's default GIF.
The peer of t-SNE is an independent fit of every epoch. Both are taken in the same run: ``python -m benchmarks.animation``.
"""

from __future__ import annotations

import argparse
from io import BytesIO

import imageio.v3 as iio
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE, trustworthiness

from benchmarks.harness import alternate, clock, report
from icon_nb.animation import animate
from icon_nb.animation.palette import class_color
from icon_nb.animation.projection import fit_projection, procrustes
from icon_nb.evaluation.trajectory import Trajectory

TARGETS = {
    "render_and_encode_s": "at most 0.35 on 2 free cores",
    "times_faster_than_new_figures": "at least 10",
    "kib_a_frame": "at most 7",
    "same_bytes_again": "True",
    "tsne_s": "at most 40 (20 epochs x 2,000 points)",
    "tsne_times_steadier": "at least 4",
}


def learning(n_frames: int, n: int, d: int = 64, classes: int = 10, seed: int = 0) -> Trajectory:
    """Points that leave one cloud for a cluster per class while they jitter: what a run that learns looks like."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    centres = rng.normal(size=(classes, d)) * 2
    start, end = rng.normal(size=(n, d)), centres[labels] + rng.normal(size=(n, d)) * 0.6
    s = 1 / (1 + np.exp(-np.linspace(-4, 4, n_frames)))[:, None, None]
    jitter = rng.normal(size=(n_frames, n, d)).cumsum(0) * 0.05
    z = ((1 - s) * start + s * end + jitter).astype(np.float32)
    metrics = {"loss": np.linspace(2, 1, n_frames), "knn_accuracy": np.linspace(0.1, 0.9, n_frames)}
    return Trajectory(z, np.arange(n_frames), labels, tuple(map(str, range(classes))), metrics, title="made-up run")


def new_figures(points: np.ndarray, labels: np.ndarray, size: int = 500) -> bytes:
    """One fresh figure an epoch, through PNG, into imageio's default GIF."""
    low, high = points.min((0, 1)), points.max((0, 1))
    frames = []
    for epoch, xy in enumerate(points):
        figure = Figure(figsize=(size / 100, size / 100), dpi=100)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for c in np.unique(labels):
            axes.scatter(*xy[labels == c].T, s=6, color=class_color(int(c)), label=str(c))
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=f"epoch {epoch}", xticks=[], yticks=[])
        axes.legend()
        out = BytesIO()
        figure.savefig(out, format="png")
        frames.append(iio.imread(out.getvalue(), extension=".png")[..., :3])
    return iio.imwrite("<bytes>", frames, extension=".gif", duration=100, loop=0)


def drawing(n_frames: int, n: int, repeats: int) -> dict:
    """Projection, drawing and encoding of one animation against new figures for the same points."""
    t = learning(n_frames, n)
    points = fit_projection(t).coordinates(t)
    timing = alternate(lambda: animate(t).to_bytes(), lambda: new_figures(points, t.labels), n=repeats)
    data = animate(t).to_bytes()
    return {
        "frames": n_frames,
        "points": n,
        "render_and_encode_s": timing["ours"]["median_s"],
        "times_faster_than_new_figures": timing["ratio"],
        "kib_a_frame": len(data) / 1024 / n_frames,
        "peer_kib_a_frame": len(new_figures(points, t.labels)) / 1024 / n_frames,
        "same_bytes_again": data == animate(t).to_bytes(),
        "drawing": timing,
    }


def mean_step(maps: np.ndarray) -> float:
    """Mean movement of a point between frames, after each is turned onto the one before, in units of the maps' own size."""
    steps = []
    for before, after in zip(maps[:-1], maps[1:]):
        before, after = (m - m.mean(0) for m in (before, after))
        before, after = (m / np.sqrt((m**2).sum(1).mean()) for m in (before, after))
        steps.append(np.linalg.norm(after @ procrustes(after, before) - before, axis=1).mean())
    return float(np.mean(steps))


def digits_learning(n_frames: int, n: int) -> Trajectory:
    """Images of digits, slowly pulled towards the mean of their class: real neighbourhoods that sharpen."""
    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    pick = rng.integers(0, len(x), n)
    x, y = (x[pick] + rng.normal(size=(n, 64))) / 16, y[pick]
    means = np.stack([x[y == c].mean(0) for c in range(10)])[y]
    pull = np.linspace(0, 0.5, n_frames)[:, None, None]
    return Trajectory(((1 - pull) * x + pull * means).astype(np.float32), np.arange(n_frames), y)


def tsne(n_frames: int, n: int, peers: int) -> dict:
    """Time and steadiness of chained t-SNE. The peer fits the first ``peers`` epochs, where the chain ends, independently."""
    t, chained = digits_learning(n_frames, n), []
    seconds = clock(lambda: chained.append(fit_projection(t, "tsne").coordinates(t)))
    independent = np.stack([TSNE(2, random_state=k).fit_transform(z) for k, z in enumerate(t.embeddings[:peers])])
    ours = mean_step(chained[0][:peers])
    faithful = [
        np.mean([trustworthiness(z, m, n_neighbors=10) for z, m in zip(t.embeddings[:peers], maps)])
        for maps in (chained[0][:peers], independent)
    ]
    return {
        "tsne_epochs": n_frames,
        "tsne_points": n,
        "tsne_s": seconds,
        "tsne_step": ours,
        "tsne_independent_step": mean_step(independent),
        "tsne_times_steadier": mean_step(independent) / ours,
        "tsne_trustworthiness": float(faithful[0]),
        "tsne_independent_trustworthiness": float(faithful[1]),
    }


def run(quick: bool = False) -> dict:
    """Measure and report; ``quick`` uses fewer frames and points."""
    drawn = drawing(10, 300, 1) if quick else drawing(60, 2000, 5)
    figures = {**drawn, **(tsne(4, 200, 3) if quick else tsne(20, 2000, 5))}
    report("animation", figures, TARGETS)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    run(parser.parse_args().quick)
