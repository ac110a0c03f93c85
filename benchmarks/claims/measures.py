"""What the claims measure on a run: settings, the seed among them -> name -> number."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import torch
from icon_nb.distances import metric_of
from icon_nb.evaluate import clustering_accuracy, knn_accuracy, neighbourhood_preservation, separability

import icon_nb as icon
from icon_nb import dynamics

data_of = functools.cache(icon.data.load)


def trained(settings: dict):
    """A run with these settings, and nothing drawn."""
    return icon.run(**settings, quiet=True, probe=False)


def knn(run) -> float:
    """The share of held-out points whose five nearest held-out neighbours vote for their class."""
    return run.history["knn_accuracy"][-1]


def shifted(run) -> float:
    """The share of held-out digits that, shifted by a pixel, have neighbours of their class among the unshifted ones."""
    data, metric = run.data(), metric_of(run.config.distance)
    moved = torch.roll(data.x_test, 1, dims=-1)
    bank = {"bank": run.embed(data.x_test), "bank_labels": data.y_test}
    return knn_accuracy(run.embed(moved), data.y_test, metric=metric, **bank)


def accuracy(settings: dict) -> dict:
    """kNN accuracy of the held-out points before and after training."""
    history = trained(settings).history["knn_accuracy"]
    return {"kNN accuracy untrained": history[0], "kNN accuracy trained": history[-1]}


def usual(settings: dict) -> dict:
    """What the lessons of the recipes are about."""
    run = trained(settings)
    z, history, data = run.embeddings, run.history["knn_accuracy"], run.data()
    shown = data.x_test if run.trajectory.held_out.all() else data.x
    return {
        "kNN accuracy untrained": history[0],
        "kNN accuracy": history[-1],
        "loss": run.history["loss"][-1],
        "effective rank": dynamics.effective_rank(z),
        "uniformity": dynamics.uniformity(z),
        "separability": separability(z, run.labels),
        "neighbours kept": neighbourhood_preservation(shown, z),
    }


def accuracy_alone(settings: dict) -> dict:
    """kNN accuracy after training."""
    return {"kNN accuracy": knn(trained(settings))}


def robustness(settings: dict) -> dict:
    """kNN accuracy of digits as they are, and of digits shifted by a pixel."""
    run = trained(settings)
    return {"kNN accuracy": knn(run), "shifted": shifted(run)}


@functools.cache
def two_halves():
    """The digits with two labels only: 0 to 4, and 5 to 9."""
    digits = data_of("digits")
    coarse = {"y": digits.y // 5, "y_test": digits.y_test // 5, "class_names": ("0-4", "5-9")}
    return dataclasses.replace(digits, name="two halves", **coarse)


def ten_from_two(settings: dict) -> dict:
    """kNN accuracy for the ten digits after training on two classes."""
    run = trained({**settings, "data": two_halves()})
    return {"ten digits": knn_accuracy(run.embeddings, data_of("digits").y_test, metric=metric_of(run.config.distance))}


def sphere(settings: dict) -> dict:
    """What a temperature does to an embedding."""
    run = trained(settings)
    z = run.embeddings
    return {
        "alignment": dynamics.alignment(z, run.labels),
        "uniformity": dynamics.uniformity(z),
        "effective rank": dynamics.effective_rank(z),
        "kNN accuracy": knn(run),
    }


def fit_of_a_map(settings: dict) -> dict:
    """How well the q of a map fits its p, and how its classes lie."""
    run = trained(settings)
    return {"loss": run.history["loss"][-1], "separability": separability(run.embeddings, run.labels), "kNN accuracy": knn(run)}


def graininess(points: np.ndarray, seed: int) -> float:
    """Mean distance to the nearest neighbour over that of as many points thrown at random into the same hull, 20 times."""
    from scipy.spatial import Delaunay, cKDTree

    def nearest(cloud: np.ndarray) -> float:
        return float(cKDTree(cloud).query(cloud, 2)[0][:, 1].mean())

    n, throws = len(points), 20
    box = np.random.default_rng(seed).uniform(points.min(0), points.max(0), (10 * throws * n, points.shape[1]))
    inside = box[Delaunay(points).find_simplex(box) >= 0][: throws * n]
    return nearest(points) / float(np.mean([nearest(cloud) for cloud in inside.reshape(throws, n, -1)]))


def clumps_in_noise(settings: dict) -> dict:
    """How clumpy a map of pure noise is: below 1, points lie nearer to their nearest neighbour than points thrown at random."""
    noise = np.random.default_rng(settings["seed"]).normal(size=(300, 20)).astype(np.float32)
    drawn = trained({**settings, "data": noise}).embeddings
    grain = graininess(drawn, settings["seed"])
    return {"nearest neighbour, 1 is random": grain, "neighbours kept": neighbourhood_preservation(noise, drawn)}


def cap(settings: dict) -> dict:
    """How far the points spread over the sphere: the angle of the farthest point from the mean direction."""
    run = trained(settings)
    z = torch.nn.functional.normalize(torch.as_tensor(run.embeddings), dim=1)
    mean = z.mean(0)
    farthest = math.degrees(float((z @ mean / mean.norm()).min().clamp(-1, 1).acos()))
    return {"kNN accuracy": knn(run), "length of the mean": float(mean.norm()), "farthest point (degrees)": farthest}


def rank(settings: dict) -> dict:
    """Dimensions used, and kNN accuracy."""
    run = trained(settings)
    return {"effective rank": dynamics.effective_rank(run.embeddings), "kNN accuracy": knn(run)}


def clusters(settings: dict) -> dict:
    """The share of held-out digits in the right cluster, under the best matching of clusters and digits."""
    run = trained(settings)
    data = run.data()
    return {"held-out accuracy": clustering_accuracy(run.embed(data.x_test).argmax(1), data.y_test)}


def clusters_of_pixels(settings: dict) -> dict:
    """The same for scikit-learn's k-means on the pixels, ten restarts."""
    from sklearn.cluster import KMeans

    data = data_of("digits")
    fitted = KMeans(10, n_init=10, random_state=settings["seed"]).fit(data.flat(data.x).numpy())
    return {"held-out accuracy": clustering_accuracy(fitted.predict(data.flat(data.x_test).numpy()), data.y_test)}


def clusters_or_pixels(settings: dict) -> dict:
    """k-means on the pixels where no method is given."""
    return clusters(settings) if "method" in settings else clusters_of_pixels(settings)


def retrieval(settings: dict) -> dict:
    """How often a held-out picture finds its own sentence, and a sentence with the right digit."""
    from icon_nb.training.model import build_model, other_side

    run = trained(settings)
    data, model = run.data(), build_model(run.config, run.data())
    model.load_state_dict(run.state)
    with torch.no_grad():
        w = torch.nn.functional.normalize(model.eval().other(other_side(data).inputs(data.pair_test)))
    s = torch.nn.functional.normalize(torch.as_tensor(run.embed(data.x_test))) @ w.T
    own = torch.arange(len(s))[:, None]
    hits = {f"R@{k}": float((s.topk(k, 1).indices == own).any(1).float().mean()) for k in (1, 5)}
    return {**hits, "right digit": float((data.y_test[s.argmax(1)] == data.y_test).float().mean())}
