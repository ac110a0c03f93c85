"""The experiments of the ledger: each takes an entry, a seed and where the data are, and gives a value for every label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from ..data.augment import build_augment, default_augment
from ..data.dataset import Dataset
from ..data.loading import load
from ..evaluation.embedding import alignment, uniformity
from ..evaluation.scores import clustering_accuracy, neighbour_overlap
from ..methods.config import Config
from ..methods.ledger import Entry
from ..objective.batch import Batch
from ..objective.learned import StudentT
from ..objective.objective import Objective, build_objective
from ..objective.supervisory import GaussianJoint
from .run import run


def scores(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    """Train every condition, and give the entry's score of each."""
    return {label: result.scores[entry.score] for label, result in _runs(entry, seed, data_dir).items()}


def _runs(entry: Entry, seed: int, data_dir: str | None) -> dict:
    where = {} if data_dir is None else {"data_dir": data_dir}
    general = {"seed": seed, "probe": False, "quiet": True, **where, **entry.shared}
    return {label: run(Config(**general | settings)) for label, settings in entry.conditions.items()}


def _load(entry: Entry, seed: int, data_dir: str | None) -> Dataset:
    return load(entry.shared["dataset"], data_dir, entry.shared.get("n_samples"), seed, download=False)


def linear_classifier(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    """Test accuracy in percent of one layer from pixels to classes: its rows are the candidates of q, the pixels the anchors."""
    data, found = _load(entry, seed, data_dir), {}
    x, x_test = (pixels.flatten(1) / 255 for pixels in (data.x, data.x_test))
    for label, settings in entry.conditions.items():
        objective = build_objective(Config(**settings))
        bias = settings["method"] == "cross_entropy"
        seen = [torch.nn.functional.pad(each, (0, 1), value=1.0) if bias else each for each in (x, x_test)]
        found[label] = 100 * _classify(objective, data, *seen, seed, entry.shared)
    return found


def _classify(objective: Objective, data: Dataset, x: Tensor, x_test: Tensor, seed: int, shared) -> float:
    generator = torch.Generator().manual_seed(seed)
    rows = (torch.randn(data.n_classes, x.shape[1], generator=generator) / 28).requires_grad_()
    optimizer = torch.optim.AdamW([rows], lr=shared["learning_rate"])
    for _ in range(shared["epochs"]):
        for index in torch.randperm(len(x), generator=generator).split(shared["batch_size"]):
            optimizer.zero_grad()
            objective(Batch(index, y=data.y[index], n_classes=data.n_classes), x[index], rows).backward()
            optimizer.step()
    with torch.no_grad():
        return float((objective.learned(x_test, rows).argmax(1) == data.y_test).float().mean())


def spectrum(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    r"""Neighbours that a t-SNE map keeps under :math:`-\rho \sum_{ij} P_{ij} \log w_{ij} + \log \sum_{ij} w_{ij}`."""
    data = _load(entry, seed, data_dir)
    x = data.flat(data.x)
    p = GaussianJoint(entry.shared["perplexity"])(Batch(torch.arange(len(x)), x))
    start, kernel = torch.from_numpy(_principal(x.numpy())), StudentT()

    def loss(z: Tensor, rho: float) -> Tensor:
        log_w = kernel.logits(z).flatten()  # -inf for a point with itself, where p is 0
        return log_w.logsumexp(0) - rho * (p.flatten() * log_w.masked_fill(p.flatten() == 0, 0)).sum()

    found = {}
    for label, settings in entry.conditions.items():
        z, _ = descend(lambda z: loss(z, settings["exaggeration"]), start, entry.shared["steps"], entry.shared["learning_rate"])  # noqa: B023
        found[label] = neighbour_overlap(x.numpy(), z.numpy())
    return found


def _principal(x: np.ndarray) -> np.ndarray:
    """The first two principal components, at the scale of a map that is not yet unfolded."""
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    return (u[:, :2] * s[:2] / s[0]).astype(np.float32)


def descend(loss: Callable[[Tensor], Tensor], start: Tensor, steps: int, learning_rate: float) -> tuple[Tensor, np.ndarray]:
    """Adam on free points: where they end (n, d), and the norm of the gradient at every step (steps,)."""
    z, norms = start.clone().requires_grad_(), []
    optimizer = torch.optim.Adam([z], lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(z).backward()
        norms.append(float(z.grad.norm()))
        optimizer.step()
    return z.detach(), np.array(norms)


def gradient_spikes(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    """How far the norm of a gradient of SNE stands out from the twenty before it and the twenty after, at most."""
    data = _load(entry, seed, data_dir)
    batch = Batch(torch.arange(len(data)), data.flat(data.x))
    start = torch.randn(len(data), 2, generator=torch.Generator().manual_seed(seed))
    found = {}
    for label, settings in entry.conditions.items():
        objective = build_objective(Config(method="sne", perplexity=entry.shared["perplexity"], **settings))
        target = objective.target(batch)
        loss = lambda z: objective.loss(target, [(z, None)])  # noqa: B023, E731
        _, norms = descend(loss, start, entry.shared["steps"], entry.shared["learning_rate"])
        around = sliding_window_view(norms, 41)  # twenty before, itself, twenty after
        usual = np.maximum(np.median(around[:, :20], axis=1), np.median(around[:, 21:], axis=1))
        found[label] = float((norms[20:-20] / usual).max())
    return found


def clusters_of_features(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    """Share of held-out points in the right cluster, of clusters on the features of a SimCLR network trained first."""
    shared = dict(entry.shared)
    encoder = run(method="simclr", dataset=shared.pop("dataset"), seed=seed, probe=False, quiet=True)
    data = encoder.data()
    x, x_test = (torch.from_numpy(encoder.embed(each)) for each in (data.x, data.x_test))
    features = Dataset(f"{data.name} features", x, data.y, x_test, data.y_test)
    found = {}
    for label, settings in entry.conditions.items():
        clusters = run(Config(dataset=features, seed=seed, probe=False, quiet=True, **shared | settings)).embed(x_test).argmax(1)
        found[label] = clustering_accuracy(clusters, data.y_test)
    return found


def plane(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    """Over the encoders: the rank correlation of kNN accuracy with minus the alignment and the uniformity of two views."""
    from scipy.stats import spearmanr

    points = []
    for result in _runs(entry, seed, data_dir).values():
        data, generator = result.data(), torch.Generator().manual_seed(seed)
        draw = build_augment(default_augment(data), data)
        with torch.inference_mode():
            first, second = (result.backbone.eval()(draw(data.x_test, generator)).numpy() for _ in range(2))
        points.append((result.scores["knn"], alignment(first, positives=second), uniformity(first)))
    knn, aligned, uniform = map(np.array, zip(*points))
    losses = {"alignment": aligned, "uniformity": uniform, "alignment + uniformity": aligned + uniform}
    return {label: float(spearmanr(knn, -loss).statistic) for label, loss in losses.items()}
