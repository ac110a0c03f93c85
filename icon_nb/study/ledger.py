"""The ledger run: an entry's experiment over seeds, what came out with its interval, and whether that reproduces the claim."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats
from torch import Tensor

from .. import __version__
from ..data.augment import build_augment, default_augment
from ..data.dataset import Dataset
from ..data.loading import load
from ..errors import demand, nearest
from ..evaluation.probing import alignment, uniformity
from ..evaluation.scores import clustering_accuracy, neighbour_overlap
from ..files import place, write_together
from ..methods.config import Config
from ..methods.recipes import LEDGER, Entry
from ..objective.component import Batch
from ..objective.learned import StudentT
from ..objective.objective import build_objective
from ..objective.supervisory import GaussianJoint
from .run import run
from .table import Spread


@dataclass(frozen=True)
class Reproduction:
    """What came of an entry: for every label one value for each seed; and where, hardware, versions and seconds."""

    entry: Entry
    seeds: tuple[int, ...]
    values: Mapping[str, Sequence[float]]
    where: Mapping[str, object]

    @cached_property
    def checks(self) -> list[tuple[str, str]]:
        """Every condition of the claim, in words, with ``holds``, ``fails`` or ``undecided``."""
        found = []
        for label, target in self.entry.targets.items():
            mean = float(np.mean(self.values[label]))
            words = f"{label}: {mean:.4g}, published {target:g}, within {self.entry.within:g}"
            found.append((words, "holds" if abs(mean - target) <= self.entry.within else "fails"))
        for low, high in self.entry.order:
            mean, half = interval(np.subtract(self.values[high], self.values.get(low, low)))
            words = f"{high} exceeds {low if isinstance(low, str) else f'{low:g}'} by {mean:.3g} ± {half:.2g}, seed by seed"
            found.append((words, "fails" if mean <= 0 else "holds" if mean > half else "undecided"))
        return found

    @property
    def verdict(self) -> str:
        found = {result for _, result in self.checks}
        return "not reproduced" if "fails" in found else "undecided" if "undecided" in found else "reproduced"

    def __str__(self) -> str:
        entry, where = self.entry, self.where
        rows = ["| condition | published | ours | n |", "| --- | --- | --- | --- |"]
        for label, values in self.values.items():
            mean, half = interval(values)
            rows.append(f"| {label} | {entry.targets.get(label, '')} | {mean:.4g} ± {half:.2g} | {len(values)} |")
        versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
        parts = (
            f"# {entry.name}: {self.verdict}",
            f"**Claim.** {entry.claim} ({entry.source})",
            f"**What counts, said before the run.** {entry.counts}",
            f"**Otherwise than there.** {entry.differs}",
            f"Measured: {entry.measured}. ± is a 95 % interval over {len(self.seeds)} seeds.",
            "\n".join(rows),
            "\n".join(f"- {result}: {words}." for words, result in self.checks),
            f"On {where['hardware']}, {where['seconds']:.0f} seconds. {versions}.",
            f"`icon-nb reproduce {entry.name} --seeds {','.join(map(str, self.seeds))}`",
        )
        return "\n\n".join(parts) + "\n"

    def save(self, folder) -> list[Path]:
        """Write ``NAME.md``, the page, and ``NAME.json``, all values and settings."""
        about = {"verdict": self.verdict, "seeds": self.seeds, "values": self.values, "checks": self.checks, **self.where}
        text = json.dumps(asdict(self.entry) | about, indent=2, ensure_ascii=False) + "\n"
        path = place(folder) / self.entry.name
        return write_together({path.with_suffix(".md"): str(self).encode(), path.with_suffix(".json"): text.encode()})


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the half width of its 95 % interval by Student's t, infinite for a single value."""
    spread = Spread.of(values)
    half = stats.t.ppf(0.975, spread.n - 1) * spread.deviation / spread.n**0.5 if spread.n > 1 else np.inf
    return spread.mean, float(half)


def reproduce(name: str, *, seeds: Iterable[int] | None = None, data_dir=None) -> Reproduction:
    """Run an entry of :data:`icon_nb.methods.recipes.LEDGER`, on its own number of seeds where none are given.

    ``data_dir`` is the folder that holds the data files, where the data are not bundled.
    """
    demand(name in LEDGER, f"{name!r} is not in the ledger; {nearest(name, LEDGER)}")
    entry, start = LEDGER[name], time.perf_counter()
    seeds = tuple(range(entry.seeds) if seeds is None else seeds)
    found = [EXPERIMENTS[entry.does](entry, seed, data_dir) for seed in seeds]
    cpu = f"{platform.machine()} CPU, {torch.get_num_threads()} of {os.cpu_count()} cores"
    where = {
        "hardware": torch.cuda.get_device_name() if torch.cuda.is_available() else cpu,
        "versions": {"icon_nb": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "seconds": round(time.perf_counter() - start, 1),
    }
    return Reproduction(entry, seeds, {label: [each[label] for each in found] for label in found[0]}, where)


# The experiments: each takes an entry, a seed and where the data are, and gives a value for every label


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
        objective, generator = build_objective(Config(**settings)), torch.Generator().manual_seed(seed)
        bias = int(settings["method"] == "cross_entropy")
        seen, seen_test = (torch.nn.functional.pad(each, (0, bias), value=1.0) for each in (x, x_test))
        rows = (torch.randn(data.n_classes, seen.shape[1], generator=generator) / 28).requires_grad_()
        optimizer = torch.optim.AdamW([rows], lr=entry.shared["learning_rate"])
        for _ in range(entry.shared["epochs"]):
            for index in torch.randperm(len(x), generator=generator).split(entry.shared["batch_size"]):
                optimizer.zero_grad()
                objective(Batch(index, y=data.y[index], n_classes=data.n_classes), seen[index], rows).backward()
                optimizer.step()
        with torch.no_grad():
            found[label] = 100 * float((objective.learned(seen_test, rows).argmax(1) == data.y_test).float().mean())
    return found


def spectrum(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    r"""Neighbours that a t-SNE map keeps under :math:`-\rho \sum_{ij} P_{ij} \log w_{ij} + \log \sum_{ij} w_{ij}`."""
    data = _load(entry, seed, data_dir)
    x = data.flat(data.x)
    p = GaussianJoint(entry.shared["perplexity"])(Batch(torch.arange(len(x)), x))
    u, s, _ = np.linalg.svd(x.numpy() - x.numpy().mean(0), full_matrices=False)
    principal = (u[:, :2] * s[:2] / s[0]).astype(np.float32)  # at the scale of a map that is not yet unfolded
    start, kernel = torch.from_numpy(principal), StudentT()

    def loss(z: Tensor, rho: float) -> Tensor:
        log_w = kernel.logits(z).flatten()  # -inf for a point with itself, where p is 0
        return log_w.logsumexp(0) - rho * (p.flatten() * log_w.masked_fill(p.flatten() == 0, 0)).sum()

    def kept(exaggeration: float) -> float:
        z, _ = descend(lambda z: loss(z, exaggeration), start, entry.shared["steps"], entry.shared["learning_rate"])
        return neighbour_overlap(x.numpy(), z.numpy())

    return {label: kept(settings["exaggeration"]) for label, settings in entry.conditions.items()}


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

    def spike(settings: Mapping) -> float:
        objective = build_objective(Config(method="sne", perplexity=entry.shared["perplexity"], **settings))
        target = objective.target(batch)
        steps, rate = entry.shared["steps"], entry.shared["learning_rate"]
        _, norms = descend(lambda z: objective.loss(target, [(z, None)]), start, steps, rate)
        around = sliding_window_view(norms, 41)  # twenty before, itself, twenty after
        usual = np.maximum(np.median(around[:, :20], axis=1), np.median(around[:, 21:], axis=1))
        return float((norms[20:-20] / usual).max())

    return {label: spike(settings) for label, settings in entry.conditions.items()}


def clusters_of_features(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    """Share of held-out points in the right cluster, of clusters on the features of a SimCLR network trained first."""
    shared = dict(entry.shared)
    encoder = run(method="simclr", dataset=shared.pop("dataset"), seed=seed, probe=False, quiet=True)
    data = encoder.data()
    x, x_test = (torch.from_numpy(encoder.embed(each)) for each in (data.x, data.x_test))
    features = Dataset(f"{data.name} features", x, data.y, x_test, data.y_test)
    general = {"dataset": features, "seed": seed, "probe": False, "quiet": True, **shared}
    clusters = {label: run(Config(**general | settings)).embed(x_test).argmax(1) for label, settings in entry.conditions.items()}
    return {label: clustering_accuracy(found, data.y_test) for label, found in clusters.items()}


def plane(entry: Entry, seed: int, data_dir: str | None) -> dict[str, float]:
    """Over the encoders: the rank correlation of kNN accuracy with minus the alignment and the uniformity of two views."""
    points = []
    for result in _runs(entry, seed, data_dir).values():
        data, generator = result.data(), torch.Generator().manual_seed(seed)
        draw = build_augment(default_augment(data), data)
        with torch.inference_mode():
            first, second = (result.backbone.eval()(draw(data.x_test, generator)).numpy() for _ in range(2))
        points.append((result.scores["knn"], alignment(first, positives=second), uniformity(first)))
    knn, aligned, uniform = map(np.array, zip(*points))
    losses = {"alignment": aligned, "uniformity": uniform, "alignment + uniformity": aligned + uniform}
    return {label: float(stats.spearmanr(knn, -loss).statistic) for label, loss in losses.items()}


EXPERIMENTS = {
    each.__name__: each for each in (scores, linear_classifier, spectrum, gradient_spikes, clusters_of_features, plane)
}
"""What an entry of the ledger may name as what it ``does``."""
